// State over RocksDB beside bare RocksDB, as ratios in one run: all in memory, nearly all in
// RocksDB, four times the memory. The bare loops use the same options and the same data.
//
//   bench_state_rocksdb [KEYS=1000000] [SECONDS=2]
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "engine/core/state.h"
#include "rocksdb/db.h"
#include "state/hot/hot_backend.h"
#include "state/rocksdb/rocks_key.h"
#include "state/rocksdb/rocks_options.h"
#include "state/rocksdb/rocks_store.h"
#include "tests/unit/state_rocksdb/store_driver.h"

namespace weir {
namespace {

constexpr size_t kBatch = 256;
constexpr size_t kEntryBytes = 77;  // 64 for the entry, the rest for its slot in the index

struct Batch {
  std::string bytes;
  std::vector<StateKey> keys;
};

class Bench {
 public:
  Bench(uint64_t keys, double seconds) : keys_(keys), seconds_(seconds) {
    dir_ = std::filesystem::temp_directory_path() / ("weir-bench-" + std::to_string(getpid()));
  }
  ~Bench() { std::filesystem::remove_all(dir_); }

  int Run() {
    std::printf("%llu keys of 8 bytes, values int64, batches of %zu\n",
                static_cast<unsigned long long>(keys_), kBatch);
    const double memory = Updates("memory, update", 0);
    const double hot = Updates("rocksdb, all in memory, update", keys_ * kEntryBytes * 4);
    const double bare_get = BareMultiGet();
    const double resident = Reads("rocksdb, 2 % in memory, read", keys_ * kEntryBytes / 50);
    const double bare_update = BareUpdates();
    const double quarter = Updates("rocksdb, 25 % in memory, update", keys_ * kEntryBytes / 4);
    std::printf("\nall in memory / memory backend          %6.2f\n", hot / memory);
    std::printf("resident read / bare MultiGet            %6.2f\n", resident / bare_get);
    std::printf("4x memory update / bare MultiGet+batch   %6.2f\n", quarter / bare_update);
    std::printf("bare MultiGet+batch / all in memory      %6.2f\n", bare_update / hot);
    return 0;
  }

 private:
  Batch Draw() {
    Batch batch;
    for (size_t i = 0; i < kBatch; ++i) PutBigEndian64(&batch.bytes, random_.Uniform(keys_) * 7919);
    Address(&batch);
    return batch;
  }
  static void Address(Batch* batch) {
    for (size_t i = 0; i < batch->bytes.size(); i += 8) {
      const std::string_view key = std::string_view(batch->bytes).substr(i, 8);
      const uint64_t hash = HashBytes(key);
      batch->keys.push_back(StateKey{static_cast<uint16_t>(hash % 128), hash, key, {}});
    }
  }
  static size_t Resident() {
    malloc_trim(0);
    size_t total = 0, resident = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%zu %zu", &total, &resident) != 2) std::abort();
    std::fclose(file);
    return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  }

  // Calls `work` for a batch again and again; ns per key.
  double Measure(const char* what, const std::function<void(const Batch&)>& work) {
    const int64_t start = clock_.MonoNs();
    const auto length = static_cast<int64_t>(seconds_ * 1e9);
    int64_t spent = 0;
    int64_t items = 0;
    while (clock_.MonoNs() - start < length) {
      const Batch batch = Draw();
      const int64_t from = clock_.MonoNs();
      work(batch);
      spent += clock_.MonoNs() - from;
      items += static_cast<int64_t>(kBatch);
    }
    const double each = static_cast<double>(spent) / static_cast<double>(items);
    std::printf("%-40s %9.1f ns\n", what, each);
    return each;
  }

  std::unique_ptr<StateBackend> MakeBackend(size_t hot_bytes) {
    if (hot_bytes == 0) return std::make_unique<HotStateBackend>(&clock_);
    HotStoreOptions options;
    options.store =
        NewRocksStore({dir_, 1, "op." + std::to_string(++stores_), hot_bytes / 3}).value();
    options.hot_bytes = hot_bytes;
    return std::make_unique<HotStateBackend>(&clock_, std::move(options));
  }

  // A table with all keys, and what its backend has taken of the memory of this process.
  double WithTable(const char* what, size_t hot_bytes, bool write) {
    const size_t before = Resident();
    const std::unique_ptr<StateBackend> backend = MakeBackend(hot_bytes);
    StateDescriptor descriptor;
    descriptor.name = "count";
    descriptor.type_name = "int";
    descriptor.ops = ValueOpsFor<int64_t>();
    StateTable* table = backend->OpenTable(descriptor).value();
    StoreDriver driver(backend.get());
    bool created = false;
    for (uint64_t first = 0; first < keys_; first += kBatch) {
      Batch batch;
      for (uint64_t k = first; k < std::min(keys_, first + kBatch); ++k) {
        PutBigEndian64(&batch.bytes, k * 7919);
      }
      Address(&batch);
      table->Prefetch(batch.keys);
      for (const StateKey& key : batch.keys) table->FindOrCreate(key, &created);
      driver.Settle();
    }
    const double each = Measure(what, [&](const Batch& batch) {
      table->Prefetch(batch.keys);
      for (const StateKey& key : batch.keys) {
        if (write) {
          *static_cast<int64_t*>(table->FindOrCreate(key, &created)) += 1;
        } else {
          sum_ += *static_cast<const int64_t*>(table->Find(key));
        }
      }
      driver.Settle();
    });
    std::printf("%-40s %9.1f MiB (bound %.1f, all state %.1f)\n", "  resident",
                static_cast<double>(Resident() - std::min(before, Resident())) / (1 << 20),
                static_cast<double>(hot_bytes) / (1 << 20),
                static_cast<double>(keys_ * kEntryBytes) / (1 << 20));
    return each;
  }
  double Updates(const char* what, size_t hot_bytes) { return WithTable(what, hot_bytes, true); }
  double Reads(const char* what, size_t hot_bytes) { return WithTable(what, hot_bytes, false); }

  static void AppendKeys(const Batch& batch, std::string* bytes, std::vector<size_t>* ends) {
    for (const StateKey& key : batch.keys) {
      AppendRocksKey({key.group, 1, key.key, {}}, bytes);
      ends->push_back(bytes->size());
    }
  }

  // The same data in RocksDB alone.
  std::unique_ptr<rocksdb::DB> BareDb(size_t cache_bytes) {
    rocksdb::Options options =
        RocksOptions(rocksdb::Env::Default(), rocksdb::NewLRUCache(cache_bytes, 0));
    options.write_buffer_size = size_t{16} << 20;
    std::filesystem::create_directories(dir_);
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(options, dir_ + "/bare" + std::to_string(++stores_), &db));
    std::unique_ptr<rocksdb::DB> owned(db);
    for (uint64_t first = 0; first < keys_; first += kBatch) {
      Batch batch;
      for (uint64_t k = first; k < std::min(keys_, first + kBatch); ++k) {
        PutBigEndian64(&batch.bytes, k * 7919);
      }
      Address(&batch);
      Put(db, batch);
    }
    Check(db->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr));
    return owned;
  }
  static void Check(const rocksdb::Status& status) {
    if (status.ok()) return;
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::abort();
  }
  static void Put(rocksdb::DB* db, const Batch& batch) {
    rocksdb::WriteBatch writes;
    std::string bytes;
    std::vector<size_t> ends;
    AppendKeys(batch, &bytes, &ends);
    for (size_t i = 0, at = 0; i < ends.size(); at = ends[i++]) {
      Check(writes.Put({bytes.data() + at, ends[i] - at}, rocksdb::Slice("\0\0", 2)));
    }
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    Check(db->Write(options, &writes));
  }
  void MultiGet(rocksdb::DB* db, const Batch& batch) {
    std::string bytes;
    std::vector<size_t> ends;
    AppendKeys(batch, &bytes, &ends);
    std::vector<rocksdb::Slice> keys;
    for (size_t i = 0, at = 0; i < ends.size(); at = ends[i++]) {
      keys.emplace_back(bytes.data() + at, ends[i] - at);
    }
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    db->MultiGet(rocksdb::ReadOptions(), db->DefaultColumnFamily(), keys.size(), keys.data(),
                 values.data(), statuses.data());
    for (const auto& value : values) sum_ += static_cast<int64_t>(value.size());
  }
  double BareMultiGet() {
    const auto db = BareDb(keys_ * kEntryBytes / 150);
    return Measure("bare RocksDB, MultiGet",
                   [&](const Batch& batch) { MultiGet(db.get(), batch); });
  }
  double BareUpdates() {
    const auto db = BareDb(keys_ * kEntryBytes / 12);
    return Measure("bare RocksDB, MultiGet and write batch", [&](const Batch& batch) {
      MultiGet(db.get(), batch);
      Put(db.get(), batch);
    });
  }

  const uint64_t keys_;
  const double seconds_;
  SystemClock clock_;
  Random random_{42};
  std::string dir_;
  int stores_ = 0;
  int64_t sum_ = 0;
};

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  const uint64_t keys = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  return weir::Bench(keys, argc > 2 ? std::strtod(argv[2], nullptr) : 2).Run();
}
