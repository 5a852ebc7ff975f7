// The typed handles of engine/core/state.h over the hot backend.
#include <limits>
#include <optional>

#include "engine/core/state.h"
#include "gmock/gmock.h"
#include "state/hot/hot_backend.h"
#include "tests/unit/state_hot/test_backend.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class Opener : public StateOpener {
 public:
  StatusOr<StateTable*> OpenTable(const StateDescriptor& descriptor) override {
    return backend.OpenTable(descriptor);
  }
  SystemClock clock;
  HotStateBackend backend{&clock};
};

class Handles : public ::testing::Test {
 protected:
  // Full checkpoint, new backend, same content.
  void Restart() {
    const SealedState sealed = SealAll(&opener_->backend, 1, true);
    opener_.emplace();
    RestoreInto(&opener_->backend, sealed);
  }
  template <typename Handle, typename... Args>
  void Open(Handle* handle, Args... args) {
    const Status status = handle->Open(&*opener_, "state", args...);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::optional<Opener> opener_{std::in_place};
};

TEST_F(Handles, Value) {
  ValueState<std::string> value;
  Open(&value);
  EXPECT_EQ(value.Get(Key("a")), nullptr);
  EXPECT_EQ(value.GetForWrite(Key("a")), nullptr);
  value.Mutable(Key("a")) += "x";
  *value.GetForWrite(Key("a")) += "y";
  Restart();
  Open(&value);
  ASSERT_NE(value.Get(Key("a")), nullptr);
  EXPECT_EQ(*value.Get(Key("a")), "xy");
  value.Clear(Key("a"));
  EXPECT_EQ(value.Get(Key("a")), nullptr);
}

TEST_F(Handles, MapOfNumbersGoesUpwards) {
  MapState<int64_t, int64_t> map;
  Open(&map);
  const int64_t low = std::numeric_limits<int64_t>::min();
  const int64_t high = std::numeric_limits<int64_t>::max();
  for (const int64_t k : {int64_t{5}, int64_t{-1}, high, int64_t{0}, int64_t{-300}, low}) {
    map.Mutable(Key("a"), k) = k;
  }
  map.Mutable(Key("b"), 1) = 1;
  Restart();
  Open(&map);
  std::vector<int64_t> keys;
  const auto collect = [&](int64_t k, const int64_t& v) {
    EXPECT_EQ(k, v);
    keys.push_back(k);
    return true;
  };
  map.ForEach(Key("a"), collect);
  EXPECT_THAT(keys, ElementsAre(low, -300, -1, 0, 5, high));
  EXPECT_TRUE(map.Remove(Key("a"), -1));
  EXPECT_FALSE(map.Remove(Key("a"), -1));
  EXPECT_EQ(map.Get(Key("a"), -1), nullptr);
  *map.GetForWrite(Key("a"), 0) = 9;
  EXPECT_EQ(*map.Get(Key("a"), 0), 9);
  map.Clear(Key("a"));
  keys.clear();
  map.ForEach(Key("a"), collect);
  EXPECT_THAT(keys, IsEmpty());
  EXPECT_NE(map.Get(Key("b"), 1), nullptr);
}

TEST_F(Handles, MapOfStrings) {
  MapState<std::string_view, std::vector<std::pair<std::string, double>>> map;
  Open(&map);
  bool created = false;
  map.Mutable(Key("a"), "z", &created).push_back({"p", 0.5});
  EXPECT_TRUE(created);
  map.Mutable(Key("a"), "b");
  Restart();
  Open(&map);
  std::vector<std::string> keys;
  map.ForEach(Key("a"), [&](std::string_view k, const auto&) {
    keys.emplace_back(k);
    return true;
  });
  EXPECT_THAT(keys, ElementsAre("b", "z"));
  EXPECT_EQ(map.Get(Key("a"), "z")->at(0).second, 0.5);
}

TEST_F(Handles, ListIsChunkedAndKeepsItsOrder) {
  ListState<int64_t> list;
  Open(&list);
  constexpr int64_t kItems = 30'000;  // 240 kB
  for (int64_t i = 0; i < kItems; ++i) list.Append(Key("a"), i);
  list.Append(Key("b"), -1);
  const SealedState sealed = SealAll(&opener_->backend, 1);
  int chunks = 0;
  for (const std::string& record : Records(sealed, "state"))
    chunks += record.rfind("put a", 0) == 0;
  EXPECT_EQ(chunks, 4);
  list.Append(Key("a"), kItems);
  size_t delta_bytes = 0;
  for (const SealedTable& t : SealAll(&opener_->backend, 2).tables) delta_bytes += t.bytes.size();
  EXPECT_LT(delta_bytes, ListState<int64_t>::kChunkBytes + 100) << "an append writes one chunk";
  Restart();
  Open(&list);
  EXPECT_EQ(list.Size(Key("a")), static_cast<size_t>(kItems) + 1);
  int64_t next = 0;
  list.ForEach(Key("a"), [&](int64_t v) { return v == next++; });
  EXPECT_EQ(next, kItems + 1);
  list.Clear(Key("a"));
  EXPECT_EQ(list.Size(Key("a")), 0u);
  EXPECT_EQ(list.Size(Key("b")), 1u);
}

TEST_F(Handles, ReducingTakesTheFirstAsItIs) {
  ReducingState<int64_t> max;
  const auto reduce = [](const int64_t& a, const int64_t& b) { return std::max(a, b); };
  Open(&max, reduce);
  for (const int64_t v : {-5, -9, -2}) max.AddValue(Key("a"), v);
  Restart();
  Open(&max, reduce);
  EXPECT_EQ(*max.Get(Key("a")), -2);
  max.Clear(Key("a"));
  EXPECT_EQ(max.Get(Key("a")), nullptr);
}

TEST_F(Handles, AggregatingHasItsOwnAccumulator) {
  using Mean = std::pair<int64_t, int64_t>;
  AggregatingState<std::string, Mean> mean;
  const auto add = [](Mean* acc, const std::string& in) {
    acc->first += static_cast<int64_t>(in.size());
    ++acc->second;
  };
  Open(&mean, add);
  mean.AddValue(Key("a"), "four");
  mean.AddValue(Key("a"), "");
  Restart();
  Open(&mean, add);
  EXPECT_EQ(*mean.Get(Key("a")), Mean(4, 2));
}

TEST_F(Handles, BroadcastIsRestoredAndMarked) {
  BroadcastState<int64_t> rules;
  Open(&rules);
  rules.Mutable("r2") = 2;
  rules.Mutable("r1") = 1;
  rules.Mutable("r0") = 0;
  EXPECT_TRUE(rules.Remove("r0"));
  opener_->backend.Seal(7, true);
  EXPECT_TRUE(Finish(&opener_->backend).tables.at(0).broadcast);
  Restart();
  Open(&rules);
  std::vector<std::string> seen;
  rules.ForEach([&](std::string_view k, const int64_t&) {
    seen.emplace_back(k);
    return true;
  });
  EXPECT_THAT(seen, ElementsAre("r1", "r2"));
  EXPECT_EQ(*rules.Get("r2"), 2);
}

TEST_F(Handles, QueueIsFoundByGroupAndSequenceAfterARestore) {
  QueueState<std::string> queue;
  Open(&queue);
  for (uint16_t group = 0; group < 100; ++group) {
    for (int64_t sequence = 0; sequence < 10; ++sequence) {
      queue.Put(group, sequence) = std::to_string(group) + ":" + std::to_string(sequence);
    }
  }
  Restart();
  Open(&queue);
  EXPECT_EQ(*queue.Get(99, 9), "99:9");
  for (uint16_t group = 0; group < 100; ++group) {
    for (int64_t sequence = 1; sequence < 10; ++sequence) {
      ASSERT_TRUE(queue.Remove(group, sequence));
    }
  }
  *queue.GetForWrite(3, 0) = "changed";
  size_t n = 0;
  queue.ForEach([&](uint16_t group, int64_t sequence, const std::string& v) {
    EXPECT_EQ(sequence, 0);
    EXPECT_EQ(v, group == 3 ? "changed" : std::to_string(group) + ":0");
    ++n;
    return true;
  });
  EXPECT_EQ(n, 100u);
}

TEST_F(Handles, TtlIsPerMapEntry) {
  opener_->backend.SetTime(0, 0);
  MapState<int64_t, int64_t> map;
  Open(&map, StateOptions{{StateTtl::Domain::kProcessingTime, 10, false}, false});
  map.Mutable(Key("a"), 1) = 1;
  opener_->backend.SetTime(5, 0);
  map.Mutable(Key("a"), 2) = 2;
  opener_->backend.SetTime(10, 0);
  EXPECT_EQ(map.Get(Key("a"), 1), nullptr);
  EXPECT_EQ(*map.Get(Key("a"), 2), 2);
}

TEST(ValueOps, PlainBytesOwnNothing) {
  EXPECT_EQ(ValueOpsFor<int64_t>()->heap_bytes, nullptr);
  EXPECT_NE(ValueOpsFor<std::string>()->heap_bytes, nullptr);
}

}  // namespace
}  // namespace weir
