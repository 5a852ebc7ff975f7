// Appends to a log without end while somebody does harm to it, and keeps account: what was said to
// be appended, or was found in the log when it was opened, must be there at the end, once.
//
//   commit_audit URL TOPIC WRITERS STOP_FILE     runs until STOP_FILE exists
//
// One thread per writer, each with a topic of its own. Exit status 1 and a line for each record
// that is missing, or stands there twice.
#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "connectors/dirlog/directory_log.h"
#include "connectors/kafka/kafka_log.h"
#include "engine/base/env.h"

namespace weir {
namespace {

constexpr int kReadTries = 5;

struct Options {
  std::string url, topic, stop_file;
};

class Account {
 public:
  Account(const Options& options, int number)
      : options_(options), topic_(absl::StrCat(options.topic, ".", number)) {}

  bool stopped() const { return access(options_.stop_file.c_str(), F_OK) == 0; }

  void Run() {
    while (!stopped()) {
      if (const Status status = Incarnation(); !status.ok()) {
        printf("%s epoch %ld: %s\n", topic_.c_str(), long(epoch_), FormatError(status).c_str());
      }
    }
  }

  int Audit() {
    std::map<int64_t, int> found;
    Status status = absl::UnavailableError("not read yet");
    for (int tries = 0; tries < kReadTries && !status.ok(); ++tries) {
      found.clear();
      ++epoch_;
      status = ReadAll(0, &found);
    }
    int wrong = status.ok() && !promised_.empty() ? 0 : 1;
    if (wrong > 0) printf("%s: cannot be judged: %s\n", topic_.c_str(), status.ToString().c_str());
    for (const auto& [number, why] : promised_) {
      if (found.count(number) != 0) continue;
      printf("LOST %s record %ld: %s\n", topic_.c_str(), long(number), why.c_str());
      ++wrong;
    }
    for (const auto& [number, times] : found) {
      if (number < 0 || number >= next_) {
        printf("STRANGE %s record %ld was never written\n", topic_.c_str(), long(number));
        ++wrong;
      }
      if (times == 1) continue;
      printf("TWICE %s record %ld: %d times\n", topic_.c_str(), long(number), times);
      ++wrong;
    }
    printf("%s: %zu promised, %zu found, %ld epochs, %d wrong\n", topic_.c_str(), promised_.size(),
           found.size(), long(epoch_), wrong);
    return wrong;
  }

 private:
  Status Incarnation() {
    ++epoch_;
    WEIR_ASSIGN_OR_RETURN(log_, NewLog());
    WEIR_ASSIGN_OR_RETURN(const auto writer, log_->OpenWriter(topic_, 0, epoch_));
    WEIR_ASSIGN_OR_RETURN(const int64_t end, writer->EndOffset());
    std::map<int64_t, int> found;
    WEIR_RETURN_IF_ERROR(ReadUpTo(known_end_, end, &found));
    for (const auto& [number, times] : found) {
      promised_.emplace(number, absl::StrCat("seen by epoch ", epoch_, " up to ", end));
      open_.erase(number);
    }
    known_end_ = end;
    // What was not found is written again, as a replay would.
    for (const int64_t number : std::set<int64_t>(open_))
      WEIR_RETURN_IF_ERROR(Append(writer.get(), number, 1));
    while (!stopped()) {
      const int64_t count = 1 + next_ % 3;
      next_ += count;
      WEIR_RETURN_IF_ERROR(Append(writer.get(), next_ - count, count));
    }
    return absl::OkStatus();
  }

  Status Append(LogWriter* writer, int64_t number, int64_t count) {
    std::vector<LogAppend> records;
    for (int64_t n = number; n < number + count; ++n) {
      LogAppend& record = records.emplace_back();
      record.value = absl::StrCat(n);
      record.effect_id = absl::StrCat("id-", n);
      open_.insert(n);
    }
    const StatusOr<int64_t> first = writer->Append(records);
    WEIR_RETURN_IF_ERROR(first.status());
    WEIR_RETURN_IF_ERROR(writer->Sync());
    if (*first < 0) printf("%s: offset %ld\n", topic_.c_str(), long(*first));
    for (int64_t n = number; n < number + count; ++n) {
      open_.erase(n);
      promised_.emplace(n, absl::StrCat("appended by epoch ", epoch_, " at ", *first));
    }
    known_end_ = *first + count;
    return absl::OkStatus();
  }

  Status ReadAll(int64_t from, std::map<int64_t, int>* found) {
    WEIR_ASSIGN_OR_RETURN(log_, NewLog());
    WEIR_ASSIGN_OR_RETURN(const auto writer, log_->OpenWriter(topic_, 0, epoch_));
    WEIR_ASSIGN_OR_RETURN(const int64_t end, writer->EndOffset());
    return ReadUpTo(from, end, found);
  }

  Status ReadUpTo(int64_t from, int64_t end, std::map<int64_t, int>* found) {
    if (from >= end) return absl::OkStatus();
    WEIR_ASSIGN_OR_RETURN(
        const auto reader,
        log_->OpenReader(topic_, 0, {from == 0 ? LogPosition::kBegin : from, -1, 0}));
    LogChunk chunk;
    do {
      WEIR_RETURN_IF_ERROR(reader->Read({}, &chunk));
      for (const LogItem& item : chunk.items) {
        int64_t number = -1;
        (void)absl::SimpleAtoi(ToAbsl(item.value), &number);
        ++(*found)[number];
      }
    } while (!chunk.at_end && chunk.next.offset < end);
    return absl::OkStatus();
  }

  StatusOr<std::unique_ptr<LogClient>> NewLog() {
    log_.reset();
    const LogType type = options_.url.starts_with("kafka:") ? KafkaLogType() : DirectoryLogType();
    return type.create(env_.env(), options_.url, "audit");
  }

  const Options options_;
  const std::string topic_;
  RealEnv env_;
  std::unique_ptr<LogClient> log_;
  int64_t epoch_ = 0;
  int64_t next_ = 0;
  int64_t known_end_ = 0;
  std::set<int64_t> open_;  // what became of them is not known
  std::map<int64_t, std::string> promised_;
};

int Main(const Options& options, int writers) {
  std::vector<std::unique_ptr<Account>> accounts;
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i) {
    accounts.push_back(std::make_unique<Account>(options, i));
    threads.emplace_back([account = accounts.back().get()] { account->Run(); });
  }
  for (std::thread& thread : threads) thread.join();
  int wrong = 0;
  for (const auto& account : accounts) wrong += account->Audit();
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  setvbuf(stdout, nullptr, _IOLBF, 0);
  return weir::Main({argv[1], argv[2], argv[4]}, atoi(argv[3]));
}
