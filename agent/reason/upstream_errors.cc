#include "agent/reason/upstream_errors.h"

#include <algorithm>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agent/reason/chat_wire.h"

namespace weir {

namespace {

constexpr int64_t kMaxRetryAfterMs = 3'600'000;

int64_t RetryAfter(const HttpResponse& response) {
  int64_t value = 0;
  if (absl::SimpleAtoi(ToAbsl(response.Header("retry-after-ms")), &value)) {
    return std::clamp<int64_t>(value, 0, kMaxRetryAfterMs);
  }
  if (absl::SimpleAtoi(ToAbsl(response.Header("retry-after")), &value)) {
    return std::clamp<int64_t>(value, 0, kMaxRetryAfterMs / 1000) * 1000;
  }
  return 0;
}

bool IsUpstream(int status) { return status == 408 || status == 409 || status >= 500; }

}  // namespace

Status FromHttpError(const Status& status) {
  const auto code = static_cast<ErrorCode>(ErrorNumber(status));
  if (code == ErrorCode::kHttpTooLarge) {
    return Err(ErrorCode::kAgentBadReply, ToStd(status.message()));
  }
  if (code == ErrorCode::kConfigBadValue) return status;
  return Err(ErrorCode::kAgentUpstream, ToStd(status.message()), ErrorHint(status));
}

Status FromHttpStatus(const HttpResponse& response) {
  if (response.status == 200) return absl::OkStatus();
  const bool credentials = response.status == 401 || response.status == 403;
  const std::string words = credentials ? "" : ChatErrorMessage(response.body);
  const std::string text = absl::StrCat("the model's endpoint answered ", response.status,
                                        words.empty() ? "" : ": ", words);
  if (response.status != 429 && !IsUpstream(response.status)) {
    return Err(ErrorCode::kAgentRefused, text,
               credentials ? "check the API key: api_key_file or the variable api_key_env" : "");
  }
  const Status status =
      Err(response.status == 429 ? ErrorCode::kAgentRateLimited : ErrorCode::kAgentUpstream, text);
  const int64_t after = RetryAfter(response);
  return after > 0 ? WithRetryAfter(status, after) : status;
}

}  // namespace weir
