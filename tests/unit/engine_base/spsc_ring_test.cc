#include "engine/base/spsc_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace weir {
namespace {

TEST(SpscRingTest, FullKeepsTheValue) {
  SpscRing<std::unique_ptr<int>> ring(3);
  EXPECT_EQ(ring.capacity(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.TryPush(std::make_unique<int>(i)));
  auto fifth = std::make_unique<int>(4);
  EXPECT_FALSE(ring.TryPush(std::move(fifth)));
  ASSERT_NE(fifth, nullptr);
  std::unique_ptr<int> out;
  ASSERT_TRUE(ring.TryPop(&out));
  EXPECT_EQ(*out, 0);
  EXPECT_TRUE(ring.TryPush(std::move(fifth)));
  EXPECT_EQ(ring.size(), 4u);
}

TEST(SpscRingTest, PoppedSlotsHoldNothingBack) {
  struct MovesByCopying {
    MovesByCopying() = default;
    MovesByCopying(const MovesByCopying&) = default;
    MovesByCopying& operator=(const MovesByCopying&) = default;
    std::shared_ptr<int> owned;
  };
  SpscRing<MovesByCopying> ring(2);
  MovesByCopying out;
  out.owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = out.owned;
  ring.TryPush(std::move(out));
  ring.TryPop(&out);
  out.owned.reset();
  EXPECT_TRUE(watch.expired());
  EXPECT_TRUE(ring.empty());
  EXPECT_FALSE(ring.TryPop(&out));
}

TEST(SpscRingTest, TwoThreads) {
  // Each full or empty ring may cost a time slice on a busy machine; hence not more.
  constexpr int kCount = 30'000;
  SpscRing<std::unique_ptr<int>> ring(64);
  std::thread producer([&ring] {
    for (int i = 0; i < kCount; ++i) {
      auto value = std::make_unique<int>(i);
      while (!ring.TryPush(std::move(value))) std::this_thread::yield();
    }
  });
  std::atomic<bool> done{false};
  size_t largest = 0;
  std::thread observer([&] {  // a metric: must never see a wrapped size
    while (!done.load()) {
      largest = std::max(largest, ring.size());
      std::this_thread::yield();
    }
  });
  for (int expected = 0; expected < kCount; ++expected) {
    std::unique_ptr<int> out;
    while (!ring.TryPop(&out)) std::this_thread::yield();
    if (*out != expected) ADD_FAILURE() << *out << " instead of " << expected;
  }
  done = true;
  producer.join();
  observer.join();
  EXPECT_LT(largest, static_cast<size_t>(kCount));
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace weir
