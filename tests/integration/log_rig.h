// A log by its URL, from the variable WEIR_CONTRACT_LOG: dir:PATH or kafka://host:port.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connectors/dirlog/directory_log.h"
#include "connectors/kafka/kafka_log.h"
#include "engine/base/env.h"

namespace weir {

inline std::string LogUrl() {
  const char* url = getenv("WEIR_CONTRACT_LOG");
  return url == nullptr ? "" : url;
}
inline bool OnKafka() { return LogUrl().starts_with("kafka:"); }

inline LogAppend Record(const std::string& value, int64_t timestamp_ms = 1'700'000'000'000) {
  LogAppend record;
  record.value = value;
  record.effect_id = "id-" + value;
  record.timestamp_ms = timestamp_ms;
  return record;
}

// Everything up to the end of a partition.
struct WholeRead {
  std::vector<std::string> values;
  std::vector<int64_t> offsets;
  LogPosition next;
  int error = 0;
};

class LogRig : public ::testing::Test {
 protected:
  LogRig() : log_(NewClient()) {
    // Tests run again against one broker.
    topic_ = absl::StrCat(::testing::UnitTest::GetInstance()->current_test_info()->name(), ".",
                          getpid());
  }
  // What another process would have.
  std::unique_ptr<LogClient> NewClient(const std::string& job = "contract") {
    const LogType type = OnKafka() ? KafkaLogType() : DirectoryLogType();
    auto client = type.create(env_.env(), LogUrl(), job);
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }
  std::shared_ptr<LogWriter> Writer(int64_t epoch = 1, int partition = 0) {
    auto writer = log_->OpenWriter(topic_, partition, epoch);
    EXPECT_TRUE(writer.ok()) << writer.status();
    return writer.ok() ? *writer : nullptr;
  }
  // Appends and syncs; returns the first one's offset.
  static int64_t Append(LogWriter* writer, const std::vector<LogAppend>& records) {
    const auto first = writer->Append(records);
    EXPECT_TRUE(first.ok()) << first.status();
    EXPECT_TRUE(writer->Sync().ok());
    return first.ok() ? *first : -1;
  }
  // Reads until `count` records are there (a commit becomes visible a moment after it) or, with
  // count 0, to the end as it is.
  WholeRead ReadFrom(const LogPosition& from, size_t count = 0, int partition = 0) {
    WholeRead result;
    auto reader = log_->OpenReader(topic_, partition, from);
    EXPECT_TRUE(reader.ok()) << reader.status();
    LogChunk chunk;
    do {
      if (const Status status = (*reader)->Read({}, &chunk); !status.ok()) {
        result.error = ErrorNumber(status);
        return result;
      }
      for (const LogItem& item : chunk.items) {
        result.values.emplace_back(item.value);
        result.offsets.push_back(item.offset);
      }
      result.next = chunk.next;
    } while (!chunk.at_end || result.values.size() < count);
    return result;
  }

  RealEnv env_;
  std::unique_ptr<LogClient> log_;
  std::string topic_;
};

}  // namespace weir
