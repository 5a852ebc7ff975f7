// State through files to another parallelism (reliability.md I-13): hot tables, segments, manifest.
#include <map>
#include <optional>

#include "engine/base/random.h"
#include "engine/model/key.h"
#include "state/hot/hot_backend.h"
#include "tests/unit/state_checkpoint/test_storage.h"

namespace weir {
namespace {

constexpr int kMaxParallelism = 16;

class Opener : public StateOpener {
 public:
  explicit Opener(const Clock* clock) : backend(clock) {}
  StatusOr<StateTable*> OpenTable(const StateDescriptor& descriptor) override {
    return backend.OpenTable(descriptor);
  }
  HotStateBackend backend;
};

struct Subtask {
  explicit Subtask(const Clock* clock) : opener(clock) {}
  void Open() {
    ASSERT_TRUE(count.Open(&opener, "count").ok());
    ASSERT_TRUE(rules.Open(&opener, "rules").ok());
  }
  Opener opener;
  MapState<int64_t, std::string> count;
  BroadcastState<int64_t> rules;
};

class RescaleTest : public StorageTest {
 protected:
  KeyRef Key(const std::string& key) {
    return KeyRef{KeyGroupFor(key, kMaxParallelism), HashBytes(key), key};
  }
  Subtask& Owner(const std::string& key) {
    const int p = static_cast<int>(subtasks_.size());
    return *subtasks_[static_cast<size_t>(OwnerOf(Key(key).group, p, kMaxParallelism))];
  }
  void Change(Random* random, int changes) {
    for (int i = 0; i < changes; ++i) {
      const std::string key = "key " + std::to_string(random->Uniform(60));
      const auto k = static_cast<int64_t>(random->Uniform(5)) - 2;
      if (random->OneIn(4)) {
        Owner(key).count.Remove(Key(key), k);
        expected_.erase({key, k});
      } else {
        const std::string value = std::to_string(random->Next());
        Owner(key).count.Mutable(Key(key), k) = value;
        expected_[{key, k}] = value;
      }
      const std::string rule = "rule " + std::to_string(random->Uniform(4));
      ++rules_[rule];
      for (const auto& subtask : subtasks_) ++subtask->rules.Mutable(rule);
    }
  }
  // Checkpoint `id`: a delta on what `chain_` holds, or a full one.
  void Checkpoint(int64_t id, bool full) {
    chain_.resize(subtasks_.size());
    std::vector<SubtaskState> states;
    for (size_t i = 0; i < subtasks_.size(); ++i) {
      HotStateBackend& backend = subtasks_[i]->opener.backend;
      backend.Seal(id, full);
      while (!backend.WriteSlice(1000)) {
      }
      SealedState sealed = backend.TakeSealed();
      std::erase_if(sealed.tables, [&](const SealedTable& t) { return t.broadcast && i > 0; });
      if (full) chain_[i].clear();
      const StatusOr<SegmentRef> ref = storage_->WriteSegment(std::move(sealed), "");
      ASSERT_TRUE(ref.ok()) << ref.status();
      chain_[i].push_back(*ref);
      states.push_back({static_cast<int>(i), chain_[i], {}});
    }
    Manifest manifest = ManifestOf(id, {});
    manifest.max_parallelism = kMaxParallelism;
    manifest.operators[0].parallelism = static_cast<int>(subtasks_.size());
    manifest.operators[0].subtasks = states;
    ASSERT_TRUE(storage_->WriteManifest(manifest, "").ok());
  }
  void Start(int parallelism, std::optional<int64_t> from) {
    subtasks_.clear();
    chain_.clear();
    for (int i = 0; i < parallelism; ++i) {
      subtasks_.push_back(std::make_unique<Subtask>(&env_.clock));
      if (from.has_value()) RestoreSubtask(*from, i, parallelism);
      subtasks_.back()->Open();
    }
  }
  void RestoreSubtask(int64_t id, int subtask, int parallelism) {
    const StatusOr<Manifest> manifest = storage_->ReadManifest(id);
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    HotStateBackend& backend = subtasks_.back()->opener.backend;
    for (const SubtaskState& old : manifest->operators[0].subtasks) {
      for (const SegmentRef& ref : old.segments) {
        const Status read = storage_->ReadSegment(
            ref, "", [&](const SealedTable& table, const StateRecord& record) {
              const bool mine = record.group == kBroadcastKeyGroup ||
                                OwnerOf(record.group, parallelism, kMaxParallelism) == subtask;
              return mine ? backend.Restore(table, record) : absl::OkStatus();
            });
        ASSERT_TRUE(read.ok()) << read;
      }
    }
  }
  void CheckAll() {
    size_t entries = 0;
    for (const auto& subtask : subtasks_) {
      entries += subtask->count.table()->size();
      std::map<std::string, int64_t> rules;
      subtask->rules.ForEach([&](std::string_view name, const int64_t& n) {
        rules.emplace(name, n);
        return true;
      });
      EXPECT_EQ(rules, rules_);
    }
    EXPECT_EQ(entries, expected_.size());
    for (const auto& [address, value] : expected_) {
      const std::string* found = Owner(address.first).count.Get(Key(address.first), address.second);
      ASSERT_NE(found, nullptr) << address.first;
      EXPECT_EQ(*found, value);
    }
  }

  std::vector<std::unique_ptr<Subtask>> subtasks_;
  std::vector<std::vector<SegmentRef>> chain_;  // per subtask
  std::map<std::pair<std::string, int64_t>, std::string> expected_;
  std::map<std::string, int64_t> rules_;
};

TEST_F(RescaleTest, EveryParallelismToEveryOther) {
  Random random(11);
  int64_t id = 0;
  for (const int from : {1, 2, 3, 5, 8}) {
    for (const int to : {1, 2, 3, 5, 8}) {
      SCOPED_TRACE(std::to_string(from) + " -> " + std::to_string(to));
      expected_.clear();
      rules_.clear();
      Start(from, std::nullopt);
      Change(&random, 300);
      Checkpoint(++id, true);
      for (int delta = 0; delta < 3; ++delta) {
        Change(&random, 40);
        Checkpoint(++id, false);
      }
      Start(to, id);
      CheckAll();
      ASSERT_TRUE(storage_->Collect(1, 0).ok());
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace weir
