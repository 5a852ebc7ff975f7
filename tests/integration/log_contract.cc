// What every log promises (engine/core/log_client.h). Run against the directory log and Kafka.
#include "log_rig.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr LogPosition kFromBegin{LogPosition::kBegin, -1, 0};

using LogContract = LogRig;

TEST_F(LogContract, WhatIsAppendedIsReadWithAllThatBelongsToIt) {
  const auto writer = Writer(7);
  const int64_t first = Append(writer.get(), {Record("a", 1'700'000'000'001), Record("bb")});
  const int64_t later = Append(writer.get(), {Record("")});
  EXPECT_GE(later, first + 2);
  EXPECT_GE(*writer->EndOffset(), later + 1);
  ASSERT_THAT(ReadFrom(kFromBegin, 3).values, ElementsAre("a", "bb", ""));

  const auto reader = *log_->OpenReader(topic_, 0, kFromBegin);
  LogReadOptions options;
  options.with_meta = true;
  LogChunk chunk;
  std::vector<std::string> ids;
  do {
    ASSERT_TRUE(reader->Read(options, &chunk).ok());
    const LogChunk moved = std::move(chunk);  // views must survive it
    for (const LogItem& item : moved.items) {
      EXPECT_EQ(item.epoch, 7);
      EXPECT_GE(item.timestamp_ms, 1'700'000'000'000);
      EXPECT_GE(moved.buffer.data() + moved.buffer.size(),
                item.value.data() + item.value.size() + kLogReadPadding);
      ids.emplace_back(item.effect_id);
    }
    chunk.at_end = moved.at_end;
  } while (!chunk.at_end);
  EXPECT_THAT(ids, ElementsAre("id-a", "id-bb", "id-"));
}

TEST_F(LogContract, EveryPositionLeadsOn) {
  const auto writer = Writer();
  std::vector<std::string> all;
  for (int append = 0; append < 3; ++append) {
    std::vector<LogAppend> records;
    for (int i = 0; i < 4; ++i) records.push_back(Record(absl::StrCat("v", append, ".", i)));
    for (const LogAppend& record : records) all.push_back(record.value);
    Append(writer.get(), records);
  }
  ASSERT_THAT(ReadFrom(kFromBegin, all.size()).values, SizeIs(all.size()));
  const auto reader = *log_->OpenReader(topic_, 0, kFromBegin);
  LogChunk chunk;
  size_t seen = 0;
  do {
    ASSERT_TRUE(reader->Read({}, &chunk).ok());
    for (size_t i = 0; i <= chunk.items.size(); ++i) {
      // As it would come out of a checkpoint.
      std::string bytes;
      LogPosition at;
      EncodePosition(PositionAt(chunk, i), &bytes);
      ASSERT_TRUE(DecodePosition(bytes, &at));
      const WholeRead rest = ReadFrom(at);
      EXPECT_EQ(rest.error, 0);
      EXPECT_EQ(rest.values,
                std::vector<std::string>(all.begin() + static_cast<long>(seen + i), all.end()));
    }
    seen += chunk.items.size();
  } while (!chunk.at_end);
  EXPECT_EQ(seen, all.size());
}

TEST_F(LogContract, ChunksKeepTheirBoundAndTheOrder) {
  const auto writer = Writer();
  std::vector<LogAppend> records;
  for (int i = 0; i < 20'000; ++i) records.push_back(Record(absl::StrCat("record number ", i)));
  const int64_t first = Append(writer.get(), records);
  ASSERT_THAT(ReadFrom(kFromBegin, records.size()).values, SizeIs(records.size()));
  const auto reader = *log_->OpenReader(topic_, 0, kFromBegin);
  LogReadOptions options;
  options.max_bytes = 5000;
  LogChunk chunk;
  size_t next = 0;
  do {
    ASSERT_TRUE(reader->Read(options, &chunk).ok());
    size_t bytes = 0;
    for (const LogItem& item : chunk.items) {
      ASSERT_EQ(item.value, records[next].value);
      ASSERT_EQ(item.offset, first + static_cast<int64_t>(next++));
      bytes += item.value.size();
    }
    ASSERT_LE(bytes, 5000u);
  } while (!chunk.at_end);
  EXPECT_EQ(next, records.size());
}

TEST_F(LogContract, EndAndTimeAreResolvedAtTheFirstRead) {
  const auto writer = Writer();
  Append(writer.get(), {Record("old", 1000), Record("older", 500), Record("young", 3000)});
  ASSERT_THAT(ReadFrom(kFromBegin, 3).values, SizeIs(3));
  if (!OnKafka()) {
    EXPECT_THAT(ReadFrom({LogPosition::kAtTime, 1001, 0}).values, ElementsAre("young"));
    EXPECT_THAT(ReadFrom({LogPosition::kAtTime, 0, 0}).values, SizeIs(3));
  }
  EXPECT_THAT(ReadFrom({LogPosition::kAtTime, 4'000'000'000'000, 0}).values, IsEmpty());

  const auto reader = *log_->OpenReader(topic_, 0, {LogPosition::kEnd, -1, 0});
  LogChunk chunk;
  ASSERT_TRUE(reader->Read({}, &chunk).ok());
  EXPECT_THAT(chunk.items, IsEmpty());
  const LogPosition end = chunk.next;
  EXPECT_GE(end.offset, 3);
  Append(writer.get(), {Record("new", 5000)});
  EXPECT_THAT(ReadFrom(end, 1).values, ElementsAre("new"));
  std::vector<std::string> followed;
  while (followed.empty()) {
    ASSERT_TRUE(reader->Read({}, &chunk).ok());
    for (const LogItem& item : chunk.items) followed.emplace_back(item.value);
  }
  EXPECT_THAT(followed, ElementsAre("new"));
}

TEST_F(LogContract, AnOlderEpochIsFenced) {
  const auto old = Writer(1);
  Append(old.get(), {Record("a")});
  const auto fresh = Writer(2);
  EXPECT_EQ(ErrorNumber(old->Append({{Record("b")}}).status()), 3005);
  EXPECT_EQ(ErrorNumber(log_->OpenWriter(topic_, 0, 1).status()), 3005);
  Append(fresh.get(), {Record("c")});
  EXPECT_THAT(ReadFrom(kFromBegin, 2).values, ElementsAre("a", "c"));
}

TEST_F(LogContract, PartitionsAppearWhenTheyAreWritten) {
  EXPECT_THAT(*log_->Partitions(topic_), IsEmpty());
  ASSERT_TRUE(log_->PrepareTopic({topic_, TopicSpec::Use::kInternal, 1}).ok());
  ASSERT_TRUE(log_->PrepareTopic({topic_, TopicSpec::Use::kInternal, 1}).ok());
  const auto third = Writer(1, 2);
  EXPECT_THAT(*log_->Partitions(topic_), ::testing::Contains(2));
  Append(third.get(), {Record("x")});
  EXPECT_THAT(ReadFrom(kFromBegin, 1, 2).values, ElementsAre("x"));
  EXPECT_THAT(ReadFrom(kFromBegin, 0, 2).values, ElementsAre("x"));
}

TEST_F(LogContract, WhatIsNotThereIsAnError) {
  EXPECT_EQ(ReadFrom(kFromBegin).error, 3003);
  Append(Writer().get(), {Record("a")});
  EXPECT_EQ(ReadFrom(kFromBegin, 0, 5).error, 3003);
  EXPECT_EQ(ReadFrom({100, -1, 0}).error, 3001);
}

TEST_F(LogContract, ATopicThatWasMadeAgainIsNoticed) {
  const std::vector<LogAppend> records = {Record("a"), Record("b"), Record("c")};
  Append(Writer(1).get(), records);
  const LogPosition after = ReadFrom(kFromBegin, 3).next;
  ASSERT_TRUE(log_->DeleteTopic(topic_).ok());
  EXPECT_THAT(*log_->Partitions(topic_), IsEmpty());
  EXPECT_EQ(ReadFrom(after).error, 3003);
  const auto writer = Writer(2);
  Append(writer.get(), {Record("d")});
  EXPECT_EQ(ReadFrom(after).error, 3001);
  Append(writer.get(), {Record("e"), Record("f"), Record("g")});
  ASSERT_THAT(ReadFrom(kFromBegin, 4).values, SizeIs(4));
  EXPECT_EQ(ReadFrom(after).error, 3002);
}

TEST_F(LogContract, AWriterOfADeletedTopicFails) {
  const auto writer = Writer();
  Append(writer.get(), {Record("a")});
  ASSERT_TRUE(log_->DeleteTopic(topic_).ok());
  ASSERT_TRUE(log_->DeleteTopic(topic_).ok());
  EXPECT_EQ(ErrorNumber(writer->Append({{Record("b")}}).status()), 3003);
}

}  // namespace
}  // namespace weir
