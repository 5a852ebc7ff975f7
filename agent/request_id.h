// The identity of a question to the agent (DESIGN D15): the same event gives the same id in every
// run, after every restore and at every parallelism. Nothing volatile enters it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"

namespace weir {

class RequestIdMaker {
 public:
  // `id_fields` is the business id; empty = the origin names the event. kPlanSchema for a field
  // that does not exist or has no single canonical form.
  static StatusOr<RequestIdMaker> Create(const Schema& schema, std::string job, std::string uid,
                                         std::string secret,
                                         const std::vector<std::string>& id_fields);

  // HMAC-SHA-256 as 64 hex digits over the length-prefixed parts.
  std::string Make(const RecordBatch& batch, size_t row) const;
  // A cheap hash of the same identity, to ask "may this event be known?" before paying for Make.
  uint64_t Fingerprint(const RecordBatch& batch, size_t row) const;

 private:
  void AppendIdentity(const RecordBatch& batch, size_t row, std::string* out) const;

  std::string prefix_;  // canonical bytes of job and uid
  std::string secret_;
  std::vector<int> columns_;
};

}  // namespace weir
