#include "agent/grpc/circuit_breaker.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
using State = CircuitBreaker::State;

CircuitBreaker Breaker() { return CircuitBreaker({3, 10 * kSecond, 5 * kSecond}); }

CircuitBreaker Opened(int64_t now) {
  CircuitBreaker b = Breaker();
  for (int i = 0; i < 3; ++i) b.OnFailure(now - 10 * kSecond, now);
  return b;
}

TEST(CircuitBreaker, OpensAfterEnoughFailuresThatAreOldEnough) {
  CircuitBreaker b = Breaker();
  for (int i = 0; i < 100; ++i) b.OnFailure(i, i);  // many, but all within a moment
  EXPECT_EQ(b.state(100), State::kClosed);
  b.OnFailure(10 * kSecond - 1, 10 * kSecond - 1);
  EXPECT_EQ(b.state(10 * kSecond - 1), State::kClosed);
  b.OnFailure(10 * kSecond, 10 * kSecond);
  EXPECT_EQ(b.state(10 * kSecond), State::kOpen);
  EXPECT_FALSE(b.Admits(10 * kSecond));
}

TEST(CircuitBreaker, OldButFewFailuresDoNotOpen) {
  CircuitBreaker b = Breaker();
  b.OnFailure(0, 60 * kSecond);
  b.OnFailure(0, 61 * kSecond);
  EXPECT_EQ(b.state(61 * kSecond), State::kClosed);
  b.OnFailure(0, 62 * kSecond);
  EXPECT_EQ(b.state(62 * kSecond), State::kOpen);
}

TEST(CircuitBreaker, FailuresOfYesterdayDoNotCount) {
  CircuitBreaker b = Breaker();
  for (int i = 0; i < 10; ++i) b.OnFailure(i, i);
  b.OnFailure(100 * kSecond, 100 * kSecond);
  EXPECT_EQ(b.state(100 * kSecond), State::kClosed);
  EXPECT_EQ(b.failures(), 1);
}

TEST(CircuitBreaker, ASuccessForgetsWhatWasBefore) {
  CircuitBreaker b = Breaker();
  b.OnFailure(0, 20 * kSecond);
  b.OnFailure(0, 20 * kSecond);
  b.OnSuccess();
  b.OnFailure(20 * kSecond, 20 * kSecond);
  b.OnFailure(20 * kSecond, 20 * kSecond);
  b.OnFailure(20 * kSecond, 20 * kSecond);
  EXPECT_EQ(b.state(20 * kSecond), State::kClosed);
}

TEST(CircuitBreaker, HalfOpenLetsOneTry) {
  const int64_t t = 100 * kSecond;
  CircuitBreaker b = Opened(t);
  EXPECT_FALSE(b.Admits(t + 5 * kSecond - 1));
  EXPECT_TRUE(b.Admits(t + 5 * kSecond));
  EXPECT_EQ(b.state(t + 5 * kSecond), State::kHalfOpen);
  b.OnSend(t + 5 * kSecond);
  EXPECT_FALSE(b.Admits(t + 5 * kSecond));
  b.OnSuccess();
  EXPECT_EQ(b.state(t + 5 * kSecond), State::kClosed);
  EXPECT_TRUE(b.Admits(t + 5 * kSecond));
}

TEST(CircuitBreaker, AfterATryThatIsGivenUpAnotherMay) {
  const int64_t t = 100 * kSecond;
  CircuitBreaker b = Opened(t);
  EXPECT_TRUE(b.Admits(t + 6 * kSecond));
  b.OnSend(t + 6 * kSecond);
  b.OnDropped(t + 5 * kSecond);  // sent before: not the probe
  EXPECT_FALSE(b.Admits(t + 7 * kSecond));
  b.OnDropped(t + 6 * kSecond);
  EXPECT_EQ(b.state(t + 7 * kSecond), State::kHalfOpen);
  EXPECT_TRUE(b.Admits(t + 7 * kSecond));
}

TEST(CircuitBreaker, AFailedTryOpensItAgainAtOnce) {
  const int64_t t = 100 * kSecond;
  CircuitBreaker b = Opened(t);
  EXPECT_TRUE(b.Admits(t + 6 * kSecond));
  b.OnSend(t + 6 * kSecond);
  b.OnFailure(t + 5 * kSecond, t + 6 * kSecond);  // began before: tells nothing new
  EXPECT_EQ(b.state(t + 6 * kSecond), State::kHalfOpen);
  b.OnFailure(t + 6 * kSecond, t + 7 * kSecond);
  EXPECT_EQ(b.state(t + 7 * kSecond), State::kOpen);
  EXPECT_FALSE(b.Admits(t + 11 * kSecond));
  EXPECT_TRUE(b.Admits(t + 12 * kSecond));
}

TEST(CircuitBreaker, ANewConnectionIsWorthATry) {
  const int64_t t = 100 * kSecond;
  CircuitBreaker b = Opened(t);
  b.OnConnected(t + 1);
  EXPECT_EQ(b.state(t + 1), State::kHalfOpen);
  EXPECT_TRUE(b.Admits(t + 1));
  CircuitBreaker closed = Breaker();
  closed.OnConnected(t);
  EXPECT_EQ(closed.state(t), State::kClosed);
}

}  // namespace
}  // namespace weir
