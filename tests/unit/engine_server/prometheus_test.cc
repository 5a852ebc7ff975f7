#include "engine/server/prometheus.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "engine/base/metric_catalog.h"

namespace weir {
namespace {

const MetricLabels kOne = {{"job", "j"}};

bool Has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::string Text(const MetricRegistry& metrics, const Clock& clock) {
  return PrometheusExporter(&metrics, &clock).Text();
}

// What `promtool check metrics` says about the text; "" if it finds nothing.
std::string Promtool(const std::string& text) {
  const std::string path = testing::TempDir() + "exposition.txt";
  std::ofstream(path) << text;
  FILE* pipe = popen(("promtool check metrics < '" + path + "' 2>&1").c_str(), "r");
  std::string said;
  for (std::array<char, 256> part; std::fgets(part.data(), part.size(), pipe) != nullptr;) {
    said += part.data();
  }
  return pclose(pipe) == 0 ? said : said + "(exit status is not 0)";
}

TEST(PrometheusTest, CounterGaugeAndUnits) {
  MetricRegistry m;
  m.GetCounter("weir_operator_records_in_total", kOne)->Add(7);
  m.GetCounter("weir_task_busy_seconds_total", kOne)->Add(1'500'000'000);
  m.GetGauge("weir_agent_waiting", kOne)->Set(-3);
  const std::string text = Text(m, ManualClock());
  EXPECT_TRUE(Has(text, "# HELP weir_operator_records_in_total Records taken.")) << text;
  EXPECT_TRUE(Has(text, "# TYPE weir_operator_records_in_total counter")) << text;
  EXPECT_TRUE(Has(text, "weir_operator_records_in_total{job=\"j\"} 7")) << text;
  EXPECT_TRUE(Has(text, "weir_task_busy_seconds_total{job=\"j\"} 1.5")) << text;
  EXPECT_TRUE(Has(text, "# TYPE weir_agent_waiting gauge")) << text;
  EXPECT_TRUE(Has(text, "weir_agent_waiting{job=\"j\"} -3")) << text;
}

TEST(PrometheusTest, TimesOfATaskIncludeThePresentStateAndNeverGoBack) {
  MetricRegistry m;
  ManualClock clock;
  PrometheusExporter exporter(&m, &clock);
  Counter* idle = m.GetCounter("weir_task_idle_seconds_total", kOne);
  Counter* busy = m.GetCounter("weir_task_busy_seconds_total", kOne);
  Gauge* state = m.GetGauge("weir_task_state", kOne);
  Gauge* since = m.GetGauge("weir_task_state_since", kOne);
  state->Set(kUnsetGauge);
  EXPECT_TRUE(Has(exporter.Text(), "weir_task_idle_seconds_total{job=\"j\"} 0"));
  idle->Add(1'000'000'000);
  busy->Add(2'000'000'000);
  state->Set(1);
  since->Set(clock.MonoNs());
  clock.AdvanceMs(500);
  std::string text = exporter.Text();
  EXPECT_TRUE(Has(text, "weir_task_idle_seconds_total{job=\"j\"} 1.5")) << text;
  EXPECT_TRUE(Has(text, "weir_task_busy_seconds_total{job=\"j\"} 2")) << text;
  EXPECT_TRUE(Has(text, "weir_task_state{job=\"j\"} 1")) << text;
  EXPECT_EQ(text.find("weir_task_state_since"), std::string::npos) << text;
  since->Set(clock.MonoNs());  // the task has begun to count, but not got to the counter
  text = exporter.Text();
  EXPECT_TRUE(Has(text, "weir_task_idle_seconds_total{job=\"j\"} 1.5")) << text;
  idle->Add(500'000'000);
  state->Set(0);
  clock.AdvanceMs(250);
  text = exporter.Text();
  EXPECT_TRUE(Has(text, "weir_task_idle_seconds_total{job=\"j\"} 1.5")) << text;
  EXPECT_TRUE(Has(text, "weir_task_busy_seconds_total{job=\"j\"} 2.25")) << text;
}

TEST(PrometheusTest, EmptyRegistryIsAnEmptyText) {
  EXPECT_EQ(Text(MetricRegistry(), ManualClock()), "");
}

TEST(PrometheusTest, WhatIsNotKnownIsNaN) {
  MetricRegistry m;
  Gauge* watermark = m.GetGauge("weir_operator_watermark_timestamp_seconds", kOne);
  watermark->Set(kUnsetGauge);
  ManualClock clock(2500);
  std::string text = Text(m, clock);
  EXPECT_TRUE(Has(text, "weir_operator_watermark_timestamp_seconds{job=\"j\"} NaN")) << text;
  EXPECT_TRUE(Has(text, "weir_operator_watermark_lag_seconds{job=\"j\"} NaN")) << text;
  watermark->Set(1250);
  text = Text(m, clock);
  EXPECT_TRUE(Has(text, "weir_operator_watermark_timestamp_seconds{job=\"j\"} 1.25")) << text;
  EXPECT_TRUE(Has(text, "# TYPE weir_operator_watermark_lag_seconds gauge")) << text;
  EXPECT_TRUE(Has(text, "weir_operator_watermark_lag_seconds{job=\"j\"} 1.25")) << text;
  watermark->Set(INT64_MAX);
  text = Text(m, clock);
  EXPECT_TRUE(Has(text, "weir_operator_watermark_timestamp_seconds{job=\"j\"} +Inf")) << text;
  EXPECT_TRUE(Has(text, "weir_operator_watermark_lag_seconds{job=\"j\"} -Inf")) << text;
}

TEST(PrometheusTest, HistogramIsCumulativeInSeconds) {
  MetricRegistry m;
  Histogram* h = m.GetHistogram("weir_checkpoint_pause_seconds", kOne);
  for (const int64_t ns : {500, 1023, 1024, 5'000'000}) h->Record(ns);
  h->Record(int64_t{1} << 50);  // beyond the last edge
  const std::string text = Text(m, ManualClock());
  const std::string name = "weir_checkpoint_pause_seconds";
  EXPECT_TRUE(Has(text, name + "_bucket{job=\"j\",le=\"1.023e-06\"} 2")) << text;
  EXPECT_TRUE(Has(text, name + "_bucket{job=\"j\",le=\"4.095e-06\"} 3")) << text;
  EXPECT_TRUE(Has(text, name + "_bucket{job=\"j\",le=\"0.004194303\"} 3")) << text;
  EXPECT_TRUE(Has(text, name + "_bucket{job=\"j\",le=\"0.016777215\"} 4")) << text;
  EXPECT_TRUE(Has(text, name + "_bucket{job=\"j\",le=\"+Inf\"} 5")) << text;
  EXPECT_TRUE(Has(text, name + "_count{job=\"j\"} 5")) << text;
  EXPECT_TRUE(Has(text, name + "_sum{job=\"j\"} 1125899.911845171")) << text;
}

TEST(PrometheusTest, HistogramEdgesRise) {
  MetricRegistry m;
  size_t count = 0;
  const MetricInfo* all = AllMetrics(&count);
  for (size_t i = 0; i < count; ++i) {
    if (all[i].kind == MetricInfo::Kind::kHistogram) m.GetHistogram(all[i].name, {})->Record(12345);
  }
  m.GetHistogram("custom", {})->Record(3);
  std::istringstream lines(Text(m, ManualClock()));
  double last_edge = -1, last_count = -1;
  int buckets = 0;
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find("le=\"");
    if (at == std::string::npos) {
      last_edge = last_count = -1;
      continue;
    }
    const double edge = std::stod(line.substr(at + 4));
    const double n = std::stod(line.substr(line.find("} ") + 2));
    EXPECT_GT(edge, last_edge) << line;
    EXPECT_GE(n, last_count) << line;
    last_edge = edge, last_count = n;
    ++buckets;
  }
  EXPECT_GT(buckets, 30);
}

TEST(PrometheusTest, HostileNamesAndLabels) {
  MetricRegistry m;
  m.GetCounter("9 bad\nname{", {{"la-bel", "a\\b\"c\nd\x01\xff}"}})->Add(1);
  const std::string text = Text(m, ManualClock());
  EXPECT_TRUE(Has(text, R"(_9_bad_name_{la_bel="a\\b\"c\nd??}"} 1)")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
}

TEST(PrometheusTest, PromtoolAcceptsTheWholeCatalogue) {
  MetricRegistry m;
  size_t count = 0;
  const MetricInfo* all = AllMetrics(&count);
  ASSERT_GT(count, 50u);
  for (size_t i = 0; i < count; ++i) {
    for (const char* subtask : {"0", "1"}) {
      const MetricLabels labels = {{"job", "j"}, {"subtask", subtask}};
      if (all[i].kind == MetricInfo::Kind::kCounter) m.GetCounter(all[i].name, labels)->Add(1);
      if (all[i].kind == MetricInfo::Kind::kGauge) m.GetGauge(all[i].name, labels)->Set(2);
      if (all[i].kind == MetricInfo::Kind::kHistogram) {
        m.GetHistogram(all[i].name, labels)->Record(123'456'789);
      }
    }
  }
  const std::string text = Text(m, ManualClock());
  for (size_t i = 0; i < count; ++i) {
    if (all[i].kind == MetricInfo::Kind::kInternal) continue;
    EXPECT_NE(text.find("# TYPE " + std::string(all[i].name) + " "), std::string::npos)
        << all[i].name << " is in the table but not shown";
  }
  EXPECT_EQ(Promtool(text), "");
  // The check itself can fail.
  EXPECT_NE(Promtool("# TYPE weir_bad_milliseconds counter\nweir_bad_milliseconds 1\n"), "");
}

}  // namespace
}  // namespace weir
