#include "engine/core/async_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace weir {
namespace {

using Sequences = std::vector<int64_t>;

Sequences Ready(AsyncQueue* queue) {
  Sequences out;
  queue->TakeReady(&out);
  return out;
}

TEST(AsyncQueue, GlobalOrderWaitsForTheHead) {
  AsyncQueue queue(AsyncOrder::kGlobal);
  queue.Add(1, 10, 100);
  queue.Add(2, 20, 100);
  queue.Add(3, 10, 100);
  EXPECT_TRUE(queue.Complete(3));
  EXPECT_TRUE(queue.Complete(2));
  EXPECT_TRUE(Ready(&queue).empty());
  EXPECT_TRUE(queue.MustQueue(99));
  EXPECT_TRUE(queue.Complete(1));
  EXPECT_EQ(Ready(&queue), (Sequences{1, 2, 3}));
  EXPECT_FALSE(queue.MustQueue(99));
}

TEST(AsyncQueue, KeyOrderHoldsWithinAKeyOnly) {
  AsyncQueue queue(AsyncOrder::kKey);
  queue.Add(1, 10, 100);
  queue.Add(2, 20, 100);
  queue.Add(3, 10, 100);
  queue.Complete(3);
  queue.Complete(2);
  EXPECT_EQ(Ready(&queue), (Sequences{2}));
  EXPECT_TRUE(queue.MustQueue(10));
  EXPECT_FALSE(queue.MustQueue(20));
  queue.Complete(1);
  EXPECT_EQ(Ready(&queue), (Sequences{1, 3}));
  EXPECT_TRUE(queue.empty());
}

TEST(AsyncQueue, AResultCountsOnce) {
  for (const AsyncOrder order : {AsyncOrder::kGlobal, AsyncOrder::kKey, AsyncOrder::kNone}) {
    AsyncQueue queue(order);
    queue.Add(1, 10, 100);
    queue.Add(2, 10, 100);
    EXPECT_TRUE(queue.Complete(2));
    EXPECT_FALSE(queue.Complete(2));
    EXPECT_FALSE(queue.Complete(7));
    EXPECT_TRUE(queue.Complete(1));
    EXPECT_EQ(Ready(&queue).size(), 2u);
    EXPECT_FALSE(queue.Complete(1));
    EXPECT_TRUE(Ready(&queue).empty());
  }
}

TEST(AsyncQueue, OutputsSeeTheOldestPendingWatermark) {
  AsyncQueue queue(AsyncOrder::kNone);
  EXPECT_EQ(queue.OutputWatermark(5), 5);
  queue.Add(1, 10, 100);
  queue.Add(2, 10, 100);
  queue.Add(3, 10, 200);
  EXPECT_EQ(queue.OutputWatermark(300), 100);
  queue.Complete(1);
  // Ready is not emitted yet: a watermark must not overtake it.
  queue.Complete(2);
  EXPECT_EQ(queue.OutputWatermark(300), 100);
  Ready(&queue);
  EXPECT_EQ(queue.OutputWatermark(300), 200);
  queue.Complete(3);
  Ready(&queue);
  EXPECT_EQ(queue.OutputWatermark(300), 300);
}

// After a rescale, older sequences may have seen later watermarks than newer ones.
TEST(AsyncQueue, WatermarksNeedNotAscend) {
  AsyncQueue queue(AsyncOrder::kGlobal);
  queue.Add(1, 10, 500);
  queue.Add(2, 20, 100);
  EXPECT_EQ(queue.OutputWatermark(900), 100);
  queue.Complete(1);
  Ready(&queue);
  EXPECT_EQ(queue.OutputWatermark(900), 100);
}

// Everything in plain lists, every question answered by looking at all of it.
class NaiveQueue {
 public:
  explicit NaiveQueue(AsyncOrder order) : order_(order) {}
  void Add(int64_t sequence, uint64_t key, int64_t watermark) {
    entries_.push_back({sequence, key, watermark, false});
  }
  bool Complete(int64_t sequence) {
    for (Entry& e : entries_) {
      if (e.sequence != sequence || e.done) continue;
      e.done = true;
      return true;
    }
    return false;
  }
  std::set<int64_t> TakeReady() {
    std::set<int64_t> out;
    for (bool more = true; more;) {
      more = false;
      for (size_t i = 0; i < entries_.size(); ++i) {
        if (!entries_[i].done || !FirstOfItsLine(i)) continue;
        out.insert(entries_[i].sequence);
        entries_.erase(entries_.begin() + static_cast<long>(i));
        more = true;
        break;
      }
    }
    return out;
  }
  int64_t OutputWatermark(int64_t input) const {
    for (const Entry& e : entries_) input = std::min(input, e.watermark);
    return input;
  }

 private:
  struct Entry {
    int64_t sequence;
    uint64_t key;
    int64_t watermark;
    bool done;
  };
  bool FirstOfItsLine(size_t i) const {
    if (order_ == AsyncOrder::kNone) return true;
    for (size_t before = 0; before < i; ++before) {
      if (order_ == AsyncOrder::kGlobal || entries_[before].key == entries_[i].key) return false;
    }
    return true;
  }
  AsyncOrder order_;
  std::vector<Entry> entries_;
};

void ExpectInOrder(AsyncOrder order, const Sequences& taken,
                   const std::map<int64_t, uint64_t>& keys, std::map<uint64_t, int64_t>* last) {
  for (const int64_t s : taken) {
    if (order == AsyncOrder::kNone) continue;
    const uint64_t line = order == AsyncOrder::kGlobal ? 0 : keys.at(s);
    RC_ASSERT(s > (*last)[line]);
    (*last)[line] = s;
  }
}

RC_GTEST_PROP(AsyncQueueProperty, BehavesLikeTheNaiveModel, ()) {
  const AsyncOrder order =
      *rc::gen::element(AsyncOrder::kGlobal, AsyncOrder::kKey, AsyncOrder::kNone);
  AsyncQueue queue(order);
  NaiveQueue naive(order);
  std::map<int64_t, uint64_t> keys;
  std::map<uint64_t, int64_t> last;
  int64_t sequence = 0, watermark = 0;
  const int steps = *rc::gen::inRange(0, 120);
  for (int i = 0; i < steps; ++i) {
    switch (*rc::gen::inRange(0, 4)) {
      case 0: {
        sequence += *rc::gen::inRange(1, 3);
        const auto key = static_cast<uint64_t>(*rc::gen::inRange(0, 4));
        keys[sequence] = key;
        queue.Add(sequence, key, watermark);
        naive.Add(sequence, key, watermark);
        break;
      }
      case 1:
        watermark += *rc::gen::inRange(0, 5);
        break;
      case 2: {
        const int64_t s = *rc::gen::inRange<int64_t>(0, sequence + 2);
        RC_ASSERT(queue.Complete(s) == naive.Complete(s));
        break;
      }
      default: {
        const Sequences taken = Ready(&queue);
        ExpectInOrder(order, taken, keys, &last);
        RC_ASSERT(std::set<int64_t>(taken.begin(), taken.end()) == naive.TakeReady());
        RC_ASSERT(queue.OutputWatermark(watermark) == naive.OutputWatermark(watermark));
      }
    }
  }
}

}  // namespace
}  // namespace weir
