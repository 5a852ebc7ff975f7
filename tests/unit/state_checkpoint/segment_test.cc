#include "state/checkpoint/segment.h"

#include "tests/unit/state_checkpoint/test_storage.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "table group key/sub=value" or "... erase".
StatusOr<std::vector<std::string>> Decode(std::string_view file) {
  WEIR_ASSIGN_OR_RETURN(const std::string_view content,
                        OpenFrame(kSegmentFormat, file, "the/file"));
  std::vector<std::string> out;
  WEIR_RETURN_IF_ERROR(ForEachSegmentRecord(
      content, "the/file", [&](const SealedTable& table, const StateRecord& r) {
        std::string text = table.name + " " + std::to_string(r.group) + " " + std::string(r.key) +
                           "/" + std::string(r.sub);
        text += r.op == StateRecord::Op::kErase ? " erase" : "=" + std::string(r.value);
        out.push_back(text);
        return absl::OkStatus();
      }));
  return out;
}

std::string Encode(const SealedState& state) {
  uint32_t crc = 0;
  StatusOr<std::string> file = EncodeSegment(state, &crc);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.value();
}

SealedTable TableOf(const std::string& name, std::string bytes) {
  SealedTable table;
  table.name = name;
  table.type_name = "string";
  table.bytes = std::move(bytes);
  return table;
}

TEST(Segment, SortsByGroupKeyAndSubKeyAndKeepsTheOrderOfOneEntry) {
  std::string bytes;
  AppendErase(&bytes, 2, "same-prefix-b", "x");
  AppendPut(&bytes, 2, "same-prefix-b", "2", "x");
  AppendPut(&bytes, 2, "same-prefix-a", "1", "y");
  AppendPut(&bytes, 2, "same-prefix-a", "0", "");
  AppendPut(&bytes, 258, "a", "4");
  AppendPut(&bytes, 1, "z", "3");
  AppendErase(&bytes, 2, "same-prefix-a", "y");
  AppendPut(&bytes, 2, "same", "5");
  SealedState state;
  state.tables = {TableOf("t", bytes)};
  EXPECT_THAT(*Decode(Encode(state)),
              ElementsAre("t 1 z/=3", "t 2 same/=5", "t 2 same-prefix-a/=0",
                          "t 2 same-prefix-a/y=1", "t 2 same-prefix-a/y erase",
                          "t 2 same-prefix-b/x erase", "t 2 same-prefix-b/x=2", "t 258 a/=4"));
}

TEST(Segment, JoinsThePartsOfATable) {
  std::string first, second, other;
  AppendErase(&first, 1, "k");
  AppendPut(&second, 1, "k", "new");
  AppendPut(&other, 1, "k", "other");
  SealedState state;
  state.tables = {TableOf("t", first), TableOf("u", other), TableOf("t", second)};
  EXPECT_THAT(*Decode(Encode(state)), ElementsAre("t 1 k/ erase", "t 1 k/=new", "u 1 k/=other"));
}

TEST(Segment, EqualStateGivesEqualBytes) {
  EXPECT_EQ(Encode(StateOf(1, "a")), Encode(StateOf(2, "a"))) << "whatever its checkpoint";
  EXPECT_NE(Encode(StateOf(1, "a")), Encode(StateOf(1, "b")));
  SealedState delta = StateOf(1, "a");
  delta.full = false;
  EXPECT_NE(Encode(delta), Encode(StateOf(1, "a")));
}

TEST(Segment, KeepsHeadersOfTables) {
  SealedState state = StateOf(1, "a");
  state.tables[0].version = 9;
  state.tables[0].broadcast = true;
  const std::string file = Encode(state);
  int calls = 0;
  ASSERT_TRUE(ForEachSegmentRecord(std::string_view(file).substr(kFrameBytes), "f",
                                   [&](const SealedTable& table, const StateRecord&) {
                                     ++calls;
                                     EXPECT_EQ(table.version, 9u);
                                     EXPECT_EQ(table.type_name, "string");
                                     EXPECT_TRUE(table.broadcast);
                                     return absl::OkStatus();
                                   })
                  .ok());
  EXPECT_EQ(calls, 1);
}

TEST(Segment, RefusesToStoreWhatIsNoRecord) {
  SealedState state;
  state.tables = {TableOf("t", "garbage")};
  uint32_t crc = 0;
  EXPECT_EQ(NumberOf(EncodeSegment(state, &crc).status()), kCorrupt);
}

TEST(Segment, EveryChangeOfAByteAndEveryTruncationIsFound) {
  const std::string file = Encode(StateOf(1, "value"));
  for (size_t i = 0; i < file.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = file;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const Status status = Decode(flipped).status();
      ASSERT_EQ(NumberOf(status), kCorrupt) << "byte " << i << " bit " << bit;
      ASSERT_THAT(std::string(status.message()), HasSubstr("the/file"));
    }
    ASSERT_EQ(NumberOf(Decode(file.substr(0, i)).status()), kCorrupt) << "cut at " << i;
  }
  EXPECT_EQ(NumberOf(Decode(file + '\0').status()), kCorrupt);
}

TEST(Segment, NewerVersionIsNotCorruption) {
  std::string file = Encode(StateOf(1, "value"));
  FrameFormat newer = kSegmentFormat;
  newer.version = 2;
  SealFrame(newer, &file);
  const Status status = Decode(file).status();
  EXPECT_EQ(NumberOf(status), static_cast<int>(ErrorCode::kStateVersion));
  EXPECT_THAT(std::string(status.message()), HasSubstr("the/file: segment format version 2"));
}

// Bytes whose checksum is right but whose content is not (a bug of the writer) are no crash.
TEST(Segment, MalformedContentIsFound) {
  const std::string file = Encode(StateOf(1, "value"));
  for (size_t i = kFrameBytes; i < file.size(); ++i) {
    std::string cut = file.substr(0, i);
    SealFrame(kSegmentFormat, &cut);
    EXPECT_EQ(NumberOf(Decode(cut).status()), kCorrupt) << i;
  }
}

}  // namespace
}  // namespace weir
