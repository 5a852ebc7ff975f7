#include "engine/server/telemetry.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(HealthTest, Phases) {
  MetricRegistry metrics;
  Health health("j", &metrics);
  const auto ready = [&] { return metrics.Sum("weir_job_ready", {{"job", "j"}}); };
  EXPECT_EQ(health.Now().text, "starting");
  EXPECT_TRUE(health.Now().alive);
  EXPECT_FALSE(health.Now().ready);
  EXPECT_EQ(ready(), 0);
  health.Set(HealthPhase::kRunning, "");
  EXPECT_TRUE(health.Now().ready);
  EXPECT_EQ(ready(), 1);
  health.Set(HealthPhase::kStopping, "draining");
  EXPECT_EQ(health.Now().text, "stopping: draining");
  EXPECT_FALSE(health.Now().ready);
  EXPECT_TRUE(health.Now().alive);
  EXPECT_EQ(ready(), 0);
  health.Set(HealthPhase::kFailed, "WEIR-4002: x");
  EXPECT_FALSE(health.Now().alive);
  EXPECT_FALSE(health.Now().ready);
}

TEST(TelemetryTest, NothingWithoutAnAddress) {
  RealEnv env;
  MetricRegistry metrics;
  Health health("j", &metrics);
  const auto server =
      StartTelemetry(TelemetrySettings(), "weir job j", env.env(), &metrics, &health);
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(*server, nullptr);
}

}  // namespace
}  // namespace weir
