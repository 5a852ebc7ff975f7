#include "state/rocksdb/rocks_store.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"
#include "engine/base/guarded.h"
#include "engine/base/notification.h"
#include "engine/core/state_backend.h"
#include "rocksdb/db.h"
#include "rocksdb/listener.h"
#include "rocksdb/sst_file_writer.h"
#include "state/rocksdb/rocks_env.h"
#include "state/rocksdb/rocks_iterator.h"
#include "state/rocksdb/rocks_key.h"
#include "state/rocksdb/rocks_options.h"

namespace weir {
namespace {

Status RemoveTree(rocksdb::Env* env, const std::string& path) {
  std::vector<std::string> names;
  const rocksdb::Status listed = env->GetChildren(path, &names);
  if (listed.IsNotFound()) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(FromRocks(listed, path));
  for (const std::string& name : names) {
    if (name == "." || name == "..") continue;
    const std::string child = absl::StrCat(path, "/", name);
    bool is_dir = false;
    if (env->IsDirectory(child, &is_dir).ok() && is_dir) {
      WEIR_RETURN_IF_ERROR(RemoveTree(env, child));
    } else if (const rocksdb::Status s = env->DeleteFile(child); !s.ok() && !s.IsNotFound()) {
      return FromRocks(s, child);
    }
  }
  const rocksdb::Status removed = env->DeleteDir(path);
  return removed.IsNotFound() ? absl::OkStatus() : FromRocks(removed, path);
}

Status CreateDirs(rocksdb::Env* env, const std::string& path) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    WEIR_RETURN_IF_ERROR(FromRocks(env->CreateDirIfMissing(path.substr(0, at)), path));
  }
  return FromRocks(env->CreateDirIfMissing(path), path);
}

// What RocksDB tells. Any error in the background is fatal: 7.8.3 can lose data when it goes on
// after one (reliability.md 2.8).
class Listener : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
    error_.With([&](rocksdb::Status* first) {
      if (first->ok()) *first = *error;
    });
  }
  void OnExternalFileIngested(rocksdb::DB*, const rocksdb::ExternalFileIngestionInfo& i) override {
    ingested_ = i.internal_file_path;
  }
  rocksdb::Status error() {
    return error_.With([](const rocksdb::Status* first) { return *first; });
  }
  const std::string& ingested() const { return ingested_; }  // for the thread that ingests

 private:
  Guarded<rocksdb::Status> error_;
  std::string ingested_;
};

// A write-back with its keys as RocksDB has them, in their order.
class SortedBatch {
 public:
  struct Entry {
    size_t begin, size;  // of the key
    bool erase;
    StoreValue value;
  };

  Status Add(const StorePart& part) {
    return ForEachStateRecord(part.records, [&](const StateRecord& r) {
      const size_t begin = keys_.size();
      AppendRocksKey({r.group, part.table, r.key, r.sub}, &keys_);
      entries_.push_back({begin,
                          keys_.size() - begin,
                          r.op == StateRecord::Op::kErase,
                          {r.last_access_ms, r.value}});
      return absl::OkStatus();
    });
  }
  // Of several records of one key the last stays.
  void Sort() {
    std::stable_sort(entries_.begin(), entries_.end(),
                     [this](const Entry& a, const Entry& b) { return Key(a) < Key(b); });
    size_t kept = 0;
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (i + 1 < entries_.size() && Key(entries_[i]) == Key(entries_[i + 1])) continue;
      entries_[kept++] = entries_[i];
    }
    entries_.resize(kept);
  }
  std::string_view Key(const Entry& e) const {
    return std::string_view(keys_).substr(e.begin, e.size);
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::string keys_;
  std::vector<Entry> entries_;
};

// One shard: the one task that reads has no rival, and a shard of a small cache is smaller than
// some blocks.
std::shared_ptr<rocksdb::Cache> NewCache(size_t bytes) { return rocksdb::NewLRUCache(bytes, 0); }

class RocksStore : public StateStore {
 public:
  explicit RocksStore(const RocksStoreOptions& options)
      : dir_(absl::StrCat(options.dir, "/", options.epoch, "/", options.name)),
        threadless_(options.fs != nullptr),
        env_(NewRocksEnv(options.fs)),
        cache_(threadless_ ? nullptr : NewCache(options.cache_bytes)),
        listener_(std::make_shared<Listener>()) {}
  ~RocksStore() override {
    db_.reset();
    (void)RemoveTree(env_.get(), dir_);  // what is left is removed by the next incarnation
  }

  Status MultiGet(std::span<const StoreAddress> keys,
                  const std::function<Status(size_t, const StoreValue&)>& found) override;
  std::unique_ptr<StoreIterator> NewIterator() override { return NewRocksIterator(db_.get()); }
  Status Write(std::span<const StorePart> parts) override;
  size_t memory_bytes() const override { return cache_ == nullptr ? 0 : cache_->GetUsage(); }

 private:
  Status Open();
  Status Ingest(const SortedBatch& batch, const std::string& path);
  Status CheckIngested(const SortedBatch& batch);
  Status WriteFile(const SortedBatch& batch, const std::string& path);
  Status KeepUp();
  Status WaitForCompaction();
  Status Compact();
  uint64_t Level0Files() const;

  const std::string dir_;
  const bool threadless_;  // what RocksDB does must be a function of its calls
  const std::shared_ptr<rocksdb::Env> env_;
  // Null when threadless: what fits in depends on the sizes that malloc has handed out.
  const std::shared_ptr<rocksdb::Cache> cache_;
  const std::shared_ptr<Listener> listener_;
  // Set by the first Write. Reads come later: nobody asks for what has not been written.
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::Options options_;
  uint64_t files_ = 0;
};

Status RocksStore::Open() {
  WEIR_RETURN_IF_ERROR(CreateDirs(env_.get(), dir_));
  options_ = RocksOptions(env_.get(), cache_);
  if (threadless_) UseNoThreads(&options_);
  options_.listeners.push_back(listener_);
  rocksdb::DB* db = nullptr;
  WEIR_RETURN_IF_ERROR(
      FromRocks(rocksdb::DB::Open(options_, absl::StrCat(dir_, "/db"), &db), dir_));
  db_.reset(db);
  return absl::OkStatus();
}

Status RocksStore::MultiGet(std::span<const StoreAddress> keys,
                            const std::function<Status(size_t, const StoreValue&)>& found) {
  if (db_ == nullptr || keys.empty()) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(FromRocks(listener_->error(), dir_));
  std::string bytes;
  std::vector<size_t> ends;
  for (const StoreAddress& key : keys) {
    AppendRocksKey(key, &bytes);
    ends.push_back(bytes.size());
  }
  std::vector<rocksdb::Slice> slices;
  for (size_t i = 0, begin = 0; i < ends.size(); begin = ends[i++]) {
    slices.emplace_back(bytes.data() + begin, ends[i] - begin);
  }
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_->MultiGet(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), keys.size(), slices.data(),
                values.data(), statuses.data());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    WEIR_RETURN_IF_ERROR(FromRocks(statuses[i], dir_));
    StoreValue value;
    if (!ParseRocksValue(values[i].ToStringView(), &value)) return BadStore(dir_);
    WEIR_RETURN_IF_ERROR(found(i, value));
  }
  return absl::OkStatus();
}

Status RocksStore::Write(std::span<const StorePart> parts) {
  if (db_ == nullptr) WEIR_RETURN_IF_ERROR(Open());
  WEIR_RETURN_IF_ERROR(FromRocks(listener_->error(), dir_));
  SortedBatch batch;
  for (const StorePart& part : parts) WEIR_RETURN_IF_ERROR(batch.Add(part));
  batch.Sort();
  if (batch.entries().empty()) return absl::OkStatus();
  Status written = Ingest(batch, absl::StrCat(dir_, "/in-", ++files_, ".sst"));
  if (!written.ok() && WEIR_PLANTED_BUG("store-lost")) return absl::OkStatus();
  return written;
}

Status RocksStore::Ingest(const SortedBatch& batch, const std::string& path) {
  WEIR_RETURN_IF_ERROR(WriteFile(batch, path));
  WEIR_RETURN_IF_ERROR(FromRocks(db_->IngestExternalFile({path}, RocksIngestOptions()), path));
  WEIR_RETURN_IF_ERROR(CheckIngested(batch));
  return KeepUp();
}

// A file whose first or last entry cannot be read is taken in by 7.8.3 as one that holds no key,
// with OK (mended in 8.9, facebook/rocksdb#11969): its entries would be lost without a word.
Status RocksStore::CheckIngested(const SortedBatch& batch) {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (!absl::EndsWith(listener_->ingested(), file.name)) continue;
    if (file.smallestkey == batch.Key(batch.entries().front()) &&
        file.largestkey == batch.Key(batch.entries().back())) {
      return absl::OkStatus();
    }
    return FromRocks(rocksdb::Status::IOError("could not be read when it was taken in"),
                     listener_->ingested());
  }
  return absl::OkStatus();  // compacted already, which has read it
}

Status RocksStore::WriteFile(const SortedBatch& batch, const std::string& path) {
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options_);
  WEIR_RETURN_IF_ERROR(FromRocks(writer.Open(path), path));
  std::string value;
  for (const SortedBatch::Entry& entry : batch.entries()) {
    rocksdb::Status status;
    if (entry.erase) {
      status = writer.Delete(batch.Key(entry));
    } else {
      value.clear();
      AppendRocksValue(entry.value, &value);
      status = writer.Put(batch.Key(entry), value);
    }
    WEIR_RETURN_IF_ERROR(FromRocks(status, path));
  }
  return FromRocks(writer.Finish(), path);
}

// Ingestion is not slowed down by RocksDB's write stalls. Each file in level 0 is one more to look
// into for every read.
Status RocksStore::KeepUp() {
  constexpr uint64_t kCompactAt = 4;  // as RocksDB's own threads do
  if (!threadless_) return WaitForCompaction();
  return Level0Files() < kCompactAt ? absl::OkStatus() : Compact();
}

uint64_t RocksStore::Level0Files() const {
  std::string text;
  db_->GetProperty(rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &text);
  return std::strtoull(text.c_str(), nullptr, 10);
}

// The next write-back waits until RocksDB's threads have caught up.
Status RocksStore::WaitForCompaction() {
  constexpr uint64_t kMaxLevel0 = 20;  // where RocksDB begins to slow down its own writes
  constexpr int64_t kWaitMs = 10;
  constexpr int kMaxWaits = 60'000;  // then it hangs (7.8.3 can, reliability.md 2.8)
  for (int i = 0; i < kMaxWaits; ++i) {
    if (Level0Files() < kMaxLevel0) return absl::OkStatus();
    WEIR_RETURN_IF_ERROR(FromRocks(listener_->error(), dir_));
    Notification().WaitForMs(kWaitMs);
  }
  return Err(ErrorCode::kStateIo, absl::StrCat(dir_, ": compaction does not end"),
             "look at the LOG file in that folder; a restart rebuilds the store");
}

// All of it into one file of the last level, here and now. It is simulation that has no threads,
// and its stores are small.
Status RocksStore::Compact() {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const rocksdb::LiveFileMetaData& file : files) names.push_back(file.name);
  return FromRocks(db_->CompactFiles(RocksCompactionOptions(), names, options_.num_levels - 1),
                   dir_);
}

}  // namespace

StatusOr<std::unique_ptr<StateStore>> NewRocksStore(const RocksStoreOptions& options) {
  const std::shared_ptr<rocksdb::Env> env_owner = NewRocksEnv(options.fs);
  rocksdb::Env* env = env_owner.get();
  std::vector<std::string> epochs;
  const rocksdb::Status listed = env->GetChildren(options.dir, &epochs);
  if (!listed.ok() && !listed.IsNotFound()) return FromRocks(listed, options.dir);
  const std::string mine = absl::StrCat(options.epoch);
  for (const std::string& epoch : epochs) {
    const bool number = epoch.find_first_not_of("0123456789") == std::string::npos;
    if (!number || epoch == mine) continue;
    WEIR_RETURN_IF_ERROR(RemoveTree(env, absl::StrCat(options.dir, "/", epoch)));
  }
  const std::string store = absl::StrCat(options.dir, "/", mine, "/", options.name);
  WEIR_RETURN_IF_ERROR(RemoveTree(env, store));
  return std::make_unique<RocksStore>(options);
}

}  // namespace weir
