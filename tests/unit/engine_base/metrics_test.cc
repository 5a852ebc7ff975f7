#include "engine/base/metrics.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(HistogramTest, BucketsAreHalfOpenPowersOfTwo) {
  Histogram h;
  for (const int64_t v : {0, 1, 2, 3, 4, 7, 8, -5}) h.Record(v);
  EXPECT_EQ(h.Bucket(0), 2);  // 0 and, clamped, -5
  EXPECT_EQ(h.Bucket(1), 1);  // [1, 2)
  EXPECT_EQ(h.Bucket(2), 2);  // [2, 4)
  EXPECT_EQ(h.Bucket(3), 2);  // [4, 8)
  EXPECT_EQ(h.Bucket(4), 1);
  EXPECT_EQ(h.Count(), 8);
  EXPECT_EQ(h.Sum(), 25);
  EXPECT_EQ(h.Max(), 8);
}

TEST(HistogramTest, Quantiles) {
  Histogram h;
  EXPECT_EQ(h.Quantile(0.5), 0);
  for (int i = 0; i < 99; ++i) h.Record(3);
  h.Record(1000);
  EXPECT_EQ(h.Quantile(0), 4);
  EXPECT_EQ(h.Quantile(0.5), 4);
  EXPECT_EQ(h.Quantile(0.99), 4);
  EXPECT_EQ(h.Quantile(1), 1024);
  h.Record(INT64_MAX);
  EXPECT_EQ(h.Quantile(1), INT64_MAX);
}

TEST(MetricRegistryTest, SameNameAndLabelsGiveTheSameObject) {
  MetricRegistry registry;
  Counter* a = registry.GetCounter("weir_records_total", {{"op", "x"}, {"job", "j"}});
  EXPECT_EQ(a, registry.GetCounter("weir_records_total", {{"job", "j"}, {"op", "x"}}));
  EXPECT_NE(a, registry.GetCounter("weir_records_total", {{"job", "j"}, {"op", "y"}}));
  // Must not collide although the concatenations are equal.
  EXPECT_NE(registry.GetGauge("g", {{"a", "b"}, {"c", "d"}}),
            registry.GetGauge("g", {{"a", "b1:c1:d"}}));
}

TEST(MetricRegistryTest, SumsOverMatchingLabels) {
  MetricRegistry registry;
  registry.GetCounter("n_total", {{"op", "x"}, {"subtask", "0"}})->Add(3);
  registry.GetCounter("n_total", {{"op", "x"}, {"subtask", "1"}})->Add(4);
  registry.GetCounter("n_total", {{"op", "y"}, {"subtask", "0"}})->Add(10);
  registry.GetCounter("n_total_other", {})->Add(100);
  EXPECT_EQ(registry.Sum("n_total"), 17);
  EXPECT_EQ(registry.Sum("n_total", {{"op", "x"}}), 7);
  EXPECT_EQ(registry.Sum("n_total", {{"op", "z"}}), 0);
  EXPECT_EQ(registry.Sum("none"), 0);
}

TEST(MetricRegistryTest, CollectsAllKinds) {
  MetricRegistry registry;
  registry.GetCounter("c_total", {})->Add(2);
  registry.GetGauge("g", {{"k", "v"}})->Set(-3);
  registry.GetHistogram("h_ns", {})->Record(5);
  const std::vector<MetricSample> samples = registry.Collect();
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples[0].value, 2);
  EXPECT_EQ(samples[1].value, -3);
  EXPECT_EQ(samples[1].labels, (MetricLabels{{"k", "v"}}));
  EXPECT_EQ(samples[2].kind, MetricSample::Kind::kHistogram);
  EXPECT_EQ(samples[2].histogram->Sum(), 5);
}

TEST(MetricRegistryDeathTest, OneNameIsOneKind) {
  MetricRegistry registry;
  registry.GetCounter("n", {});
  EXPECT_DEATH(registry.GetGauge("n", {}), "another kind");
}

}  // namespace
}  // namespace weir
