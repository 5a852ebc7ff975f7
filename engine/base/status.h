// How things fail: absl::Status for what can fail, WEIR_CHECK for bugs (DESIGN D20).
//
// Every error that a person may see carries a stable number from error_codes.inc:
//   return Err(ErrorCode::kLogTruncated, absl::StrCat("auth.raw/0: ", size, " bytes, expected ",
//   n)); ErrorNumber(status) == 3001;  FormatError(status) == "WEIR-3001: auth.raw/0: ..."
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weir {

using Status = absl::Status;
template <typename T>
using StatusOr = absl::StatusOr<T>;

enum class ErrorCode : int {
#define WEIR_ERROR(name, number, domain, retry, meaning) name = number,
#include "engine/base/error_codes.inc"
#undef WEIR_ERROR
};

struct ErrorInfo {
  int number;
  const char* name;
  const char* domain;
  bool retriable;
  const char* meaning;
};

// All known errors in ascending order of their number.
const ErrorInfo* AllErrors(size_t* count);

// An error with a stable number. `hint` says what the reader can do about it; may be empty.
Status Err(ErrorCode code, std::string_view message, std::string_view hint = {});

// The number given to Err, or 0 for a status that did not come from Err.
int ErrorNumber(const Status& status);
// The hint given to Err, or "".
std::string ErrorHint(const Status& status);
bool IsRetriable(const Status& status);
// The same error with the time after which its cause asks to be tried again; 0 if it names none.
Status WithRetryAfter(Status status, int64_t ms);
int64_t RetryAfterMs(const Status& status);
// Where in a job an error came up, so that a log line can name it.
struct ErrorPlace {
  std::string operator_uid;  // "" = not known
  int subtask = -1;
};
// The same error with its place; one that it has already stays.
Status WithPlace(Status status, std::string_view operator_uid, int subtask);
ErrorPlace PlaceOf(const Status& status);
// "WEIR-3001: message (hint: ...)".
std::string FormatError(const Status& status);
// Same error, message prefixed with `context` and ": ".
Status Annotate(const Status& status, std::string_view context);

// absl's string_view is not std's in Debian's build (reference/dependencies.md 2.3).
inline absl::string_view ToAbsl(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view ToStd(absl::string_view s) { return {s.data(), s.size()}; }

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              std::string_view message);

}  // namespace weir

// A condition that only a bug can break; on in release builds. Ends the process.
#define WEIR_CHECK(condition, ...)                                                        \
  do {                                                                                    \
    if (!(condition)) [[unlikely]]                                                        \
      ::weir::CheckFailed(__FILE__, __LINE__, #condition, std::string_view{__VA_ARGS__}); \
  } while (0)

#define WEIR_RETURN_IF_ERROR(expr)                                                     \
  do {                                                                                 \
    if (::weir::Status weir_status_ = (expr); !weir_status_.ok()) return weir_status_; \
  } while (0)

#define WEIR_CONCAT_INNER(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_INNER(a, b)
#define WEIR_ASSIGN_OR_RETURN(lhs, expr) \
  WEIR_ASSIGN_OR_RETURN_IMPL(WEIR_CONCAT(weir_statusor_, __LINE__), lhs, expr)
#define WEIR_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                               \
  if (!tmp.ok()) return tmp.status();              \
  lhs = std::move(tmp).value()
