// What Kafka promises beyond that: fencing between processes, transactions, retention, settings.
#include <librdkafka/rdkafka.h>

#include "connectors/kafka/handles.h"
#include "log_rig.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr LogPosition kFromBegin{LogPosition::kBegin, -1, 0};

class KafkaContract : public LogRig {
 protected:
  void SetUp() override {
    if (!OnKafka()) GTEST_SKIP() << "the directory log has no such thing";
  }
  kafka::Client RawProducer(const std::vector<std::pair<std::string, std::string>>& options) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char reason[256];
    rd_kafka_conf_set(conf, "bootstrap.servers", LogUrl().substr(8).c_str(), reason,
                      sizeof(reason));
    for (const auto& [name, value] : options) {
      EXPECT_EQ(rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof(reason)),
                RD_KAFKA_CONF_OK)
          << reason;
    }
    return kafka::Client(rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason)));
  }
  void Produce(rd_kafka_t* client, const std::string& value) {
    ASSERT_EQ(rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_PARTITION(0),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                                RD_KAFKA_V_END),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    ASSERT_EQ(rd_kafka_flush(client, 10'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  // What retention does, at once.
  void DeleteBefore(int64_t offset) {
    const kafka::Client client = RawProducer({});
    const kafka::PartitionList list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), 0)->offset = offset;
    rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list.get());
    const kafka::Queue queue(rd_kafka_queue_new(client.get()));
    rd_kafka_DeleteRecords(client.get(), &request, 1, nullptr, queue.get());
    const kafka::Event event(rd_kafka_queue_poll(queue.get(), 30'000));
    rd_kafka_DeleteRecords_destroy(request);
    ASSERT_NE(event, nullptr);
    ASSERT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void CreateTopic(const char* name, const char* value) {
    const kafka::Client client = RawProducer({});
    rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(topic_.c_str(), 1, 1, nullptr, 0);
    rd_kafka_NewTopic_set_config(topic, name, value);
    const kafka::Queue queue(rd_kafka_queue_new(client.get()));
    rd_kafka_CreateTopics(client.get(), &topic, 1, nullptr, queue.get());
    const kafka::Event event(rd_kafka_queue_poll(queue.get(), 30'000));
    rd_kafka_NewTopic_destroy(topic);
    ASSERT_NE(event, nullptr);
  }
};

TEST_F(KafkaContract, AnotherProcessFencesTheOldOne) {
  const auto old = Writer(1);
  Append(old.get(), {Record("a")});
  const auto process = NewClient();
  const auto writer = process->OpenWriter(topic_, 0, 2);
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_EQ(ErrorNumber(old->Append({{Record("zombie")}}).status()), 3005);
  EXPECT_EQ(ErrorNumber(old->Sync()), 3005);
  Append(writer->get(), {Record("b")});
  EXPECT_THAT(ReadFrom(kFromBegin, 2).values, ElementsAre("a", "b"));
}

TEST_F(KafkaContract, JobsDoNotFenceEachOther) {
  const auto mine = Writer(1);
  const auto other = NewClient("another-job");
  const auto theirs = other->OpenWriter(topic_, 0, 9);
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  Append(mine.get(), {Record("a")});
  Append(theirs->get(), {Record("b")});
  Append(mine.get(), {Record("c")});
  EXPECT_THAT(ReadFrom(kFromBegin, 3).values, ElementsAre("a", "b", "c"));
}

TEST_F(KafkaContract, OnlyWhatIsCommittedIsReadAndTheEndIsThere) {
  Append(Writer().get(), {Record("before")});
  ASSERT_THAT(ReadFrom(kFromBegin, 1).values, SizeIs(1));
  const kafka::Client stranger = RawProducer({{"transactional.id", topic_}});
  ASSERT_EQ(rd_kafka_init_transactions(stranger.get(), 30'000), nullptr);
  ASSERT_EQ(rd_kafka_begin_transaction(stranger.get()), nullptr);
  Produce(stranger.get(), "taken back");
  EXPECT_THAT(ReadFrom(kFromBegin).values, ElementsAre("before"));  // ends at the open transaction
  ASSERT_EQ(rd_kafka_abort_transaction(stranger.get(), 30'000), nullptr);
  ASSERT_EQ(rd_kafka_begin_transaction(stranger.get()), nullptr);
  Produce(stranger.get(), "kept");
  ASSERT_EQ(rd_kafka_commit_transaction(stranger.get(), 30'000), nullptr);
  EXPECT_THAT(ReadFrom(kFromBegin, 2).values, ElementsAre("before", "kept"));
  ASSERT_EQ(rd_kafka_begin_transaction(stranger.get()), nullptr);
  Produce(stranger.get(), "taken back, too");
  ASSERT_EQ(rd_kafka_abort_transaction(stranger.get(), 30'000), nullptr);
  // The end is behind what was taken back, and a position there leads on.
  const WholeRead all = ReadFrom(kFromBegin, 2);
  EXPECT_THAT(all.values, ElementsAre("before", "kept"));
  Append(Writer().get(), {Record("after")});
  EXPECT_THAT(ReadFrom(all.next, 1).values, ElementsAre("after"));
}

TEST_F(KafkaContract, RetentionThatOvertakesTheReaderIsAnError) {
  const auto writer = Writer();
  Append(writer.get(), {Record("a"), Record("b"), Record("c"), Record("d")});
  ASSERT_THAT(ReadFrom(kFromBegin, 4).values, SizeIs(4));
  DeleteBefore(2);
  EXPECT_EQ(ReadFrom({1, -1, 0}).error, 3001);
  EXPECT_EQ(ReadFrom({0, 0, 0}).error, 3001);
  EXPECT_THAT(ReadFrom({2, -1, 0}).values, ElementsAre("c", "d"));
  EXPECT_THAT(ReadFrom(kFromBegin).values, ElementsAre("c", "d"));
  // The guarded record is gone, what is to be read is not: that is no error.
  EXPECT_THAT(ReadFrom({2, 1, 12345}).values, ElementsAre("c", "d"));
  EXPECT_EQ(ReadFrom({3, 2, 12345}).error, 3002);
}

TEST_F(KafkaContract, AReaderStartsAtATime) {
  const int64_t now = env_.env().clock->NowMs();
  Append(Writer().get(),
         {Record("a", now - 5000), Record("b", now - 3000), Record("c", now - 1000)});
  ASSERT_THAT(ReadFrom(kFromBegin, 3).values, SizeIs(3));
  EXPECT_THAT(ReadFrom({LogPosition::kAtTime, now - 3000, 0}).values, ElementsAre("b", "c"));
  EXPECT_THAT(ReadFrom({LogPosition::kAtTime, now - 2999, 0}).values, ElementsAre("c"));
}

TEST_F(KafkaContract, InternalTopicsThatForgetAreRefused) {
  CreateTopic("retention.ms", "604800000");
  const Status forgets = log_->PrepareTopic({topic_, TopicSpec::Use::kInternal, 1});
  EXPECT_EQ(ErrorNumber(forgets), 1012) << forgets;
  EXPECT_TRUE(log_->PrepareTopic({topic_, TopicSpec::Use::kOutput, 2}).ok());
  EXPECT_THAT(*log_->Partitions(topic_), SizeIs(2));
}

TEST_F(KafkaContract, ARecordThatIsTooLargeIsNoMatterOfRetrying) {
  const std::string most(log_->max_record_bytes(), 'x');
  const Status fits = Writer()->Append(std::vector{Record(most)}).status();
  EXPECT_TRUE(fits.ok()) << fits;
  const std::string large(1'000'001, 'x');
  const Status client = Writer()->Append(std::vector{Record(large)}).status();
  EXPECT_EQ(ErrorNumber(client), 2005) << client;
  EXPECT_FALSE(IsRetriable(client));
  EXPECT_NE(client.message().find(topic_ + "/0: a record of 1000001 bytes"), std::string::npos);
  EXPECT_NE(ErrorHint(client).find("raise max_record_bytes"), std::string::npos);
}

TEST_F(KafkaContract, ARecordThatTheTopicDoesNotTakeIsTooLarge) {
  CreateTopic("max.message.bytes", "20000");
  std::string noise;  // it is the compressed size that counts
  for (uint32_t x = 1; noise.size() < 200'000; x = x * 1664525 + 1013904223) {
    noise.push_back(static_cast<char>('0' + (x >> 24) % 64));
  }
  const Status broker = Writer()->Append(std::vector{Record(noise)}).status();
  EXPECT_EQ(ErrorNumber(broker), 2005) << broker;
  EXPECT_NE(broker.message().find("200000 bytes"), std::string::npos) << broker;
}

TEST_F(KafkaContract, CompactedTopicsAreRefused) {
  CreateTopic("cleanup.policy", "compact");
  EXPECT_EQ(ErrorNumber(log_->PrepareTopic({topic_, TopicSpec::Use::kOutput, 1})), 1012);
}

}  // namespace
}  // namespace weir
