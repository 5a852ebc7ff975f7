// What the Log contract costs on Kafka: a LogReader beside a bare rd_kafka_consume_batch_queue loop
// that throws everything away, in turns in one process, over the same topic.
//
//   bench_kafka_source --url kafka://127.0.0.1:9092 [--records 2000000] [--bytes 200] [--pairs 3]
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "bench/measure.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/kafka/settings.h"
#include "engine/base/env.h"

namespace weir {
namespace {

void Load(LogClient* log, const std::string& topic, int64_t records, size_t bytes) {
  const auto writer = log->OpenWriter(topic, 0, 1).value();
  std::vector<LogAppend> batch;
  for (int64_t i = 0; i < records; ++i) {
    LogAppend& record = batch.emplace_back();
    record.value = std::to_string(i);
    record.value.resize(bytes, static_cast<char>('a' + i % 23));
    if (batch.size() < 20'000 && i + 1 < records) continue;
    const auto first = writer->Append(batch);
    WEIR_CHECK(first.ok(), FormatError(first.status()));
    batch.clear();
  }
}

// As the engine reads: values in one buffer, offsets, timestamps, a guard for each position.
int64_t ReadWithLog(LogClient* log, const std::string& topic) {
  const auto reader = log->OpenReader(topic, 0, {LogPosition::kBegin, -1, 0}).value();
  LogChunk chunk;
  int64_t records = 0;
  do {
    const Status status = reader->Read({}, &chunk);
    WEIR_CHECK(status.ok(), FormatError(status));
    records += static_cast<int64_t>(chunk.items.size());
  } while (!chunk.at_end);
  return records;
}

// The same options, nothing done with what comes.
int64_t ReadBare(const kafka::Settings& settings, const std::string& topic) {
  const kafka::Client client = kafka::NewConsumer(settings, kafka::kMaxQueueKb).value();
  const kafka::Topic handle(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
  const kafka::Queue queue(rd_kafka_queue_new(client.get()));
  rd_kafka_consume_start_queue(handle.get(), 0, RD_KAFKA_OFFSET_BEGINNING, queue.get());
  std::vector<rd_kafka_message_t*> batch(1000);
  int64_t records = 0;
  for (bool end = false; !end;) {
    ssize_t n = rd_kafka_consume_batch_queue(queue.get(), 0, batch.data(), batch.size());
    if (n <= 0) n = rd_kafka_consume_batch_queue(queue.get(), 100, batch.data(), 1);
    for (ssize_t i = 0; i < n; ++i) {
      const rd_kafka_message_t* message = batch[static_cast<size_t>(i)];
      end = end || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
      records += message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? 1 : 0;
      rd_kafka_message_destroy(batch[static_cast<size_t>(i)]);
    }
  }
  rd_kafka_consume_stop(handle.get(), 0);
  return records;
}

void Print(const char* name, const Figures& f) {
  std::printf("%-10s %9ld records  %8.0f records/s  %6.0f CPU ns/record\n", name, f.records,
              static_cast<double>(f.records) / f.seconds,
              f.cpu_seconds * 1e9 / static_cast<double>(f.records));
}

int Run(const std::string& url, int64_t records, size_t bytes, int pairs) {
  const RealEnv env;
  const auto log = KafkaLogType().create(env.env(), url, "bench").value();
  const auto settings = kafka::ParseUrl(env.env(), url, "bench").value();
  const std::string topic = "bench.kafka_source." + std::to_string(env.env().clock->NowMs());
  Print("append", Measure(*env.env().clock, [&] {
          Load(log.get(), topic, records, bytes);
          return records;
        }));
  for (int pair = 0; pair < pairs; ++pair) {
    const Figures ours = Measure(*env.env().clock, [&] { return ReadWithLog(log.get(), topic); });
    const Figures bare = Measure(*env.env().clock, [&] { return ReadBare(settings, topic); });
    WEIR_CHECK(ours.records == records && bare.records == records, "both must read all of it");
    Print("LogReader", ours);
    Print("bare", bare);
    std::printf("ratio %.2f (time), %.2f (CPU)\n", bare.seconds / ours.seconds,
                bare.cpu_seconds / ours.cpu_seconds);
  }
  return log->DeleteTopic(topic).ok() ? 0 : 1;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  CLI::App app("LogReader on Kafka beside a bare consume loop");
  std::string url;
  int64_t records = 2'000'000;
  size_t bytes = 200;
  int pairs = 3;
  app.add_option("--url", url)->required();
  app.add_option("--records", records);
  app.add_option("--bytes", bytes);
  app.add_option("--pairs", pairs);
  CLI11_PARSE(app, argc, argv);
  return weir::Run(url, records, bytes, pairs);
}
