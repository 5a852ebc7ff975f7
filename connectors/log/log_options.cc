#include "connectors/log/log_options.h"

#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/expr/time_text.h"

namespace weir {
namespace {

OptionDef Def(std::string name, OptionType type, std::string default_text, std::string doc) {
  OptionDef def;
  def.name = std::move(name);
  def.type = type;
  def.default_text = std::move(default_text);
  def.doc = std::move(doc);
  return def;
}

OptionDef Required(std::string name, OptionType type, std::string doc) {
  OptionDef def = Def(std::move(name), type, "", std::move(doc));
  def.required = true;
  return def;
}

OptionDef Choice(std::string name, std::vector<std::string> allowed, std::string doc) {
  OptionDef def = Def(std::move(name), OptionType::kString, allowed.front(), std::move(doc));
  def.allowed = std::move(allowed);
  return def;
}

// From 0 to a hundred years: sums with event times cannot overflow.
OptionDef Duration(std::string name, std::string default_text, std::string doc) {
  OptionDef def =
      Def(std::move(name), OptionType::kDuration, std::move(default_text), std::move(doc));
  def.min = 0;
  def.max = 36525.0 * 86'400'000;
  return def;
}

OptionDef EventTimeDef() {
  OptionDef def = Def("event_time", OptionType::kTable, "",
                      "Where event time comes from; without it rows have none.");
  def.table = {
      Required("field", OptionType::kString,
               "Field of type timestamp_ms or int64 (milliseconds since 1970 UTC)."),
      Duration("out_of_orderness", "0s",
               "How much later than the newest record of its partition a record may be."),
      Choice("emit", {"each_record", "periodic"},
             "A watermark after each record that moves it (exact at every replay), or after each "
             "batch (faster)."),
      Duration("idleness", "0s",
               "A partition without records for longer than this no longer holds event time back; "
               "0s = it always does."),
      Choice("all_idle", {"hold", "drain"},
             "When all partitions are idle event time stands still, or goes on with the clock "
             "(then a replay may differ)."),
      Duration("max_ahead", "1h",
               "A record whose event time is further ahead of the clock is a dead letter."),
  };
  return def;
}

bool ParseWhole(std::string_view text, int64_t max, int64_t* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size() && *number >= 0 && *number <= max;
}

Status ReadStartTime(const Options& options, LogSourceOptions* result) {
  const bool wanted = result->start == LogSourceOptions::Start::kTimestamp;
  if (options.Has("start_time") != wanted) {
    return Err(
        wanted ? ErrorCode::kConfigMissingKey : ErrorCode::kConfigBadValue,
        wanted ? "'start: timestamp' needs start_time" : "start_time needs 'start: timestamp'");
  }
  if (!wanted) return absl::OkStatus();
  const std::string& text = options.String("start_time");
  if (expr::ParseTimestamp(text, &result->start_time_ms) == expr::Err::kOk) return absl::OkStatus();
  return Err(ErrorCode::kConfigBadValue, absl::StrCat("'", text, "' is not a time"),
             "write it as 2026-11-23T08:00:00Z");
}

Status ReadStartOffsets(const Options& options, LogSourceOptions* result) {
  const bool wanted = result->start == LogSourceOptions::Start::kOffsets;
  if (options.Has("start_offsets") != wanted) {
    return Err(
        wanted ? ErrorCode::kConfigMissingKey : ErrorCode::kConfigBadValue,
        wanted ? "'start: offsets' needs start_offsets" : "start_offsets needs 'start: offsets'");
  }
  if (!wanted) return absl::OkStatus();
  for (const auto& [partition, offset] : options.Get("start_offsets").entries) {
    int64_t p = 0, o = 0;
    if (!ParseWhole(partition, INT32_MAX, &p) || !ParseWhole(offset, INT64_MAX, &o)) {
      return Err(ErrorCode::kConfigBadValue,
                 absl::StrCat("'", partition, ": ", offset, "' is not a partition and an offset"),
                 "both are whole numbers from 0");
    }
    result->start_offsets[static_cast<int>(p)] = o;
  }
  return absl::OkStatus();
}

void ReadStart(const Options& options, LogSourceOptions* result) {
  using Start = LogSourceOptions::Start;
  const std::string& start = options.String("start");
  if (start == "latest") result->start = Start::kLatest;
  if (start == "timestamp") result->start = Start::kTimestamp;
  if (start == "offsets") result->start = Start::kOffsets;
}

}  // namespace

Status CheckLogStart(const Options& options, std::string* field) {
  LogSourceOptions scratch;
  ReadStart(options, &scratch);
  *field = "start_time";
  WEIR_RETURN_IF_ERROR(ReadStartTime(options, &scratch));
  *field = "start_offsets";
  return ReadStartOffsets(options, &scratch);
}

const std::vector<OptionDef>& LogSourceOptionDefs() {
  static const std::vector<OptionDef> defs = {
      Required("topic", OptionType::kString, "Topic to read."),
      Choice("start", {"earliest", "latest", "timestamp", "offsets"},
             "Where to begin when no checkpoint knows: at the first record that is still there, "
             "behind the last one, at start_time, or at start_offsets. Partitions that appear "
             "later are read from their beginning."),
      Def("start_time", OptionType::kString, "",
          "With start: timestamp: records whose timestamp in the log is not before this, as in "
          "2026-11-23T08:00:00Z."),
      Def("start_offsets", OptionType::kStringMap, "",
          "With start: offsets: { partition: offset }; other partitions from their beginning."),
      Def("format", OptionType::kVariant, "json", "How records are written."),
      Def("schema", OptionType::kSchema, "",
          "Fields of a record with their types. Required unless the format knows them "
          "(protobuf)."),
      EventTimeDef(),
      Choice("on_error", {"dead_letter", "fail"},
             "A record that cannot be read goes to the source's dead_letter output, or stops the "
             "job."),
      Def("log", OptionType::kString, "", "URL of this source's log; default is the job's log."),
  };
  return defs;
}

const std::vector<OptionDef>& LogSinkOptionDefs() {
  static const std::vector<OptionDef> defs = {
      Required("input", OptionType::kString, "Operator or output whose rows are written."),
      Required("topic", OptionType::kString, "Topic to write; one partition per subtask."),
      Def("fields", OptionType::kStringList, "", "Fields to write, in this order; default is all."),
      Def("format", OptionType::kVariant, "json", "How rows are written."),
      Choice("delivery", {"at_least_once", "exactly_once"},
             "Either way an output that stands in the log is not written again after a restart, so "
             "none repeats. exactly_once also holds output back until its checkpoint is complete: "
             "nobody sees what a replay could decide otherwise, and latency is the checkpoint's "
             "interval."),
      Def("log", OptionType::kString, "", "URL of this sink's log; default is the job's log."),
  };
  return defs;
}

LogSourceOptions LogSourceOptionsFrom(const Options& options) {
  using Source = LogSourceOptions;
  Source result;
  result.topic = options.String("topic");
  ReadStart(options, &result);
  const bool checked =
      ReadStartTime(options, &result).ok() && ReadStartOffsets(options, &result).ok();
  WEIR_CHECK(checked, "the plan lets no malformed start through");
  if (options.String("on_error") == "fail") result.on_error = Source::OnError::kFail;
  if (!options.Has("event_time")) return result;
  const Options& time = options.Table("event_time");
  result.out_of_orderness_ms = time.Int("out_of_orderness");
  if (time.String("emit") == "periodic") result.emit = Source::Emit::kPeriodic;
  result.idleness_ms = time.Int("idleness");
  if (time.String("all_idle") == "drain") result.all_idle = AllIdlePolicy::kDrain;
  result.max_ahead_ms = time.Int("max_ahead");
  return result;
}

LogSinkOptions LogSinkOptionsFrom(const Options& options) {
  LogSinkOptions result;
  result.topic = options.String("topic");
  result.exactly_once = options.String("delivery") == "exactly_once";
  return result;
}

}  // namespace weir
