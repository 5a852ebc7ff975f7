#include "engine/base/status.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/admin_errors.h"

namespace weir {
namespace {

constexpr char kNumberUrl[] = "weir/number";
constexpr char kHintUrl[] = "weir/hint";
constexpr char kRetryAfterUrl[] = "weir/retry_after_ms";
constexpr char kOperatorUrl[] = "weir/operator";
constexpr char kSubtaskUrl[] = "weir/subtask";

constexpr ErrorInfo kUnsorted[] = {
#define WEIR_ERROR(name, number, domain, retry, meaning) \
  {number, #name, domain, std::string_view(retry) == "yes", meaning},
#include "engine/base/admin_errors.inc"
#include "engine/base/error_codes.inc"
#undef WEIR_ERROR
};
constexpr size_t kErrorCount = std::size(kUnsorted);

constexpr std::array<ErrorInfo, kErrorCount> Sorted() {
  std::array<ErrorInfo, kErrorCount> sorted = std::to_array(kUnsorted);
  std::sort(sorted.begin(), sorted.end(),
            [](const ErrorInfo& a, const ErrorInfo& b) { return a.number < b.number; });
  return sorted;
}
constexpr std::array<ErrorInfo, kErrorCount> kErrors = Sorted();

constexpr bool NumbersAscend() {
  for (size_t i = 1; i < kErrorCount; ++i) {
    if (kErrors[i - 1].number >= kErrors[i].number) return false;
  }
  return true;
}
static_assert(NumbersAscend(), "two errors have one number");

const ErrorInfo* FindError(int number) {
  for (const ErrorInfo& info : kErrors) {
    if (info.number == number) return &info;
  }
  return nullptr;
}

// The canonical code lets generic code (gRPC, retries) act without knowing our numbers.
absl::StatusCode CanonicalCode(ErrorCode code) {
  switch (static_cast<AdminError>(code)) {
    case AdminError::kAdminListen:
    case AdminError::kAdminUnreachable:
      return absl::StatusCode::kUnavailable;
    case AdminError::kAdminToken:
    case AdminError::kAdminDenied:
      return absl::StatusCode::kUnauthenticated;
    case AdminError::kAdminNotFound:
      return absl::StatusCode::kNotFound;
    case AdminError::kAdminCancelled:
      return absl::StatusCode::kCancelled;
    default:
      break;
  }
  switch (code) {
    case ErrorCode::kLogMissing:
    case ErrorCode::kStateNoCheckpoint:
    case ErrorCode::kConfigFile:
      return absl::StatusCode::kNotFound;
    case ErrorCode::kLogTruncated:
    case ErrorCode::kLogReplaced:
    case ErrorCode::kLogConflict:
    case ErrorCode::kStateCorrupt:
      return absl::StatusCode::kDataLoss;
    case ErrorCode::kLogFenced:
    case ErrorCode::kStateIncompatible:
    case ErrorCode::kStateUnmatched:
    case ErrorCode::kStateVersion:
    case ErrorCode::kAgentRefused:
      return absl::StatusCode::kFailedPrecondition;
    case ErrorCode::kLogIo:
    case ErrorCode::kStateIo:
    case ErrorCode::kStateLocked:
    case ErrorCode::kAgentUnavailable:
    case ErrorCode::kAgentRateLimited:
    case ErrorCode::kAgentUpstream:
    case ErrorCode::kHttpUnavailable:
      return absl::StatusCode::kUnavailable;
    case ErrorCode::kCheckpointTimeout:
    case ErrorCode::kAgentTimeout:
    case ErrorCode::kHttpTimeout:
      return absl::StatusCode::kDeadlineExceeded;
    case ErrorCode::kRuleCap:
    case ErrorCode::kAgentCapacity:
    case ErrorCode::kHttpOverloaded:
    case ErrorCode::kHttpTooLarge:
    case ErrorCode::kExprCost:
    case ErrorCode::kOutputTooLarge:
      return absl::StatusCode::kResourceExhausted;
    case ErrorCode::kOperatorFailed:
    case ErrorCode::kUserException:
      return absl::StatusCode::kUnknown;
    case ErrorCode::kUnsupported:
      return absl::StatusCode::kUnimplemented;
    case ErrorCode::kInternal:
      return absl::StatusCode::kInternal;
    default:  // configuration, records and expressions: somebody wrote something wrong
      return absl::StatusCode::kInvalidArgument;
  }
}

}  // namespace

const ErrorInfo* AllErrors(size_t* count) {
  *count = kErrorCount;
  return kErrors.data();
}

Status Err(ErrorCode code, std::string_view message, std::string_view hint) {
  Status status(CanonicalCode(code), ToAbsl(message));
  status.SetPayload(kNumberUrl, absl::Cord(absl::StrCat(static_cast<int>(code))));
  if (!hint.empty()) status.SetPayload(kHintUrl, absl::Cord(ToAbsl(hint)));
  return status;
}

int ErrorNumber(const Status& status) {
  const auto payload = status.GetPayload(kNumberUrl);
  int number = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &number)) return 0;
  return number;
}

std::string ErrorHint(const Status& status) {
  const auto payload = status.GetPayload(kHintUrl);
  return payload ? std::string(*payload) : std::string();
}

bool IsRetriable(const Status& status) {
  const ErrorInfo* info = FindError(ErrorNumber(status));
  return info != nullptr ? info->retriable : absl::IsUnavailable(status);
}

Status WithRetryAfter(Status status, int64_t ms) {
  status.SetPayload(kRetryAfterUrl, absl::Cord(absl::StrCat(ms)));
  return status;
}

int64_t RetryAfterMs(const Status& status) {
  const auto payload = status.GetPayload(kRetryAfterUrl);
  int64_t ms = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &ms)) return 0;
  constexpr int64_t kMaxMs = 24 * 3'600'000;  // it may come from another machine
  return std::clamp<int64_t>(ms, 0, kMaxMs);
}

Status WithPlace(Status status, std::string_view operator_uid, int subtask) {
  if (status.ok() || status.GetPayload(kSubtaskUrl)) return status;
  status.SetPayload(kOperatorUrl, absl::Cord(ToAbsl(operator_uid)));
  status.SetPayload(kSubtaskUrl, absl::Cord(absl::StrCat(subtask)));
  return status;
}

ErrorPlace PlaceOf(const Status& status) {
  ErrorPlace place;
  const auto subtask = status.GetPayload(kSubtaskUrl);
  if (!subtask || !absl::SimpleAtoi(std::string(*subtask), &place.subtask)) return place;
  if (const auto uid = status.GetPayload(kOperatorUrl)) place.operator_uid = std::string(*uid);
  return place;
}

std::string FormatError(const Status& status) {
  const int number = ErrorNumber(status);
  if (number == 0) return status.ToString();
  std::string text = absl::StrFormat("WEIR-%04d: ", number);
  absl::StrAppend(&text, status.message());
  const std::string hint = ErrorHint(status);
  if (!hint.empty()) absl::StrAppend(&text, " (hint: ", hint, ")");
  return text;
}

Status Annotate(const Status& status, std::string_view context) {
  if (status.ok()) return status;
  Status annotated(status.code(), absl::StrCat(ToAbsl(context), ": ", status.message()));
  status.ForEachPayload([&annotated](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

void CheckFailed(const char* file, int line, const char* condition, std::string_view message) {
  // Not through the logger: it may be the one that is broken.
  std::fprintf(stderr, "WEIR-9001: %s:%d: check failed: %s %.*s\n", file, line, condition,
               static_cast<int>(message.size()), message.data());
  std::fflush(stderr);
  std::abort();
}

}  // namespace weir
