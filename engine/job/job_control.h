// What may be seen and asked of a running job from outside, on any thread: all that the admin
// service knows of it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/base/metrics.h"
#include "engine/core/log_client.h"
#include "engine/plan/plan.h"

namespace weir {

enum class JobPhase : uint8_t { kRunning, kStopping, kEnded };

// The checkpoint or savepoint in flight.
struct SnapshotInFlight {
  int64_t id = 0;         // 0 = none is
  std::string savepoint;  // "" for a checkpoint
  int acknowledged = 0;   // tasks whose part is durable
  int tasks = 0;
  int64_t bytes = 0;  // newly written by them
  int64_t started_mono_ns = 0;
};

struct StopOptions {
  std::string savepoint;  // leave this savepoint behind; "" = what the job was started with
};

// All methods are thread-safe and return at once, except WaitForMs.
class JobControl {
 public:
  virtual ~JobControl() = default;

  virtual const PhysicalPlan& plan() const = 0;
  virtual MetricRegistry* metrics() = 0;
  virtual int64_t epoch() const = 0;
  virtual int64_t restored_checkpoint() const = 0;  // 0 on a fresh start
  virtual JobPhase phase() const = 0;
  virtual SnapshotInFlight snapshot() const = 0;
  // Of the last one that completed in this run; 0 if none has. Wall clock.
  virtual int64_t last_checkpoint_id() const = 0;
  virtual int64_t last_checkpoint_ms() const = 0;
  // nullptr if the job does not use it. Its calls block.
  virtual LogClient* FindLog(const std::string& url) = 0;

  // `done` runs on the job's slot with the snapshot's id; never, if the job ends first.
  using SnapshotDone = std::function<void(int64_t id, Status)>;
  virtual void RequestSavepoint(const std::string& name, SnapshotDone done) = 0;
  virtual void RequestCheckpoint(SnapshotDone done) = 0;
  // Sources stop, what is pending is finished within the drain limit, a last checkpoint or the
  // savepoint is taken. The first request counts.
  virtual void RequestStop(const StopOptions& options) = 0;
  // Ends at once, as a crash would.
  virtual void Cancel() = 0;

  virtual bool done() const = 0;
  // True once the job has ended.
  virtual bool WaitForMs(int64_t ms) = 0;
  // How it ended; call after done.
  virtual const Status& status() const = 0;
};

}  // namespace weir
