// Kafka -> job -> Kafka beside a bare loop that copies messages from one topic to another, in turns
// in one process, over the same input. The loop has an idempotent producer and no transactions,
// looks at nothing and survives no crash.
//
//   bench_kafka_copy --url kafka://127.0.0.1:9092 [--records 500000] [--pairs 3]
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "bench/measure.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/kafka/settings.h"
#include "engine/base/env.h"
#include "engine/base/log.h"
#include "engine/cli/commands.h"
#include "engine/job/job.h"
#include "engine/plan/load.h"
#include "tests/support/source_dir.h"

namespace weir {
namespace {

struct Args {
  std::string url;
  int64_t records = 500'000;
  int pairs = 3;
};

int64_t Load(LogClient* log, int64_t records) {
  const auto writer = log->OpenWriter("copy.in", 0, 1).value();
  std::vector<LogAppend> batch;
  int64_t bytes = 0;
  for (int64_t i = 0; i < records; ++i) {
    const std::string n = std::to_string(i);
    batch.emplace_back().value =
        R"({"host":"host)" + std::to_string(i % 97) + R"(","line":)" + n + R"(,"ts":)" +
        std::to_string(1'700'000'000'000 + i) + R"(,"src_ip":"10.0.)" + std::to_string(i % 251) +
        R"(.7","user":"root","message":"Failed password for root from there port 22 ssh2 number )" +
        n + "\"}";
    bytes += static_cast<int64_t>(batch.back().value.size());
    if (batch.size() < 20'000 && i + 1 < records) continue;
    const auto first = writer->Append(batch);
    WEIR_CHECK(first.ok(), FormatError(first.status()));
    batch.clear();
  }
  return bytes / records;
}

void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  WEIR_CHECK(message->err == RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_err2str(message->err));
}

void Produce(rd_kafka_t* producer, rd_kafka_topic_t* topic, const rd_kafka_message_t* message) {
  while (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, message->payload, message->len, nullptr, 0,
                          nullptr) != 0) {
    WEIR_CHECK(rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    rd_kafka_poll(producer, 10);
  }
}

void CopyBare(const kafka::Settings& settings) {
  const kafka::Client in = kafka::NewConsumer(settings, kafka::kMaxQueueKb).value();
  // No transactional.id: the same options else.
  const kafka::Client out = kafka::NewProducer(settings, "", OnDelivery).value();
  const kafka::Topic from(rd_kafka_topic_new(in.get(), "copy.in", nullptr));
  const kafka::Topic to(rd_kafka_topic_new(out.get(), "copy.bare", nullptr));
  const kafka::Queue queue(rd_kafka_queue_new(in.get()));
  rd_kafka_consume_start_queue(from.get(), 0, RD_KAFKA_OFFSET_BEGINNING, queue.get());
  std::vector<rd_kafka_message_t*> batch(1000);
  for (bool end = false; !end;) {
    const ssize_t n = rd_kafka_consume_batch_queue(queue.get(), 100, batch.data(), batch.size());
    for (ssize_t i = 0; i < n; ++i) {
      const kafka::Message message(batch[static_cast<size_t>(i)]);
      end = end || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) Produce(out.get(), to.get(), message.get());
    }
    rd_kafka_poll(out.get(), 0);
  }
  rd_kafka_consume_stop(from.get(), 0);
  WEIR_CHECK(rd_kafka_flush(out.get(), 60'000) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void RunJob(const Args& args, const std::string& data, const std::string& delivery,
            const RealEnv& env) {
  Registry registry;
  WEIR_CHECK(RegisterAll(&registry).ok());
  static int runs = 0;
  PlanSource source;
  source.file = SourceDir() + "/bench/kafka_copy/job.yaml";
  std::ostringstream text;
  text << std::ifstream(source.file).rdbuf();
  source.text = text.str();
  source.overrides = {"sinks.out.delivery=" + delivery,
                      "job.name=kafka-copy-" + std::to_string(++runs),
                      "sinks.out.topic=copy." + delivery};
  source.variable = [&](const std::string& name) { return name == "WEIR_LOG" ? args.url : data; };
  Diagnostics diagnostics;
  const auto plan = LoadPlan(source, registry, &diagnostics);
  std::cerr << diagnostics.Render();
  if (!plan.ok()) std::exit(1);
  JobOptions options;
  options.until_end = true;
  const auto job = Job::Create(plan->plan, registry, env.env(), options).value();
  job->Start();
  while (!job->WaitForMs(2)) {
  }
  const Status status = job->Stop();
  WEIR_CHECK(status.ok(), FormatError(status));
}

int64_t Count(LogClient* log, const std::string& topic) {
  int64_t records = 0;
  const std::vector<int> partitions = log->Partitions(topic).value();
  for (const int partition : partitions) {
    const auto reader = log->OpenReader(topic, partition, {LogPosition::kBegin, -1, 0}).value();
    LogChunk chunk;
    do {
      const Status status = reader->Read({}, &chunk);
      WEIR_CHECK(status.ok(), FormatError(status));
      records += static_cast<int64_t>(chunk.items.size());
    } while (!chunk.at_end);
  }
  return records;
}

void Print(const std::string& name, const Args& args, const Figures& f, const Figures& bare) {
  const auto n = static_cast<double>(args.records);
  std::printf("%-13s %8.0f records/s (%.2f of bare)  %6.0f CPU ns/record (%.2f of bare)\n",
              name.c_str(), n / f.seconds, bare.seconds / f.seconds, f.cpu_seconds * 1e9 / n,
              f.cpu_seconds / bare.cpu_seconds);
}

int Run(const Args& args) {
  SetLogLevel(LogLevel::kWarning);
  const RealEnv env(8);
  const auto log = KafkaLogType().create(env.env(), args.url, "bench").value();
  const auto settings = kafka::ParseUrl(env.env(), args.url, "bench").value();
  (void)log->DeleteTopic("copy.in");
  std::printf("%ld records of %ld bytes\n", args.records, Load(log.get(), args.records));
  for (int pair = 0; pair < args.pairs; ++pair) {
    WEIR_CHECK(log->OpenWriter("copy.bare", 0, 1).ok());  // which makes the topic
    const Figures bare = Measure(*env.env().clock, [&] {
      CopyBare(settings);
      return args.records;
    });
    Print("bare", args, bare, bare);
    for (const std::string delivery : {"at_least_once", "exactly_once"}) {
      const std::string data =
          std::filesystem::temp_directory_path() / ("weir-copy-" + std::to_string(getpid()));
      const Figures ours = Measure(*env.env().clock, [&] {
        RunJob(args, data, delivery, env);
        return args.records;
      });
      Print(delivery, args, ours, bare);
      std::filesystem::remove_all(data);
      const std::string topic = "copy." + delivery;
      WEIR_CHECK(Count(log.get(), topic) == args.records, "every record, once");
      WEIR_CHECK(log->DeleteTopic(topic).ok());
    }
    WEIR_CHECK(log->DeleteTopic("copy.bare").ok());
  }
  return log->DeleteTopic("copy.in").ok() ? 0 : 1;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  CLI::App app("Kafka -> job -> Kafka beside a bare copy loop");
  weir::Args args;
  app.add_option("--url", args.url)->required();
  app.add_option("--records", args.records);
  app.add_option("--pairs", args.pairs);
  CLI11_PARSE(app, argc, argv);
  return weir::Run(args);
}
