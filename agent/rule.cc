#include "agent/rule.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "agent/fail_safe.h"
#include "agent/rule_proto.h"
#include "engine/base/bytes.h"
#include "engine/base/fail_point.h"
#include "engine/base/hash.h"
#include "weir/agent/v1/rule.pb.h"

namespace weir {

namespace {

using google::protobuf::util::JsonParseOptions;
using google::protobuf::util::JsonPrintOptions;

// 16 KiB is far above what the validator lets through; a longer line is no rule of ours.
constexpr size_t kMaxRuleBytes = 64 * 1024;

Status Malformed(std::string_view what) {
  return Err(ErrorCode::kRuleInvalid, absl::StrCat("not a rule: ", ToAbsl(what)));
}

}  // namespace

bool Rule::operator==(const Rule& o) const { return RuleToBytes(*this) == RuleToBytes(o); }

std::string MakeRuleId(const Rule& rule) {
  std::string bytes;
  const bool exact = rule.predicate.empty();
  for (const std::string_view part :
       {std::string_view(exact ? "signature" : "predicate"),
        std::string_view(exact ? rule.signature : rule.predicate), std::string_view(rule.action),
        std::string_view(rule.scope)}) {
    PutBigEndian32(&bytes, static_cast<uint32_t>(part.size()));
    bytes.append(part);
  }
  return HexEncode(Sha256(bytes)).substr(0, 16);
}

std::string RuleKey(std::string_view id, int64_t version) {
  return absl::StrCat(ToAbsl(id), "/", absl::StrFormat("%010d", version));
}

bool IsValidFor(const Rule& rule, const RecordBatch& batch, size_t row) {
  const int64_t time = batch.event_time[row];
  if (time > rule.expires_ms) return false;
  if (WEIR_PLANTED_BUG("D14") || WEIR_PLANTED_BUG("B-65")) return true;
  const Origin& a = rule.origin.origin;
  const Origin& b = batch.origin[row];
  if (a.source == b.source && a.partition == b.partition) return b.offset > a.offset;
  return time >= rule.origin.event_time_ms;
}

void RuleToProto(const Rule& rule, agent::v1::Rule* out) {
  out->set_id(rule.id);
  out->set_version(rule.version);
  out->set_predicate(rule.predicate);
  out->set_signature(rule.signature);
  out->set_signature_text(rule.signature_text);
  out->set_action(rule.action);
  out->set_scope(rule.scope);
  agent::v1::RuleOrigin* origin = out->mutable_origin();
  origin->set_source(rule.origin.origin.source);
  origin->set_partition(rule.origin.origin.partition);
  origin->set_offset(rule.origin.origin.offset);
  origin->set_event_time_ms(rule.origin.event_time_ms);
  out->set_expires_ms(rule.expires_ms);
  out->set_request_id(rule.request_id);
  out->set_agent(rule.agent);
  out->set_stage(static_cast<agent::v1::RuleStage>(rule.stage));
  out->set_created_ms(rule.created_ms);
  out->set_reason(rule.reason);
  if (!rule.change) return;
  out->mutable_change()->set_by(rule.change->by);
  out->mutable_change()->set_reason(rule.change->reason);
  out->mutable_change()->set_at_ms(rule.change->at_ms);
}

StatusOr<Rule> RuleFromProto(const agent::v1::Rule& in) {
  Rule rule;
  rule.id = in.id();
  rule.version = in.version();
  rule.predicate = in.predicate();
  rule.signature = in.signature();
  rule.signature_text = in.signature_text();
  rule.action = in.action();
  rule.scope = in.scope();
  rule.origin.origin = {in.origin().source(), in.origin().partition(), in.origin().offset()};
  rule.origin.event_time_ms = in.origin().event_time_ms();
  rule.expires_ms = in.expires_ms();
  rule.request_id = in.request_id();
  rule.agent = in.agent();
  rule.created_ms = in.created_ms();
  rule.reason = in.reason();
  if (in.has_change()) {
    rule.change = RuleChange{in.change().by(), in.change().reason(), in.change().at_ms()};
  }
  // Only a switch disables: a proposal that says so would be a rule that nobody can see at work.
  const int newest = in.has_change() ? agent::v1::RULE_STAGE_DISABLED : agent::v1::RULE_STAGE_FULL;
  if (in.stage() < agent::v1::RULE_STAGE_SHADOW || in.stage() > newest) {
    return Malformed("unknown stage");
  }
  rule.stage = static_cast<RuleStage>(in.stage());
  if (!in.has_origin() || rule.version < 1) return Malformed("no origin or version");
  if (!IsIdentifier(rule.action)) return Malformed("no action");
  if (rule.predicate.empty() && rule.signature.empty() && rule.signature_text.empty()) {
    return Malformed("neither predicate nor signature");
  }
  // The id is a hash of the content: a line that was tampered with or cut gives itself away.
  if (rule.id != MakeRuleId(rule)) return Malformed("the id does not fit the content");
  return rule;
}

std::string RuleToLine(const Rule& rule) {
  agent::v1::Rule proto;
  RuleToProto(rule, &proto);
  JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string line;
  const auto status = google::protobuf::util::MessageToJsonString(proto, &line, options);
  WEIR_CHECK(status.ok(), "a rule must print as JSON");
  return line;
}

StatusOr<Rule> RuleFromLine(std::string_view line) {
  if (line.size() > kMaxRuleBytes) return Malformed("too long");
  agent::v1::Rule proto;
  JsonParseOptions options;
  options.ignore_unknown_fields = true;  // a newer version may have written more
  const auto status =
      google::protobuf::util::JsonStringToMessage({line.data(), line.size()}, &proto, options);
  if (!status.ok()) return Malformed("not proto3 JSON");
  return RuleFromProto(proto);
}

std::string RuleToBytes(const Rule& rule) {
  agent::v1::Rule proto;
  RuleToProto(rule, &proto);
  return proto.SerializeAsString();
}

StatusOr<Rule> RuleFromBytes(std::string_view bytes) {
  agent::v1::Rule proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Malformed("not a protobuf message");
  }
  return RuleFromProto(proto);
}

}  // namespace weir
