#include "connectors/log/dead_letter_box.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/model/value.h"

namespace weir {
namespace {

constexpr int64_t kEpoch = 0;  // whoever runs a job on these topics comes after it
constexpr std::string_view kNumberPrefix = "WEIR-";

// The effect id of the record that is put back: 32 digits, as a sink's.
std::string EffectId(const std::string& identity) {
  const uint64_t halves[] = {HashBytes(identity, 0x646c71), HashBytes(identity, 0x7265706c6179)};
  return HexEncode({reinterpret_cast<const char*>(halves), sizeof(halves)});
}

std::string TextAt(const Value& value, std::string_view name) {
  const Value* found = value.Get(name);
  return found != nullptr && found->kind() == Value::Kind::kString ? found->string_value() : "";
}

std::optional<int64_t> IntAt(const Value& value, std::string_view name) {
  const Value* found = value.Get(name);
  if (found == nullptr || found->kind() != Value::Kind::kInt) return std::nullopt;
  return found->int_value();
}

void AppendTextMember(std::string_view name, std::string_view text, std::string* out) {
  absl::StrAppend(out, out->empty() ? "{\"" : ",\"", ToAbsl(name), "\":");
  AppendJsonString(text, out);
}

// Reads a partition from `from` on (an offset, or LogPosition::kBegin) to its present end; `visit`
// may end it with false.
Status ReadAll(LogClient* log, const std::string& topic, int partition, int64_t from,
               const std::function<bool(const LogItem&)>& visit) {
  LogPosition position;
  position.offset = from;
  position.bytes = -1;
  WEIR_ASSIGN_OR_RETURN(const auto reader, log->OpenReader(topic, partition, position));
  LogReadOptions options;
  options.with_meta = true;
  LogChunk chunk;
  do {
    WEIR_RETURN_IF_ERROR(reader->Read(options, &chunk));
    for (const LogItem& item : chunk.items) {
      if (!visit(item)) return absl::OkStatus();
    }
  } while (!chunk.at_end);
  return absl::OkStatus();
}

}  // namespace

std::string DeadLetter::Identity() const {
  return absl::StrCat(topic, "/", partition, "/", offset, "#",
                      absl::Hex(HashBytes(bytes.value_or("")), absl::kZeroPad16));
}

StatusOr<DeadLetter> ParseDeadLetter(const LogItem& item, int partition) {
  const Status none = Err(ErrorCode::kRecordNotJson, "the record is no dead letter");
  const StatusOr<Value> value = item.oversized ? none : ParseJson(item.value);
  if (!value.ok()) return none;
  DeadLetter letter;
  letter.place_partition = partition;
  letter.place_offset = item.offset;
  letter.written_ms = item.timestamp_ms;
  letter.epoch = item.epoch;
  letter.topic = TextAt(*value, "topic");
  const auto from = IntAt(*value, "partition"), offset = IntAt(*value, "offset");
  const std::string error = TextAt(*value, "error");
  if (letter.topic.empty() || !from || !offset || !error.starts_with(kNumberPrefix)) return none;
  letter.partition = static_cast<int>(*from);
  letter.offset = *offset;
  std::from_chars(error.data() + kNumberPrefix.size(), error.data() + error.size(), letter.error);
  letter.reason = TextAt(*value, "reason");
  letter.field = TextAt(*value, "field");
  letter.hint = TextAt(*value, "hint");
  letter.reached_ms = IntAt(*value, "ts");
  const Value* truncated = value->Get("truncated");
  letter.truncated = truncated != nullptr && *truncated == Value::Bool(true);
  const Value* raw = value->Get("raw");
  const Value* base64 = value->Get("raw_base64");
  std::string bytes;
  if (raw != nullptr && raw->kind() == Value::Kind::kString) {
    letter.bytes = raw->string_value();
  } else if (base64 != nullptr && base64->kind() == Value::Kind::kString &&
             DecodeBase64(base64->string_value(), &bytes)) {
    letter.bytes = std::move(bytes);
  }
  return letter;
}

Status ReadDeadLetters(LogClient* log, const std::string& topic,
                       const std::function<bool(DeadLetter)>& visit, int64_t* foreign) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<int> partitions, log->Partitions(topic));
  for (const int partition : partitions) {
    bool go_on = true;
    WEIR_RETURN_IF_ERROR(
        ReadAll(log, topic, partition, LogPosition::kBegin, [&](const LogItem& item) {
          auto letter = ParseDeadLetter(item, partition);
          if (!letter.ok()) return ++*foreign, true;
          return go_on = visit(*std::move(letter));
        }));
    if (!go_on) break;
  }
  return absl::OkStatus();
}

StatusOr<DeadLetter> ReadDeadLetter(LogClient* log, const std::string& topic, int partition,
                                    int64_t offset) {
  const std::string where = absl::StrCat(topic, "/", partition, "/", offset);
  WEIR_ASSIGN_OR_RETURN(const std::vector<int> partitions, log->Partitions(topic));
  StatusOr<DeadLetter> result =
      Err(ErrorCode::kLogMissing, absl::StrCat("there is no dead letter ", where),
          "weir dlq list shows what there is");
  if (!std::binary_search(partitions.begin(), partitions.end(), partition)) return result;
  const int64_t from = offset > 0 ? offset : LogPosition::kBegin;
  const Status status = ReadAll(log, topic, partition, from, [&](const LogItem& item) {
    if (item.offset < offset) return true;
    if (item.offset == offset) result = ParseDeadLetter(item, partition);
    return false;
  });
  if (!status.ok() && ErrorNumber(status) != static_cast<int>(ErrorCode::kLogTruncated)) {
    return status;
  }
  return result;
}

std::string DeadLetterReplay::MarkerTopic(const std::string& letter_topic) {
  return letter_topic + ".replayed";
}

Status DeadLetterReplay::Load() {
  const std::string topic = MarkerTopic(config_.letter_topic);
  WEIR_ASSIGN_OR_RETURN(const std::vector<int> partitions, config_.letters->Partitions(topic));
  Status problem;
  for (const int partition : partitions) {
    WEIR_RETURN_IF_ERROR(
        ReadAll(config_.letters, topic, partition, LogPosition::kBegin, [&](const LogItem& item) {
          problem = TakeMarker(item.value);
          return problem.ok();
        }));
    if (!problem.ok()) return Annotate(problem, topic);
  }
  return absl::OkStatus();
}

Status DeadLetterReplay::TakeMarker(std::string_view json) {
  WEIR_ASSIGN_OR_RETURN(const Value value, ParseJson(json));
  const std::string identity = TextAt(value, "record");
  const std::string state = TextAt(value, "state");
  if (state == "done") {
    done_.insert(identity);
    begun_.erase(identity);
  } else if (state == "begun" && done_.count(identity) == 0) {
    begun_[identity] = {TextAt(value, "to"),
                        static_cast<int>(IntAt(value, "to_partition").value_or(0)),
                        IntAt(value, "from").value_or(0)};
  }
  return absl::OkStatus();
}

bool DeadLetterReplay::Replayed(const DeadLetter& letter) const {
  return done_.count(letter.Identity()) != 0;
}

Status DeadLetterReplay::Settle() {
  WEIR_ASSIGN_OR_RETURN(marks_,
                        config_.letters->OpenWriter(MarkerTopic(config_.letter_topic), 0, kEpoch));
  for (const auto& [identity, begun] : std::map<std::string, Begun>(begun_)) {
    WEIR_ASSIGN_OR_RETURN(const Outcome outcome, Find(begun, identity));
    if (outcome == Outcome::kThere) WEIR_RETURN_IF_ERROR(Mark({identity}, "done", begun));
    if (outcome == Outcome::kUnknown) LeaveOut(begun, identity);
  }
  begun_.clear();
  return marks_->Sync();
}

StatusOr<DeadLetterReplay::Outcome> DeadLetterReplay::Find(const Begun& begun,
                                                           const std::string& identity) {
  // Opened for writing first: that cuts off what was never durable, so that it is not found.
  WEIR_RETURN_IF_ERROR(WriterOf({begun.topic, begun.partition}).status());
  const std::string id = EffectId(identity);
  bool found = false;
  const auto look = [&](int64_t from) {
    return ReadAll(config_.target, begun.topic, begun.partition, from, [&](const LogItem& item) {
      found = item.effect_id == id;
      return !found;
    });
  };
  const Status status = look(begun.from);
  if (ErrorNumber(status) != static_cast<int>(ErrorCode::kLogTruncated)) {
    WEIR_RETURN_IF_ERROR(status);
    return found ? Outcome::kThere : Outcome::kMissing;
  }
  // Retention has removed where it may have stood; it may still stand in what is left.
  WEIR_RETURN_IF_ERROR(look(LogPosition::kBegin));
  return found ? Outcome::kThere : Outcome::kUnknown;
}

void DeadLetterReplay::LeaveOut(const Begun& begun, const std::string& identity) {
  undecided_.insert(identity);
  LogWarning("dlq", absl::StrCat("a replay of record ", identity.substr(0, identity.find('#')),
                                 " was interrupted, and ", begun.topic, "/", begun.partition,
                                 " does not hold the offsets from ", begun.from,
                                 " on any more: nobody can tell whether it was put back, so it is "
                                 "left out (weir dlq show --raw gives its bytes)"));
}

StatusOr<LogWriter*> DeadLetterReplay::WriterOf(const Target& target) {
  std::shared_ptr<LogWriter>& writer = writers_[target];
  if (writer == nullptr) {
    WEIR_ASSIGN_OR_RETURN(writer, config_.target->OpenWriter(target.first, target.second, kEpoch));
  }
  return writer.get();
}

StatusOr<DeadLetterReplay::Target> DeadLetterReplay::TargetOf(const DeadLetter& letter,
                                                              const std::string& topic) {
  const std::string& name = topic.empty() ? letter.topic : topic;
  if (config_.own_partition) return Target{name, kOwnPartition};
  if (topic.empty()) return Target{name, letter.partition};
  if (partitions_.count(name) == 0) {
    WEIR_ASSIGN_OR_RETURN(partitions_[name], config_.target->Partitions(name));
  }
  const std::vector<int>& known = partitions_[name];
  if (known.empty()) return Target{name, 0};
  return Target{name, known[static_cast<size_t>(letter.partition) % known.size()]};
}

StatusOr<int64_t> DeadLetterReplay::Put(const std::vector<DeadLetter>& letters,
                                        const std::string& topic) {
  std::map<Target, std::vector<const DeadLetter*>> groups;
  std::set<std::string> taken;
  for (const DeadLetter& letter : letters) {
    const std::string identity = letter.Identity();
    if (!letter.Whole() || Replayed(letter) || undecided_.count(identity) != 0) continue;
    if (!taken.insert(identity).second) continue;
    WEIR_ASSIGN_OR_RETURN(const Target target, TargetOf(letter, topic));
    groups[target].push_back(&letter);
  }
  int64_t count = 0;
  for (const auto& [target, group] : groups) {
    WEIR_ASSIGN_OR_RETURN(const int64_t put, PutGroup(target, group));
    count += put;
  }
  return count;
}

StatusOr<int64_t> DeadLetterReplay::PutGroup(const Target& target,
                                             const std::vector<const DeadLetter*>& letters) {
  WEIR_ASSIGN_OR_RETURN(LogWriter * writer, WriterOf(target));
  Begun place{target.first, target.second, 0};
  WEIR_ASSIGN_OR_RETURN(place.from, writer->EndOffset());
  std::vector<std::string> identities;
  std::vector<LogAppend> records;
  for (const DeadLetter* letter : letters) {
    identities.push_back(letter->Identity());
    records.push_back({*letter->bytes, "", EffectId(identities.back()), config_.now_ms});
  }
  WEIR_RETURN_IF_ERROR(Mark(identities, "begun", place));
  WEIR_RETURN_IF_ERROR(marks_->Sync());
  WEIR_ASSIGN_OR_RETURN(const int64_t first, writer->Append(records));
  WEIR_RETURN_IF_ERROR(writer->Sync());
  WEIR_RETURN_IF_ERROR(CheckStands(target, first, records));
  WEIR_RETURN_IF_ERROR(Mark(identities, "done", place));
  WEIR_RETURN_IF_ERROR(marks_->Sync());
  return static_cast<int64_t>(records.size());
}

// A job that writes this very topic may have opened it in the same moment and cut it back.
Status DeadLetterReplay::CheckStands(const Target& target, int64_t first,
                                     const std::vector<LogAppend>& records) {
  size_t next = 0;
  WEIR_RETURN_IF_ERROR(
      ReadAll(config_.target, target.first, target.second, first, [&](const LogItem& item) {
        if (next < records.size() && item.effect_id == records[next].effect_id &&
            item.value == records[next].value) {
          ++next;
        }
        return next < records.size();
      }));
  if (next == records.size()) return absl::OkStatus();
  return Err(ErrorCode::kLogConflict,
             absl::StrCat(target.first, "/", target.second, ": what was appended at offset ", first,
                          " is not there; somebody else writes this partition"),
             "run the same command again: it finds out what is there and puts back the rest");
}

Status DeadLetterReplay::Mark(const std::vector<std::string>& identities, const char* state,
                              const Begun& place) {
  std::vector<LogAppend> marks;
  const bool done = std::string_view(state) == "done";
  for (const std::string& identity : identities) {
    LogAppend& mark = marks.emplace_back();
    AppendTextMember("state", state, &mark.value);
    AppendTextMember("record", identity, &mark.value);
    AppendTextMember("to", place.topic, &mark.value);
    absl::StrAppend(&mark.value, ",\"to_partition\":", place.partition, ",\"from\":", place.from,
                    "}");
    mark.key = identity;
    mark.timestamp_ms = config_.now_ms;
  }
  WEIR_RETURN_IF_ERROR(marks_->Append(marks).status());
  if (done) done_.insert(identities.begin(), identities.end());
  return absl::OkStatus();
}

}  // namespace weir
