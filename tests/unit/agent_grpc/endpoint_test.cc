#include "agent/grpc/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/file_system.h"
#include "tests/support/source_dir.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(GrpcEndpoint, TargetsAndDefaults) {
  const auto e = GrpcEndpoint::Parse("grpc://10.0.0.5:7070,agent-1.local:80,[::1]:9").value();
  EXPECT_THAT(e.targets, ElementsAre("10.0.0.5:7070", "agent-1.local:80", "[::1]:9"));
  EXPECT_FALSE(e.tls);
  EXPECT_EQ(e.token_env, "WEIR_AGENT_TOKEN");
  EXPECT_EQ(e.streams, 2);
  EXPECT_EQ(e.batch, 64);
  EXPECT_EQ(e.breaker_after_ms, 15'000);
  EXPECT_FALSE(e.unary);
}

TEST(GrpcEndpoint, Parameters) {
  const auto e = GrpcEndpoint::Parse(
                     "grpcs://h:1?ca_file=/etc/ca.pem&cert_file=c&key_file=k&server_name=n&"
                     "token_file=/t&streams=3&in_flight=7&batch=9&stream_age=60s&"
                     "connect_timeout=1s&breaker_failures=2&breaker_after=0s&"
                     "breaker_cooldown=250ms&unary=true")
                     .value();
  EXPECT_TRUE(e.tls);
  EXPECT_EQ(e.ca_file, "/etc/ca.pem");
  EXPECT_EQ(e.token_file, "/t");
  EXPECT_EQ(e.streams, 3);
  EXPECT_EQ(e.in_flight, 7);
  EXPECT_EQ(e.batch, 9);
  EXPECT_EQ(e.stream_age_ms, 60'000);
  EXPECT_EQ(e.connect_timeout_ms, 1000);
  EXPECT_EQ(e.breaker_failures, 2);
  EXPECT_EQ(e.breaker_after_ms, 0);
  EXPECT_EQ(e.breaker_cooldown_ms, 250);
  EXPECT_TRUE(e.unary);
}

TEST(GrpcEndpoint, SaysWhatIsWrong) {
  const auto error = [](const char* text) {
    const auto e = GrpcEndpoint::Parse(text);
    return e.ok() ? std::string("ok") : FormatError(e.status());
  };
  EXPECT_THAT(error("http://h:1"), HasSubstr("scheme"));
  EXPECT_THAT(error("grpc://"), HasSubstr("no host:port"));
  EXPECT_THAT(error("grpc://h"), HasSubstr("'h' is no host:port"));
  EXPECT_THAT(error("grpc://h:0"), HasSubstr("no host:port"));
  EXPECT_THAT(error("grpc://h:65536"), HasSubstr("no host:port"));
  EXPECT_THAT(error("grpc://h/x:80"), HasSubstr("no host:port"));
  EXPECT_THAT(error("grpc://h:1,h:1"), HasSubstr("twice"));
  EXPECT_THAT(error("grpc://h:1?nonsense=1"), HasSubstr("'nonsense' is no parameter"));
  EXPECT_THAT(error("grpc://h:1?streams"), HasSubstr("'streams' is no parameter"));
  EXPECT_THAT(error("grpc://h:1?streams=2&streams=3"), HasSubstr("twice"));
  EXPECT_THAT(error("grpc://h:1?streams=0"), HasSubstr("streams"));
  EXPECT_THAT(error("grpc://h:1?stream_age=5"), HasSubstr("stream_age"));
  EXPECT_THAT(error("grpc://h:1?ca_file=x"), HasSubstr("grpcs"));
  EXPECT_THAT(error("grpcs://h:1?cert_file=x"), HasSubstr("come together"));
}

TEST(GrpcEndpoint, EveryParameterIsDocumented) {
  const auto fs = NewPosixFileSystem();
  const std::string page = fs->ReadFile(SourceDir() + "/docs/agent.md").value();
  for (const OptionDef& def : GrpcEndpointOptions()) {
    const std::string value = def.default_text.empty() ? "" : "`" + def.default_text + "` ";
    EXPECT_THAT(page, HasSubstr("| `" + def.name + "` | " + value + "| " + def.doc + " |"));
  }
}

}  // namespace
}  // namespace weir
