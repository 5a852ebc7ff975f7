#include "agent/decision.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "agent/rule_proto.h"
#include "weir/agent/v1/decision.pb.h"
#include "weir/agent/v1/rule.pb.h"

namespace weir {

namespace {

Status Malformed(std::string_view what) {
  return Err(ErrorCode::kAgentBadReply, absl::StrCat("not a decision: ", ToAbsl(what)));
}

StatusOr<Decision> FromProto(const agent::v1::Decision& in) {
  Decision d;
  d.request_id = in.request_id();
  d.seq = in.seq();
  d.key = in.key();
  d.verdict = in.verdict();
  d.reason = in.reason();
  d.action = in.action();
  d.agent = in.agent();
  d.attempt = in.attempt();
  d.event_time_ms = in.event_time_ms();
  d.asked_ms = in.asked_ms();
  d.decided_ms = in.decided_ms();
  if (in.source() != agent::v1::DECISION_SOURCE_AGENT &&
      in.source() != agent::v1::DECISION_SOURCE_FAILSAFE) {
    return Malformed("unknown source");
  }
  d.source = static_cast<Decision::Source>(in.source());
  if (in.has_rule()) {
    WEIR_ASSIGN_OR_RETURN(d.rule, RuleFromProto(in.rule()));
  }
  if (d.request_id.empty() || d.verdict.empty()) return Malformed("no request id or verdict");
  return d;
}

}  // namespace

void DecisionToProto(const Decision& d, agent::v1::Decision* out) {
  out->set_request_id(d.request_id);
  out->set_seq(d.seq);
  out->set_key(d.key);
  out->set_verdict(d.verdict);
  out->set_reason(d.reason);
  out->set_source(static_cast<agent::v1::DecisionSource>(d.source));
  if (d.rule) RuleToProto(*d.rule, out->mutable_rule());
  out->set_action(d.action);
  out->set_agent(d.agent);
  out->set_attempt(d.attempt);
  out->set_event_time_ms(d.event_time_ms);
  out->set_asked_ms(d.asked_ms);
  out->set_decided_ms(d.decided_ms);
}

std::string DecisionToLine(const Decision& decision) {
  agent::v1::Decision proto;
  DecisionToProto(decision, &proto);
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string line;
  const auto status = google::protobuf::util::MessageToJsonString(proto, &line, options);
  WEIR_CHECK(status.ok(), "a decision must print as JSON");
  return line;
}

StatusOr<Decision> DecisionFromLine(std::string_view line) {
  agent::v1::Decision proto;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // a newer version may have written more
  const auto status =
      google::protobuf::util::JsonStringToMessage({line.data(), line.size()}, &proto, options);
  if (!status.ok()) return Malformed("not proto3 JSON");
  return FromProto(proto);
}

std::string DecisionToBytes(const Decision& decision) {
  agent::v1::Decision proto;
  DecisionToProto(decision, &proto);
  return proto.SerializeAsString();
}

StatusOr<Decision> DecisionFromBytes(std::string_view bytes) {
  agent::v1::Decision proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Malformed("not a protobuf message");
  }
  return FromProto(proto);
}

}  // namespace weir
