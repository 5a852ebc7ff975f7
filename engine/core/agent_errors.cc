#include "engine/core/agent_errors.h"

#include "absl/strings/cord.h"

namespace weir {

namespace {
constexpr char kFinalUrl[] = "weir/no-further-attempt";
}

Status NoFurtherAttempt(Status status) {
  status.SetPayload(kFinalUrl, absl::Cord("1"));
  return status;
}

bool IsWorthAnotherAttempt(const Status& status) {
  const bool retriable = absl::IsUnavailable(status) || IsRetriable(status);
  return retriable && !status.GetPayload(kFinalUrl).has_value();
}

}  // namespace weir
