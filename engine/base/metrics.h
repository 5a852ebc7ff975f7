// Counters that are always on (DESIGN D19). Names follow Prometheus: base units, `_total` for
// counters; labels are few and bounded (job, operator, subtask, reason), never ids of users.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir {

// Written by one thread, read by any: a relaxed store is enough and costs no lock prefix.
class Counter {
 public:
  void Add(int64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  int64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

class Gauge {
 public:
  void Set(int64_t v) { value_.store(v, std::memory_order_relaxed); }
  int64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Powers-of-two buckets: bucket i counts values in [2^(i-1), 2^i). Unit is in the metric's name.
class Histogram {
 public:
  void Record(int64_t value);
  int64_t Count() const;
  int64_t Sum() const { return sum_.load(std::memory_order_relaxed); }
  int64_t Max() const { return max_.load(std::memory_order_relaxed); }
  // Upper edge of the bucket that holds quantile q in [0, 1]; 0 when empty.
  int64_t Quantile(double q) const;
  int64_t Bucket(int i) const { return buckets_[i].load(std::memory_order_relaxed); }
  static constexpr int kBuckets = 64;

 private:
  std::array<std::atomic<int64_t>, kBuckets> buckets_{};
  std::atomic<int64_t> sum_{0};
  std::atomic<int64_t> max_{0};
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

struct MetricSample {
  enum class Kind { kCounter, kGauge, kHistogram };
  std::string name;
  MetricLabels labels;
  Kind kind;
  int64_t value;                         // histograms: the count
  const Histogram* histogram = nullptr;  // valid as long as the registry
};

// Owns all metrics of a job. Registration and Collect are thread-safe; asking twice for the same
// name and labels gives the same object.
class MetricRegistry {
 public:
  Counter* GetCounter(const std::string& name, const MetricLabels& labels);
  Gauge* GetGauge(const std::string& name, const MetricLabels& labels);
  Histogram* GetHistogram(const std::string& name, const MetricLabels& labels);
  std::vector<MetricSample> Collect() const;
  // Sum of a counter or gauge over all label sets that contain `match`.
  int64_t Sum(const std::string& name, const MetricLabels& match = {}) const;

 private:
  struct Entry;
  Entry* Find(const std::string& name, const MetricLabels& labels, MetricSample::Kind kind);
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace weir
