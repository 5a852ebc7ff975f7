// The disk under SimFileSystem: what is there now, and what of it a crash may take away again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/random.h"

namespace weir {

// A file's bytes. Writes since the last Sync are a list of operations; a crash keeps a prefix of
// it, cut at any byte, the last sector of which may hold something else.
class SimFile {
 public:
  const std::string& data() const { return data_; }
  // What a crash now would leave at the least.
  const std::string& durable() const { return durable_; }
  void Append(std::string_view bytes);
  void Truncate(size_t size);
  void Sync();
  // A failed fsync as Linux has it: the pages count as clean from then on, so that the next Sync
  // "succeeds", but some of them never reached the disk and are zeros there.
  void FailSync(Random* random);
  void FlipBit(size_t offset);
  void Crash(Random* random);

 private:
  struct Write {
    bool truncates;
    size_t size;        // truncates: to how many bytes
    std::string bytes;  // else: what is appended
  };
  void Tear(size_t unsynced_from, Random* random);

  std::string data_;
  std::string durable_;
  std::vector<Write> pending_;
};

struct SimNode {
  using Entries = std::map<std::string, std::shared_ptr<SimNode>>;
  bool is_dir = false;
  SimFile file;
  Entries entries;
  Entries durable_entries;
};
using SimNodePtr = std::shared_ptr<SimNode>;

// One name set (or removed, when `target` is null) in one directory.
struct SimEdit {
  SimNodePtr dir;
  std::string name;
  SimNodePtr target;
};

// The tree and the journal of its directory operations. Each operation is atomic, also over two
// directories; of one directory's operations a crash keeps a prefix, different directories are
// independent. That is weaker than ext4 (one prefix of all), so code that survives it survives
// there.
class SimDisk {
 public:
  SimDisk();
  const SimNodePtr& root() const { return root_; }
  void Apply(std::vector<SimEdit> operation);
  void SyncDir(const SimNode* dir);
  // An independent copy, hard links and unsynced operations included.
  std::unique_ptr<SimDisk> Copy() const;
  void Crash(Random* random);

 private:
  using Operation = std::vector<SimEdit>;
  SimNodePtr root_;
  std::vector<Operation> journal_;  // not yet durable, oldest first
};

}  // namespace weir
