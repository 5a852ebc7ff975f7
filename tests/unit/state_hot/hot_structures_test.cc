#include <algorithm>
#include <map>
#include <set>

#include "engine/base/random.h"
#include "state/hot/entry_store.h"
#include "state/hot/hash_index.h"
#include "state/hot/key_tree.h"
#include "tests/unit/state_hot/test_backend.h"

namespace weir {
namespace {

TEST(HashIndex, AgainstAMap) {
  Random random(3);
  HashIndex index;
  std::map<uint32_t, uint64_t> hash_of;  // by number
  for (int i = 0; i < 200'000; ++i) {
    const auto number = static_cast<uint32_t>(random.Uniform(3000));
    const auto known = hash_of.find(number);
    if (known == hash_of.end()) {
      // Few different upper halves: long runs, and runs that wrap around the end.
      const uint64_t hash = (random.Uniform(40) + 0xFFFFFFE8u) << 32 | random.Next() >> 32;
      index.Insert(hash, number);
      hash_of[number] = hash;
    } else if (random.OneIn(2)) {
      index.Erase(known->second, number);
      hash_of.erase(known);
    }
    const uint32_t probe = static_cast<uint32_t>(random.Uniform(3000));
    const auto it = hash_of.find(probe);
    const uint64_t hash = it == hash_of.end() ? random.Next() : it->second;
    const uint32_t found = index.Find(hash, [&](uint32_t n) { return n == probe; });
    ASSERT_EQ(found, it == hash_of.end() ? kNoEntry : probe);
  }
  EXPECT_EQ(index.size(), hash_of.size());
}

TEST(HashIndex, ReplacesTheNumberOnly) {
  HashIndex index;
  index.Insert(uint64_t{5} << 32, 1);
  index.Replace(uint64_t{5} << 32, 1, 9);
  EXPECT_EQ(index.Candidate(uint64_t{5} << 32), 9u);
  index.Erase(uint64_t{5} << 32, 9);
  EXPECT_EQ(index.Candidate(uint64_t{5} << 32), kNoEntry);
}

class KeyTreeTest : public ::testing::Test {
 protected:
  size_t Depth(uint32_t number) {
    if (number == kNoEntry) return 0;
    return 1 + std::max(Depth(store_.At(number)->left), Depth(store_.At(number)->right));
  }
  uint32_t Insert(const std::string& sub) {
    const uint32_t number = store_.Create({0, 0, "key", sub});
    tree_.Insert(number);
    return number;
  }
  EntryStore store_{ValueOpsFor<int64_t>(), false};
  KeyTree tree_{&store_, kNoEntry};
};

TEST_F(KeyTreeTest, AgainstASet) {
  Random random(5);
  std::map<std::string, uint32_t> expected;
  for (int i = 0; i < 30'000; ++i) {
    const std::string sub = std::to_string(random.Uniform(500));
    const auto known = expected.find(sub);
    if (known == expected.end()) {
      expected[sub] = Insert(sub);
    } else {
      tree_.Erase(known->second);
      store_.Destroy(known->second);
      expected.erase(known);
    }
    if (i % 100 != 0) continue;
    auto next = expected.begin();
    tree_.Visit([&](uint32_t number) {
      EXPECT_EQ(number, next->second);
      ++next;
      return true;
    });
    ASSERT_TRUE(next == expected.end());
  }
}

TEST_F(KeyTreeTest, AscendingInsertionsStayShallow) {
  for (int64_t i = 0; i < 50'000; ++i) Insert(EncodeMapKey(i));
  EXPECT_LT(Depth(tree_.root()), 60u);
}

TEST(EntryStore, ReusesBlocksAndReleasesWhatTheyOwned) {
  EntryStore store(ValueOpsFor<std::string>(), true);
  const std::string large(1000, 'k');
  const uint32_t a = store.Create({1, 0, large, "sub"});
  const uint32_t b = store.Create({2, 0, "small", ""});
  auto* text = static_cast<std::string*>(store.Value(store.At(a)));
  *text = std::string(500, 'v');
  store.Measure(store.At(a));
  EXPECT_EQ(store.Key(store.At(a)), large);
  EXPECT_EQ(store.Sub(store.At(a)), "sub");
  EXPECT_EQ(store.Stamp(store.At(b)), kNoTimestamp);
  const size_t full = store.memory_bytes();
  store.Destroy(a);
  EXPECT_LE(store.memory_bytes(), full - 1500);
  EXPECT_EQ(store.Create({3, 0, "again", ""}), a);
  EXPECT_EQ(*static_cast<std::string*>(store.Value(store.At(a))), "");
  EXPECT_EQ(store.size(), 2u);
}

TEST(EntryStore, SmallEntriesTakeOneLine) {
  EntryStore store(ValueOpsFor<int64_t>(), true);
  for (uint64_t i = 0; i < 1000; ++i) {
    const uint32_t number = store.Create({0, 0, "12345678", ""});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(store.At(number)) % 64, 0u);
  }
  EXPECT_EQ(store.memory_bytes(), 64'000u);
}

struct alignas(64) Wide {
  char bytes[64] = {};
};
TEST(EntryStore, HonoursAlignment) {
  ValueOps ops = *ValueOpsFor<int64_t>();
  ops.size = sizeof(Wide);
  ops.align = alignof(Wide);
  ops.construct = [](void* at) { new (at) Wide(); };
  ops.destroy = [](void*) {};
  EntryStore store(&ops, true);
  for (int i = 0; i < 100; ++i) {
    const uint32_t number = store.Create({0, 0, std::to_string(i), ""});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(store.Value(store.At(number))) % 64, 0u);
  }
}

}  // namespace
}  // namespace weir
