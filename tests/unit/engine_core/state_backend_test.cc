#include "engine/core/state_backend.h"

#include <vector>

#include "engine/base/random.h"
#include "engine/core/state.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

struct Owned {
  StateRecord::Op op;
  uint16_t group;
  std::string key, sub;
  int64_t stamp;
  std::string value;
  bool operator==(const Owned&) const = default;
};

StatusOr<std::vector<Owned>> ReadAll(std::string_view bytes) {
  std::vector<Owned> out;
  WEIR_RETURN_IF_ERROR(ForEachStateRecord(bytes, [&](const StateRecord& r) {
    out.push_back({r.op, r.group, std::string(r.key), std::string(r.sub), r.last_access_ms,
                   std::string(r.value)});
    return absl::OkStatus();
  }));
  return out;
}

std::vector<Owned> Samples() {
  using Op = StateRecord::Op;
  return {{Op::kPut, 0, "", "", kNoTimestamp, ""},
          {Op::kPut, 0xFFFF, "key", std::string("\0s", 2), -5, std::string(300, 'v')},
          {Op::kErase, 258, std::string(200, 'k'), "s", kNoTimestamp, ""},
          {Op::kPut, 1, "k", "", INT64_MAX, "v"}};
}

std::string EncodeAll(const std::vector<Owned>& records, std::vector<size_t>* ends = nullptr) {
  std::string bytes;
  for (const Owned& r : records) {
    AppendStateRecord({r.op, r.group, r.key, r.sub, r.stamp, r.value}, &bytes);
    if (ends != nullptr) ends->push_back(bytes.size());
  }
  return bytes;
}

TEST(StateRecord, RoundTrips) {
  const StatusOr<std::vector<Owned>> read = ReadAll(EncodeAll(Samples()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, Samples());
  EXPECT_TRUE(ReadAll("")->empty());
}

TEST(StateRecord, EveryTruncationWithinARecordIsFound) {
  std::vector<size_t> ends{0};
  const std::string bytes = EncodeAll(Samples(), &ends);
  for (size_t n = 0; n <= bytes.size(); ++n) {
    const Status status = ReadAll(std::string_view(bytes).substr(0, n)).status();
    const bool whole = std::find(ends.begin(), ends.end(), n) != ends.end();
    EXPECT_EQ(status.ok(), whole) << n;
    if (!whole) {
      EXPECT_EQ(ErrorNumber(status), static_cast<int>(ErrorCode::kStateCorrupt));
    }
  }
}

TEST(StateRecord, GarbageIsRefusedOrReadWithinItsBounds) {
  Random random(1);
  const std::string bytes = EncodeAll(Samples());
  for (int i = 0; i < 20'000; ++i) {
    std::string garbage = bytes;
    for (int n = 0; n < 3; ++n) {
      garbage[random.Uniform(garbage.size())] = static_cast<char>(random.Next());
    }
    (void)ReadAll(garbage);  // must not read outside: the sanitizers look
  }
  EXPECT_FALSE(ReadAll("\x04").ok()) << "unknown flag";
}

TEST(StateRecord, ErrorsOfTheReaderEndIt) {
  int calls = 0;
  const Status status = ForEachStateRecord(EncodeAll(Samples()), [&](const StateRecord&) {
    ++calls;
    return Err(ErrorCode::kStateIo, "no");
  });
  EXPECT_EQ(ErrorNumber(status), static_cast<int>(ErrorCode::kStateIo));
  EXPECT_EQ(calls, 1);
}

TEST(EntryHash, IsTheKeysOwnWithoutASubKey) {
  const KeyRef key{3, HashBytes("k"), "k"};
  EXPECT_EQ(EntryHash(key, ""), key.hash);
  EXPECT_NE(EntryHash(key, "a"), EntryHash(key, "b"));
  const KeyRef other{4, HashBytes("k"), "k"};
  EXPECT_NE(EntryHash(key, "a"), EntryHash(other, "a")) << "queues differ in nothing but the group";
}

TEST(StateDeathTest, AStateThatWasNotOpenedSaysSo) {
  const KeyRef key{1, HashBytes("k"), "k"};
  ValueState<int64_t> value;
  EXPECT_DEATH(value.Mutable(key) += 1, "not opened: open it in the operator's Open");
  EXPECT_DEATH(value.Get(key), "not opened");
  MapState<std::string_view, int64_t> map;
  EXPECT_DEATH(map.Mutable(key, "s") = 1, "not opened");
}

}  // namespace
}  // namespace weir
