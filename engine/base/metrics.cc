#include "engine/base/metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <variant>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

namespace weir {
namespace {

// Names and label values may hold any byte, hence the lengths.
std::string EntryKey(const std::string& name, const MetricLabels& labels) {
  std::string key = name;
  for (const auto& [label, value] : labels) {
    key += '\0';
    PutBytes(&key, label);
    PutBytes(&key, value);
  }
  return key;
}

bool ContainsAll(const MetricLabels& labels, const MetricLabels& match) {
  return std::all_of(match.begin(), match.end(), [&labels](const auto& wanted) {
    return std::find(labels.begin(), labels.end(), wanted) != labels.end();
  });
}

}  // namespace

void Histogram::Record(int64_t value) {
  value = std::max<int64_t>(value, 0);
  const int bucket = static_cast<int>(std::bit_width(static_cast<uint64_t>(value)));
  const auto add = [](std::atomic<int64_t>* cell, int64_t n) {
    // Unsigned: a sum of absurd values may wrap, but must not be undefined.
    const auto sum =
        static_cast<uint64_t>(cell->load(std::memory_order_relaxed)) + static_cast<uint64_t>(n);
    cell->store(static_cast<int64_t>(sum), std::memory_order_relaxed);
  };
  add(&buckets_[static_cast<size_t>(bucket)], 1);
  add(&sum_, value);
  if (value > max_.load(std::memory_order_relaxed)) max_.store(value, std::memory_order_relaxed);
}

int64_t Histogram::Count() const {
  int64_t count = 0;
  for (const auto& bucket : buckets_) count += bucket.load(std::memory_order_relaxed);
  return count;
}

int64_t Histogram::Quantile(double q) const {
  const int64_t count = Count();
  if (count == 0) return 0;
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count));
  const int64_t rank = std::max<int64_t>(1, static_cast<int64_t>(wanted));
  int64_t seen = 0;
  for (int i = 0; i < kBuckets; ++i) {
    seen += Bucket(i);
    if (seen < rank) continue;
    if (i == 0) return 0;
    return i == kBuckets - 1 ? INT64_MAX : int64_t{1} << i;
  }
  return Max();  // a record came between Count() and here
}

// On its own cache lines: two slots that count beside each other would otherwise slow each other.
struct alignas(64) MetricRegistry::Entry {
  std::string name;
  MetricLabels labels;
  std::variant<std::monostate, Counter, Gauge, Histogram> metric;

  MetricSample Sample() const {
    if (const auto* counter = std::get_if<Counter>(&metric)) {
      return {name, labels, MetricSample::Kind::kCounter, counter->Get(), nullptr};
    }
    if (const auto* gauge = std::get_if<Gauge>(&metric)) {
      return {name, labels, MetricSample::Kind::kGauge, gauge->Get(), nullptr};
    }
    const auto* histogram = std::get_if<Histogram>(&metric);
    return {name, labels, MetricSample::Kind::kHistogram, histogram->Count(), histogram};
  }
};

MetricRegistry::Entry* MetricRegistry::Find(const std::string& name, const MetricLabels& labels,
                                            MetricSample::Kind kind) {
  MetricLabels sorted = labels;
  std::sort(sorted.begin(), sorted.end());
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<Entry>& entry = entries_[EntryKey(name, sorted)];
  if (entry == nullptr) {
    entry = std::make_shared<Entry>();
    entry->name = name;
    entry->labels = std::move(sorted);
    switch (kind) {
      case MetricSample::Kind::kCounter:
        entry->metric.emplace<Counter>();
        break;
      case MetricSample::Kind::kGauge:
        entry->metric.emplace<Gauge>();
        break;
      case MetricSample::Kind::kHistogram:
        entry->metric.emplace<Histogram>();
        break;
    }
  }
  WEIR_CHECK(entry->Sample().kind == kind, name + " is registered as another kind of metric");
  return entry.get();
}

Counter* MetricRegistry::GetCounter(const std::string& name, const MetricLabels& labels) {
  return &std::get<Counter>(Find(name, labels, MetricSample::Kind::kCounter)->metric);
}

Gauge* MetricRegistry::GetGauge(const std::string& name, const MetricLabels& labels) {
  return &std::get<Gauge>(Find(name, labels, MetricSample::Kind::kGauge)->metric);
}

Histogram* MetricRegistry::GetHistogram(const std::string& name, const MetricLabels& labels) {
  return &std::get<Histogram>(Find(name, labels, MetricSample::Kind::kHistogram)->metric);
}

std::vector<MetricSample> MetricRegistry::Collect() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<MetricSample> samples;
  samples.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) samples.push_back(entry->Sample());
  return samples;
}

int64_t MetricRegistry::Sum(const std::string& name, const MetricLabels& match) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  int64_t sum = 0;
  // All keys of one name are neighbours: they start with it.
  for (auto it = entries_.lower_bound(name); it != entries_.end(); ++it) {
    if (it->first.compare(0, name.size(), name) != 0) break;
    const Entry& entry = *it->second;
    if (entry.name == name && ContainsAll(entry.labels, match)) sum += entry.Sample().value;
  }
  return sum;
}

}  // namespace weir
