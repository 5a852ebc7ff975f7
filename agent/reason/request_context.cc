#include "agent/reason/request_context.h"

#include <utility>

namespace weir {

namespace {

Status Unreadable() {
  return Err(ErrorCode::kAgentBadReply, "the context of the request cannot be read");
}

bool TakeMap(const Value& context, std::string_view name, Value* out) {
  const Value* found = context.Get(name);
  *out = found == nullptr ? Value::MakeMap({}) : *found;
  return out->kind() == Value::Kind::kMap;
}

}  // namespace

StatusOr<RequestContext> ParseContext(const AgentRequest& request) {
  const StatusOr<Value> context = ParseJson(request.context_json);
  if (!context.ok() || context->kind() != Value::Kind::kMap) return Unreadable();
  RequestContext out;
  const bool good = TakeMap(*context, "event", &out.event) &&
                    TakeMap(*context, "signature", &out.signature) &&
                    TakeMap(*context, "novelty", &out.novelty);
  if (!good) return Unreadable();
  return out;
}

const SchemaPtr& ContextSchema() {
  static const SchemaPtr schema = MakeSchema({{"event", {TypeKind::kJson, {}}, false},
                                              {"signature", {TypeKind::kJson, {}}, false},
                                              {"novelty", {TypeKind::kJson, {}}, false},
                                              {"event_time", {TypeKind::kTimestamp, {}}, false},
                                              {"job", {TypeKind::kString, {}}, false},
                                              {"operator", {TypeKind::kString, {}}, false},
                                              {"signature_text", {TypeKind::kString, {}}, false}});
  return schema;
}

StatusOr<RecordBatch> MakeContextRow(const AgentRequest& request) {
  WEIR_ASSIGN_OR_RETURN(RequestContext context, ParseContext(request));
  const SchemaPtr& schema = ContextSchema();
  RecordBatch batch(schema);
  const Value values[] = {std::move(context.event),        std::move(context.signature),
                          std::move(context.novelty),      Value::Timestamp(request.event_time_ms),
                          Value::String(request.job),      Value::String(request.operator_uid),
                          Value::String(request.signature)};
  for (int i = 0; i < schema->size(); ++i) {
    WEIR_RETURN_IF_ERROR(AppendValue(values[i], schema->field(i), &batch.column(i)));
  }
  batch.AppendMeta(request.event_time_ms, Origin{}, 0);
  return batch;
}

}  // namespace weir
