// A writer that dies anywhere, with power loss and with disk errors, loses nothing that was synced
// and invents nothing (reliability I-2, I-3).
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "connectors/dirlog/directory_log.h"
#include "engine/base/fail_point.h"
#include "engine/base/log.h"
#include "engine/base/random.h"
#include "engine/base/sim_fail_points.h"
#include "engine/base/sim_file_system.h"

namespace weir {
namespace {

struct Written {
  std::string value, effect_id;
  bool operator==(const Written&) const = default;
};

class CrashingWriter {
 public:
  explicit CrashingWriter(uint64_t seed)
      : random_(seed), fs_(seed), points_([this] { fs_.Freeze(); }) {
    env_.fs = &fs_;
    SetFailPoints(&points_);
    log_ = NewDirectoryLog(env_, "/data/log");
  }
  ~CrashingWriter() { SetFailPoints(nullptr); }

  void CopyInByHand() {
    ASSERT_TRUE(fs_.CreateDirs("/data/log/t").ok());
    const auto file = fs_.Create("/data/log/t/0.ndjson").value();
    for (int i = 0; i < 3; ++i) {
      model_.push_back({"by hand " + std::to_string(i), ""});
      ASSERT_TRUE(file->Append(model_.back().value + "\n").ok());
    }
    ASSERT_TRUE(file->Sync().ok());
    for (const char* dir : {"/data/log/t", "/data/log", "/data", "/"}) {
      ASSERT_TRUE(fs_.SyncDir(dir).ok());
    }
    synced_ = model_.size();
  }

  // Opens, checks, writes until a crash or an error; `faults` are those of the disk meanwhile.
  void Live(const SimFaults& faults) {
    points_.CrashAtHit(1 + random_.Uniform(60));
    const auto writer = log_->OpenWriter("t", 0, ++epoch_);
    if (!points_.crashed()) {
      ASSERT_TRUE(writer.ok()) << writer.status();
      Check();
    }
    fs_.SetFaults(faults);
    bool failed = false;
    for (int i = 0; i < 25 && writer.ok() && !points_.crashed() && !failed; ++i) {
      failed = !Act(writer->get());
    }
    fs_.SetFaults({});
    points_.DoNotCrash();
    const bool power_loss = points_.crashed() || random_.OneIn(2);
    // After an error the next writer belongs to the same process, or to one after a power loss: a
    // new process cannot see that the page cache holds what the disk has lost.
    if (!power_loss && (failed || random_.OneIn(2))) return;
    log_.reset();
    if (power_loss) fs_.Crash(&random_);
    points_.Revive();
    log_ = NewDirectoryLog(env_, "/data/log");
    // A process that dies alone leaves everything that it wrote.
    if (!power_loss) synced_ = model_.size();
  }

  // What stands in the log is a beginning of what was written, with all that was synced.
  void Check() {
    std::vector<Written> found;
    const auto reader = log_->OpenReader("t", 0, {}).value();
    LogChunk chunk;
    do {
      ASSERT_TRUE(reader->Read({1 << 20, false, true}, &chunk).ok());
      for (const LogItem& item : chunk.items) {
        EXPECT_EQ(item.offset, static_cast<int64_t>(found.size()));
        found.push_back({std::string(item.value), std::string(item.effect_id)});
      }
    } while (!chunk.at_end);
    ASSERT_GE(found.size(), synced_);
    ASSERT_LE(found.size(), model_.size());
    model_.resize(found.size());
    ASSERT_EQ(found, model_);
    synced_ = found.size();  // opening a writer syncs what it found
  }

 private:
  bool Act(LogWriter* writer) {
    if (random_.OneIn(3)) {
      const bool ok = writer->Sync().ok();
      if (ok && !points_.crashed()) synced_ = model_.size();
      return ok;
    }
    std::vector<LogAppend> records;
    const auto first = static_cast<int64_t>(model_.size());
    for (uint64_t n = 1 + random_.Uniform(3); n > 0; --n) {
      const std::string id = std::to_string(++next_id_);
      const std::string value = id + std::string(random_.Uniform(1200), 'v');
      records.push_back({value, "key", id, 0});
      model_.push_back({value, id});
    }
    const StatusOr<int64_t> offset = writer->Append(records);
    EXPECT_EQ(offset.value_or(first), first);
    return offset.ok();
  }

  Random random_;
  SimFileSystem fs_;
  SimFailPoints points_;
  Env env_;
  std::unique_ptr<LogClient> log_;
  std::vector<Written> model_;
  size_t synced_ = 0;
  int64_t epoch_ = 0;
  int64_t next_id_ = 0;
};

TEST(DirectoryLogCrash, LosesNothingSyncedAndInventsNothing) {
  SetLogLevel(LogLevel::kError);
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CrashingWriter writer(seed);
    if (seed % 3 == 0) writer.CopyInByHand();
    for (int life = 0; life < 8; ++life) {
      writer.Live({});
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(DirectoryLogCrash, DiskErrorsLoseNothingSynced) {
  SetLogLevel(LogLevel::kError);
  SimFaults faults;
  faults.write_error = 0.05;
  faults.no_space = 0.03;
  faults.sync_error = 0.15;
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CrashingWriter writer(seed);
    if (seed % 3 == 0) writer.CopyInByHand();
    for (int life = 0; life < 8; ++life) {
      writer.Live(faults);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace weir
