// RocksDB on the simulated disk: no thread touches it, what fails there fails the store, and the
// next incarnation copes with whatever a crash has left.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/random.h"
#include "engine/base/sim_world.h"
#include "engine/core/state_backend.h"
#include "state/rocksdb/rocks_store.h"

namespace weir {
namespace {

constexpr const char* kDir = "/store/job";

StatusOr<std::unique_ptr<StateStore>> OpenOn(FileSystem* fs, int64_t epoch) {
  return NewRocksStore({kDir, epoch, "op.0", 16 << 10, fs});
}

// What has been written, and the writes that come next.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {}

  Status Write(StateStore* store) {
    StorePart part;
    std::string records;
    const std::map<std::string, std::string> before = values_;
    for (int i = 0; i < 40; ++i) {
      const std::string key = absl::StrCat("key", random_.Uniform(200));
      StateRecord record;
      record.key = key;
      if (random_.OneIn(4)) {
        record.op = StateRecord::Op::kErase;
        values_.erase(key);
      } else {
        std::string& value = values_[key];
        value = absl::StrCat(random_.Next(), std::string(random_.Uniform(100), '_'));
        record.value = value;
      }
      AppendStateRecord(record, &records);
    }
    part.records = records;
    Status status = store->Write({&part, 1});
    if (!status.ok()) values_ = before;
    return status;
  }

  // An error, or exactly what has been written.
  Status Compare(StateStore* store) {
    std::vector<std::string> names;
    std::vector<StoreAddress> keys;
    for (int i = 0; i < 200; ++i) names.push_back(absl::StrCat("key", i));
    for (const std::string& name : names) keys.push_back({0, 0, name, {}});
    std::map<std::string, std::string> found;
    WEIR_RETURN_IF_ERROR(store->MultiGet(keys, [&](size_t i, const StoreValue& value) {
      found[names[i]] = value.value;
      return absl::OkStatus();
    }));
    EXPECT_TRUE(found == values_) << Difference(found);
    found.clear();
    const std::unique_ptr<StoreIterator> at = store->NewIterator();
    for (at->Seek({}); at->Valid(); at->Next()) {
      found[std::string(at->address().key)] = at->value().value;
    }
    WEIR_RETURN_IF_ERROR(at->status());
    EXPECT_TRUE(found == values_) << Difference(found);
    return absl::OkStatus();
  }

 private:
  std::string Difference(const std::map<std::string, std::string>& found) const {
    std::string text = absl::StrCat(found.size(), " of ", values_.size(), " entries;");
    for (const auto& [key, value] : values_) {
      const auto at = found.find(key);
      if (at == found.end()) absl::StrAppend(&text, " no ", key);
      if (at != found.end() && at->second != value) absl::StrAppend(&text, " other ", key);
    }
    for (const auto& [key, value] : found) {
      if (values_.count(key) == 0) absl::StrAppend(&text, " still ", key);
    }
    return text;
  }

  Random random_;
  std::map<std::string, std::string> values_;
};

// One incarnation. Compares after each write, or once at the end.
Status RunStore(FileSystem* fs, int64_t epoch, int writes, bool compare_each = true) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<StateStore> store, OpenOn(fs, epoch));
  Model model(static_cast<uint64_t>(epoch));
  for (int i = 0; i < writes; ++i) {
    WEIR_RETURN_IF_ERROR(model.Write(store.get()));
    if (compare_each) WEIR_RETURN_IF_ERROR(model.Compare(store.get()));
  }
  return model.Compare(store.get());
}

TEST(RocksFileSystem, StoreLivesOnTheGivenDiskAndLeavesNothing) {
  SimFileSystem fs;
  {
    const auto store = OpenOn(&fs, 1);
    ASSERT_TRUE(store.ok()) << store.status();
    Model model(1);
    size_t most = 0;
    for (int i = 0; i < 60; ++i) {
      ASSERT_TRUE(model.Write(store->get()).ok());
      ASSERT_TRUE(model.Compare(store->get()).ok());
      most = std::max(most, fs.Files().size());
    }
    EXPECT_GE(most, 8u);
    EXPECT_LT(most, 40u) << "compaction keeps up, and removes what it has replaced";
  }
  EXPECT_TRUE(fs.Files().empty());
}

// Names and sizes of all files after each write: what crash points and torn writes depend on.
TEST(RocksFileSystem, SameWritesGiveTheSameFiles) {
  std::vector<std::string> runs[2];
  for (std::vector<std::string>& run : runs) {
    SimFileSystem fs;
    const auto store = OpenOn(&fs, 1);
    ASSERT_TRUE(store.ok()) << store.status();
    Model model(1);
    for (int i = 0; i < 40; ++i) {
      ASSERT_TRUE(model.Write(store->get()).ok());
      for (const std::string& file : fs.Files()) {
        run.push_back(absl::StrCat(i, " ", file, " ", fs.FileSize(file).value()));
      }
    }
  }
  EXPECT_EQ(runs[0], runs[1]);
}

// The process dies at its nth operation; the next one starts on what has reached the disk.
TEST(RocksFileSystem, NextIncarnationCopesWithEveryCrash) {
  SimWorld world(7);
  uint64_t hits = 0;
  int64_t epoch = 0;
  for (bool crashed = true; crashed;) {
    world.points().CrashAtHit(++hits);
    ASSERT_TRUE(RunStore(&world.fs(), ++epoch, 12, false).ok()) << "the dying notice nothing";
    crashed = world.crashed();
    if (crashed) world.Crash();
    world.points().DoNotCrash();
    ASSERT_TRUE(RunStore(&world.fs(), ++epoch, 1, false).ok()) << "after a crash at hit " << hits;
    EXPECT_LE(world.fs().List(kDir).value().size(), 1u) << "older ones are removed";
  }
  EXPECT_GT(hits, 100u);
  std::printf("[  figure  ] %d crash points\n", static_cast<int>(hits));
}

// Lost writes of these files would be lost entries.
TEST(RocksFileSystem, EveryErrorOfAWriteFailsTheStore) {
  for (const bool full : {false, true}) {
    for (const char* in : {".sst", "MANIFEST"}) {
      int failed = 0;
      for (uint64_t seed = 1; seed <= 40; ++seed) {
        SimFileSystem fs(seed);
        SimFaults faults;
        (full ? faults.no_space : faults.write_error) = 0.03;
        faults.errors_in = in;
        fs.SetFaults(faults);
        SCOPED_TRACE(absl::StrCat("seed ", seed));
        const Status status = RunStore(&fs, 1, 20);
        ASSERT_EQ(status.ok(), fs.faults_seen() == 0) << status << " seed " << seed << " " << in;
        if (status.ok()) continue;
        ++failed;
        EXPECT_EQ(ErrorNumber(status), static_cast<int>(ErrorCode::kStateIo)) << status;
        fs.SetFaults({});
        ASSERT_TRUE(RunStore(&fs, 2, 8).ok()) << "seed " << seed;
      }
      EXPECT_GT(failed, 5) << in;
    }
  }
}

TEST(RocksFileSystem, WhatIsReadIsRightOrAnError) {
  for (const bool flips : {false, true}) {
    int failed = 0;
    uint64_t seen = 0;
    for (uint64_t seed = 1; seed <= 100; ++seed) {
      SimFileSystem fs(seed);
      SimFaults faults;
      (flips ? faults.bit_flip : faults.read_error) = 0.003;
      fs.SetFaults(faults);
      SCOPED_TRACE(absl::StrCat("seed ", seed));
      const Status status = RunStore(&fs, 1, 20);  // compares
      seen += fs.faults_seen();
      failed += status.ok() ? 0 : 1;
      if (status.ok()) continue;
      EXPECT_EQ(ErrorNumber(status), static_cast<int>(ErrorCode::kStateIo)) << status;
      fs.SetFaults({});
      ASSERT_TRUE(RunStore(&fs, 2, 8).ok()) << "seed " << seed;
    }
    EXPECT_GT(failed, 20) << seen;
    EXPECT_LT(failed, 100) << seen;
  }
}

}  // namespace
}  // namespace weir
