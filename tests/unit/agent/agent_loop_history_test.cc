// Random histories of deliveries, replies, timeouts, checkpoints and crashes. Whatever the timing,
// what comes out is what the recorded decisions and the input's order demand; and bugs put back are
// seen.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "engine/base/fail_point.h"
#include "engine/base/random.h"
#include "engine/model/value.h"
#include "tests/unit/agent/loop_rig.h"

namespace weir {
namespace {

using Lines = std::vector<std::string>;

class PlantedBug : public FailPoints {
 public:
  explicit PlantedBug(std::string id) : id_(std::move(id)) { SetFailPoints(this); }
  ~PlantedBug() override { SetFailPoints(nullptr); }
  void Hit(std::string_view) override {}
  bool Bug(std::string_view id) const override { return id == id_; }

 private:
  std::string id_;
};

class History {
 public:
  explicit History(uint64_t seed) : random_(seed), timeouts_(random_.OneIn(2)) {
    const Lines ips = {"a", "b", "c", "d"};
    std::map<std::string, int64_t> counts;
    for (int64_t line = 0; line < 90; ++line) {
      const std::string ip = ips[random_.Uniform(ips.size())];
      LoopEvent e{ip, line, ++counts[ip]};
      if (random_.OneIn(10)) e.src_ip.reset();
      events_.push_back(e);
    }
  }

  // "" or what is wrong.
  std::string Run() {
    LoopRig rig(Options());
    for (int step = 0; step < 250; ++step) Step(&rig);
    Finish(&rig);
    if (problem_.empty()) Compare(&rig);
    return problem_;
  }

 private:
  struct Checkpointed {
    LoopRig::Saved saved;
    size_t position;
  };
  LoopOptions Options() const {
    return {{"recheck_after", "20s"}, {"agent.timeout", timeouts_ ? "30s" : "1000h"}};
  }
  void Expect(bool condition, const std::string& what) {
    if (!condition && problem_.empty()) problem_ = what;
  }

  void Step(LoopRig* rig) {
    switch (random_.Uniform(10)) {
      case 0:
      case 1:
      case 2:
        return SendSome(rig);
      case 3:
        return rig->Run();
      case 4:
        rig->DeliverRules();
        return;
      case 5:
      case 6:
        return ReplySome(rig);
      case 7:
        if (random_.OneIn(3)) saved_.push_back({rig->Checkpoint(), position_});
        return;
      case 8:
        if (timeouts_) rig->AdvanceMs(static_cast<int64_t>(random_.Uniform(12'000)));
        return;
      default:
        if (random_.OneIn(6)) CrashNow(rig);
    }
  }

  void SendSome(LoopRig* rig) {
    if (!rig->op()->CanAccept()) return;
    std::vector<LoopEvent> batch;
    for (uint64_t n = random_.Uniform(8); n > 0 && position_ < events_.size(); --n) {
      batch.push_back(events_[position_++]);
    }
    if (batch.empty()) return;
    rig->Send(batch);
    if (random_.OneIn(2)) rig->Watermark(batch.back().line * 1000 - 5000);
  }

  // The agent is of another mind each time: only the decision log makes it reliable.
  void ReplySome(LoopRig* rig) {
    if (rig->agent()->asked.empty()) return;
    const size_t i = random_.Uniform(rig->agent()->asked.size());
    // A reply after the deadline may make a rule, which depends on timing by its nature.
    if (rig->env_.clock.NowMs() >= rig->agent()->asked[i].request.deadline_ms) return;
    random_.OneIn(2) ? rig->agent()->Quarantine(i) : rig->agent()->Release(i);
    if (timeouts_) rig->Run();
  }

  void CrashNow(LoopRig* rig) {
    CheckCalls(rig);
    const bool anew = saved_.empty() || random_.OneIn(5);
    if (anew) saved_.clear();
    rig->Crash(anew ? nullptr : &saved_.back().saved);
    position_ = anew ? 0 : saved_.back().position;
    durable_.clear();
    for (const std::string& line : rig->LogLines("decisions")) {
      durable_.insert(ParseJson(line)->Get("request_id")->string_value());
    }
    CheckCalls(rig);
  }

  void CheckCalls(LoopRig* rig) {
    for (const auto& asked : rig->agent()->asked) {
      Expect(durable_.count(asked.request.request_id) == 0, "a decided request was asked again");
    }
  }

  void Finish(LoopRig* rig) {
    while (position_ < events_.size()) {
      rig->Settle();
      SendSome(rig);
    }
    Expect(rig->op()->OnEndOfInput().ok(), "end of input fails");
    for (int i = 0; i < 300 && !rig->ended; ++i) {
      rig->Settle();
      if (i < 200) {
        for (int r = 0; r < 5; ++r) ReplySome(rig);
      } else {
        rig->AdvanceMs(10'000);
      }
    }
    Expect(!rig->failed.has_value(), "the task failed");
    Expect(rig->overtaken == 0, "a result follows a later watermark");
    Expect(rig->ended && rig->Metric("pending") == 0, "something waits for ever");
    CheckCalls(rig);
  }

  // An undisturbed run whose agent answers what was recorded.
  void Compare(LoopRig* rig) {
    std::map<std::string, std::string> verdicts;
    for (const std::string& line : rig->LogLines("decisions")) {
      const Value d = ParseJson(line).value();
      Expect(verdicts.emplace(d.Get("request_id")->string_value(), d.Get("verdict")->string_value())
                 .second,
             "a request was decided twice");
    }
    LoopRig calm(Options());
    for (const LoopEvent& e : events_) {
      calm.Send({e});
      while (!calm.agent()->asked.empty()) {
        const std::string verdict = verdicts[calm.agent()->asked[0].request.request_id];
        if (verdict == "quarantine") calm.agent()->Quarantine(0);
        if (verdict == "release") calm.agent()->Release(0);
        if (verdict == "hold") calm.agent()->Reply(0, absl::PermissionDeniedError(""));
        if (verdict.empty()) return Expect(false, "a request was never decided");
        calm.Settle();
        calm.agent()->asked.clear();
      }
      calm.Settle();
    }
    for (int port = 0; port < 4; ++port) {
      const Lines got = rig->Take(port), want = calm.Take(port);
      Expect(std::set<std::string>(got.begin(), got.end()) ==
                 std::set<std::string>(want.begin(), want.end()),
             "port " + std::to_string(port) + " differs");
    }
  }

  Random random_;
  const bool timeouts_;
  std::vector<LoopEvent> events_;
  size_t position_ = 0;
  std::vector<Checkpointed> saved_;
  std::set<std::string> durable_;
  std::string problem_;
};

TEST(AgentLoopHistory, OutputsDoNotDependOnTiming) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    ASSERT_EQ(History(seed).Run(), "") << "seed " << seed;
  }
}

// A check that cannot fail proves nothing.
TEST(AgentLoopHistory, SeesTheBugsOfOthers) {
  for (const std::string id : {"H-1", "H-2", "H-7", "H-10", "D14", "B-65", "B-69"}) {
    const PlantedBug bug(id);
    std::string problem;
    uint64_t seed = 0;
    while (problem.empty() && seed < 200) problem = History(++seed).Run();
    EXPECT_NE(problem, "") << id;
    std::printf("  %-5s seed %3d: %s\n", id.c_str(), static_cast<int>(seed), problem.c_str());
  }
}

}  // namespace
}  // namespace weir
