// A file system in memory that forgets on a crash what was not synced, and fails when told to.
// Without faults it serves unit tests. Not thread-safe: for simulation and tests.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/file_system.h"
#include "engine/base/random.h"
#include "engine/base/sim_disk.h"

namespace weir {

// Probabilities per operation.
struct SimFaults {
  double read_error = 0;
  double write_error = 0;   // a prefix of the data may be written
  double sync_error = 0;    // the data may be lost although a later Sync succeeds
  double no_space = 0;      // a prefix of the data may be written
  double bit_flip = 0;      // one bit of what a read returns
  std::string bit_flip_in;  // only for paths that contain this
  std::string errors_in;    // same, for everything above but bit_flip
  std::string reads_right;  // no read error and no bit_flip for paths that contain this, if set
  double slow = 0;
  int64_t slow_ms = 200;
};

// Relative and absolute paths are the same; "." components are ignored, ".." is not known.
// Each operation that changes the disk first reaches a fail point "fs.<operation>", so that a crash
// can happen before each of them.
class SimFileSystem : public FileSystem {
 public:
  explicit SimFileSystem(uint64_t seed = 1);
  ~SimFileSystem() override;

  void SetFaults(const SimFaults& faults) { faults_ = faults; }
  // Called for a slow operation; the world moves its clock.
  void SetSlowHook(std::function<void(int64_t ms)> hook) { slow_hook_ = std::move(hook); }
  // From here on nothing reaches the disk: operations go on to succeed, and to see each other, but
  // the next Crash undoes them. The dying process notices nothing.
  void Freeze();
  // The process dies and the machine loses power. Open files, also those opened before, are cut
  // off from the disk; locks are free again.
  void Crash(Random* random);
  // Silent corruption of a synced file.
  void FlipBit(const std::string& path, uint64_t offset);
  // What of a file a crash cannot take any more; "" if there is no such file.
  std::string DurableContent(const std::string& path) const;
  // Faults so far, slow operations not counted.
  uint64_t faults_seen() const { return faults_seen_; }
  // The paths of all files, sorted.
  std::vector<std::string> Files() const;

  StatusOr<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path) override;
  StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  Status CreateExclusive(const std::string& path, std::string_view data) override;
  StatusOr<std::unique_ptr<RandomAccessFile>> OpenRead(const std::string& path) override;
  StatusOr<uint64_t> FileSize(const std::string& path) override;
  bool Exists(const std::string& path) override;
  StatusOr<std::vector<std::string>> List(const std::string& dir) override;
  Status CreateDirs(const std::string& dir) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Truncate(const std::string& path, uint64_t size) override;
  Status Remove(const std::string& path) override;
  Status RemoveAll(const std::string& dir) override;
  Status SyncDir(const std::string& dir) override;
  StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  class Writable;
  class Readable;
  struct Place {  // where a path's last name stands, whether or not it exists
    SimNodePtr dir;
    std::string name;
    SimNodePtr node;  // null if it does not exist
  };
  SimNodePtr Find(std::string_view path) const;
  StatusOr<Place> Locate(const std::string& path) const;
  StatusOr<Place> LocateExisting(const std::string& path) const;
  StatusOr<SimNodePtr> OpenFile(const std::string& path);  // creates when absent
  bool Roll(double rate) { return rate > 0 && random_.Double() < rate; }
  bool Fails(double rate, const std::string& path) { return Fault(rate, path, faults_.errors_in); }
  bool Fault(double rate, const std::string& path, const std::string& in);
  bool ReadsRight(const std::string& path) const;
  void MaybeSlow();

  Random random_;
  SimFaults faults_;
  uint64_t faults_seen_ = 0;
  std::function<void(int64_t)> slow_hook_;
  std::unique_ptr<SimDisk> disk_;
  std::unique_ptr<SimDisk> frozen_;  // the disk as it was at Freeze
  std::map<std::string, std::weak_ptr<FileLock>> locks_;
};

}  // namespace weir
