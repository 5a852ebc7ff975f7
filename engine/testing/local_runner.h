// Runs whole jobs in one thread on virtual time and a simulated disk: what `weir test` and the
// simulator stand on. Nothing is faked but the outside world: runtime, state, checkpoints, agent
// loop and directory log are the production code.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/sim_world.h"
#include "engine/core/registry.h"
#include "engine/job/job.h"
#include "engine/plan/plan.h"

namespace weir {

// Where a job finds its data in the simulated file system: set WEIR_DATA to this.
inline constexpr const char* kLocalData = "/weir";
inline constexpr const char* kLocalLog = "/weir/log";

class LocalRunner {
 public:
  explicit LocalRunner(uint64_t seed, SimOptions options = {});
  ~LocalRunner();

  SimWorld& world() { return world_; }

  // Writes a partition of a topic as a person would: one line per record, durable.
  Status Put(const std::string& topic, int partition, const std::vector<std::string>& lines);
  // Same, at the end of what is there.
  Status Append(const std::string& topic, int partition, const std::vector<std::string>& lines);

  // Starts a job on what the disk holds. `plan` and `registry` must outlive it.
  Status Start(const PhysicalPlan& plan, const Registry& registry, JobOptions options);
  Job* job() { return job_.get(); }
  // Runs until the job has ended, has crashed at a point, or a limit is reached.
  SimEnd Run(uint64_t max_steps = 50'000'000);
  // The job's status once it is done.
  Status Finish();
  // Ends the process as a power failure does.
  void Crash();

  // All records of a topic: partitions ascending, in order. What a reader sees, synced or not.
  std::vector<std::string> Lines(const std::string& topic);
  // Only what a crash could not take away any more.
  std::vector<std::string> DurableLines(const std::string& topic);
  // Topics that exist.
  std::vector<std::string> Topics();

 private:
  Status WriteLines(const std::string& topic, int partition, const std::vector<std::string>& lines);
  std::vector<std::string> ReadLines(const std::string& topic, bool durable);

  SimWorld world_;
  std::unique_ptr<Job> job_;
};

}  // namespace weir
