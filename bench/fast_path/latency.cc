#include "latency.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>

#include "engine/base/env.h"
#include "engine/cli/commands.h"
#include "engine/job/job.h"
#include "engine/plan/load.h"
#include "tests/support/source_dir.h"

namespace weir {
namespace {

// Added to monotonic microseconds so that they always have 16 digits, which are patched in place.
constexpr int64_t kBase = 1'000'000'000'000'000;
constexpr char kDue[] = "\"due_us\":1000000000000000,";

struct Samples {
  std::mutex mutex;
  std::vector<int32_t> us;
  std::atomic<int64_t> from_us{0};  // events due before this warm the job up
};
Samples samples;

class LatencyProbe : public Operator {
 public:
  explicit LatencyProbe(int column) : column_(column) {}
  Status Process(int, RecordBatch batch) override {
    const int64_t now = context()->env().clock->MonoNs() / 1000;
    const int64_t from = samples.from_us.load();
    std::lock_guard lock(samples.mutex);
    for (size_t i = 0; i < batch.rows(); ++i) {
      const int64_t due = batch.column(column_).Int(i) - kBase;
      if (due >= from) samples.us.push_back(static_cast<int32_t>(now - due));
    }
    return absl::OkStatus();
  }

 private:
  const int column_;
};

OperatorType MakeProbeType() {
  OperatorType type;
  type.name = "latency_probe";
  type.doc = "Notes how old each event is.";
  type.plan = [](const OperatorPlanContext& context) -> std::optional<OperatorPlan> {
    OperatorPlan plan;
    plan.stateful = false;
    const int column = context.inputs[0].schema->Find("due_us");
    plan.create = [column]() -> StatusOr<std::unique_ptr<Operator>> {
      return std::make_unique<LatencyProbe>(column);
    };
    return plan;
  };
  return type;
}

// The lines of one partition with a place for the time in each.
struct Feed {
  std::string text;
  std::vector<size_t> begin;  // of each line, and the end
  size_t next = 0;
  int fd = -1;
};

Feed MakeFeed(const std::string& lines, const std::string& path) {
  Feed feed;
  feed.text.reserve(lines.size() + lines.size() / 8);
  for (size_t at = 0; at < lines.size();) {
    const size_t end = lines.find('\n', at) + 1;
    feed.begin.push_back(feed.text.size());
    feed.text += '{';
    feed.text += kDue;
    feed.text.append(lines, at + 1, end - at - 1);
    at = end;
  }
  feed.begin.push_back(feed.text.size());
  feed.fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  return feed;
}

void Patch(Feed* feed, size_t line, int64_t due_us) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(kBase + due_us));
  std::memcpy(feed->text.data() + feed->begin[line] + 10, digits, 16);
}

// Writes every event when it is due, in steps of a millisecond.
void Write(std::vector<Feed>* feeds, const LatencyArgs& args, const Clock& clock, int64_t start_us,
           Job* job) {
  const double per_us = static_cast<double>(args.rate) / 1e6 / static_cast<double>(feeds->size());
  const int64_t end_us = start_us + args.seconds * 1'000'000;
  for (int64_t now = start_us; now < end_us; now = clock.MonoNs() / 1000) {
    for (Feed& feed : *feeds) {
      const auto due = std::min(static_cast<size_t>(static_cast<double>(now - start_us) * per_us),
                                feed.begin.size() - 1);
      const size_t first = feed.next;
      for (; feed.next < due; ++feed.next) {
        Patch(&feed, feed.next, start_us + static_cast<int64_t>(feed.next / per_us));
      }
      const size_t bytes = feed.begin[feed.next] - feed.begin[first];
      if (bytes > 0 && write(feed.fd, feed.text.data() + feed.begin[first], bytes) < 0)
        std::abort();
    }
    if (job->WaitForMs(1)) return;
  }
}

StatusOr<LoadedPlan> LoadLatencyPlan(const Registry& registry, const std::string& data, int slots) {
  PlanSource source;
  source.file = SourceDir() + "/bench/fast_path/latency.yaml";
  std::ifstream file(source.file);
  std::ostringstream text;
  text << file.rdbuf();
  source.text = text.str();
  source.overrides = {"job.parallelism=" + std::to_string(slots)};
  source.variable = [data](const std::string&) { return data; };
  Diagnostics diagnostics;
  auto plan = LoadPlan(source, registry, &diagnostics);
  std::cerr << diagnostics.Render();
  return plan;
}

void Print(const LatencyArgs& args) {
  std::vector<int32_t>& us = samples.us;
  std::sort(us.begin(), us.end());
  const auto at = [&](double q) {
    return us[std::min(us.size() - 1, static_cast<size_t>(q * static_cast<double>(us.size())))];
  };
  std::printf(
      "latency at %lld events/s, %zu events measured: p50 %.2f ms, p90 %.2f, p99 %.2f, "
      "p99.9 %.2f, max %.2f\n",
      (long long)args.rate, us.size(), at(.5) / 1e3, at(.9) / 1e3, at(.99) / 1e3, at(.999) / 1e3,
      us.back() / 1e3);
  for (int32_t edge = 500; edge / 2 < us.back(); edge *= 2) {
    const auto count = std::lower_bound(us.begin(), us.end(), edge) -
                       std::lower_bound(us.begin(), us.end(), edge == 500 ? 0 : edge / 2);
    std::printf("  < %8.1f ms  %6.2f %%\n", edge / 1e3,
                100.0 * static_cast<double>(count) / static_cast<double>(us.size()));
  }
}

}  // namespace

int RunLatency(const LatencyArgs& args, const EventOptions& events, const std::string& root) {
  Registry registry;
  WEIR_CHECK(RegisterAll(&registry).ok());
  WEIR_CHECK(registry.AddOperator(MakeProbeType()).ok());
  std::filesystem::create_directories(root + "/log/events");
  EventOptions options = events;
  options.events = args.rate * args.seconds;
  std::vector<Feed> feeds;
  for (const std::string& lines : MakeEvents(options)) {
    feeds.push_back(
        MakeFeed(lines, root + "/log/events/" + std::to_string(feeds.size()) + ".ndjson"));
  }
  auto loaded = LoadLatencyPlan(registry, root, args.slots);
  if (!loaded.ok()) return 1;
  RealEnv env(8);  // as `weir run` has it
  auto job = Job::Create(loaded->plan, registry, env.env(), {});
  if (!job.ok()) {
    std::cerr << FormatError(job.status()) << "\n";
    return 1;
  }
  samples.us.reserve(static_cast<size_t>(options.events));
  (*job)->Start();
  (*job)->WaitForMs(500);
  const Clock& clock = *env.env().clock;
  const int64_t start_us = clock.MonoNs() / 1000;
  samples.from_us = start_us + 2'000'000;
  std::thread writer([&] { Write(&feeds, args, clock, start_us, job->get()); });
  writer.join();
  (*job)->WaitForMs(1000);
  const Status status = (*job)->Stop();
  if (!status.ok()) std::cerr << FormatError(status) << "\n";
  for (const Feed& feed : feeds) close(feed.fd);
  Print(args);
  return status.ok() ? 0 : 1;
}

}  // namespace weir
