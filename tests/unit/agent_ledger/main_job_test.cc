// The deterministic half of the main job, ledger -> sliding count -> running count, on its shipped
// data: the rows that pass the novelty test first are the decisions that were computed without
// Weir.
#include <gtest/gtest.h>

#include <fstream>

#include "agent/ledger.h"
#include "engine/base/random.h"
#include "operators/aggregate/running_count.h"
#include "operators/aggregate/sliding_count.h"
#include "tests/support/source_dir.h"
#include "tests/unit/operators_aggregate/operator_rig.h"

namespace weir {
namespace {

const std::string kJob = SourceDir() + "/deploy/jobs/ssh_guard/";

std::vector<Value> ReadLines(const std::string& path) {
  std::ifstream file(path);
  std::vector<Value> values;
  for (std::string line; std::getline(file, line);) values.push_back(ParseJson(line).value());
  return values;
}

std::vector<Event> ReadEvents() {
  std::vector<Event> events;
  for (const Value& v : ReadLines(kJob + "data/0.ndjson")) {
    Event e{std::nullopt, v.Get("ts")->int_value(), v.Get("kind")->string_value(),
            v.Get("line")->int_value(), v.Get("host")->string_value()};
    if (!v.Get("src_ip")->is_null()) e.src_ip = v.Get("src_ip")->string_value();
    events.push_back(e);
  }
  return events;
}

class Chain {
 public:
  void Process(const std::vector<Event>& events) {
    seen_.Process(events);
    for (RecordBatch& batch : seen_.emitted()) failures_.ProcessKeyed(std::move(batch));
    for (RecordBatch& batch : failures_.emitted()) logins_.ProcessKeyed(std::move(batch));
    for (const RecordBatch& batch : logins_.emitted()) Guard(batch);
    for (OperatorRig* rig : {&seen_, &failures_, &logins_}) rig->emitted().clear();
  }
  void SnapshotRestore() {
    for (OperatorRig* rig : {&seen_, &failures_, &logins_}) rig->SnapshotRestore();
  }
  void Watermark(int64_t ms) {
    for (OperatorRig* rig : {&seen_, &failures_, &logins_}) rig->Watermark(ms);
  }
  std::set<int64_t> decisions;
  int blocked = 0;

 private:
  // escalate_when, and a rule for the address from then on.
  void Guard(const RecordBatch& batch) {
    for (size_t i = 0; i < batch.rows(); ++i) {
      if (batch.column(3).IsNull(i)) continue;
      const std::string address(batch.column(3).String(i));
      if (guilty_.count(address) > 0) {
        ++blocked;
      } else if (batch.column(5).Int(i) >= 5 && batch.column(6).Int(i) == 0) {
        guilty_.insert(address);
        decisions.insert(batch.column(1).Int(i));
      }
    }
  }

  OperatorRig seen_{MakeIdempotencyLedgerType(), {{"key", {"src_ip"}}, {"id", {"host", "line"}}}};
  OperatorRig failures_{MakeSlidingCountType(),
                        {{"key", {"src_ip"}},
                         {"where", {"kind in ['failed', 'invalid_user']"}},
                         {"window", {"600s"}},
                         {"allowed_lateness", {"31d"}}}};
  OperatorRig logins_{
      MakeRunningCountType(),
      {{"key", {"src_ip"}}, {"where", {"kind == 'accepted'"}}, {"as", {"accepted"}}},
      {failures_.plan().outputs[0].schema}};
  std::set<std::string> guilty_;
};

std::set<int64_t> ExpectedDecisions() {
  std::set<int64_t> lines;
  for (const Value& v : ReadLines(kJob + "expected/decisions.ndjson")) {
    lines.insert(v.Get("line")->int_value());
  }
  return lines;
}

TEST(MainJob, GivesTheExpectedLinesInAnyBatchesTwiceOverAndAfterRestores) {
  const std::vector<Event> events = ReadEvents();
  ASSERT_EQ(events.size(), 7121u);
  ASSERT_EQ(ExpectedDecisions().size(), 45u);
  for (const uint64_t seed : {1, 2, 3}) {
    Random random(seed);
    Chain chain;
    for (int round = 0; round < 2; ++round) {  // the same file appended a second time
      for (size_t i = 0; i < events.size();) {
        const size_t end = std::min(events.size(), i + 1 + random.Uniform(seed * 200));
        std::vector<Event> batch(events.begin() + static_cast<ptrdiff_t>(i),
                                 events.begin() + static_cast<ptrdiff_t>(end));
        if (random.OneIn(2)) batch.push_back(batch[random.Uniform(batch.size())]);
        chain.Process(batch);
        if (round == 0) chain.Watermark(events[end - 1].ts - 5001);
        if (random.OneIn(20)) chain.SnapshotRestore();
        i = end;
      }
    }
    EXPECT_EQ(chain.decisions, ExpectedDecisions()) << "seed " << seed;
    EXPECT_EQ(chain.blocked, 669) << "seed " << seed;
  }
}

}  // namespace
}  // namespace weir
