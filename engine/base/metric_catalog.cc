#include "engine/base/metric_catalog.h"

#include <algorithm>
#include <map>
#include <string>

namespace weir {
namespace {

// The words of the table.
constexpr auto counter = MetricInfo::Kind::kCounter;
constexpr auto gauge = MetricInfo::Kind::kGauge;
constexpr auto histogram = MetricInfo::Kind::kHistogram;
constexpr auto age = MetricInfo::Kind::kAge;
constexpr auto clock = MetricInfo::Kind::kInternal;
constexpr auto none = MetricInfo::Unit::kNone;
constexpr auto ms = MetricInfo::Unit::kMilliseconds;
[[maybe_unused]] constexpr auto us = MetricInfo::Unit::kMicroseconds;
constexpr auto ns = MetricInfo::Unit::kNanoseconds;
constexpr auto bytes = MetricInfo::Unit::kBytes;

constexpr MetricInfo kMetrics[] = {
#define WEIR_METRIC(name, kind, unit, labels, help) {#name, kind, unit, labels, help},
#include "engine/base/metric_names.inc"
#undef WEIR_METRIC
};

struct Age {
  const char* gauge;
  const char* age;
};
constexpr Age kAges[] = {
    {"weir_job_start_time_seconds", "weir_job_uptime_seconds"},
    {"weir_checkpoint_last_timestamp_seconds", "weir_checkpoint_last_age_seconds"},
    {"weir_operator_watermark_timestamp_seconds", "weir_operator_watermark_lag_seconds"},
};

}  // namespace

const MetricInfo* AllMetrics(size_t* count) {
  *count = sizeof(kMetrics) / sizeof(kMetrics[0]);
  return kMetrics;
}

const MetricInfo* FindMetric(std::string_view name) {
  static const auto* const by_name = [] {
    auto* map = new std::map<std::string_view, const MetricInfo*>;
    for (const MetricInfo& info : kMetrics) map->emplace(info.name, &info);
    return map;
  }();
  const auto it = by_name->find(name);
  return it == by_name->end() ? nullptr : it->second;
}

const MetricInfo* AgeOf(std::string_view gauge_name) {
  for (const Age& entry : kAges) {
    if (gauge_name == entry.gauge) return FindMetric(entry.age);
  }
  return nullptr;
}

const char* BaseUnit(MetricInfo::Unit unit) {
  switch (unit) {
    case MetricInfo::Unit::kNone:
      return "";
    case MetricInfo::Unit::kMilliseconds:
    case MetricInfo::Unit::kMicroseconds:
    case MetricInfo::Unit::kNanoseconds:
      return "seconds";
    case MetricInfo::Unit::kBytes:
      return "bytes";
  }
  return "";
}

const char* KindName(MetricInfo::Kind kind) {
  switch (kind) {
    case MetricInfo::Kind::kCounter:
      return "counter";
    case MetricInfo::Kind::kGauge:
    case MetricInfo::Kind::kAge:
    case MetricInfo::Kind::kInternal:
      return "gauge";
    case MetricInfo::Kind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace weir
