#include "agent/decision_log.h"

#include <gtest/gtest.h>

#include <set>

#include "connectors/dirlog/directory_log.h"
#include "engine/base/mailbox.h"
#include "engine/base/random.h"
#include "engine/base/testing_env.h"

namespace weir {
namespace {

class NoWaker : public Waker {
 public:
  void Wake() override {}
};

class Pieces : public SnapshotPart {
 public:
  int64_t checkpoint() const override { return 1; }
  SnapshotKind kind() const override { return SnapshotKind::kCheckpoint; }
  void Add(StatePiece piece) override { list.push_back(std::move(piece)); }
  void Finish(Status) override {}
  std::vector<StatePiece> list;
};

Decision Make(const std::string& id, const std::string& verdict = "quarantine") {
  Decision d;
  d.request_id = id;
  d.verdict = verdict;
  d.key = "k-" + id;
  return d;
}

// One incarnation of one subtask's log.
class Log {
 public:
  Log(TestEnv* env, LogClient* client, int64_t epoch, KeyGroupRange groups = {0, 128})
      : env_(env), mailbox_(std::make_shared<NoWaker>()) {
    DecisionLog::Config config;
    config.topic = "decisions";
    config.epoch = epoch;
    config.groups = groups;
    config.io = env->env().io;
    config.mail = mailbox_.handle();
    config.client = client;
    config.fail = [this](const Status& status) { failed = status; };
    config.recorded = [this](uint16_t, const Decision& d) {
      return recorded.count(d.request_id) != 0;
    };
    log = std::make_unique<DecisionLog>(std::move(config));
  }
  ~Log() {
    mailbox_.Close();
    env_->RunPending();
  }
  void Run() {
    while (env_->RunPending() + mailbox_.RunAll() > 0) {
    }
  }
  bool Start(const std::vector<StatePiece>& pieces = {}) {
    EXPECT_TRUE(log->Restore(pieces).ok());
    log->Start([] {});
    Run();
    return log->ready();
  }
  void Append(uint16_t group, const Decision& d) {
    log->Append(group, d, [this, id = d.request_id] { durable.push_back(id); });
  }
  std::vector<StatePiece> Snapshot() {
    Pieces part;
    log->Snapshot(&part);
    return part.list;
  }

  TestEnv* env_;
  Mailbox mailbox_;
  std::unique_ptr<DecisionLog> log;
  std::set<std::string> recorded;
  std::vector<std::string> durable;
  Status failed;
};

class DecisionLogTest : public testing::Test {
 protected:
  TestEnv env_;
  std::unique_ptr<LogClient> client_ = NewDirectoryLog(env_.env(), "log");
};

TEST_F(DecisionLogTest, WhatIsDurableIsKnownToTheNextIncarnation) {
  {
    Log log(&env_, client_.get(), 1);
    ASSERT_TRUE(log.Start());
    log.Append(3, Make("a"));
    log.Append(9, Make("b", "release"));
    EXPECT_TRUE(log.durable.empty());  // not before the disk says so
    EXPECT_FALSE(log.log->idle());
    log.Run();
    EXPECT_EQ(log.durable, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(log.log->idle());
  }
  Log log(&env_, client_.get(), 2);
  EXPECT_FALSE(log.log->ready());
  ASSERT_TRUE(log.Start());
  ASSERT_NE(log.log->Find("a"), nullptr);
  EXPECT_EQ(log.log->Find("b")->verdict, "release");
  EXPECT_EQ(log.log->Find("c"), nullptr);
  log.log->Forget("a");
  EXPECT_EQ(log.log->Find("a"), nullptr);
  EXPECT_EQ(log.log->known(), 1u);
}

TEST_F(DecisionLogTest, TheFirstOneWins) {
  {
    Log log(&env_, client_.get(), 1);
    ASSERT_TRUE(log.Start());
    log.Append(3, Make("a", "quarantine"));
    log.Append(3, Make("a", "release"));
    log.Run();
  }
  Log log(&env_, client_.get(), 2);
  ASSERT_TRUE(log.Start());
  EXPECT_EQ(log.log->Find("a")->verdict, "quarantine");
}

TEST_F(DecisionLogTest, ReadsItsOwnKeyGroupsFromTheCheckpointOn) {
  std::vector<StatePiece> pieces;
  {
    Log log(&env_, client_.get(), 1);
    ASSERT_TRUE(log.Start());
    log.Append(3, Make("a"));
    log.Run();
    pieces = log.Snapshot();
    ASSERT_EQ(pieces.size(), 1u);
    EXPECT_EQ(pieces[0].name, "declog/3");
    log.Append(3, Make("b"));
    log.Append(100, Make("c"));
    log.Run();
  }
  // Restored at twice the parallelism: each takes what is its own out of all pieces.
  Log low(&env_, client_.get(), 2, {0, 64}), high(&env_, client_.get(), 2, {64, 128});
  ASSERT_TRUE(low.Start(pieces));
  ASSERT_TRUE(high.Start(pieces));
  EXPECT_EQ(low.log->Find("a"), nullptr);  // keyed state has it
  EXPECT_NE(low.log->Find("b"), nullptr);
  EXPECT_EQ(low.log->Find("c"), nullptr);
  EXPECT_NE(high.log->Find("c"), nullptr);
}

// A checkpoint that is taken during a replay must not pass over what is still to be recorded.
TEST_F(DecisionLogTest, APositionWaitsForWhatIsNotRecorded) {
  {
    Log log(&env_, client_.get(), 1);
    ASSERT_TRUE(log.Start());
    for (const char* id : {"a", "b", "c"}) log.Append(3, Make(id));
    log.Run();
  }
  std::vector<StatePiece> pieces;
  {
    Log log(&env_, client_.get(), 2);
    ASSERT_TRUE(log.Start());
    log.log->Forget("a");
    log.log->Forget("c");
    log.Append(3, Make("d"));
    log.Run();
    pieces = log.Snapshot();
  }
  Log log(&env_, client_.get(), 3);
  log.recorded = {"a", "c", "d"};
  ASSERT_TRUE(log.Start(pieces));
  EXPECT_EQ(log.log->known(), 1u);
  EXPECT_NE(log.log->Find("b"), nullptr);
  log.log->Forget("b");
  const std::vector<StatePiece> behind = log.Snapshot();
  LogPosition position;
  ASSERT_TRUE(DecodePosition(behind.at(0).bytes, &position));
  EXPECT_EQ(position.offset, 4);
}

TEST_F(DecisionLogTest, AnOlderIncarnationIsFenced) {
  Log old(&env_, client_.get(), 1);
  ASSERT_TRUE(old.Start());
  old.Append(3, Make("a"));
  old.Run();
  Log fresh(&env_, client_.get(), 2);
  ASSERT_TRUE(fresh.Start());
  old.Append(3, Make("b"));
  old.Run();
  EXPECT_EQ(ErrorNumber(old.failed), 3005);
  EXPECT_EQ(old.durable, std::vector<std::string>{"a"});
}

TEST_F(DecisionLogTest, ALogThatLostItsTailStopsTheJob) {
  std::vector<StatePiece> pieces;
  {
    Log log(&env_, client_.get(), 1);
    ASSERT_TRUE(log.Start());
    log.Append(3, Make("a"));
    log.Run();
    pieces = log.Snapshot();
  }
  ASSERT_TRUE(client_->DeleteTopic("decisions").ok());
  Log log(&env_, client_.get(), 2);
  EXPECT_FALSE(log.Start(pieces));
  EXPECT_FALSE(log.failed.ok());
}

TEST_F(DecisionLogTest, MalformedPositionsAreRefused) {
  Log log(&env_, client_.get(), 1);
  for (const StatePiece& piece : {StatePiece{"declog/x", ""}, StatePiece{"declog/-1", ""},
                                  StatePiece{"declog/3", "?"}, StatePiece{"declog/70000", ""}}) {
    EXPECT_EQ(ErrorNumber(log.log->Restore({piece})), 4002) << piece.name;
  }
  EXPECT_TRUE(log.log->Restore({StatePiece{"something else", "?"}}).ok());
}

}  // namespace
}  // namespace weir
