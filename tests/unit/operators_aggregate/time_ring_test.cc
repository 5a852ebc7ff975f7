#include "operators/aggregate/time_ring.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>

namespace weir {
namespace {

constexpr int64_t kNothingNeedless = INT64_MIN;

std::vector<int64_t> Times(const TimeRing& ring) {
  std::vector<int64_t> times;
  for (size_t i = 0; i < ring.size(); ++i) times.push_back(ring.at(i));
  return times;
}

TEST(TimeRing, CountsStrictlyInsideTheWindow) {
  TimeRing ring;
  const TimeRing::Limits limits{600, 1000, kNothingNeedless};
  EXPECT_EQ(ring.Add(1000, limits), 1);
  EXPECT_EQ(ring.Add(1599, limits), 2);
  EXPECT_EQ(ring.Add(1600, limits), 2);  // 1000 is exactly 600 older
  EXPECT_EQ(ring.Add(1601, limits), 3);
  EXPECT_EQ(ring.Add(401, limits), 2);  // 1000 is 599 newer
  EXPECT_EQ(ring.Add(400, limits), 2);  // 1000 is 600 newer: 400 and 401 only
}

TEST(TimeRing, CountStopsAtTheCapAndTheNewestTimesStay) {
  TimeRing ring;
  const TimeRing::Limits limits{1000, 3, kNothingNeedless};
  for (const int64_t ts : {10, 20, 30, 40, 50})
    EXPECT_EQ(ring.Add(ts, limits), std::min(3L, ts / 10));
  EXPECT_EQ(Times(ring), (std::vector<int64_t>{30, 40, 50}));
  EXPECT_EQ(ring.Add(35, limits), 3);
  EXPECT_EQ(Times(ring), (std::vector<int64_t>{35, 40, 50}));
  EXPECT_EQ(ring.Add(1, limits), 3);  // older than all that are kept: counted, not kept
  EXPECT_EQ(Times(ring), (std::vector<int64_t>{35, 40, 50}));
}

TEST(TimeRing, ALowerCapTakesEffectAtTheNextAdd) {
  TimeRing ring;
  for (int64_t ts = 1; ts <= 8; ++ts) ring.Add(ts, {1000, 8, kNothingNeedless});
  EXPECT_EQ(ring.Add(9, {1000, 2, kNothingNeedless}), 2);
  EXPECT_EQ(Times(ring), (std::vector<int64_t>{8, 9}));
}

TEST(TimeRing, StaysSmallWhenTimesBecomeNeedless) {
  TimeRing ring;
  for (int64_t ts = 0; ts < 100'000; ++ts) ring.Add(ts, {2, 1000, ts - 3});
  EXPECT_LE(ring.HeapBytes(), 8 * sizeof(int64_t));
}

TEST(TimeRing, ExtremeTimesDoNotWrap) {
  TimeRing ring;
  const TimeRing::Limits limits{600, 10, kNothingNeedless};
  EXPECT_EQ(ring.Add(INT64_MIN, limits), 1);
  EXPECT_EQ(ring.Add(INT64_MAX, limits), 1);
  EXPECT_EQ(ring.Add(INT64_MAX, limits), 2);
  EXPECT_EQ(ring.Add(0, limits), 1);
  std::string bytes;
  ring.Encode(&bytes);
  TimeRing copy;
  ByteReader reader(bytes);
  ASSERT_TRUE(copy.Decode(&reader));
  EXPECT_EQ(Times(copy), Times(ring));
}

TEST(TimeRing, RefusesBytesThatAreNoRing) {
  const auto decodes = [](const std::string& bytes) {
    TimeRing ring;
    ByteReader reader(bytes);
    return ring.Decode(&reader) && reader.AtEnd();
  };
  std::string huge;
  PutSigned(&huge, 0);
  PutVarint(&huge, uint64_t{1} << 60);
  EXPECT_FALSE(decodes(huge));
  std::string unsorted;
  PutSigned(&unsorted, 0);
  PutVarint(&unsorted, 2);
  PutVarint(&unsorted, 5);
  PutVarint(&unsorted, std::numeric_limits<uint64_t>::max());
  EXPECT_FALSE(decodes(unsorted));
  EXPECT_FALSE(decodes(""));
}

// Against a sorted vector, with needless times moving on and encode/decode in between.
RC_GTEST_PROP(TimeRing, IsASortedVector, ()) {
  const int64_t window = *rc::gen::inRange<int64_t>(1, 40);
  const auto cap = *rc::gen::inRange<uint32_t>(1, 20);
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100));
  TimeRing ring;
  std::vector<int64_t> model;
  int64_t base = 0, needless = INT64_MIN;
  for (const int step : steps) {
    if (step % 17 == 0) {
      std::string bytes;
      ring.Encode(&bytes);
      ByteReader reader(bytes);
      RC_ASSERT(ring.Decode(&reader) && reader.AtEnd());
    }
    if (step % 13 == 0) {
      needless = base - 3 * window;
      ring.DropUpTo(needless);
      std::erase_if(model, [&](int64_t t) { return t <= needless; });
    }
    base += step / 20;
    const int64_t ts = std::max(base - (step % 5) * (step % 11), needless + 1);
    int64_t expected = 1;
    for (const int64_t t : model) expected += std::abs(t - ts) < window ? 1 : 0;
    // What the cap has thrown away is out of reach of both, so the model throws away alike.
    const int64_t count = ring.Add(ts, {window, cap, needless});
    model.insert(std::upper_bound(model.begin(), model.end(), ts), ts);
    if (model.size() > cap) model.erase(model.begin());
    RC_ASSERT(count == std::min<int64_t>(expected, static_cast<int64_t>(cap)));
    RC_ASSERT(Times(ring) == model);
  }
}

}  // namespace
}  // namespace weir
