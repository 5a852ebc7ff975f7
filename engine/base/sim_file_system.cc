#include "engine/base/sim_file_system.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"

namespace weir {
namespace {

std::vector<std::string> Components(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (!name.empty() && name != ".") names.emplace_back(name);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return names;
}

Status Missing(const std::string& path) {
  return absl::NotFoundError(absl::StrCat(path, ": does not exist"));
}
Status Failed(const std::string& path, const char* why) {
  return Err(ErrorCode::kStateIo, absl::StrCat(path, ": ", why));
}

void CollectFiles(const SimNode& dir, const std::string& prefix, std::vector<std::string>* files) {
  for (const auto& [name, node] : dir.entries) {
    const std::string path = JoinPath(prefix, name);
    if (node->is_dir) {
      CollectFiles(*node, path, files);
    } else {
      files->push_back(path);
    }
  }
}

}  // namespace

class SimFileSystem::Writable : public WritableFile {
 public:
  Writable(SimFileSystem* fs, SimNodePtr node, std::string path)
      : fs_(fs), node_(std::move(node)), path_(std::move(path)) {}

  Status Append(std::string_view data) override {
    if (!failed_.ok()) return failed_;
    WEIR_SIM_POINT("fs.append");
    fs_->MaybeSlow();
    const bool full = fs_->Fails(fs_->faults_.no_space, path_);
    if (full || fs_->Fails(fs_->faults_.write_error, path_)) {
      node_->file.Append(data.substr(0, fs_->random_.Uniform(data.size() + 1)));
      failed_ = Failed(path_, full ? "write: no space left (injected)" : "write: EIO (injected)");
      return failed_;
    }
    node_->file.Append(data);
    return absl::OkStatus();
  }

  Status Sync() override {
    if (!failed_.ok()) return failed_;
    WEIR_SIM_POINT("fs.sync");
    fs_->MaybeSlow();
    if (fs_->Fails(fs_->faults_.sync_error, path_)) {
      node_->file.FailSync(&fs_->random_);
      failed_ = Failed(path_, "sync: EIO (injected)");
      return failed_;
    }
    node_->file.Sync();
    return absl::OkStatus();
  }

 private:
  SimFileSystem* const fs_;
  const SimNodePtr node_;
  const std::string path_;
  Status failed_;
};

class SimFileSystem::Readable : public RandomAccessFile {
 public:
  Readable(SimFileSystem* fs, SimNodePtr node, std::string path)
      : fs_(fs), node_(std::move(node)), path_(std::move(path)) {}

  Status Read(uint64_t offset, size_t length, std::string* out) const override {
    out->clear();
    fs_->MaybeSlow();
    const SimFaults& faults = fs_->faults_;
    const bool right = fs_->ReadsRight(path_);
    if (!right && fs_->Fails(faults.read_error, path_))
      return Failed(path_, "read: EIO (injected)");
    const std::string& data = node_->file.data();
    if (offset < data.size()) out->assign(data, offset, length);
    if (!right && !out->empty() && fs_->Fault(faults.bit_flip, path_, faults.bit_flip_in)) {
      char& byte = (*out)[fs_->random_.Uniform(out->size())];
      byte = static_cast<char>(byte ^ (1U << fs_->random_.Uniform(8)));
    }
    return absl::OkStatus();
  }
  StatusOr<uint64_t> Size() const override { return node_->file.data().size(); }

 private:
  SimFileSystem* const fs_;
  const SimNodePtr node_;
  const std::string path_;
};

SimFileSystem::SimFileSystem(uint64_t seed)
    : FileSystem(0), random_(seed), disk_(std::make_unique<SimDisk>()) {}
SimFileSystem::~SimFileSystem() = default;

void SimFileSystem::Freeze() {
  if (frozen_ == nullptr) frozen_ = disk_->Copy();
}

void SimFileSystem::Crash(Random* random) {
  Freeze();  // also the cut between open files and the disk: they keep the nodes of the original
  disk_ = std::move(frozen_);
  locks_.clear();
  disk_->Crash(random);
}

void SimFileSystem::FlipBit(const std::string& path, uint64_t offset) {
  const SimNodePtr node = Find(path);
  WEIR_CHECK(node != nullptr && !node->is_dir, "FlipBit: no such file: " + path);
  node->file.FlipBit(offset);
}

std::string SimFileSystem::DurableContent(const std::string& path) const {
  const SimNodePtr node = Find(path);
  return node == nullptr || node->is_dir ? "" : node->file.durable();
}

std::vector<std::string> SimFileSystem::Files() const {
  std::vector<std::string> files;
  CollectFiles(*disk_->root(), "", &files);
  return files;
}

bool SimFileSystem::Fault(double rate, const std::string& path, const std::string& in) {
  if (rate <= 0 || path.find(in) == std::string::npos || !Roll(rate)) return false;
  ++faults_seen_;
  return true;
}

bool SimFileSystem::ReadsRight(const std::string& path) const {
  return !faults_.reads_right.empty() && path.find(faults_.reads_right) != std::string::npos;
}

void SimFileSystem::MaybeSlow() {
  if (slow_hook_ != nullptr && Roll(faults_.slow)) slow_hook_(faults_.slow_ms);
}

SimNodePtr SimFileSystem::Find(std::string_view path) const {
  SimNodePtr node = disk_->root();
  for (const std::string& name : Components(path)) {
    const auto it = node->entries.find(name);  // empty for a file
    if (it == node->entries.end()) return nullptr;
    node = it->second;
  }
  return node;
}

StatusOr<SimFileSystem::Place> SimFileSystem::Locate(const std::string& path) const {
  std::vector<std::string> names = Components(path);
  if (names.empty()) return Failed(path, "is the root directory");
  Place place{disk_->root(), std::move(names.back()), nullptr};
  names.pop_back();
  for (const std::string& name : names) {
    const auto it = place.dir->entries.find(name);
    if (it == place.dir->entries.end()) return Missing(path);
    place.dir = it->second;
  }
  if (!place.dir->is_dir) return Failed(path, "not a directory");
  const auto it = place.dir->entries.find(place.name);
  if (it != place.dir->entries.end()) place.node = it->second;
  return place;
}

StatusOr<SimFileSystem::Place> SimFileSystem::LocateExisting(const std::string& path) const {
  WEIR_ASSIGN_OR_RETURN(Place place, Locate(path));
  if (place.node == nullptr) return Missing(path);
  return place;
}

StatusOr<SimNodePtr> SimFileSystem::OpenFile(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(Place place, Locate(path));
  if (place.node != nullptr) {
    if (place.node->is_dir) return Failed(path, "is a directory");
    return place.node;
  }
  if (Fails(faults_.no_space, path)) return Failed(path, "open: no space left (injected)");
  auto node = std::make_shared<SimNode>();
  disk_->Apply({{place.dir, place.name, node}});
  return node;
}

StatusOr<std::unique_ptr<WritableFile>> SimFileSystem::OpenAppend(const std::string& path) {
  WEIR_SIM_POINT("fs.open_append");
  WEIR_ASSIGN_OR_RETURN(const SimNodePtr node, OpenFile(path));
  return std::unique_ptr<WritableFile>(std::make_unique<Writable>(this, node, path));
}

StatusOr<std::unique_ptr<WritableFile>> SimFileSystem::Create(const std::string& path) {
  WEIR_SIM_POINT("fs.create");
  WEIR_ASSIGN_OR_RETURN(const SimNodePtr node, OpenFile(path));
  if (!node->file.data().empty()) node->file.Truncate(0);
  return std::unique_ptr<WritableFile>(std::make_unique<Writable>(this, node, path));
}

Status SimFileSystem::CreateExclusive(const std::string& path, std::string_view data) {
  WEIR_SIM_POINT("fs.create_exclusive");
  WEIR_ASSIGN_OR_RETURN(Place place, Locate(path));
  if (place.node != nullptr)
    return absl::AlreadyExistsError(absl::StrCat(path, ": exists already"));
  if (Fails(faults_.no_space, path)) return Failed(path, "write: no space left (injected)");
  if (Fails(faults_.write_error, path)) return Failed(path, "write: EIO (injected)");
  auto node = std::make_shared<SimNode>();
  node->file.Append(data);
  node->file.Sync();
  disk_->Apply({{place.dir, place.name, node}});
  disk_->SyncDir(place.dir.get());
  return absl::OkStatus();
}

StatusOr<std::unique_ptr<RandomAccessFile>> SimFileSystem::OpenRead(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(Place place, LocateExisting(path));
  if (place.node->is_dir) return Failed(path, "is a directory");
  return std::unique_ptr<RandomAccessFile>(std::make_unique<Readable>(this, place.node, path));
}

StatusOr<uint64_t> SimFileSystem::FileSize(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(Place place, LocateExisting(path));
  return place.node->file.data().size();
}

bool SimFileSystem::Exists(const std::string& path) { return Find(path) != nullptr; }

StatusOr<std::vector<std::string>> SimFileSystem::List(const std::string& dir) {
  const SimNodePtr node = Find(dir);
  if (node == nullptr) return Missing(dir);
  if (!node->is_dir) return Failed(dir, "not a directory");
  std::vector<std::string> names;
  for (const auto& [name, child] : node->entries) names.push_back(name);
  return names;
}

Status SimFileSystem::CreateDirs(const std::string& dir) {
  WEIR_SIM_POINT("fs.create_dirs");
  SimNodePtr node = disk_->root();
  for (const std::string& name : Components(dir)) {
    if (!node->is_dir) return Failed(dir, "not a directory");
    const auto it = node->entries.find(name);
    SimNodePtr child = it == node->entries.end() ? nullptr : it->second;
    if (child == nullptr) {
      child = std::make_shared<SimNode>();
      child->is_dir = true;
      disk_->Apply({{node, name, child}});
      disk_->SyncDir(node.get());
    }
    node = child;
  }
  return node->is_dir ? absl::OkStatus() : Failed(dir, "exists and is not a directory");
}

Status SimFileSystem::Rename(const std::string& from, const std::string& to) {
  WEIR_SIM_POINT("fs.rename");
  WEIR_ASSIGN_OR_RETURN(Place source, LocateExisting(from));
  WEIR_ASSIGN_OR_RETURN(Place target, Locate(to));
  // POSIX: with two links to one file rename does nothing, and both names stay.
  if (source.node == target.node) return absl::OkStatus();
  if (target.node != nullptr) {
    if (target.node->is_dir != source.node->is_dir) return Failed(to, "rename: is another kind");
    if (!target.node->entries.empty()) return Failed(to, "rename: directory not empty");
  }
  disk_->Apply({{source.dir, source.name, nullptr}, {target.dir, target.name, source.node}});
  return absl::OkStatus();
}

Status SimFileSystem::Link(const std::string& from, const std::string& to) {
  WEIR_SIM_POINT("fs.link");
  WEIR_ASSIGN_OR_RETURN(Place source, LocateExisting(from));
  WEIR_ASSIGN_OR_RETURN(Place target, Locate(to));
  if (source.node->is_dir) return Failed(from, "link: is a directory");
  if (target.node != nullptr) return absl::AlreadyExistsError(absl::StrCat(to, ": exists already"));
  disk_->Apply({{target.dir, target.name, source.node}});
  return absl::OkStatus();
}

Status SimFileSystem::Truncate(const std::string& path, uint64_t size) {
  WEIR_SIM_POINT("fs.truncate");
  WEIR_ASSIGN_OR_RETURN(Place place, LocateExisting(path));
  if (place.node->is_dir) return Failed(path, "is a directory");
  if (Fails(faults_.write_error, path)) return Failed(path, "truncate: EIO (injected)");
  place.node->file.Truncate(size);
  place.node->file.Sync();
  return absl::OkStatus();
}

Status SimFileSystem::Remove(const std::string& path) {
  WEIR_SIM_POINT("fs.remove");
  WEIR_ASSIGN_OR_RETURN(Place place, LocateExisting(path));
  if (!place.node->entries.empty()) return Failed(path, "remove: directory not empty");
  disk_->Apply({{place.dir, place.name, nullptr}});
  return absl::OkStatus();
}

Status SimFileSystem::RemoveAll(const std::string& dir) {
  const SimNodePtr node = Find(dir);
  if (node == nullptr) return absl::OkStatus();
  if (node->is_dir) {
    const SimNode::Entries children = node->entries;  // a copy: Remove changes the original
    for (const auto& [name, child] : children) WEIR_RETURN_IF_ERROR(RemoveAll(JoinPath(dir, name)));
  }
  return Remove(dir);
}

Status SimFileSystem::SyncDir(const std::string& dir) {
  WEIR_SIM_POINT("fs.sync_dir");
  const SimNodePtr node = Find(dir);
  if (node == nullptr) return Missing(dir);
  if (!node->is_dir) return Failed(dir, "not a directory");
  if (Fails(faults_.sync_error, dir)) return Failed(dir, "sync: EIO (injected)");
  disk_->SyncDir(node.get());
  return absl::OkStatus();
}

StatusOr<std::unique_ptr<FileLock>> SimFileSystem::Lock(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const SimNodePtr node, OpenFile(path));
  // The table knows a lock by a token that dies with it, or that a crash makes it forget.
  class Held : public FileLock {
   public:
    explicit Held(std::shared_ptr<FileLock> token) : token_(std::move(token)) {}

   private:
    const std::shared_ptr<FileLock> token_;
  };
  std::weak_ptr<FileLock>& known = locks_[path];
  if (!known.expired()) {
    return Err(ErrorCode::kStateLocked, absl::StrCat(path, ": locked by another process"));
  }
  const auto token = std::make_shared<FileLock>();
  known = token;
  return std::unique_ptr<FileLock>(std::make_unique<Held>(token));
}

}  // namespace weir
