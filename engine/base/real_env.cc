#include <cstdlib>

#include "engine/base/env.h"
#include "engine/base/random.h"
#include "engine/base/thread_pool.h"
#include "engine/base/thread_scheduler.h"

namespace weir {

// Destroyed from below: slots end first, as they submit works; works post to mailboxes that are
// closed by then, and use the file system and the clock.
struct RealEnv::Parts {
  // Two write as fast as a disk takes it. Nice 10 gives a busy slot nine tenths of a core they
  // share: the checkpoint takes longer then, the records do not (bench/README.md, latency).
  explicit Parts(int io_threads)
      : fs(NewPosixFileSystem()), background(2, "weir-bg", 10), io(io_threads) {}

  SystemClock clock;
  std::unique_ptr<FileSystem> fs;
  ThreadPool background;
  ThreadPool io;
  ThreadScheduler scheduler;
};

RealEnv::RealEnv(int io_threads) : parts_(std::make_unique<Parts>(io_threads)) {
  env_.clock = &parts_->clock;
  env_.fs = parts_->fs.get();
  env_.io = &parts_->io;
  env_.background = &parts_->background;
  env_.scheduler = &parts_->scheduler;
  env_.seed = SystemSeed();
  env_.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

RealEnv::~RealEnv() = default;

}  // namespace weir
