// WEIR_KILL_AT=name:k lets the kill loop end this process with SIGKILL at the k-th time it reaches a
// named point (tests/kill). Nothing happens when the variable is not set.
#pragma once

#include <atomic>
#include <csignal>
#include <memory>
#include <string>

#include "engine/base/env.h"
#include "engine/base/fail_point.h"

namespace weir {

class KillPoints : public FailPoints {
 public:
  KillPoints(std::string name, int64_t count) : name_(std::move(name)), left_(count) {}
  void Hit(std::string_view point) override {
    if (point == name_ && left_.fetch_sub(1) == 1) raise(SIGKILL);
  }
  bool Bug(std::string_view) const override { return false; }

 private:
  const std::string name_;
  std::atomic<int64_t> left_;
};

// nullptr when WEIR_KILL_AT is not set.
inline std::unique_ptr<KillPoints> KillPointsFromEnv(const Env& env) {
  const auto text = env.variable("WEIR_KILL_AT");
  if (!text) return nullptr;
  const size_t colon = text->rfind(':');
  const bool counted = colon != std::string::npos;
  return std::make_unique<KillPoints>(text->substr(0, colon),
                                      counted ? std::stoll(text->substr(colon + 1)) : 1);
}

}  // namespace weir
