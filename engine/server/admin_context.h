// What the parts of the admin service share.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/env.h"
#include "engine/job/job_control.h"

namespace weir {

struct AdminContext {
  JobControl* job = nullptr;  // outlives the service
  Env env;
  std::string version;
  int64_t pid = 0;
  int64_t started_ms = 0;

  const JobSettings& settings() const { return job->plan().logical.job; }
};

}  // namespace weir
