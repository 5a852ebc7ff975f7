#include "agent/decision_records.h"

#include <algorithm>

#include "agent/decision.h"
#include "engine/base/fail_point.h"
#include "engine/base/hash.h"

namespace weir {

namespace {

int64_t SubKey(std::string_view signature) { return static_cast<int64_t>(HashBytes(signature)); }

}  // namespace

Status DecisionRecords::Open(StateOpener* opener, int64_t ttl_ms) {
  StateOptions options;
  options.ttl = StateTtl{StateTtl::Domain::kProcessingTime, ttl_ms, false};
  WEIR_RETURN_IF_ERROR(keys_.Open(opener, "decided", options));
  WEIR_RETURN_IF_ERROR(records_.Open(opener, "records", options));
  return standing_.Open(opener, "standing", options);
}

bool DecisionRecords::Contains(const KeyRef& key, const std::string& request_id) {
  bool found = false;
  records_.ForEach(key, [&](int64_t, const DecisionRecord& record) {
    found = record.request_id == request_id;
    return !found;
  });
  return found;
}

void DecisionRecords::Put(const KeyRef& key, uint64_t fingerprint, DecisionRecord record) {
  bool created = false;
  DecisionRecord& slot = records_.Mutable(key, static_cast<int64_t>(fingerprint), &created);
  if (!created && !WEIR_PLANTED_BUG("H-1")) return;
  slot = std::move(record);
  ++keys_.Mutable(key).decisions;
}

const Standing* DecisionRecords::FindStanding(const KeyRef& key, std::string_view signature) {
  return standing_.Get(key, SubKey(signature));
}

void DecisionRecords::SetStanding(const KeyRef& key, std::string_view signature,
                                  const Standing& standing) {
  standing_.Mutable(key, SubKey(signature)) = standing;
}

int64_t DecisionRecords::HighestVersion(const KeyRef& key, const std::string& rule_id) {
  int64_t highest = 0;
  records_.ForEach(key, [&](int64_t, const DecisionRecord& record) {
    const StatusOr<Decision> decision = DecisionFromBytes(record.decision);
    if (decision.ok() && decision->rule && decision->rule->id == rule_id) {
      highest = std::max(highest, decision->rule->version);
    }
    return true;
  });
  return highest;
}

}  // namespace weir
