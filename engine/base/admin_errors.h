// The numbered errors of the admin service and of weirctl: 8xxx. See engine/base/status.h.
#pragma once

#include <string_view>

#include "engine/base/status.h"

namespace weir {

enum class AdminError : int {
#define WEIR_ERROR(name, number, domain, retry, meaning) name = number,
#include "engine/base/admin_errors.inc"
#undef WEIR_ERROR
};

// As Err(ErrorCode, ...).
inline Status Err(AdminError code, std::string_view message, std::string_view hint = {}) {
  return Err(static_cast<ErrorCode>(code), message, hint);
}

}  // namespace weir
