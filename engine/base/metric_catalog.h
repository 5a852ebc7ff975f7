// What each metric of the engine is called and means (metric_names.inc). The exposition and
// docs/metrics.md are made from it. A user's operator may count under names that are not here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

// A gauge of which nothing is known: shown as NaN. INT64_MAX is shown as +Inf if it is a time.
inline constexpr int64_t kUnsetGauge = INT64_MIN;

struct MetricInfo {
  // kAge is not stored: it is the wall clock minus the gauge `age_of`, both in milliseconds.
  // kInternal is a gauge that other metrics are computed from; it is not shown.
  enum class Kind { kCounter, kGauge, kHistogram, kAge, kInternal };
  // Of the integers in Counter, Gauge and Histogram; shown in seconds, bytes or as they are.
  enum class Unit { kNone, kMilliseconds, kMicroseconds, kNanoseconds, kBytes };

  const char* name;
  Kind kind;
  Unit unit;
  const char* labels;  // "job, operator, subtask"
  const char* help;    // one sentence, one line
};

// All of them, in the order of the table; by meaning, not by name.
const MetricInfo* AllMetrics(size_t* count);
// nullptr if the table does not have it.
const MetricInfo* FindMetric(std::string_view name);
// The kAge metric that is computed from this gauge, or nullptr.
const MetricInfo* AgeOf(std::string_view gauge);

// "seconds", "bytes" or "".
const char* BaseUnit(MetricInfo::Unit unit);
const char* KindName(MetricInfo::Kind kind);  // as Prometheus calls it

}  // namespace weir
