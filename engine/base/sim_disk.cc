#include "engine/base/sim_disk.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/status.h"

namespace weir {
namespace {

constexpr size_t kSectorBytes = 512;

void MakeDurable(const std::vector<SimEdit>& operation) {
  for (const SimEdit& edit : operation) {
    if (edit.target == nullptr) {
      edit.dir->durable_entries.erase(edit.name);
    } else {
      edit.dir->durable_entries[edit.name] = edit.target;
    }
  }
}

// Copies a graph of nodes; a node that is reached twice stays one node.
class Copier {
 public:
  SimNodePtr Copy(const SimNodePtr& from) {
    if (from == nullptr) return nullptr;
    SimNodePtr& known = copies_[from.get()];
    if (known != nullptr) return known;
    auto to = std::make_shared<SimNode>();
    known = to;
    to->is_dir = from->is_dir;
    to->file = from->file;
    for (const auto& [name, child] : from->entries) to->entries[name] = Copy(child);
    for (const auto& [name, child] : from->durable_entries) {
      to->durable_entries[name] = Copy(child);
    }
    return to;
  }

 private:
  std::map<const SimNode*, SimNodePtr> copies_;  // for look-up only: pointers have no stable order
};

void CrashTree(SimNode* node, Random* random, std::set<const SimNode*>* done) {
  if (!done->insert(node).second) return;  // a second hard link
  if (!node->is_dir) return node->file.Crash(random);
  node->entries = node->durable_entries;
  for (const auto& [name, child] : node->entries) CrashTree(child.get(), random, done);
}

}  // namespace

void SimFile::Append(std::string_view bytes) {
  data_.append(bytes);
  if (pending_.empty() || pending_.back().truncates) pending_.push_back({false, 0, {}});
  pending_.back().bytes.append(bytes);
}

void SimFile::Truncate(size_t size) {
  data_.resize(size);
  pending_.push_back({true, size, {}});
}

void SimFile::Sync() {
  for (const Write& write : pending_) {
    if (write.truncates) {
      durable_.resize(write.size);
    } else {
      durable_.append(write.bytes);
    }
  }
  pending_.clear();
}

void SimFile::FailSync(Random* random) {
  for (Write& write : pending_) {
    if (write.truncates || write.bytes.empty()) continue;
    const size_t lost_from = random->Uniform(write.bytes.size());
    std::fill(write.bytes.begin() + static_cast<std::ptrdiff_t>(lost_from), write.bytes.end(),
              '\0');
  }
}

void SimFile::FlipBit(size_t offset) {
  WEIR_CHECK(offset < data_.size() && pending_.empty(), "FlipBit needs a synced file");
  data_[offset] = static_cast<char>(data_[offset] ^ 1);
  durable_ = data_;
}

void SimFile::Crash(Random* random) {
  // Losing everything and losing nothing are as likely as anything between.
  const uint64_t extent = random->Uniform(4);
  const size_t whole = extent == 0   ? 0
                       : extent == 1 ? pending_.size()
                                     : random->Uniform(pending_.size() + 1);
  size_t unsynced_from = durable_.size();
  for (size_t i = 0; i < pending_.size() && i <= whole; ++i) {
    const Write& write = pending_[i];
    if (write.truncates) {
      if (i == whole) break;
      durable_.resize(write.size);
      unsynced_from = std::min(unsynced_from, write.size);
    } else if (i < whole) {
      durable_.append(write.bytes);
    } else if (extent != 0 && !random->OneIn(3)) {
      durable_.append(write.bytes, 0, random->Uniform(write.bytes.size() + 1));
    }
  }
  if (random->OneIn(3)) Tear(unsynced_from, random);
  data_ = durable_;
  pending_.clear();
}

void SimFile::Tear(size_t unsynced_from, Random* random) {
  if (durable_.size() <= unsynced_from) return;
  const size_t sector = (durable_.size() - 1) / kSectorBytes * kSectorBytes;
  const bool zeros = random->OneIn(2);
  for (size_t i = std::max(unsynced_from, sector); i < durable_.size(); ++i) {
    durable_[i] = zeros ? '\0' : static_cast<char>(random->Next());
  }
}

SimDisk::SimDisk() : root_(std::make_shared<SimNode>()) { root_->is_dir = true; }

void SimDisk::Apply(Operation operation) {
  for (const SimEdit& edit : operation) {
    if (edit.target == nullptr) {
      edit.dir->entries.erase(edit.name);
    } else {
      edit.dir->entries[edit.name] = edit.target;
    }
  }
  journal_.push_back(std::move(operation));
}

void SimDisk::SyncDir(const SimNode* dir) {
  // An operation over two directories is atomic: it takes along what was before it in the other.
  std::set<const SimNode*> dirs = {dir};
  std::vector<bool> synced(journal_.size(), false);
  for (size_t i = journal_.size(); i-- > 0;) {
    const Operation& operation = journal_[i];
    synced[i] = std::any_of(operation.begin(), operation.end(), [&dirs](const SimEdit& edit) {
      return dirs.count(edit.dir.get()) != 0;
    });
    if (!synced[i]) continue;
    for (const SimEdit& edit : operation) dirs.insert(edit.dir.get());
  }
  std::vector<Operation> left;
  for (size_t i = 0; i < journal_.size(); ++i) {
    if (synced[i]) {
      MakeDurable(journal_[i]);
    } else {
      left.push_back(std::move(journal_[i]));
    }
  }
  journal_ = std::move(left);
}

std::unique_ptr<SimDisk> SimDisk::Copy() const {
  Copier copier;
  auto copy = std::make_unique<SimDisk>();
  copy->root_ = copier.Copy(root_);
  for (const Operation& operation : journal_) {
    Operation& copied = copy->journal_.emplace_back();
    for (const SimEdit& edit : operation) {
      copied.push_back({copier.Copy(edit.dir), edit.name, copier.Copy(edit.target)});
    }
  }
  return copy;
}

void SimDisk::Crash(Random* random) {
  // One rate for this crash: mostly lost, mostly kept, or anything between.
  const uint64_t kept_of_8 = random->OneIn(2) ? random->Uniform(9) : (random->OneIn(2) ? 0 : 8);
  std::set<const SimNode*> ended;  // directories that have lost an operation lose all later ones
  for (const Operation& operation : journal_) {
    bool keep = random->Uniform(8) < kept_of_8;
    for (const SimEdit& edit : operation) keep = keep && ended.count(edit.dir.get()) == 0;
    if (keep) {
      MakeDurable(operation);
    } else {
      for (const SimEdit& edit : operation) ended.insert(edit.dir.get());
    }
  }
  journal_.clear();
  std::set<const SimNode*> done;
  CrashTree(root_.get(), random, &done);
}

}  // namespace weir
