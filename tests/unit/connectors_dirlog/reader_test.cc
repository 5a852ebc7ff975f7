#include <algorithm>

#include "connectors/dirlog/partition_reader.h"
#include "dirlog_rig.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReaderTest : public DirlogRig {};
INSTANTIATE_TEST_SUITE_P(Disks, ReaderTest, ::testing::Bool(), DiskName);

TEST_P(ReaderTest, AFileCopiedInByHandIsAPartition) {
  Put("a\nbb\n\nccc\r\n");
  const ReadResult all = ReadAll();
  EXPECT_THAT(all.values, ElementsAre("a", "bb", "", "ccc\r"));
  EXPECT_THAT(all.effect_ids, ElementsAre("", "", "", ""));
  EXPECT_EQ(all.next.offset, 4);
  EXPECT_EQ(all.next.bytes, 11);
  EXPECT_THAT(*log_->Partitions("t"), ElementsAre(0));
}

TEST_P(ReaderTest, AnEmptyFileHasNoRecords) {
  Put("");
  EXPECT_THAT(ReadAll().values, IsEmpty());
  EXPECT_THAT(ReadAll({}, {1 << 20, true, true}).values, IsEmpty());
}

TEST_P(ReaderTest, AMissingFileIsAnError) {
  EXPECT_EQ(ReadAll().error, 3003);
  EXPECT_THAT(*log_->Partitions("t"), IsEmpty());
}

TEST_P(ReaderTest, ChunksOfAnySizeGiveTheSameRecords) {
  std::string text;
  std::vector<std::string> lines;
  for (int i = 0; i < 50; ++i) {
    lines.push_back(std::string(static_cast<size_t>(i * 7 % 40), 'a' + i % 26));
    text += lines.back() + "\n";
  }
  Put(text);
  for (const size_t max_bytes : {1, 2, 7, 39, 40, 41, 100, 5000}) {
    LogReadOptions options;
    options.max_bytes = max_bytes;
    EXPECT_EQ(ReadAll({}, options).values, lines) << max_bytes;
  }
}

TEST_P(ReaderTest, EveryPositionIsAPlaceToGoOnFrom) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += std::string(static_cast<size_t>(i % 11), 'x') + "\n";
  Put(text);
  LogChunk chunk;
  ASSERT_TRUE(Reader()->Read({}, &chunk).ok());
  ASSERT_EQ(chunk.items.size(), 30u);
  const ReadResult all = ReadAll();
  for (size_t i = 0; i <= 30; ++i) {
    const LogPosition at = PositionAt(chunk, i);
    EXPECT_EQ(at.offset, static_cast<int64_t>(i));
    const ReadResult rest = ReadAll(at);
    ASSERT_EQ(rest.error, 0) << i;
    EXPECT_TRUE(std::equal(rest.values.begin(), rest.values.end(), all.values.begin() + i,
                           all.values.end()));
    EXPECT_EQ(rest.next.bytes, all.next.bytes);
    EXPECT_EQ(rest.next.guard, all.next.guard);
    EXPECT_EQ(ReadAll({at.offset, -1, 0}).values, rest.values);  // by offset alone
    EXPECT_EQ(ReadAll({at.offset, 0, 0}).values, rest.values);
  }
  EXPECT_EQ(ReadAll({31, -1, 0}).error, 3001);
}

TEST_P(ReaderTest, ViewsSurviveAMoveOfTheChunk) {
  Put("a\n");
  auto chunk = std::make_unique<LogChunk>();
  ASSERT_TRUE(Reader()->Read({1 << 20, false, true}, chunk.get()).ok());
  const LogChunk moved = std::move(*chunk);
  chunk.reset();
  EXPECT_EQ(moved.items[0].value, "a");
  EXPECT_EQ(moved.buffer.size() - moved.lead, 2 + kLogReadPadding);
}

TEST_P(ReaderTest, FollowsAFileThatGrows) {
  Put("a\nb");
  const auto reader = Reader();
  EXPECT_THAT(ReadOn(reader.get()).values, ElementsAre("a"));  // "b" is not a record yet
  EXPECT_THAT(ReadOn(reader.get()).values, IsEmpty());
  Put("b\n");
  EXPECT_THAT(ReadOn(reader.get()).values, ElementsAre("bb"));
  Put("c\nd\n");
  const ReadResult last = ReadOn(reader.get());
  EXPECT_THAT(last.values, ElementsAre("c", "d"));
  EXPECT_EQ(last.next.offset, 4);
}

TEST_P(ReaderTest, AtTheEndALineWithoutNewlineIsARecord) {
  Put("a\nb");
  LogReadOptions until_end;
  until_end.take_unterminated = true;
  const ReadResult first = ReadAll({}, until_end);
  EXPECT_THAT(first.values, ElementsAre("a", "b"));
  EXPECT_EQ(first.next.bytes, 3);
  // Its newline comes later: no empty record, and the guard fits.
  Put("\nc\n");
  for (const size_t max_bytes : {1, 2, 3, 1000}) {
    LogReadOptions options;
    options.max_bytes = max_bytes;
    const ReadResult rest = ReadAll(first.next, options);
    EXPECT_THAT(rest.values, ElementsAre("c")) << max_bytes;
    EXPECT_EQ(rest.next.offset, 3);
    EXPECT_EQ(rest.next.bytes, 6);
  }
  LogChunk chunk;
  ASSERT_TRUE(Reader(first.next)->Read({}, &chunk).ok());
  EXPECT_EQ(PositionAt(chunk, 0).bytes, 4);
  // An empty line of its own is a record.
  Put("\n");
  EXPECT_THAT(ReadAll(first.next).values, ElementsAre("c", ""));
}

TEST_P(ReaderTest, AnUnterminatedLineLongerThanAChunkIsARecordAtTheEnd) {
  Put("a\n" + std::string(5000, 'b'));
  LogReadOptions options{100, true, false};
  EXPECT_THAT(ReadAll({}, options).values, ElementsAre("a", std::string(5000, 'b')));
  options.take_unterminated = false;
  const auto reader = Reader();
  EXPECT_THAT(ReadOn(reader.get(), options).values, ElementsAre("a"));
  EXPECT_THAT(ReadOn(reader.get(), options).values, IsEmpty());
  Put("cc\nd\n");
  EXPECT_THAT(ReadOn(reader.get(), options).values,
              ElementsAre(std::string(5000, 'b') + "cc", "d"));
}

TEST_P(ReaderTest, ALogThatWasTruncatedIsAnError) {
  Put("aaaa\nbbbb\ncccc\n");
  const auto reader = Reader();
  const ReadResult all = ReadOn(reader.get());
  ASSERT_TRUE(fs_->Truncate(Path("0.ndjson"), 12).ok());
  EXPECT_EQ(ReadAll(all.next).error, 3001);
  EXPECT_EQ(ReadOn(reader.get()).error, 3001);  // a reader that follows sees it too
  ASSERT_TRUE(fs_->Truncate(Path("0.ndjson"), 0).ok());
  EXPECT_EQ(ReadAll(all.next).error, 3001);
}

TEST_P(ReaderTest, ATruncatedLogIsReportedWithItsSize) {
  Put(std::string(500, 'a') + "\n");
  const LogPosition end = ReadAll().next;
  for (const char* size : {"0", "7", "450"}) {
    ASSERT_TRUE(fs_->Remove(Path("0.ndjson")).ok());
    Put(std::string(static_cast<size_t>(atoi(size)), 'a'));
    LogChunk chunk;
    const Status status = Reader(end)->Read({}, &chunk);
    EXPECT_EQ(ErrorNumber(status), 3001);
    EXPECT_EQ(status.message(),
              std::string("t/0: ") + size + " bytes, but 501 were read before (offset 1)");
  }
}

TEST_P(ReaderTest, ALogThatWasReplacedIsAnError) {
  Put("aaaa\nbbbb\ncccc\n");
  const auto reader = Reader();
  const ReadResult all = ReadOn(reader.get());
  ASSERT_TRUE(ReadOn(reader.get()).values.empty());
  Put("aaaa\nbXbb\ncccc\ndddd\n", "other");
  ASSERT_TRUE(fs_->Rename(Path("other"), Path("0.ndjson")).ok());
  EXPECT_EQ(ReadAll(all.next).error, 3002);
  EXPECT_EQ(ReadOn(reader.get()).error, 3002);
  // What is far before the position is not looked at, and a position at 0 has nothing before it.
  EXPECT_EQ(ReadAll().values.size(), 4u);
}

TEST_P(ReaderTest, EndIsResolvedOnce) {
  Put("a\nb\npartial");
  const auto reader = Reader({LogPosition::kEnd, -1, 0});
  LogChunk chunk;
  ASSERT_TRUE(reader->Read({}, &chunk).ok());
  EXPECT_THAT(chunk.items, IsEmpty());
  EXPECT_EQ(chunk.next.offset, 2);
  EXPECT_EQ(chunk.next.bytes, 4);
  EXPECT_EQ(PositionAt(chunk, 0).offset, 2);
  EXPECT_FALSE(chunk.at_end);
  Put(" line\nc\n");
  EXPECT_THAT(ReadOn(reader.get()).values, ElementsAre("partial line", "c"));
  EXPECT_THAT(ReadAll(chunk.next).values, ElementsAre("partial line", "c"));
}

TEST_P(ReaderTest, MetaTellsWhoWroteWhat) {
  const auto writer = Writer(7);
  ASSERT_TRUE(writer->Append(Records({"a", "b", "c"})).ok());
  LogReadOptions options;
  options.with_meta = true;
  const ReadResult all = ReadAll({}, options);
  EXPECT_THAT(all.effect_ids, ElementsAre("id-a", "id-b", "id-c"));
  EXPECT_THAT(all.epochs, ElementsAre(7, 7, 7));
  EXPECT_THAT(ReadAll({2, -1, 0}, options).effect_ids, ElementsAre("id-c"));
  LogChunk chunk;
  ASSERT_TRUE(Reader()->Read(options, &chunk).ok());
  EXPECT_EQ(chunk.items[0].timestamp_ms, 42);
  // Follows the meta as it follows the values.
  const auto reader = Reader();
  ReadOn(reader.get(), options);
  ASSERT_TRUE(writer->Append(Records({"d"})).ok());
  EXPECT_THAT(ReadOn(reader.get(), options).effect_ids, ElementsAre("id-d"));
}

TEST_P(ReaderTest, WhatIsNotSyncedIsNotSeenInTheSameProcess) {
  Put("by hand\n");
  const auto early = log_->OpenReader("t", 0, {}).value();
  const auto writer = Writer(1);
  ASSERT_TRUE(writer->Append(Records({"a", "b"})).ok());
  EXPECT_THAT(ReadOn(early.get()).values, ElementsAre("by hand"));
  EXPECT_THAT(ReadOn(log_->OpenReader("t", 0, {1, -1, 0}).value().get()).values, IsEmpty());
  EXPECT_EQ(ReadOn(log_->OpenReader("t", 0, {2, -1, 0}).value().get()).error, 3001);
  LogChunk chunk;
  ASSERT_TRUE(log_->OpenReader("t", 0, {LogPosition::kEnd, -1, 0}).value()->Read({}, &chunk).ok());
  EXPECT_EQ(chunk.next.offset, 1);
  ASSERT_TRUE(writer->Sync().ok());
  ASSERT_TRUE(writer->Append(Records({"c"})).ok());
  EXPECT_THAT(ReadOn(early.get(), {1, false, true}).values, ElementsAre("a", "b"));
  ASSERT_TRUE(writer->Sync().ok());
  log_.reset();  // readers and writers may outlive the client; only readers go on
  EXPECT_EQ(ErrorNumber(writer->Append(Records({"d"})).status()), 3004);
  EXPECT_THAT(ReadOn(early.get()).values, ElementsAre("c"));
}

TEST_P(ReaderTest, MetaThatIsMissingShortOrOfOthersIsIgnored) {
  ASSERT_TRUE(Writer(7)->Append(Records({"a", "b", "c"})).ok());
  LogReadOptions options;
  options.with_meta = true;
  const auto size = fs_->FileSize(Path("0.meta"));
  ASSERT_TRUE(fs_->Truncate(Path("0.meta"), *size - 1).ok());
  EXPECT_THAT(ReadAll({}, options).effect_ids, ElementsAre("id-a", "id-b", ""));
  EXPECT_THAT(ReadAll({2, -1, 0}, options).values, ElementsAre("c"));
  ASSERT_TRUE(fs_->Remove(Path("0.ndjson")).ok());
  Put("a\nX\nc\n");
  EXPECT_THAT(ReadAll({}, options).effect_ids, ElementsAre("id-a", "", ""));
  EXPECT_THAT(ReadAll({2, -1, 0}, options).values, ElementsAre("c"));
  ASSERT_TRUE(fs_->Remove(Path("0.meta")).ok());
  EXPECT_THAT(ReadAll({}, options).effect_ids, ElementsAre("", "", ""));
}

TEST(OversizedLine, IsHandedOutAsItsBeginning) {
  const std::string path = ::testing::TempDir() + "/oversized";
  const auto posix = NewPosixFileSystem();
  ASSERT_TRUE(posix->RemoveAll(path).ok());
  ASSERT_TRUE(posix->CreateDirs(path + "/t").ok());
  {
    const auto file = posix->Create(path + "/t/0.ndjson").value();
    ASSERT_TRUE(file->Append("before\n").ok());
    const std::string block(1 << 20, 'y');
    for (size_t i = 0; i < (kMaxRecordBytes >> 20) + 3; ++i) ASSERT_TRUE(file->Append(block).ok());
    ASSERT_TRUE(file->Append("\nafter\n").ok());
  }
  TestEnv env;
  Env real = env.env();
  real.fs = posix.get();
  const auto log = NewDirectoryLog(real, path);
  const auto reader = log->OpenReader("t", 0, {}).value();
  LogChunk chunk;
  std::vector<std::string> seen;
  LogPosition after_long;
  size_t largest = 0;
  do {
    ASSERT_TRUE(reader->Read({}, &chunk).ok());
    largest = std::max(largest, chunk.buffer.capacity());
    for (size_t i = 0; i < chunk.items.size(); ++i) {
      const LogItem& item = chunk.items[i];
      seen.push_back((item.oversized ? "!" : "") + std::string(item.value.substr(0, 6)));
      if (!item.oversized) continue;
      EXPECT_EQ(item.value.size(), kOversizedPrefix);
      EXPECT_EQ(item.offset, 1);
      after_long = PositionAt(chunk, i + 1);
      EXPECT_EQ(PositionAt(chunk, i).bytes, 7);
    }
  } while (!chunk.at_end);
  EXPECT_THAT(seen, ElementsAre("before", "!yyyyyy", "after"));
  EXPECT_LT(largest, size_t{4} << 20);
  EXPECT_EQ(after_long.offset, 2);
  const auto again = log->OpenReader("t", 0, after_long).value();
  ASSERT_TRUE(again->Read({}, &chunk).ok());
  EXPECT_EQ(chunk.items[0].value, "after");
  ASSERT_TRUE(posix->RemoveAll(path).ok());
}

}  // namespace
}  // namespace weir
