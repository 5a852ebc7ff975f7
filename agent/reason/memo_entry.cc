#include "agent/reason/memo_entry.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "weir/agent/v1/memo.pb.h"

namespace weir {

namespace {

constexpr std::string_view kMagic = "WMEM";
constexpr char kVersion = 1;

Status Corrupt(std::string_view what) {
  return Err(ErrorCode::kAgentBadReply,
             absl::StrCat("the memo's entry is corrupt: ", ToAbsl(what)));
}

void ToProto(const AgentReply& reply, agent::v1::DecideReply* out) {
  out->set_request_id(reply.request_id);
  out->set_verdict(reply.verdict);
  out->set_reason(reply.reason);
  out->set_confidence(reply.confidence);
  for (const RuleProposal& rule : reply.rules) {
    agent::v1::RuleProposal* proposal = out->add_rules();
    proposal->set_predicate(rule.predicate);
    proposal->set_action(rule.action);
    proposal->set_ttl_ms(rule.ttl_ms);
    proposal->set_reason(rule.reason);
  }
  out->set_agent(reply.agent);
  out->set_tokens_in(reply.tokens_in);
  out->set_tokens_out(reply.tokens_out);
}

AgentReply FromProto(const agent::v1::DecideReply& in) {
  AgentReply reply;
  reply.request_id = in.request_id();
  reply.verdict = in.verdict();
  reply.reason = in.reason();
  reply.confidence = in.confidence();
  for (const agent::v1::RuleProposal& rule : in.rules()) {
    reply.rules.push_back({rule.predicate(), rule.action(), rule.ttl_ms(), rule.reason()});
  }
  reply.agent = in.agent();
  reply.from_memo = true;
  return reply;
}

}  // namespace

std::string EncodeMemoEntry(std::string_view key, const AgentReply& reply, int64_t now_ms) {
  agent::v1::MemoEntry entry;
  entry.set_key(std::string(key));
  entry.set_stored_ms(now_ms);
  ToProto(reply, entry.mutable_reply());
  const std::string payload = entry.SerializeAsString();
  std::string out(kMagic);
  out += kVersion;
  PutFixed32(&out, static_cast<uint32_t>(payload.size()));
  PutFixed32(&out, Crc32c(payload));
  return out + payload;
}

StatusOr<AgentReply> DecodeMemoEntry(std::string_view key, std::string_view request_id,
                                     std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.Raw(kMagic.size()) != kMagic) return Corrupt("it does not begin as one");
  if (reader.Byte() != kVersion) return Corrupt("its version is not known");
  const uint32_t length = reader.Fixed32();
  const uint32_t crc = reader.Fixed32();
  if (!reader.ok() || reader.rest().size() != length) return Corrupt("its length is wrong");
  if (Crc32c(reader.rest()) != crc) return Corrupt("its checksum is wrong");
  agent::v1::MemoEntry entry;
  if (!entry.ParseFromArray(reader.rest().data(), static_cast<int>(length))) {
    return Corrupt("it cannot be parsed");
  }
  if (entry.key() != key || entry.reply().request_id() != request_id) {
    return Corrupt("it belongs to another key");
  }
  return FromProto(entry.reply());
}

}  // namespace weir
