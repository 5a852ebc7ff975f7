// The other end of dead letters: reads a topic of them and puts their records back (`weir dlq`).
// All calls block.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "engine/core/log_client.h"

namespace weir {

// One record of a topic of dead letters, as AppendDeadLetter and the sink wrote it.
struct DeadLetter {
  int place_partition = 0;  // where the dead letter stands in its own topic
  int64_t place_offset = 0;
  std::string topic;  // where the record stood that could not be read
  int partition = 0;
  int64_t offset = 0;
  int error = 0;  // 2001
  std::string reason, field, hint;
  std::optional<std::string> bytes;   // the original record
  bool truncated = false;             // `bytes` is only its beginning
  std::optional<int64_t> reached_ms;  // event time of the partition before the record
  int64_t written_ms = 0;             // when the dead letter was written; 0 if the log kept no time
  int64_t epoch = 0;                  // of the job's incarnation that wrote it

  // The record can be put back.
  bool Whole() const { return bytes.has_value() && !truncated; }
  // Names the record: the same in every dead letter about it.
  std::string Identity() const;
};

// kRecordNotJson if `item` is no dead letter.
StatusOr<DeadLetter> ParseDeadLetter(const LogItem& item, int partition);

// Visits all dead letters in order of partition and offset until `visit` gives false. Records that
// are none are counted in *foreign. One chunk is held in memory.
Status ReadDeadLetters(LogClient* log, const std::string& topic,
                       const std::function<bool(DeadLetter)>& visit, int64_t* foreign);
// kLogMissing if there is none at this place.
StatusOr<DeadLetter> ReadDeadLetter(LogClient* log, const std::string& topic, int partition,
                                    int64_t offset);

// Puts records back, each once, whatever dies in between. What was put back is written down in the
// topic "<dead letters>.replayed": "begun" before a record is appended and "done" after it is
// durable. What was begun and not done is looked for in the target by its effect id.
class DeadLetterReplay {
 public:
  // The partition that gets all records of a log with line files: those that others feed by hand
  // must not be written (connectors/dirlog/README.md).
  static constexpr int kOwnPartition = 1'000'000;

  struct Config {
    LogClient* letters = nullptr;  // the log with the dead letters
    std::string letter_topic;
    LogClient* target = nullptr;  // the log to put records into
    bool own_partition = false;   // LogType::line_files of the target
    int64_t now_ms = 0;           // timestamp of what is written
  };
  static std::string MarkerTopic(const std::string& letter_topic);

  explicit DeadLetterReplay(Config config) : config_(std::move(config)) {}

  // Reads what was put back before. Changes nothing.
  Status Load();
  // Has the record been put back? After Settle, also for what was interrupted.
  bool Replayed(const DeadLetter& letter) const;
  // Opens the topic for writing and finds out what became of records that were begun. Where that
  // cannot be told any more it warns, and Put leaves the record out.
  Status Settle();
  // Appends the records to `topic`, or to their own if it is "". Letters that were put back before
  // or are not Whole are left out. Gives how many were appended.
  StatusOr<int64_t> Put(const std::vector<DeadLetter>& letters, const std::string& topic);

 private:
  struct Begun {
    std::string topic;
    int partition = 0;
    int64_t from = 0;  // where the target ended before
  };
  using Target = std::pair<std::string, int>;
  enum class Outcome : uint8_t { kThere, kMissing, kUnknown };

  Status TakeMarker(std::string_view json);
  StatusOr<LogWriter*> WriterOf(const Target& target);
  StatusOr<Target> TargetOf(const DeadLetter& letter, const std::string& topic);
  StatusOr<Outcome> Find(const Begun& begun, const std::string& identity);
  void LeaveOut(const Begun& begun, const std::string& identity);
  StatusOr<int64_t> PutGroup(const Target& target, const std::vector<const DeadLetter*>& letters);
  Status Mark(const std::vector<std::string>& identities, const char* state, const Begun& place);
  Status CheckStands(const Target& target, int64_t first, const std::vector<LogAppend>& records);

  const Config config_;
  std::set<std::string> done_;
  std::map<std::string, Begun> begun_;
  std::set<std::string> undecided_;
  std::shared_ptr<LogWriter> marks_;
  std::map<Target, std::shared_ptr<LogWriter>> writers_;
  std::map<std::string, std::vector<int>> partitions_;
};

}  // namespace weir
