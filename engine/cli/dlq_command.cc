// `weir dlq list|show|replay`: the dead letters of a job, found through its topology.
#include <algorithm>
#include <charconv>
#include <iostream>
#include <map>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "connectors/log/dead_letter_box.h"
#include "connectors/log/dead_letters.h"
#include "engine/cli/commands.h"
#include "engine/cli/load.h"
#include "engine/expr/time_text.h"
#include "engine/model/value.h"

namespace weir {
namespace {

// What is put back in one step, so that memory stays bounded.
constexpr size_t kBatchLetters = 500;
constexpr size_t kBatchBytes = size_t{4} << 20;
constexpr size_t kShownBytes = size_t{64} << 10;
constexpr size_t kShownReason = 70;

// A topic with dead letters: a sink that writes what a source could not read.
struct Box {
  std::string sink;
  std::string topic;
  std::string url;
};

std::string TimeText(int64_t ms) { return ms == 0 ? "-" : expr::FormatTimestamp(ms); }

std::string ErrorText(int error) { return absl::StrFormat("WEIR-%04d", error); }

std::string MeaningOf(int error) {
  size_t count = 0;
  const ErrorInfo* errors = AllErrors(&count);
  for (size_t i = 0; i < count; ++i) {
    if (errors[i].number == error) return errors[i].meaning;
  }
  return "";
}

// Bytes so that a person can read them and a shell can make them again: printf '%b'.
std::string Escape(std::string_view bytes) {
  std::string out;
  const bool text = IsPlainText(bytes);
  for (const char c : bytes.substr(0, kShownBytes)) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !text)) {
      absl::StrAppendFormat(&out, "\\x%02x", byte);
    } else {
      out.push_back(c);
    }
  }
  if (bytes.size() > kShownBytes) absl::StrAppend(&out, "... (", bytes.size(), " bytes)");
  return out;
}

// The dead letters of one topology and what is asked of them.
class Dlq {
 public:
  Dlq(const DlqArgs& args, const LoadedPlan& loaded, const Registry& registry, const Env& env)
      : args_(args), plan_(loaded.plan.logical), registry_(registry), env_(env) {}

  Status Open() {
    WEIR_RETURN_IF_ERROR(ReadFilters());
    for (const LogicalNode& node : plan_.nodes) {
      if (node.kind != NodeKind::kSink) continue;
      const NodeInput& input = node.inputs[0];
      const OutputPort& port = plan_.nodes[input.node].outputs[input.port];
      if (*port.schema != *DeadLetterSchema()) continue;
      if (node.format.new_encoder) {
        std::cerr << "weir: sink '" << node.name << "' does not write JSON; it is left out\n";
        continue;
      }
      if (args_.sink.empty() || args_.sink == node.name) {
        boxes_.push_back({node.name, node.topic, node.log.empty() ? plan_.job.log : node.log});
      }
    }
    if (!boxes_.empty()) return absl::OkStatus();
    return Err(ErrorCode::kConfigUnknownName,
               args_.sink.empty() ? "the topology writes its dead letters to no topic"
                                  : absl::StrCat("no sink '", args_.sink, "' writes dead letters"),
               "for example  sinks: { dead: { input: <source>.dead_letter, topic: dead } }");
  }

  Status List() {
    int64_t shown = 0, matching = 0;
    std::map<int, int64_t> counts;
    if (!args_.json && !args_.counts) {
      std::cout << absl::StrFormat("%-12s %-9s  %-28s %-24s %-8s  %s\n", "ID", "ERROR", "RECORD",
                                   "WRITTEN", "REPLAYED", "REASON");
    }
    for (const Box& box : boxes_) {
      WEIR_ASSIGN_OR_RETURN(LogClient * log, LogOf(box.url));
      WEIR_ASSIGN_OR_RETURN(const auto replay, ReplayOf(box, box.url));
      WEIR_RETURN_IF_ERROR(Visit(box, log, [&](const DeadLetter& letter) {
        if (!Matches(letter)) return true;
        ++matching;
        ++counts[letter.error];
        if (shown >= args_.limit || args_.counts) return true;
        ++shown;
        std::cout << (args_.json ? Json(box, letter, *replay, false)
                                 : Line(box, letter, replay->Replayed(letter)))
                  << "\n";
        return true;
      }));
    }
    PrintCounts(counts, shown, matching);
    return absl::OkStatus();
  }

  Status Show() {
    Box box;
    int partition;
    int64_t offset;
    WEIR_RETURN_IF_ERROR(ParseId(args_.ids[0], &box, &partition, &offset));
    WEIR_ASSIGN_OR_RETURN(LogClient * log, LogOf(box.url));
    WEIR_ASSIGN_OR_RETURN(const DeadLetter letter,
                          ReadDeadLetter(log, box.topic, partition, offset));
    WEIR_ASSIGN_OR_RETURN(const auto replay, ReplayOf(box, box.url));
    if (args_.raw) {
      if (!letter.bytes) return Err(ErrorCode::kLogMissing, "the dead letter holds no bytes");
      std::cout << *letter.bytes;
    } else if (args_.json) {
      std::cout << Json(box, letter, *replay, true) << "\n";
    } else {
      Print(box, letter, replay->Replayed(letter));
    }
    return absl::OkStatus();
  }

  Status Replay() {
    int64_t put = 0, before = 0, broken = 0;
    std::unique_ptr<FileLock> lock;
    if (args_.yes) {
      WEIR_ASSIGN_OR_RETURN(lock, Lock());
    }
    std::map<std::string, std::vector<std::pair<int, int64_t>>> wanted;
    for (const std::string& id : args_.ids) {
      Box box;
      std::pair<int, int64_t> place;
      WEIR_RETURN_IF_ERROR(ParseId(id, &box, &place.first, &place.second));
      wanted[box.topic].push_back(place);
    }
    for (const Box& box : boxes_) {
      const auto chosen = wanted.find(box.topic);
      if (!args_.ids.empty() && chosen == wanted.end()) continue;
      const auto* places = args_.ids.empty() ? nullptr : &chosen->second;
      WEIR_RETURN_IF_ERROR(ReplayBox(box, places, &put, &before, &broken));
    }
    std::cout << (args_.yes ? "put back " : "would put back ") << put << ", replayed before "
              << before << ", not whole " << broken << "\n";
    if (!args_.yes && put > 0) std::cout << "nothing was changed; add --yes to do it\n";
    return absl::OkStatus();
  }

 private:
  using Places = std::vector<std::pair<int, int64_t>>;

  Status ReadFilters() {
    if (!args_.error.empty()) {
      std::string_view digits = args_.error;
      if (digits.starts_with("WEIR-")) digits.remove_prefix(5);
      if (!absl::SimpleAtoi(ToAbsl(digits), &error_)) {
        return Err(ErrorCode::kConfigBadValue, absl::StrCat("'", args_.error, "' is no error"),
                   "write 2001 or WEIR-2001");
      }
    }
    WEIR_RETURN_IF_ERROR(ReadTime(args_.since, &since_ms_));
    return ReadTime(args_.until, &until_ms_);
  }

  // "2017-03-27T12:00:00Z", or "2h": that long ago.
  Status ReadTime(const std::string& text, int64_t* ms) const {
    if (text.empty()) return absl::OkStatus();
    if (const auto ago = ParseDuration(text); ago.ok()) {
      *ms = env_.clock->NowMs() - *ago;
      return absl::OkStatus();
    }
    if (expr::ParseTimestamp(text, ms) == expr::Err::kOk) return absl::OkStatus();
    return Err(ErrorCode::kConfigBadValue, absl::StrCat("'", text, "' is no time"),
               "write 2026-07-11T12:00:00Z, or 2h for two hours ago");
  }

  bool Matches(const DeadLetter& letter) const {
    if (error_ != 0 && letter.error != error_) return false;
    if (!args_.topic.empty() && letter.topic != args_.topic) return false;
    const int64_t ms = letter.written_ms != 0 ? letter.written_ms : letter.reached_ms.value_or(0);
    return ms >= since_ms_ && ms <= until_ms_;
  }

  StatusOr<LogClient*> LogOf(const std::string& url) {
    if (const auto it = logs_.find(url); it != logs_.end()) return it->second.get();
    const LogType* type = registry_.FindLog(url.substr(0, url.find(':')));
    if (type == nullptr) return Err(ErrorCode::kConfigUnknownType, "no such log");
    // Not as the job: it may be running, and must go on.
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<LogClient> log,
                          type->create(env_, url, absl::StrCat(plan_.job.name, ".dlq")));
    return logs_.emplace(url, std::move(log)).first->second.get();
  }

  // Of records that go back into the log at `url`.
  StatusOr<std::unique_ptr<DeadLetterReplay>> ReplayOf(const Box& box, const std::string& url) {
    DeadLetterReplay::Config config;
    WEIR_ASSIGN_OR_RETURN(config.letters, LogOf(box.url));
    config.letter_topic = box.topic;
    WEIR_ASSIGN_OR_RETURN(config.target, LogOf(url));
    config.own_partition = registry_.FindLog(url.substr(0, url.find(':')))->line_files;
    config.now_ms = env_.clock->NowMs();
    auto replay = std::make_unique<DeadLetterReplay>(config);
    WEIR_RETURN_IF_ERROR(replay->Load());
    return replay;
  }

  Status Visit(const Box& box, LogClient* log, const std::function<bool(const DeadLetter&)>& f) {
    int64_t foreign = 0;
    WEIR_RETURN_IF_ERROR(ReadDeadLetters(
        log, box.topic, [&](const DeadLetter& letter) { return f(letter); }, &foreign));
    if (foreign > 0) {
      std::cerr << "weir: " << foreign << " records of " << box.topic << " are no dead letters\n";
    }
    return absl::OkStatus();
  }

  std::string IdOf(const Box& box, const DeadLetter& letter) const {
    const std::string place = absl::StrCat(letter.place_partition, "/", letter.place_offset);
    return boxes_.size() == 1 ? place : absl::StrCat(box.topic, "/", place);
  }

  Status ParseId(const std::string& id, Box* box, int* partition, int64_t* offset) const {
    const std::vector<std::string> parts = absl::StrSplit(id, '/');
    const size_t n = parts.size();
    const bool whole = (n == 3 || (n == 2 && boxes_.size() == 1)) &&
                       absl::SimpleAtoi(parts[n - 2], partition) &&
                       absl::SimpleAtoi(parts[n - 1], offset) && *partition >= 0 && *offset >= 0;
    for (const Box& known : boxes_) {
      if (!whole || (n == 3 && known.topic != parts[0])) continue;
      *box = known;
      return absl::OkStatus();
    }
    return Err(ErrorCode::kConfigBadValue, absl::StrCat("'", id, "' is no id of a dead letter"),
               absl::StrCat("write ", boxes_.size() == 1 ? "" : "TOPIC/",
                            "PARTITION/OFFSET, as weir dlq list shows it"));
  }

  std::string Line(const Box& box, const DeadLetter& letter, bool replayed) const {
    std::string reason = letter.reason.substr(0, kShownReason);
    while (!IsPlainText(reason)) reason.pop_back();
    const std::string place = absl::StrCat(letter.topic, "/", letter.partition, "/", letter.offset);
    return absl::StrFormat("%-12s %-9s  %-28s %-24s %-8s  %s", IdOf(box, letter),
                           ErrorText(letter.error), place, TimeText(letter.written_ms),
                           replayed ? "yes" : "no", reason);
  }

  std::string Json(const Box& box, const DeadLetter& letter, const DeadLetterReplay& replay,
                   bool with_bytes) const {
    Value::Map map;
    const auto add = [&map](const char* name, Value v) {
      map.emplace_back(Value::String(name), std::move(v));
    };
    const auto text = [](const std::string& s) { return s.empty() ? Value() : Value::String(s); };
    add("id", Value::String(IdOf(box, letter)));
    add("topic", Value::String(letter.topic));
    add("partition", Value::Int(letter.partition));
    add("offset", Value::Int(letter.offset));
    add("error", Value::String(ErrorText(letter.error)));
    add("reason", text(letter.reason));
    add("field", text(letter.field));
    add("hint", text(letter.hint));
    add("bytes", Value::Int(static_cast<int64_t>(letter.bytes.value_or("").size())));
    add("whole", Value::Bool(letter.Whole()));
    add("written_ms", letter.written_ms == 0 ? Value() : Value::Int(letter.written_ms));
    add("event_time_ms", letter.reached_ms ? Value::Int(*letter.reached_ms) : Value());
    add("epoch", Value::Int(letter.epoch));
    add("replayed", Value::Bool(replay.Replayed(letter)));
    if (with_bytes && letter.bytes) {
      const bool plain = IsPlainText(*letter.bytes);
      add("raw", plain ? Value::String(*letter.bytes) : Value());
      add("raw_base64", plain ? Value() : Value::Bytes(*letter.bytes));
    }
    return Value::MakeMap(std::move(map)).ToJson();
  }

  void Print(const Box& box, const DeadLetter& letter, bool replayed) const {
    const auto line = [](const char* name, const std::string& text) {
      if (!text.empty()) std::cout << absl::StrFormat("%-12s %s\n", name, text);
    };
    line("id", IdOf(box, letter));
    line("record", absl::StrCat("topic ", letter.topic, ", partition ", letter.partition,
                                ", offset ", letter.offset));
    line("error", absl::StrCat(ErrorText(letter.error), ": ", MeaningOf(letter.error)));
    line("reason", letter.reason);
    line("field", letter.field);
    line("hint", letter.hint);
    line("event time", letter.reached_ms ? TimeText(*letter.reached_ms) : "-");
    line("written", absl::StrCat(TimeText(letter.written_ms), ", epoch ", letter.epoch));
    line("replayed", replayed ? "yes" : "no");
    if (!letter.bytes) return line("bytes", "not kept");
    line("size", absl::StrCat(letter.bytes->size(), " bytes",
                              letter.truncated ? ", only the beginning of the record" : ""));
    std::cout << "bytes\n" << Escape(*letter.bytes) << "\n";
  }

  void PrintCounts(const std::map<int, int64_t>& counts, int64_t shown, int64_t matching) const {
    if (args_.json && !args_.counts) return;
    if (args_.json) {
      std::string out = "{";
      for (const auto& [error, n] : counts) {
        absl::StrAppend(&out, out == "{" ? "" : ",", "\"", ErrorText(error), "\":", n);
      }
      std::cout << out << "}\n";
      return;
    }
    if (!args_.counts) std::cout << shown << " of " << matching << " shown\n";
    for (const auto& [error, n] : counts) {
      std::cout << absl::StrFormat("%8d  %s  %s\n", n, ErrorText(error), MeaningOf(error));
    }
  }

  // Two replays at once would each put a record back.
  StatusOr<std::unique_ptr<FileLock>> Lock() const {
    const std::string folder = JoinPath(plan_.job.checkpoints.directory(), plan_.job.name);
    WEIR_RETURN_IF_ERROR(env_.fs->CreateDirs(folder));
    auto lock = env_.fs->Lock(JoinPath(folder, "DLQ_LOCK"));
    if (lock.ok()) return lock;
    return Annotate(lock.status(), "another `weir dlq replay` of this job is running");
  }

  // The log in which the record stood: that of the source that reads the topic.
  std::string LogOfTopic(const std::string& topic) const {
    for (const LogicalNode& node : plan_.nodes) {
      if (node.kind == NodeKind::kSource && node.topic == topic && !node.log.empty()) {
        return node.log;
      }
    }
    return plan_.job.log;
  }

  Status ReplayBox(const Box& box, const Places* places, int64_t* put, int64_t* before,
                   int64_t* broken) {
    WEIR_ASSIGN_OR_RETURN(LogClient * log, LogOf(box.url));
    // One by the log that records go to; a job's sources may have several.
    std::map<std::string, std::unique_ptr<DeadLetterReplay>> replays;
    std::map<std::string, std::vector<DeadLetter>> batches;
    size_t letters = 0, bytes = 0;
    Status status;
    const auto flush = [&] {
      for (auto& [url, batch] : batches) {
        auto count = Put(replays[url].get(), batch);
        if (!count.ok()) return count.status();
        *put += *count;
      }
      batches.clear();
      letters = bytes = 0;
      return absl::OkStatus();
    };
    WEIR_RETURN_IF_ERROR(Visit(box, log, [&](const DeadLetter& letter) {
      const std::pair<int, int64_t> place(letter.place_partition, letter.place_offset);
      if (places != nullptr && std::count(places->begin(), places->end(), place) == 0) return true;
      if (!Matches(letter)) return true;
      const std::string url = LogOfTopic(letter.topic);
      if (replays[url] == nullptr) {
        status = OpenReplay(box, url, &replays[url]);
        if (!status.ok()) return false;
      }
      if (!letter.Whole()) return ++*broken, true;
      if (replays[url]->Replayed(letter)) return ++*before, true;
      bytes += letter.bytes->size();
      batches[url].push_back(letter);
      if (++letters < kBatchLetters && bytes < kBatchBytes) return true;
      status = flush();
      return status.ok();
    }));
    WEIR_RETURN_IF_ERROR(status);
    return flush();
  }

  Status OpenReplay(const Box& box, const std::string& url,
                    std::unique_ptr<DeadLetterReplay>* replay) {
    WEIR_ASSIGN_OR_RETURN(*replay, ReplayOf(box, url));
    return args_.yes ? (*replay)->Settle() : absl::OkStatus();
  }

  StatusOr<int64_t> Put(DeadLetterReplay* replay, const std::vector<DeadLetter>& batch) {
    if (args_.to.empty()) {
      for (const DeadLetter& letter : batch) WarnIfHeld(letter.topic);
    }
    if (args_.yes) return replay->Put(batch, args_.to);
    std::map<std::string, bool> records;
    for (const DeadLetter& letter : batch) records.emplace(letter.Identity(), true);
    return static_cast<int64_t>(records.size());
  }

  // A partition of its own has no later records that would move event time on.
  void WarnIfHeld(const std::string& topic) {
    for (const LogicalNode& node : plan_.nodes) {
      if (node.kind != NodeKind::kSource || node.topic != topic) continue;
      const LogType* log = registry_.FindLog(node.log.substr(0, node.log.find(':')));
      if (log == nullptr || !log->line_files || !node.options.Has("event_time")) continue;
      if (node.options.Table("event_time").Int("idleness") != 0 || !warned_.insert(topic).second) {
        continue;
      }
      std::cerr << "weir: records go to a partition of their own, and source '" << node.name
                << "' has no event_time.idleness: while the job follows the topic, that partition "
                   "holds event time back\n";
    }
  }

  const DlqArgs& args_;
  const LogicalPlan& plan_;
  const Registry& registry_;
  const Env& env_;
  std::vector<Box> boxes_;
  std::map<std::string, std::unique_ptr<LogClient>> logs_;
  std::set<std::string> warned_;
  int error_ = 0;
  int64_t since_ms_ = INT64_MIN;
  int64_t until_ms_ = INT64_MAX;
};

}  // namespace

int DlqCommand(const DlqArgs& args, DlqVerb verb, const Registry& registry, const Env& env) {
  const auto loaded = LoadOrPrint(args.topology, registry, env);
  if (loaded == nullptr) return kExitConfig;
  Dlq dlq(args, *loaded, registry, env);
  Status status = dlq.Open();
  if (status.ok()) {
    status = verb == DlqVerb::kList   ? dlq.List()
             : verb == DlqVerb::kShow ? dlq.Show()
                                      : dlq.Replay();
  }
  if (status.ok()) return kExitOk;
  std::cerr << "weir: " << FormatError(status) << "\n";
  return kExitFailed;
}

}  // namespace weir
