#include "connectors/log/dead_letter_box.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "connectors/dirlog/directory_log.h"
#include "connectors/log/dead_letters.h"
#include "engine/base/testing_env.h"
#include "engine/model/value.h"
#include "log_rig.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kRoot[] = "/log";

// Dies at the nth operation of its writers: before doing it, or after. Nothing works from then on.
class MortalLog : public ForwardingLog {
 public:
  MortalLog(std::unique_ptr<LogClient> log, int dies_at, bool after)
      : ForwardingLog(log.get()),
        log_(std::move(log)),
        left_(std::make_shared<int>(dies_at)),
        after_(after) {}
  StatusOr<std::shared_ptr<LogWriter>> OpenWriter(const std::string& topic, int partition,
                                                  int64_t epoch) override {
    auto writer = ForwardingLog::OpenWriter(topic, partition, epoch);
    if (!writer.ok()) return writer;
    return std::make_shared<Writer>(*writer, left_, after_);
  }
  bool died() const { return *left_ <= 0; }

 private:
  class Writer : public LogWriter {
   public:
    Writer(std::shared_ptr<LogWriter> writer, std::shared_ptr<int> left, bool after)
        : writer_(std::move(writer)), left_(std::move(left)), after_(after) {}
    StatusOr<int64_t> Append(std::span<const LogAppend> records) override {
      return Do<StatusOr<int64_t>>([&] { return writer_->Append(records); });
    }
    Status Sync() override {
      return Do<Status>([&] { return writer_->Sync(); });
    }
    StatusOr<int64_t> EndOffset() override { return writer_->EndOffset(); }

   private:
    template <typename Result, typename Work>
    Result Do(Work work) {
      const Status dead = Err(ErrorCode::kLogIo, "dead");
      if (*left_ <= 0) return dead;
      if (--*left_ > 0) return work();
      if (after_) (void)work();
      return dead;
    }
    std::shared_ptr<LogWriter> writer_;
    std::shared_ptr<int> left_;
    bool after_;
  };

  std::unique_ptr<LogClient> log_;
  std::shared_ptr<int> left_;
  bool after_;
};

class DeadLetterBoxTest : public ::testing::Test {
 protected:
  std::unique_ptr<LogClient> NewLog() { return NewDirectoryLog(env_.env(), kRoot); }

  // Writes dead letters about these records of topic "in", as a job's sink would.
  void WriteLetters(const std::vector<std::string>& values, bool oversized = false) {
    const auto log = NewLog();
    const auto writer = *log->OpenWriter("dead", 0, 3);
    RecordBatch batch(DeadLetterSchema());
    for (size_t i = 0; i < values.size(); ++i) {
      LogItem item{static_cast<int64_t>(i), values[i]};
      item.oversized = oversized;
      AppendDeadLetter({"in", 0, 1, 77}, item,
                       Err(ErrorCode::kRecordMissingField, "field 'a' is missing", "end it with ?"),
                       &batch);
    }
    std::vector<LogAppend> records(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      RowToJson(batch, i, &records[i].value);
      records[i].effect_id = absl::StrCat("e", i);
      records[i].timestamp_ms = 1000 + static_cast<int64_t>(i);
    }
    ASSERT_TRUE(writer->Append(records).ok());
    ASSERT_TRUE(writer->Sync().ok());
  }

  std::vector<DeadLetter> ReadLetters() {
    std::vector<DeadLetter> letters;
    int64_t foreign = 0;
    EXPECT_TRUE(ReadDeadLetters(
                    NewLog().get(), "dead",
                    [&](DeadLetter letter) {
                      letters.push_back(std::move(letter));
                      return true;
                    },
                    &foreign)
                    .ok());
    EXPECT_EQ(foreign, 0);
    return letters;
  }

  std::vector<std::string> Values(const std::string& topic) {
    std::vector<std::string> values;
    const auto log = NewLog();
    const std::vector<int> partitions = *log->Partitions(topic);
    for (const int partition : partitions) {
      const auto reader = *log->OpenReader(topic, partition, {});
      LogChunk chunk;
      EXPECT_TRUE(reader->Read({}, &chunk).ok());
      for (const LogItem& item : chunk.items) {
        values.push_back(absl::StrCat(partition, ":", ToAbsl(item.value)));
      }
    }
    return values;
  }

  static DeadLetterReplay::Config ConfigOf(LogClient* log, bool own_partition) {
    return {log, "dead", log, own_partition, 5000};
  }

  // One process that puts everything back.
  StatusOr<int64_t> ReplayAll(LogClient* log, bool own_partition = true) {
    DeadLetterReplay replay(ConfigOf(log, own_partition));
    WEIR_RETURN_IF_ERROR(replay.Load());
    WEIR_RETURN_IF_ERROR(replay.Settle());
    return replay.Put(ReadLetters(), "");
  }

  TestEnv env_;
};

TEST_F(DeadLetterBoxTest, ReadsBackWhatTheSourceWrote) {
  WriteLetters({"plain", std::string("a\0\xff", 3)});
  const std::vector<DeadLetter> letters = ReadLetters();
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].topic, "in");
  EXPECT_EQ(letters[0].partition, 1);
  EXPECT_EQ(letters[1].offset, 1);
  EXPECT_EQ(letters[1].error, 2002);
  EXPECT_EQ(letters[1].field, "a");
  EXPECT_EQ(letters[1].hint, "end it with ?");
  EXPECT_EQ(letters[0].reached_ms, 77);
  EXPECT_EQ(letters[1].written_ms, 1001);
  EXPECT_EQ(letters[1].epoch, 3);
  EXPECT_EQ(letters[0].bytes, "plain");
  EXPECT_EQ(letters[1].bytes, std::string("a\0\xff", 3));
  const auto one = ReadDeadLetter(NewLog().get(), "dead", 0, 1);
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->Identity(), letters[1].Identity());
  EXPECT_EQ(ErrorNumber(ReadDeadLetter(NewLog().get(), "dead", 0, 2).status()), 3003);
  EXPECT_EQ(ErrorNumber(ReadDeadLetter(NewLog().get(), "dead", 7, 0).status()), 3003);
}

TEST_F(DeadLetterBoxTest, PutsEachRecordBackOnce) {
  WriteLetters({"a", "b"});
  EXPECT_EQ(*ReplayAll(NewLog().get()), 2);
  EXPECT_EQ(*ReplayAll(NewLog().get()), 0);
  EXPECT_THAT(Values("in"), ElementsAre("1000000:a", "1000000:b"));
}

TEST_F(DeadLetterBoxTest, UsesTheRecordsOwnPartitionWhereItMay) {
  WriteLetters({"a"});
  EXPECT_EQ(*ReplayAll(NewLog().get(), false), 1);
  EXPECT_THAT(Values("in"), ElementsAre("1:a"));
}

TEST_F(DeadLetterBoxTest, AJobMayReadTheTopicMeanwhileButNotWriteIt) {
  WriteLetters({"a"});
  const auto job = NewLog();
  ASSERT_TRUE(job->OpenReader("in", 0, {}).ok());
  ASSERT_TRUE(job->OpenWriter("dead", 0, 4).ok());
  EXPECT_EQ(*ReplayAll(NewLog().get()), 1);
  ASSERT_TRUE(job->OpenWriter("in", 0, 4).ok());
  const auto log = NewLog();
  DeadLetterReplay replay(ConfigOf(log.get(), true));
  ASSERT_TRUE(replay.Settle().ok());
  EXPECT_EQ(ErrorNumber(replay.Put(ReadLetters(), "").status()), 4006);
}

TEST_F(DeadLetterBoxTest, WhatIsNotWholeStaysWhereItIs) {
  WriteLetters({"beginning"}, true);
  EXPECT_TRUE(ReadLetters()[0].truncated);
  EXPECT_EQ(*ReplayAll(NewLog().get()), 0);
  EXPECT_THAT(Values("in"), IsEmpty());
}

TEST_F(DeadLetterBoxTest, WhatNobodyCanTellIsLeftOutAndTheRestGoesOn) {
  WriteLetters({"a", "b", "c"});
  const std::vector<DeadLetter> letters = ReadLetters();
  {
    const auto log = NewLog();
    DeadLetterReplay replay(ConfigOf(log.get(), true));
    ASSERT_TRUE(replay.Settle().ok());
    ASSERT_EQ(*replay.Put({letters[0]}, ""), 1);
  }
  {
    MortalLog mortal(NewLog(), 5, false);  // after the mark, before the record
    DeadLetterReplay replay(ConfigOf(&mortal, true));
    ASSERT_TRUE(replay.Load().ok());
    ASSERT_TRUE(replay.Settle().ok());
    ASSERT_FALSE(replay.Put({letters[1]}, "").ok());
  }
  ASSERT_TRUE(NewLog()->DeleteTopic("in").ok());  // as retention would
  const auto rest = ReplayAll(NewLog().get());
  ASSERT_TRUE(rest.ok()) << FormatError(rest.status());
  EXPECT_EQ(*rest, 1);
  EXPECT_THAT(Values("in"), ElementsAre("1000000:c"));
}

TEST_F(DeadLetterBoxTest, OnceEvenIfItDiesAnywhere) {
  const std::vector<std::string> all = {"1000000:a", "1000000:b", "1000000:c"};
  int deaths = 0;
  for (const bool after : {false, true}) {
    bool died = true;
    for (int at = 1; died; ++at) {
      ASSERT_TRUE(env_.fs.RemoveAll(kRoot).ok());
      WriteLetters({"a", "b", "c"});
      auto mortal = std::make_unique<MortalLog>(NewLog(), at, after);
      const auto first = ReplayAll(mortal.get());
      died = mortal->died();
      mortal.reset();  // and with the process its locks
      deaths += died ? 1 : 0;
      EXPECT_EQ(first.ok(), !died);
      const auto second = ReplayAll(NewLog().get());
      ASSERT_TRUE(second.ok()) << FormatError(second.status());
      EXPECT_EQ(Values("in"), all) << "died at " << at << (after ? " after" : " before");
    }
  }
  EXPECT_GT(deaths, 8);
}

}  // namespace
}  // namespace weir
