// Everything that the engine takes from the outside world, in one struct (DESIGN D3). Production
// passes the real ones, the simulator its own; nothing else differs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/executor.h"
#include "engine/base/file_system.h"
#include "engine/base/scheduler.h"

namespace weir {

// Not owned; all pointers outlive the job that uses them.
struct Env {
  const Clock* clock = nullptr;
  FileSystem* fs = nullptr;
  Executor* io = nullptr;
  // For work of many milliseconds of CPU that no record waits for (checkpoint segments), so that it
  // takes neither the I/O threads nor the cores from what is on the way. Null: `io` does it.
  Executor* background = nullptr;
  Scheduler* scheduler = nullptr;
  uint64_t seed = 0;  // the job's own randomness (jitter, ids of no meaning) derives from it
  // An environment variable's value, or nullopt when unset.
  std::function<std::optional<std::string>(const std::string&)> variable;
};

// The operating system's clock, files, `io_threads` I/O threads, two background threads of low
// priority and one thread per slot.
class RealEnv {
 public:
  explicit RealEnv(int io_threads = 2);
  ~RealEnv();
  const Env& env() const { return env_; }

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  Env env_;
};

}  // namespace weir
