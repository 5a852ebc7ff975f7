// How the parts of a topology say what is wrong with what they were told.
#pragma once

#include <string_view>

#include "engine/base/status.h"

namespace weir {

// Collects plan-time problems of one operator, source or sink, each at the option that caused it.
class PlanErrors {
 public:
  virtual ~PlanErrors() = default;
  // `option` may be "" (the operator as a whole) or "mask.src_ip" (an entry of a map or list item).
  virtual void Add(std::string_view option, const Status& status) = 0;
};

}  // namespace weir
