#include "run_seed.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "disaster.h"
#include "engine/cli/commands.h"
#include "engine/model/value.h"
#include "engine/plan/load.h"
#include "engine/testing/local_runner.h"
#include "scenario.h"
#include "sim_agent.h"
#include "sim_broker.h"

namespace weir {
namespace {

constexpr int64_t kDrainMs = 120'000;  // the agent may take its 30 s, more than once

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class SeedRun {
 public:
  SeedRun(const SeedOptions& options, const std::vector<SshEvent>& all)
      : options_(options),
        random_(options.seed * 2 + 1),
        scenario_(DrawScenario(options, all, &random_)),
        runner_(options.seed),
        broker_(&runner_.world(), options.seed * 2 + 3),
        agent_(&random_, scenario_.agent) {
    WEIR_CHECK(RegisterAll(&registry_).ok());
    WEIR_CHECK(registry_.AddAgentChannel(MakeSimAgentType(&agent_)).ok());
    WEIR_CHECK(registry_.AddLog(broker_.Type()).ok());
    if (options.disturb) broker_.AllowFaults(static_cast<int>(options.seed % 5));
    agent_.SetDurable([this](const std::string& id) { return IsDurable(id); });
    if (!options.bug.empty()) runner_.world().points().PlantBug(options.bug);
  }

  SeedResult Run() {
    fed_.assign(scenario_.partitions.size(), 0);
    if (options_.disaster) {
      RunDisaster();
    } else {
      Feed(scenario_.follow ? 20 : SIZE_MAX);
      LiveToTheEnd();
      if (result_.problems.empty()) CheckOutputs();
    }
    if (!options_.dump.empty()) Dump();
    result_.trace_hash = runner_.world().trace_hash();
    const auto& counts = runner_.world().points().counts();
    const auto links = counts.find("fs.link");  // RocksDB takes in each write-back by one
    result_.store_writes = links == counts.end() ? 0 : static_cast<int>(links->second);
    result_.steps = runner_.world().steps();
    result_.virtual_ms = runner_.world().env().clock->MonoNs() / 1'000'000;
    result_.config = absl::StrCat(
        result_.config,
        options_.disaster ? " partitions=" : "partitions=", scenario_.partitions.size(),
        " events=", scenario_.arrival.size(), " interval=", scenario_.interval_ms,
        "ms order=", scenario_.order, " crashes=", result_.crashes, options_.kafka ? " kafka" : "",
        scenario_.exactly_once ? " exactly_once" : "", scenario_.rocksdb ? " rocksdb" : "",
        " store failures=", result_.store_failures);
    return std::move(result_);
  }

 private:
  void Problem(std::string text) { result_.problems.push_back(std::move(text)); }
  void Check(const Status& status) {
    if (!status.ok()) Problem(FormatError(status));
  }

  void LiveToTheEnd() {
    bool ended = false;
    while (!ended && result_.problems.empty()) ended = Live(static_cast<size_t>(lives_));
  }

  // Up to a checkpoint of everything all goes as in any seed; then perhaps a life that crashes.
  void RunDisaster() {
    DisasterScene scene(&broker_);
    Disaster disaster = DisasterScene::Draw(options_.seed);
    if (disaster.name.ends_with("lost")) scenario_.exactly_once = false;
    scenario_.follow = false;
    scenario_.faulty_lives = 0;  // one thing at a time
    Feed(LongestPartition() / 2 + 1);
    LiveToTheEnd();
    scene.Remember();
    broker_.AllowFaults(0);
    if (!disaster.running && random_.OneIn(2)) {
      Feed(1 + random_.Uniform(20));
      scenario_.crashes.assign(static_cast<size_t>(lives_) + 1, 1 + random_.Uniform(300));
      (void)Live(static_cast<size_t>(lives_));
    }
    scenario_.crashes.clear();
    const std::vector<std::string> lines(
        1 + random_.Uniform(9),
        "{\"host\":\"lost\",\"line\":1,\"ts\":1,\"kind\":\"x\",\"message\":\"\"}");
    // It does not heal: whoever starts the job again gets the same answer.
    for (int start = 0; start < 2 && result_.problems.empty(); ++start) {
      const int error = LiveThrough(&disaster, start == 0 ? &scene : nullptr, lines);
      if (error == disaster.error) continue;
      Problem(absl::StrCat(disaster.name, disaster.running ? " while it runs" : "", ", start ",
                           start, ": error ", error, " instead of ", disaster.error));
    }
    result_.config = absl::StrCat("disaster=", disaster.name, disaster.running ? " (running)" : "");
  }

  // The error that the job ends with, 0 = none. The disaster strikes unless it has already.
  int LiveThrough(Disaster* disaster, DisasterScene* scene, const std::vector<std::string>& lines) {
    auto loaded = Load(scenario_.parallelism[0]);
    if (loaded == nullptr) return 0;
    if (scene != nullptr && !disaster->running) scene->Strike(disaster, lines);
    JobOptions job;
    job.until_end = !disaster->running;
    job.slice_ns = 0;
    Status status = runner_.Start(loaded->plan, registry_, job);
    if (status.ok()) {
      if (scene != nullptr && disaster->running) {
        (void)runner_.Run(3000 + random_.Uniform(3000));
        scene->Strike(disaster, lines);
      }
      const SimEnd end = runner_.Run(5'000'000);
      if (end == SimEnd::kDone) status = runner_.job()->status();
    }
    runner_.Crash();  // the process ends
    return ErrorNumber(status);
  }
  size_t LongestPartition() const {
    size_t longest = 0;
    for (const auto& lines : scenario_.partitions) longest = std::max(longest, lines.size());
    return longest;
  }

  // One incarnation; true if the job came to its end.
  bool Live(size_t life) {
    ++lives_;
    const int parallelism = scenario_.parallelism[life % scenario_.parallelism.size()];
    auto loaded = Load(parallelism);
    if (loaded == nullptr) return false;
    const bool dies = life < scenario_.crashes.size();
    const uint64_t before = runner_.world().points().total();
    if (dies) runner_.world().points().CrashAtHit(scenario_.crashes[life]);
    const bool faulty = life < scenario_.faulty_lives;
    runner_.world().fs().SetFaults(faulty ? scenario_.store_faults : SimFaults());
    JobOptions job;
    const bool follow = scenario_.follow && !AllFed();
    job.until_end = !follow;
    job.drain_timeout_ms = kDrainMs;
    // Virtual time stands still within a turn: slices end by count, so that changes fall between.
    job.slice_ns = 0;
    const Status started = runner_.Start(loaded->plan, registry_, job);
    if (LeaderChanged(started) || StoreFailed(started)) return false;
    if (!started.ok() && !runner_.world().crashed()) {
      Check(started);
      return false;
    }
    const SimEnd end = runner_.world().crashed() ? SimEnd::kCrashed
                       : follow                  ? Follow()
                                                 : runner_.Run(20'000'000);
    if (life == 0) result_.points = runner_.world().points().total() - before;
    if (end == SimEnd::kCrashed) {
      ++result_.crashes;
      runner_.Crash();
      return false;
    }
    runner_.world().points().DoNotCrash();
    if (end != SimEnd::kDone) {
      Problem(
          absl::StrCat("no end: ", end == SimEnd::kIdle ? "nothing left to run" : "step limit"));
    }
    const Status status = runner_.job()->status();
    if (LeaderChanged(status) || StoreFailed(status)) return false;
    if (end == SimEnd::kDone && runner_.job()->drained_ns() == 0) {
      Problem("the stop did not see the end of what was under way");
    }
    Check(runner_.Finish());
    return !follow;
  }

  // A job that the broker has failed ends with a retriable error and is started again, as by
  // whatever supervises it.
  bool LeaderChanged(const Status& status) {
    if (!options_.kafka || ErrorNumber(status) != static_cast<int>(ErrorCode::kLogIo)) return false;
    if (broker_.faults() <= faults_seen_) return false;
    faults_seen_ = broker_.faults();
    ++result_.crashes;
    runner_.Crash();  // the process ends
    return true;
  }

  // The same for a job whose store the disk has failed.
  bool StoreFailed(const Status& status) {
    if (runner_.world().crashed()) return false;
    const uint64_t faults = runner_.world().fs().faults_seen();
    if (ErrorNumber(status) != static_cast<int>(ErrorCode::kStateIo) || faults <= store_faults_) {
      return false;
    }
    store_faults_ = faults;
    ++result_.store_failures;
    runner_.Crash();  // the process ends
    return true;
  }

  std::vector<std::string> Lines(const std::string& topic) {
    return options_.kafka ? broker_.Lines(topic) : runner_.Lines(topic);
  }
  std::vector<std::string> Topics() { return options_.kafka ? broker_.Topics() : runner_.Topics(); }

  // Input arrives piece by piece while the job runs; when all is there it is told to stop.
  SimEnd Follow() {
    SimEnd end = SimEnd::kStepLimit;
    while (!AllFed() && end == SimEnd::kStepLimit) {
      end = runner_.Run(1 + random_.Uniform(400));
      if (end != SimEnd::kCrashed) Feed(1 + random_.Uniform(30));
    }
    if (end != SimEnd::kStepLimit) return end;
    runner_.job()->RequestStop();
    return runner_.Run(20'000'000);
  }
  bool AllFed() const {
    for (size_t p = 0; p < fed_.size(); ++p) {
      if (fed_[p] < scenario_.partitions[p].size()) return false;
    }
    return true;
  }
  void Feed(size_t lines) {
    for (size_t p = 0; p < fed_.size(); ++p) {
      const auto& all = scenario_.partitions[p];
      const size_t n = std::min(lines, all.size() - fed_[p]);
      const std::vector<std::string> some(all.begin() + fed_[p], all.begin() + fed_[p] + n);
      if (options_.kafka) {
        broker_.Produce("auth.raw", static_cast<int>(p), some);
      } else {
        Check(runner_.Append("auth.raw", static_cast<int>(p), some));
      }
      fed_[p] += n;
    }
  }

  std::unique_ptr<LoadedPlan> Load(int parallelism) {
    PlanSource request;
    request.file = options_.topology;
    request.text = ReadText(options_.topology);
    request.overrides = {
        absl::StrCat("job.parallelism=", parallelism),
        absl::StrCat("checkpoints.interval=", scenario_.interval_ms, "ms"),
        absl::StrCat("operators.guard.agent.order=", scenario_.order),
        absl::StrCat("operators.failures.allowed_lateness=", scenario_.late ? "0s" : "31d"),
        "sources.auth.event_time.all_idle=hold", "operators.guard.agent.endpoint=\"sim:\"",
        "operators.guard.agent.timeout=10h", "operators.guard.agent.attempt_timeout=5s",
        // With so little memory that state goes to RocksDB and comes back all the time.
        absl::StrCat("state.backend=", scenario_.rocksdb ? "rocksdb" : "memory"),
        "state.hot_bytes=64KiB", absl::StrCat("state.dir=", kStoreDir)};
    if (options_.kafka) request.overrides.emplace_back("log=\"simkafka:\"");
    if (scenario_.exactly_once) {
      for (const char* sink : {"decisions", "blocked", "late"}) {
        request.overrides.push_back(absl::StrCat("sinks.", sink, ".delivery=exactly_once"));
      }
    }
    request.variable = [](const std::string& name) -> std::optional<std::string> {
      if (name == "WEIR_DATA") return kLocalData;
      return std::nullopt;
    };
    Diagnostics diagnostics;
    auto loaded = LoadPlan(request, registry_, &diagnostics);
    if (loaded.ok()) return std::make_unique<LoadedPlan>(std::move(*loaded));
    Problem(diagnostics.Render());
    return nullptr;
  }

  bool IsDurable(const std::string& request_id) {
    for (const std::string& topic : Topics()) {
      if (!absl::StrContains(topic, ".decisions") || topic[0] != '_') continue;
      for (const std::string& line :
           options_.kafka ? broker_.Lines(topic) : runner_.DurableLines(topic)) {
        if (absl::StrContains(line, request_id)) return true;
      }
    }
    return false;
  }

  void Dump() {
    for (const std::string& topic : Topics()) {
      std::ofstream file(options_.dump + "/" + topic);
      for (const std::string& line : Lines(topic)) file << line << "\n";
    }
    if (runner_.job() != nullptr) return;
    std::ofstream(options_.dump + "/trace") << runner_.world().RecentTrace() << "\n";
  }

  void CheckOutputs() {
    // Partitions are keyed by address, so the order within an address is that of the list.
    const Expected expected = RunOracle(scenario_.arrival, scenario_.late);
    if (scenario_.late) CheckSet("auth.late", expected.late, nullptr);
    CheckSet("auth.decisions", expected.decisions, nullptr);
    CheckSet("auth.blocked", expected.blocked, &expected.order);
    const auto dead = Lines("auth.dead_letter");
    std::set<std::string> places;
    for (const std::string& line : dead) {
      const auto v = ParseJson(line);
      if (v.ok())
        places.insert(
            absl::StrCat(v->Get("partition")->int_value(), "/", v->Get("offset")->int_value()));
    }
    if (static_cast<int>(places.size()) != scenario_.poison) {
      Problem(absl::StrCat("dead letters: ", places.size(), ", expected ", scenario_.poison));
    }
    if (!agent_.asked_again().empty()) {
      Problem(absl::StrCat("asked again although decided: ", agent_.asked_again().front()));
    }
  }

  void CheckSet(const std::string& topic, const std::set<EventId>& expected,
                const std::map<std::string, std::vector<int64_t>>* order) {
    std::map<EventId, std::set<std::string>> found;
    std::map<std::string, std::vector<int64_t>> lines_of;
    size_t count = 0;
    for (const std::string& line : Lines(topic)) {
      const auto v = ParseJson(line);
      if (!v.ok()) {
        Problem(absl::StrCat(topic, ": not JSON: ", line));
        return;
      }
      const EventId id{v->Get("line")->int_value(), v->Get("ts")->int_value(),
                       v->Get("src_ip")->string_value()};
      ++count;
      if (found[id].insert(line).second && found[id].size() == 1) {
        lines_of[std::get<2>(id)].push_back(std::get<0>(id));
      }
    }
    for (const auto& [id, texts] : found) {
      if (texts.size() > 1)
        Problem(absl::StrCat(topic, ": two different bytes: ", *texts.begin(), "  |  ",
                             *texts.rbegin()));
      if (expected.count(id) == 0) Problem(absl::StrCat(topic, ": not expected: ", *texts.begin()));
    }
    for (const EventId& id : expected) {
      if (found.count(id) == 0) {
        Problem(absl::StrCat(topic, ": missing line ", std::get<0>(id), " of ", std::get<2>(id)));
      }
    }
    if (count != expected.size()) {
      Problem(absl::StrCat(topic, ": ", count, " records, expected ", expected.size()));
    }
    if (order == nullptr || !result_.problems.empty()) return;
    // Over several partitions of the output, one address may have moved; within none it may
    // reorder.
    if (lives_ > 1) return;
    for (const auto& [address, lines] : *order) {
      if (lines_of[address] != lines) Problem(absl::StrCat(topic, ": order of ", address));
    }
  }

  const SeedOptions options_;
  Random random_;
  Scenario scenario_;
  Registry registry_;
  LocalRunner runner_;
  SimBroker broker_;
  SimAgentService agent_;
  int lives_ = 0;
  int faults_seen_ = 0;
  uint64_t store_faults_ = 0;
  std::vector<size_t> fed_;  // lines of each partition that are in the log
  SeedResult result_;
};

}  // namespace

SeedResult RunSeed(const SeedOptions& options, const std::vector<SshEvent>& all_events) {
  return SeedRun(options, all_events).Run();
}

}  // namespace weir
