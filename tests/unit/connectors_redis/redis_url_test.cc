#include "connectors/redis/redis_url.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "engine/base/testing_env.h"

namespace weir {
namespace {

TEST(RedisUrlTest, Reads) {
  TestEnv env;
  auto plain = ParseRedisUrl(env.env(), "redis://memo.example");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->Shown(), "redis://memo.example:6379/0");
  EXPECT_EQ(plain->password, "");

  env.variables["WEIR_MEMO_PASSWORD"] = "p1";
  env.variables["OTHER"] = "p2";
  auto full = ParseRedisUrl(env.env(), "rediss://bob@[::1]:7000/3?password_env=OTHER&ca_file=/c");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_TRUE(full->tls);
  EXPECT_EQ(full->host, "::1");
  EXPECT_EQ(full->port, 7000);
  EXPECT_EQ(full->db, 3);
  EXPECT_EQ(full->user, "bob");
  EXPECT_EQ(full->password, "p2");
  EXPECT_EQ(full->ca_file, "/c");
  EXPECT_EQ(ParseRedisUrl(env.env(), "redis://h")->password, "p1");

  ASSERT_TRUE(env.fs.WriteFileAtomic("/pw", "p3\n").ok());
  EXPECT_EQ(ParseRedisUrl(env.env(), "redis://h?password_file=/pw")->password, "p3");
}

TEST(RedisUrlTest, Refuses) {
  TestEnv env;
  for (const char* url :
       {"", "redis:", "http://h", "redis://", "redis://:1", "redis://h:x", "redis://h:0",
        "redis://h:70000", "redis://h/x", "redis://h/-1", "redis://[::1", "redis://h?what=1"}) {
    EXPECT_EQ(ErrorNumber(ParseRedisUrl(env.env(), url).status()), 1012) << url;
  }
  EXPECT_EQ(ErrorNumber(ParseRedisUrl(env.env(), "redis://h?password_env=X").status()), 1009);
  EXPECT_EQ(ErrorNumber(ParseRedisUrl(env.env(), "redis://h?password_file=/x").status()), 1014);
  const Status secret = ParseRedisUrl(env.env(), "redis://bob:hunter2@h").status();
  EXPECT_EQ(ErrorNumber(secret), 1012);
  EXPECT_FALSE(absl::StrContains(FormatError(secret), "hunter2"));
}

}  // namespace
}  // namespace weir
