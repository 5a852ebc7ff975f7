// `weir run`: the life of one job process.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"
#include "engine/base/log.h"
#include "engine/cli/commands.h"
#include "engine/cli/load.h"
#include "engine/cli/summary.h"
#include "engine/job/job.h"
#include "engine/server/admin_access.h"
#include "engine/server/admin_server.h"
#include "engine/server/telemetry.h"

namespace weir {
namespace {

constexpr int64_t kPollMs = 100;
constexpr int64_t kStartPollMs = 20;      // until the job is ready
constexpr int64_t kLineEveryMs = 10'000;  // summary lines when nobody watches a terminal
constexpr int64_t kDrawEveryMs = 500;

volatile std::sig_atomic_t g_signals = 0;
void OnSignal(int) { g_signals = g_signals + 1; }

void InstallSignals() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

LogLevel ParseLevel(const std::string& level) {
  if (level == "debug") return LogLevel::kDebug;
  if (level == "warning") return LogLevel::kWarning;
  if (level == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

// --fresh throws data away: a person is asked, a script has asked for it.
bool ConfirmFresh(const RunArgs& args, const std::string& job) {
  if (!args.fresh || args.yes || isatty(STDIN_FILENO) == 0) return true;
  std::cerr << "--fresh deletes all checkpoints, decisions and outputs of job '" << job
            << "'. Continue? [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

// Draws in place on a terminal, else logs a line now and then.
class Watcher {
 public:
  Watcher(Job* job, const Env& env, bool quiet)
      : job_(job),
        clock_(env.clock),
        start_ns_(clock_->MonoNs()),
        quiet_(quiet),
        terminal_(isatty(STDERR_FILENO) != 0) {}

  JobSummary Now() {
    JobSummary s = Summarize(*job_->metrics());
    s.seconds = static_cast<double>(clock_->MonoNs() - start_ns_) / 1e9;
    s.restored_checkpoint = job_->restored_checkpoint();
    if (s.checkpoints != checkpoints_) {
      checkpoints_ = s.checkpoints;
      checkpoint_ns_ = clock_->MonoNs();
    }
    if (checkpoints_ > 0)
      s.last_checkpoint_age_ms = (clock_->MonoNs() - checkpoint_ns_) / 1'000'000;
    return s;
  }
  void Tick() {
    const int64_t now = clock_->MonoNs();
    const int64_t every = (terminal_ ? kDrawEveryMs : kLineEveryMs) * 1'000'000;
    const JobSummary s = Now();
    if (quiet_ || now - shown_ns_ < every) return;
    shown_ns_ = now;
    if (terminal_) {
      Draw(s);
    } else if (now - start_ns_ >= every) {
      LogInfo("job", RenderSummaryLine(s));
    }
  }
  void Close(const JobSummary& s) {
    if (!quiet_) Draw(s);
  }

 private:
  void Draw(const JobSummary& s) {
    if (terminal_ && drawn_lines_ > 0) std::fprintf(stderr, "\x1b[%dA\x1b[J", drawn_lines_);
    const std::string text = RenderSummary(s);
    std::fputs(text.c_str(), stderr);
    drawn_lines_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  }

  Job* job_;
  const Clock* clock_;
  int64_t start_ns_;
  int64_t shown_ns_ = 0;
  int64_t checkpoints_ = 0;
  int64_t checkpoint_ns_ = 0;
  int drawn_lines_ = 0;
  bool quiet_;
  bool terminal_;
};

JobOptions ToJobOptions(const RunArgs& args, MetricRegistry* metrics) {
  JobOptions options;
  options.metrics = metrics;
  options.until_end = args.until_end;
  options.fresh = args.fresh;
  options.restore.savepoint = args.from_savepoint;
  options.restore.allow_fallback = args.allow_fallback;
  options.restore.allow_non_restored = args.allow_non_restored_state;
  options.stop_savepoint = args.stop_with_savepoint;
  return options;
}

// First signal: drain and checkpoint. Second: end at once, as a crash would.
void WaitForEnd(Job* job, Watcher* watcher, Health* health) {
  int seen = 0;
  bool ready = false, stopping = false;
  while (!job->WaitForMs(ready ? kPollMs : kStartPollMs)) {
    watcher->Tick();
    if (!ready && seen == 0 && job->ready()) {
      ready = true;
      health->Set(HealthPhase::kRunning, "");
    }
    if (!stopping && (g_signals > 0 || job->phase() == JobPhase::kStopping)) {  // or by weirctl
      stopping = ready = true;
      health->Set(HealthPhase::kStopping, "draining to a final checkpoint");
    }
    const int signals = g_signals;
    if (signals > seen) {
      LogInfo("job", seen == 0 ? "stopping: draining to a final checkpoint (once more = at once)"
                               : "cancelled");
      seen == 0 ? job->RequestStop() : job->Cancel();
      seen = signals;
    }
  }
}

// Mostly a wrong folder or topic, which else looks like success.
void WarnIfNothingRead(const LogicalPlan& plan, const JobSummary& summary) {
  if (summary.events_in + summary.dead_letters > 0 || summary.restored_checkpoint > 0) return;
  for (const LogicalNode& node : plan.nodes) {
    if (node.kind != NodeKind::kSource) continue;
    LogWarning("job", absl::StrCat("source '", node.name, "' found nothing to read: topic '",
                                   node.topic, "' of ", node.log));
  }
}

// The service that weirctl talks to; nullptr if the topology wants none.
StatusOr<std::unique_ptr<AdminServer>> StartAdmin(Job* job, const std::string& token,
                                                  const Env& env) {
  const JobSettings& settings = job->plan().logical.job;
  if (settings.admin.listen.empty()) return std::unique_ptr<AdminServer>();
  AdminContext context;
  context.job = job;
  context.env = env;
  context.version = WEIR_VERSION;
  context.pid = getpid();
  context.started_ms = env.clock->NowMs();
  const std::string file = AdminAddressFile(settings.checkpoints.directory(), settings.name);
  return AdminServer::Start({settings.admin.listen, token, file}, context);
}

// The log's lines carry the job and are counted, while this lives.
class LogOfJob {
 public:
  LogOfJob(const std::string& job, MetricRegistry* metrics) {
    SetLogJob(job, 0);
    SetLogMetrics(metrics);
  }
  ~LogOfJob() {
    SetLogMetrics(nullptr);
    SetLogJob("", 0);
  }
  LogOfJob(const LogOfJob&) = delete;
  LogOfJob& operator=(const LogOfJob&) = delete;
};

int Fail(const Status& status) {
  if (LogIsJson()) {
    const ErrorPlace place = PlaceOf(status);
    Log(LogLevel::kError, "job", FormatError(status),
        {place.operator_uid, place.subtask, ErrorNumber(status)});
  } else {
    std::cerr << "weir: " << FormatError(status) << "\n";
  }
  return kExitFailed;
}

}  // namespace

int RunCommand(const RunArgs& args, const Registry& registry, const Env& env) {
  SetLogLevel(ParseLevel(args.log_level));
  SetLogJson(args.log_format == "json");
  auto loaded = LoadOrPrint(args.topology, registry, env);
  if (loaded == nullptr) return kExitConfig;
  const PhysicalPlan& plan = loaded->plan;
  if (!ConfirmFresh(args, plan.logical.job.name)) return kExitFailed;

  std::unique_ptr<FailPoints> kill_points;  // of the kill loop (tests/kill)
  if (const auto spec = env.variable("WEIR_KILL_AT")) {
    auto made = NewKillPoints(*spec);
    if (!made.ok()) return Fail(made.status());
    kill_points = std::move(*made);
    SetFailPoints(kill_points.get());
  }
  const StatusOr<std::string> token = ReadAdminToken(plan.logical.job.admin, env);
  if (!token.ok()) return Fail(token.status());
  InstallSignals();
  // Outlives the job and is served before it: restoring may take its time.
  MetricRegistry metrics;
  metrics.GetGauge("weir_build_info", {{"version", WEIR_VERSION}})->Set(1);
  const LogOfJob log_of_job(plan.logical.job.name, &metrics);
  Health health(plan.logical.job.name, &metrics);
  auto telemetry =
      StartTelemetry(plan.logical.job.telemetry, absl::StrCat("weir job ", plan.logical.job.name),
                     env, &metrics, &health);
  if (!telemetry.ok()) return Fail(telemetry.status());
  auto job = Job::Create(plan, registry, env, ToJobOptions(args, &metrics));
  if (!job.ok()) return Fail(job.status());
  SetLogJob(plan.logical.job.name, (*job)->epoch());
  LogInfo("job", absl::StrCat("job '", plan.logical.job.name, "', epoch ", (*job)->epoch(),
                              ", parallelism ", plan.logical.job.parallelism, ", ",
                              (*job)->restored_checkpoint() == 0
                                  ? std::string("starting afresh")
                                  : absl::StrCat("restored from ", (*job)->restored_from())));
  auto admin = StartAdmin(job->get(), *token, env);
  if (!admin.ok()) return Fail(admin.status());
  if (*admin != nullptr) LogInfo("admin", absl::StrCat("listens on ", (*admin)->address()));
  Watcher watcher(job->get(), env, args.quiet);
  (*job)->Start();
  WaitForEnd(job->get(), &watcher, &health);
  admin->reset();  // calls that wait for the end get their answer
  const Status status = (*job)->Stop();
  health.Set(status.ok() ? HealthPhase::kEnded : HealthPhase::kFailed,
             status.ok() ? "" : FormatError(status));
  const JobSummary summary = watcher.Now();
  watcher.Close(summary);
  if (status.ok() && args.until_end) WarnIfNothingRead(plan.logical, summary);
  SetFailPoints(nullptr);
  if (!args.summary_file.empty()) {
    const Status written = env.fs->WriteFileAtomic(args.summary_file, SummaryToJson(summary));
    if (!written.ok()) return Fail(written);
  }
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace weir
