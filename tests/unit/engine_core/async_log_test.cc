#include "engine/core/async_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/testing_env.h"

namespace weir {
namespace {

using ::testing::ElementsAre;

// Writes down its calls.
class FakeWriter : public LogWriter {
 public:
  StatusOr<int64_t> Append(std::span<const LogAppend> records) override {
    std::string call = "append";
    for (const LogAppend& r : records) call += " " + r.value;
    calls.push_back(call);
    if (!append_status.ok()) return append_status;
    const int64_t first = end;
    end += static_cast<int64_t>(records.size());
    return first;
  }
  Status Sync() override {
    calls.push_back("sync");
    return sync_status;
  }
  StatusOr<int64_t> EndOffset() override { return end; }

  std::vector<std::string> calls;
  Status append_status, sync_status;
  int64_t end = 100;
};

std::vector<LogAppend> Records(std::initializer_list<const char*> values) {
  std::vector<LogAppend> records;
  for (const char* v : values) records.push_back({v, "", "", 0});
  return records;
}

class AsyncLogWriterTest : public ::testing::Test {
 protected:
  void Append(std::initializer_list<const char*> values, const std::string& name) {
    log_->Append(Records(values), [this, name](const StatusOr<int64_t>& first) {
      answers_.push_back(name + (first.ok() ? "@" + std::to_string(*first) : " failed"));
    });
  }
  void Sync(const std::string& name) {
    log_->Sync(
        [this, name](const Status& s) { answers_.push_back(name + (s.ok() ? "" : " failed")); });
  }
  void RunAll() {
    while (env_.RunPending() + mailbox_.RunAll() > 0) {
    }
  }

  TestEnv env_;
  Mailbox mailbox_{env_.scheduler.WakerFor(0)};
  std::shared_ptr<FakeWriter> fake_ = std::make_shared<FakeWriter>();
  std::unique_ptr<AsyncLogWriter> log_ =
      std::make_unique<AsyncLogWriter>(&env_.io, mailbox_.handle(), fake_, 1000);
  std::vector<std::string> answers_;
};

TEST_F(AsyncLogWriterTest, WhatArrivesMeanwhileIsOneAppendAndOneSync) {
  Append({"a"}, "A");
  EXPECT_EQ(env_.io.pending(), 1u);
  Append({"b", "c"}, "B");
  Sync("S1");
  Append({"d"}, "D");
  Sync("S2");
  EXPECT_EQ(env_.io.pending(), 1u);  // one at a time
  EXPECT_FALSE(log_->idle());
  RunAll();
  EXPECT_THAT(fake_->calls, ElementsAre("append a", "append b c d", "sync"));
  EXPECT_THAT(answers_, ElementsAre("A@100", "B@101", "S1", "D@103", "S2"));
  EXPECT_TRUE(log_->idle());
}

TEST_F(AsyncLogWriterTest, AnswersComeByMailOnly) {
  Append({"a"}, "A");
  env_.RunPending();
  EXPECT_TRUE(answers_.empty());
  mailbox_.RunAll();
  EXPECT_THAT(answers_, ElementsAre("A@100"));
}

TEST_F(AsyncLogWriterTest, SyncAloneAndAppendOfNothing) {
  Sync("S");
  Append({}, "E");
  RunAll();
  EXPECT_EQ(fake_->calls[0], "sync");
  EXPECT_EQ(answers_.size(), 2u);
}

TEST_F(AsyncLogWriterTest, IsFullAboveItsBoundUntilTheDiskHasIt) {
  log_->Append({{std::string(600, 'x'), "", "", 0}}, nullptr);
  EXPECT_FALSE(log_->full());
  log_->Append({{std::string(600, 'x'), "", "", 0}}, nullptr);
  EXPECT_TRUE(log_->full());
  EXPECT_GE(log_->pending_bytes(), 1200u);
  RunAll();
  EXPECT_FALSE(log_->full());
  EXPECT_EQ(log_->pending_bytes(), 0u);
}

TEST_F(AsyncLogWriterTest, NothingFollowsAFailedAppend) {
  fake_->append_status = Err(ErrorCode::kLogIo, "disk");
  Append({"a"}, "A");
  Append({"b"}, "B");
  Sync("S");
  RunAll();
  fake_->append_status = absl::OkStatus();
  Append({"c"}, "C");
  Sync("S2");
  RunAll();
  EXPECT_THAT(fake_->calls, ElementsAre("append a"));
  EXPECT_THAT(answers_, ElementsAre("A failed", "B failed", "S failed", "C failed", "S2 failed"));
}

TEST_F(AsyncLogWriterTest, NothingFollowsAFailedSync) {
  fake_->sync_status = Err(ErrorCode::kLogIo, "disk");
  Append({"a"}, "A");
  Sync("S");
  RunAll();
  fake_->sync_status = absl::OkStatus();  // fsync tells of an error once
  Sync("S2");
  RunAll();
  EXPECT_THAT(answers_, ElementsAre("A@100", "S failed", "S2 failed"));
}

TEST_F(AsyncLogWriterTest, CallsNobodyAfterItsEnd) {
  Append({"a"}, "A");
  env_.RunPending();
  log_.reset();
  RunAll();
  EXPECT_TRUE(answers_.empty());
}

TEST_F(AsyncLogWriterTest, MayBeDestroyedByACallback) {
  log_->Append(Records({"first"}), nullptr);
  log_->Append(Records({"a"}), [this](const StatusOr<int64_t>&) { log_.reset(); });
  Append({"b"}, "B");
  RunAll();
  EXPECT_TRUE(answers_.empty());
}

TEST_F(AsyncLogWriterTest, TheTaskMayDieFirst) {
  Append({"a"}, "A");
  mailbox_.Close();
  log_.reset();
  RunAll();
  EXPECT_THAT(fake_->calls, ElementsAre("append a"));
  EXPECT_TRUE(answers_.empty());
}

TEST_F(AsyncLogWriterTest, ACallbackMayAppend) {
  log_->Append(Records({"a"}), [this](const StatusOr<int64_t>&) { Append({"b"}, "B"); });
  RunAll();
  EXPECT_THAT(answers_, ElementsAre("B@101"));
}

// Gives chunks of one record each, then none.
class FakeReader : public LogReader {
 public:
  explicit FakeReader(int records) : left_(records) {}
  Status Read(const LogReadOptions&, LogChunk* out) override {
    if (left_ < 0) return Err(ErrorCode::kLogTruncated, "gone");
    out->items.clear();
    out->first = {offset_, 0, 0};
    out->at_end = left_ == 0;
    if (left_ > 0) {
      --left_;
      out->items.push_back({offset_++, "x"});
    }
    out->next = {offset_, 0, 0};
    return absl::OkStatus();
  }

 private:
  int left_;
  int64_t offset_ = 0;
};

class AsyncLogReaderTest : public ::testing::Test {
 protected:
  void Open(AsyncLogReader::Opener open) {
    reader_ = std::make_unique<AsyncLogReader>(
        &env_.io, mailbox_.handle(), std::move(open),
        [this](const Status& s) { reads_.push_back(ErrorNumber(s)); });
  }
  void RunAll() {
    while (env_.RunPending() + mailbox_.RunAll() > 0) {
    }
  }
  static AsyncLogReader::Opener Fake(int records) {
    return [records]() -> StatusOr<std::unique_ptr<LogReader>> {
      return std::unique_ptr<LogReader>(std::make_unique<FakeReader>(records));
    };
  }

  TestEnv env_;
  Mailbox mailbox_{env_.scheduler.WakerFor(0)};
  std::unique_ptr<AsyncLogReader> reader_;
  std::vector<int> reads_;
};

TEST_F(AsyncLogReaderTest, ReadsTheNextChunkWhileOneIsWorkedOn) {
  Open(Fake(2));
  reader_->Start({});
  reader_->Start({});  // one at a time
  EXPECT_EQ(env_.io.pending(), 1u);
  RunAll();
  ASSERT_TRUE(reader_->ready());
  LogChunk chunk;
  reader_->Take(&chunk);
  reader_->Start({});
  EXPECT_TRUE(reader_->reading());
  RunAll();
  ASSERT_EQ(chunk.items.size(), 1u);  // ours is not the one that is read into
  EXPECT_EQ(chunk.items[0].offset, 0);
  reader_->Start({});  // a chunk waits: nothing happens
  EXPECT_EQ(env_.io.pending(), 0u);
  reader_->Take(&chunk);
  EXPECT_EQ(chunk.items[0].offset, 1);
  reader_->Start({});
  RunAll();
  reader_->Take(&chunk);
  EXPECT_TRUE(chunk.items.empty());
  EXPECT_TRUE(chunk.at_end);
  EXPECT_THAT(reads_, ElementsAre(0, 0, 0));
}

TEST_F(AsyncLogReaderTest, TellsErrorsOnceAndStops) {
  Open(Fake(-1));
  reader_->Start({});
  RunAll();
  EXPECT_FALSE(reader_->ready());
  reader_->Start({});
  RunAll();
  EXPECT_THAT(reads_, ElementsAre(3001));
}

TEST_F(AsyncLogReaderTest, TellsThatItCannotOpen) {
  Open([]() -> StatusOr<std::unique_ptr<LogReader>> {
    return Err(ErrorCode::kLogMissing, "no such topic");
  });
  reader_->Start({});
  RunAll();
  EXPECT_THAT(reads_, ElementsAre(3003));
}

TEST_F(AsyncLogReaderTest, CallsNobodyAfterItsEnd) {
  Open(Fake(1));
  reader_->Start({});
  reader_.reset();
  RunAll();
  EXPECT_TRUE(reads_.empty());
}

TEST(LogPosition, SurvivesEncoding) {
  for (const LogPosition& p : {LogPosition{}, LogPosition{LogPosition::kEnd, -1, 0},
                               LogPosition{INT64_MAX, INT64_MAX, UINT64_MAX}}) {
    std::string bytes;
    EncodePosition(p, &bytes);
    LogPosition q{7, 7, 7};
    ASSERT_TRUE(DecodePosition(bytes, &q));
    EXPECT_EQ(p.offset, q.offset);
    EXPECT_EQ(p.bytes, q.bytes);
    EXPECT_EQ(p.guard, q.guard);
    EXPECT_FALSE(DecodePosition(bytes + "x", &q));
    EXPECT_FALSE(DecodePosition(bytes.substr(0, bytes.size() - 1), &q));
  }
}

}  // namespace
}  // namespace weir
