#include "connectors/format/formats.h"

#include <utility>

#include "connectors/format/json_decoder.h"

namespace weir {
namespace {

class JsonFormatDecoder : public RecordDecoder {
 public:
  explicit JsonFormatDecoder(SchemaPtr schema) : decoder_(std::move(schema)) {}
  Status Decode(std::string_view bytes, RecordBatch* batch) override {
    return decoder_.Decode(bytes, batch);
  }

 private:
  JsonDecoder decoder_;
};

class RawDecoder : public RecordDecoder {
 public:
  Status Decode(std::string_view bytes, RecordBatch* batch) override {
    batch->column(0).AppendString(bytes);
    for (int i = 1; i < batch->width(); ++i) batch->column(i).AppendNull();
    return absl::OkStatus();
  }
};

Status CheckRawSchema(const Schema& schema) {
  const TypeKind kind = schema.size() > 0 ? schema.field(0).type.kind : TypeKind::kInt64;
  if (kind != TypeKind::kString && kind != TypeKind::kBytes) {
    return Err(ErrorCode::kPlanSchema, "format 'raw' needs a string or bytes field first");
  }
  for (int i = 1; i < schema.size(); ++i) {
    if (schema.field(i).nullable) continue;
    return Err(ErrorCode::kPlanSchema, "format 'raw' leaves '" + schema.field(i).name +
                                           "' null, but the schema does not allow that");
  }
  return absl::OkStatus();
}

std::optional<FormatPlan> PlanRaw(const FormatContext& context) {
  const Status status = context.use == FormatUse::kRead
                            ? CheckRawSchema(*context.schema)
                            : Err(ErrorCode::kConfigBadValue, "format 'raw' can only be read");
  if (!status.ok()) {
    context.errors->Add("format", status);
    return std::nullopt;
  }
  FormatPlan plan;
  plan.new_decoder = []() -> StatusOr<std::unique_ptr<RecordDecoder>> {
    return std::make_unique<RawDecoder>();
  };
  return plan;
}

// What writes JSON needs no plan: it is what a sink does by itself.
std::optional<FormatPlan> PlanJson(const FormatContext& context) {
  FormatPlan plan;
  if (context.use == FormatUse::kWrite) return plan;
  plan.new_decoder = [schema = context.schema]() -> StatusOr<std::unique_ptr<RecordDecoder>> {
    return std::make_unique<JsonFormatDecoder>(schema);
  };
  return plan;
}

}  // namespace

FormatType JsonFormat() {
  return {"json", "One JSON object a record; unknown fields are skipped.", PlanJson};
}

FormatType RawFormat() {
  return {"raw", "The whole record as text or bytes in the first field.", PlanRaw};
}

}  // namespace weir
