#include "connectors/kafka/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "connectors/kafka/refusal.h"
#include "engine/base/testing_env.h"

namespace weir::kafka {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

class KafkaSettings : public ::testing::Test {
 protected:
  StatusOr<Settings> Parse(const std::string& url) {
    Env env = world_.env();
    env.variable = [](const std::string& name) -> std::optional<std::string> {
      if (name == "SECRET") return "hunter2";
      return std::nullopt;
    };
    return ParseUrl(env, url, "job");
  }
  TestEnv world_;
};

// As librdkafka will use it.
std::map<std::string, std::string> Effective(rd_kafka_t* client) {
  size_t count = 0;
  const char** dump =
      rd_kafka_conf_dump(const_cast<rd_kafka_conf_t*>(rd_kafka_conf(client)), &count);
  std::map<std::string, std::string> all;
  for (size_t i = 0; i + 1 < count; i += 2) all[dump[i]] = dump[i + 1];
  rd_kafka_conf_dump_free(dump, count);
  return all;
}

TEST_F(KafkaSettings, AUrlNamesBrokersAndSettings) {
  const auto settings = Parse(
      "kafka://a:9092,b:9093?security=sasl_ssl&ca=/"
      "ca.pem&mechanism=PLAIN&user=me&password_env=SECRET&"
      "replication=3");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->bootstrap, "a:9092,b:9093");
  EXPECT_EQ(settings->replication, 3);
  EXPECT_THAT(settings->security,
              ElementsAre(Pair("security.protocol", "sasl_ssl"), Pair("ssl.ca.location", "/ca.pem"),
                          Pair("sasl.mechanism", "PLAIN"), Pair("sasl.username", "me"),
                          Pair("sasl.password", "hunter2")));
}

TEST_F(KafkaSettings, LargerRecordsAreAskedFor) {
  const auto settings = Parse("kafka://a:1?max_record_bytes=5000000");
  ASSERT_TRUE(settings.ok()) << settings.status();
  const auto client =
      NewProducer(*settings, "id", [](rd_kafka_t*, const rd_kafka_message_t*, void*) {});
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(Effective(client->get())["message.max.bytes"], "10000000");
  for (const char* bad : {"0", "x", "9999", "1000000000"}) {
    EXPECT_EQ(ErrorNumber(Parse(std::string("kafka://a:1?max_record_bytes=") + bad).status()),
              1012);
  }
}

TEST_F(KafkaSettings, ASecretComesFromAFileToo) {
  ASSERT_TRUE(world_.fs.WriteFileAtomic("/secret", "pass word\r\n").ok());
  const auto settings = Parse("kafka://a:1?password_file=/secret");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->security, ElementsAre(Pair("sasl.password", "pass word")));
}

TEST_F(KafkaSettings, WhatIsWrongWithAUrlIsSaid) {
  for (const auto& [url, message] : std::map<std::string, std::string>{
           {"kafka:a", "kafka://"},
           {"kafka://", "no broker"},
           {"kafka://a/b", "no broker"},
           {"kafka://a?colour=red", "'colour'"},
           {"kafka://a?password=hunter2", "a secret must not stand in a URL"},
           {"kafka://a?password_env=UNSET", "UNSET is not set"},
           {"kafka://a?password_file=/none", "cannot read /none"},
           {"kafka://a?security=sasl_ssl&user=me", "mechanism is missing"},
           {"kafka://a?security=sasl_ssl&mechanism=GSSAPI", "GSSAPI is not supported"},
           {"kafka://a?replication=0", "replication"}}) {
    const auto settings = Parse(url);
    EXPECT_EQ(ErrorNumber(settings.status()), 1012) << url;
    EXPECT_THAT(FormatError(settings.status()), HasSubstr(message));
    EXPECT_THAT(FormatError(settings.status()), Not(HasSubstr("hunter2")));
  }
}

TEST_F(KafkaSettings, LibrdkafkaRefusesNonsense) {
  const auto settings = Parse("kafka://a:1?security=magic");
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(ErrorNumber(NewConsumer(*settings, kMinQueueKb).status()), 1012);
}

// Every option of the tables is in force, and those whose default loses data are among them.
TEST_F(KafkaSettings, OptionsAreInForce) {
  const auto settings = Parse("kafka://127.0.0.1:1");
  ASSERT_TRUE(settings.ok());
  const auto consumer = NewConsumer(*settings, kMinQueueKb);
  ASSERT_TRUE(consumer.ok()) << consumer.status();
  const auto producer = NewProducer(*settings, TransactionalId(*settings, "t"), nullptr);
  ASSERT_TRUE(producer.ok()) << producer.status();
  const auto reads = Effective(consumer->get()), writes = Effective(producer->get());
  const auto check = [](const std::vector<Option>& table, auto& effective) {
    for (const Option& option : table) {
      const auto it = effective.find(option.name);
      // The dump leaves out what belongs to topics; auto.offset.reset and acks do.
      if (it == effective.end()) continue;
      EXPECT_EQ(it->second, option.value) << option.name;
      EXPECT_NE(std::string(option.why), "") << option.name;
    }
  };
  check(CommonOptions(), reads);
  check(ConsumerOptions(), reads);
  check(CommonOptions(), writes);
  check(ProducerOptions(), writes);
  EXPECT_EQ(reads.at("isolation.level"), "read_committed");
  EXPECT_EQ(reads.at("enable.auto.commit"), "false");
  EXPECT_EQ(reads.at("queued.max.messages.kbytes"), "4096");
  EXPECT_EQ(writes.at("transactional.id"), "weir.job.t");
  EXPECT_EQ(writes.at("enable.idempotence"), "true");
}

TEST_F(KafkaSettings, ARefusalNamesWhatTheUrlSaysAndNoSecret) {
  const auto settings = Parse(
      "kafka://a:1?security=sasl_ssl&ca=/ca.pem&mechanism=SCRAM-SHA-512&user=me&"
      "password_env=SECRET");
  ASSERT_TRUE(settings.ok()) << settings.status();
  const auto code = RD_KAFKA_RESP_ERR__AUTHENTICATION;
  const std::string who = "sasl_ssl://a:1: Authentication failed (after 3ms in state AUTH_REQ)";
  ASSERT_TRUE(IsRefusal(code, who));
  const Status password = RefusalError(*settings, code, who);
  EXPECT_EQ(ErrorNumber(password), 1012);
  EXPECT_THAT(FormatError(password),
              HasSubstr("the broker refuses us: sasl_ssl://a:1: Authentication failed (hint: check "
                        "mechanism=SCRAM-SHA-512, user=me, password_env=SECRET in the log's URL"));
  EXPECT_THAT(FormatError(password), Not(HasSubstr("hunter2")));
  EXPECT_EQ(FormatError(password).find("refuse the SCRAM of librdkafka") != std::string::npos,
            rd_kafka_version() < 0x02060100);

  // Only the words tell that TLS 1.3 has refused our certificate.
  const std::string alert = "ssl://a:1: Receive failed: SSL alert number 42 (after 0ms)";
  ASSERT_TRUE(IsRefusal(RD_KAFKA_RESP_ERR__TRANSPORT, alert));
  EXPECT_THAT(FormatError(RefusalError(*settings, RD_KAFKA_RESP_ERR__TRANSPORT, alert)),
              AllOf(HasSubstr("no TLS with the broker"), HasSubstr("check ca=/ca.pem in")));
  EXPECT_FALSE(IsRefusal(RD_KAFKA_RESP_ERR__TRANSPORT, "Connect to a:1 failed"));
}

TEST_F(KafkaSettings, ErrorsHaveNumbers) {
  EXPECT_EQ(ErrorNumber(KafkaError(RD_KAFKA_RESP_ERR__FENCED, "t")), 3005);
  EXPECT_EQ(ErrorNumber(KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "t")), 3003);
  EXPECT_EQ(ErrorNumber(KafkaError(RD_KAFKA_RESP_ERR__TRANSPORT, "t")), 3004);
  EXPECT_TRUE(IsTransient(RD_KAFKA_RESP_ERR__TRANSPORT));
  EXPECT_FALSE(IsTransient(RD_KAFKA_RESP_ERR__FENCED));
}

}  // namespace
}  // namespace weir::kafka
