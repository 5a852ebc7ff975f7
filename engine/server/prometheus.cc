#include "engine/server/prometheus.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/metric_catalog.h"
#include "engine/base/status.h"

namespace weir {
namespace {

using Unit = MetricInfo::Unit;

// Which of the histogram's powers of two are shown: the same for every metric of a unit, so that
// they can be added up over subtasks, jobs and versions.
struct Edges {
  int first, last, step;
};
Edges EdgesOf(Unit unit) {
  switch (unit) {
    case Unit::kNanoseconds:
      return {10, 38, 2};  // 1 us to 275 s
    case Unit::kMicroseconds:
      return {6, 28, 2};  // 63 us to 268 s
    case Unit::kMilliseconds:
      return {1, 23, 2};  // 1 ms to 2 h
    case Unit::kBytes:
      return {8, 38, 3};  // 256 bytes to 256 GiB
    case Unit::kNone:
      return {0, 20, 1};
  }
  return {0, 20, 1};
}

std::string Shortest(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

// Division, not multiplication by 1e-3: 1500 ms is 1.5 and not 1.5000000000000002.
std::string Scaled(int64_t value, Unit unit) {
  if (unit == Unit::kMilliseconds) return Shortest(static_cast<double>(value) / 1e3);
  if (unit == Unit::kMicroseconds) return Shortest(static_cast<double>(value) / 1e6);
  if (unit == Unit::kNanoseconds) return Shortest(static_cast<double>(value) / 1e9);
  return absl::StrCat(value);
}

std::string GaugeText(int64_t value, Unit unit) {
  if (value == kUnsetGauge) return "NaN";
  if (unit != Unit::kNone && unit != Unit::kBytes && value == INT64_MAX)
    return "+Inf";  // the watermark that closes all of time
  return Scaled(value, unit);
}

// What the format allows: names and labels come from the engine's code and from users' operators.
std::string SafeName(std::string_view name) {
  std::string safe(name);
  for (char& c : safe) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9')) c = '_';
  }
  if (safe.empty() || (safe[0] >= '0' && safe[0] <= '9')) safe.insert(0, "_");
  return safe;
}

// Bytes that are no printable ASCII become '?': one broken byte would make Prometheus refuse all.
std::string Escaped(std::string_view text, bool quote) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quote) {
      out += "\\\"";
    } else {
      out += c >= 0x20 && c < 0x7f ? c : '?';
    }
  }
  return out;
}

std::string LabelText(const MetricLabels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    absl::StrAppend(&out, out.empty() ? "" : ",", SafeName(name), "=\"", Escaped(value, true),
                    "\"");
  }
  return out;
}

void AppendSample(const std::string& name, const std::string& labels, const std::string& value,
                  std::string* out) {
  absl::StrAppend(out, name);
  if (!labels.empty()) absl::StrAppend(out, "{", labels, "}");
  absl::StrAppend(out, " ", value, "\n");
}

void AppendHead(const std::string& name, const char* kind, std::string_view help,
                std::string* out) {
  absl::StrAppend(out, "# HELP ", name, " ", Escaped(help, false), "\n# TYPE ", name, " ", kind,
                  "\n");
}

// Bucket i of the histogram holds integers below 2^i, that is up to and including 2^i - 1. All
// values are read once: buckets never exceed the count, whatever is recorded meanwhile.
void AppendHistogram(const std::string& name, const std::string& labels, const Histogram& h,
                     Unit unit, std::string* out) {
  const std::string comma = labels.empty() ? "" : ",";
  const Edges edges = EdgesOf(unit);
  int64_t count = 0;
  const int64_t sum = h.Sum();
  for (int i = 0; i < Histogram::kBuckets; ++i) {
    count += h.Bucket(i);
    if (i < edges.first || i > edges.last || (i - edges.first) % edges.step != 0) continue;
    const std::string edge = Scaled((int64_t{1} << i) - 1, unit);
    AppendSample(name + "_bucket", absl::StrCat(labels, comma, "le=\"", edge, "\""),
                 absl::StrCat(count), out);
  }
  AppendSample(name + "_bucket", absl::StrCat(labels, comma, "le=\"+Inf\""), absl::StrCat(count),
               out);
  AppendSample(name + "_sum", labels, Scaled(sum, unit), out);
  AppendSample(name + "_count", labels, absl::StrCat(count), out);
}

const char* KindOf(MetricSample::Kind kind) {
  switch (kind) {
    case MetricSample::Kind::kCounter:
      return "counter";
    case MetricSample::Kind::kGauge:
      return "gauge";
    case MetricSample::Kind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

// Samples [first, last) have one name.
void AppendFamily(const MetricSample* first, const MetricSample* last, std::string* out) {
  const MetricInfo* info = FindMetric(first->name);
  const Unit unit = info != nullptr ? info->unit : Unit::kNone;
  const std::string name = SafeName(first->name);
  AppendHead(name, KindOf(first->kind),
             info != nullptr ? info->help : "Counted by an operator that Weir does not ship.", out);
  for (const MetricSample* sample = first; sample != last; ++sample) {
    const std::string labels = LabelText(sample->labels);
    if (sample->kind == MetricSample::Kind::kHistogram) {
      AppendHistogram(name, labels, *sample->histogram, unit, out);
    } else if (sample->kind == MetricSample::Kind::kGauge) {
      AppendSample(name, labels, GaugeText(sample->value, unit), out);
    } else {
      AppendSample(name, labels, Scaled(sample->value, unit), out);
    }
  }
}

// The age of each of a family's times.
void AppendAges(const MetricInfo& age, const MetricSample* first, const MetricSample* last,
                int64_t now_ms, std::string* out) {
  AppendHead(age.name, KindName(age.kind), age.help, out);
  for (const MetricSample* sample = first; sample != last; ++sample) {
    std::string value = "NaN";
    if (sample->value == INT64_MAX) {
      value = "-Inf";
    } else if (sample->value != kUnsetGauge) {
      value = Scaled(now_ms - sample->value, age.unit);
    }
    AppendSample(age.name, LabelText(sample->labels), value, out);
  }
}

// The counter that a task's present state adds to, by the number of the state.
constexpr const char* kTaskTimes[] = {
    "weir_task_busy_seconds_total", "weir_task_idle_seconds_total",
    "weir_task_backpressured_seconds_total", "weir_task_queued_seconds_total"};

// Labels tell tasks apart.
std::map<std::string, int64_t> Values(const std::vector<MetricSample>& samples, const char* name) {
  std::map<std::string, int64_t> values;
  for (const MetricSample& sample : samples) {
    if (sample.name == name) values[LabelText(sample.labels)] = sample.value;
  }
  return values;
}

// Adds the time in the present state to what has been counted when states ended.
void AddPresentTimes(int64_t now_ns, std::vector<MetricSample>* samples) {
  const auto states = Values(*samples, "weir_task_state");
  const auto since = Values(*samples, "weir_task_state_since");
  for (MetricSample& sample : *samples) {
    for (int state = 0; state < 4; ++state) {
      if (sample.name != kTaskTimes[state]) continue;
      const std::string task = LabelText(sample.labels);
      const auto now_in = states.find(task);
      if (now_in == states.end() || now_in->second != state || since.count(task) == 0) continue;
      sample.value += std::max<int64_t>(0, now_ns - since.at(task));
    }
  }
}

bool IsTaskTime(const std::string& name) {
  return std::any_of(std::begin(kTaskTimes), std::end(kTaskTimes),
                     [&name](const char* time) { return name == time; });
}

}  // namespace

std::string PrometheusExporter::Text() {
  std::vector<MetricSample> samples = metrics_->Collect();
  AddPresentTimes(clock_->MonoNs(), &samples);
  told_.With([&samples](std::map<std::string, int64_t>* told) {
    for (MetricSample& sample : samples) {
      if (!IsTaskTime(sample.name)) continue;
      int64_t& most = (*told)[absl::StrCat(sample.name, LabelText(sample.labels))];
      sample.value = most = std::max(most, sample.value);
    }
  });
  const int64_t now_ms = clock_->NowMs();
  std::string out;
  const MetricSample* const end = samples.data() + samples.size();
  for (const MetricSample* first = samples.data(); first != end;) {
    const MetricSample* last =
        std::find_if(first, end, [&](const MetricSample& s) { return s.name != first->name; });
    const MetricInfo* info = FindMetric(first->name);
    if (info == nullptr || info->kind != MetricInfo::Kind::kInternal) {
      AppendFamily(first, last, &out);
      if (const MetricInfo* age = AgeOf(first->name)) AppendAges(*age, first, last, now_ms, &out);
    }
    first = last;
  }
  return out;
}

}  // namespace weir
