// Runs sources and sinks alone, on a directory log on the simulated disk, with hand-driven time.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/dirlog/directory_log.h"
#include "connectors/log/dead_letters.h"
#include "connectors/log/log_sink.h"
#include "connectors/log/log_source.h"
#include "engine/base/testing_env.h"
#include "engine/model/value.h"

namespace weir {

// Lines "<event time> <text>"; "null <text>" has no event time.
class LineDecoder : public RecordDecoder {
 public:
  Status Decode(std::string_view bytes, RecordBatch* batch) override {
    const size_t space = bytes.find(' ');
    if (space == std::string_view::npos) return Err(ErrorCode::kRecordNotJson, "no space");
    const std::string_view number = bytes.substr(0, space);
    int64_t ts = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), ts);
    if (number == "null") {
      batch->column(0).AppendNull();
    } else if (error != std::errc() || end != number.data() + number.size()) {
      return Err(ErrorCode::kRecordWrongType, "field 'ts': expected a number");
    } else {
      batch->column(0).AppendInt(ts);
    }
    batch->column(1).AppendString(bytes.substr(space + 1));
    return absl::OkStatus();
  }
};

inline SchemaPtr LineSchema() {
  static const SchemaPtr schema = MakeSchema(
      {{"ts", Type{TypeKind::kTimestamp, {}}, true}, {"text", Type{TypeKind::kString, {}}, false}});
  return schema;
}

// The pieces of one subtask's part of a checkpoint.
class CollectedPart : public SnapshotPart {
 public:
  explicit CollectedPart(int64_t id = 1) : id_(id) {}
  int64_t checkpoint() const override { return id_; }
  SnapshotKind kind() const override { return SnapshotKind::kCheckpoint; }
  void Add(StatePiece piece) override {
    EXPECT_FALSE(finished);
    pieces.push_back(std::move(piece));
  }
  void Finish(Status s) override {
    EXPECT_FALSE(finished);
    finished = true;
    status = std::move(s);
  }
  std::vector<StatePiece> pieces;
  bool finished = false;
  Status status;

 private:
  int64_t id_;
};

// Passes everything on; what a test changes of a log it overrides.
class ForwardingLog : public LogClient {
 public:
  explicit ForwardingLog(LogClient* log) : log_(log) {}
  StatusOr<std::vector<int>> Partitions(const std::string& topic) override {
    return log_->Partitions(topic);
  }
  StatusOr<std::unique_ptr<LogReader>> OpenReader(const std::string& topic, int partition,
                                                  const LogPosition& from) override {
    return log_->OpenReader(topic, partition, from);
  }
  StatusOr<std::shared_ptr<LogWriter>> OpenWriter(const std::string& topic, int partition,
                                                  int64_t epoch) override {
    return log_->OpenWriter(topic, partition, epoch);
  }
  Status DeleteTopic(const std::string& topic) override { return log_->DeleteTopic(topic); }

 private:
  LogClient* log_;
};

// The world that tasks share: disk, clock, log. A crash of the process is NewProcess.
class LogWorld {
 public:
  LogWorld() { NewProcess(); }
  void NewProcess() { log = NewDirectoryLog(env.env(), "/log"); }
  void PowerLoss(uint64_t seed) {
    Random random(seed);
    log.reset();
    env.fs.Crash(&random);
    NewProcess();
  }
  void Put(const std::string& topic, int partition, const std::string& bytes) {
    ASSERT_TRUE(env.fs.CreateDirs("/log/" + topic).ok());
    const auto file = env.fs.OpenAppend(Path(topic, partition));
    ASSERT_TRUE((*file)->Append(bytes).ok());
    ASSERT_TRUE((*file)->Sync().ok());
    for (const std::string& dir : {"/log/" + topic, std::string("/log"), std::string("/")}) {
      ASSERT_TRUE(env.fs.SyncDir(dir).ok());
    }
  }
  // As another process sees it: also what is not synced yet.
  std::vector<std::pair<std::string, std::string>> ValuesAndEffects(const std::string& topic,
                                                                    int partition) {
    std::vector<std::pair<std::string, std::string>> result;
    const auto other = NewDirectoryLog(env.env(), "/log");
    const auto reader = other->OpenReader(topic, partition, {}).value();
    LogChunk chunk;
    EXPECT_TRUE(reader->Read({1 << 20, false, true}, &chunk).ok());
    for (const LogItem& item : chunk.items) result.emplace_back(item.value, item.effect_id);
    return result;
  }
  static std::string Path(const std::string& topic, int partition) {
    return "/log/" + topic + "/" + std::to_string(partition) + ".ndjson";
  }
  std::string Contents(const std::string& topic, int partition) {
    return env.fs.ReadFile(Path(topic, partition)).value_or("missing");
  }

  TestEnv env;
  std::unique_ptr<LogClient> log;
};

// What a task gives its operator.
class TaskRig : public OperatorContext, public Collector {
 public:
  TaskRig(LogWorld* world, int subtask, int parallelism, int64_t epoch)
      : world_(world), mailbox_(world->env.scheduler.WakerFor(0)) {
    info_.job = "job";
    info_.uid = "op";
    info_.subtask = subtask;
    info_.parallelism = parallelism;
    info_.epoch = epoch;
  }

  const OperatorInfo& info() const override { return info_; }
  const Env& env() const override { return world_->env.env(); }
  TimerService* timers() override { return nullptr; }
  MailHandle mail() override { return mailbox_.handle(); }
  int64_t watermark() const override { return kNoTimestamp; }
  MetricRegistry* metrics() override { return &metrics_; }
  MetricLabels labels() const override { return {}; }
  LogClient* log() override { return world_->log.get(); }
  StatusOr<std::shared_ptr<AgentChannel>> Agent(const std::string&) override {
    return absl::UnimplementedError("");
  }
  void Fail(Status status) override { failures.push_back(ErrorNumber(status)); }
  void WakeAt(int64_t mono_ns) override { wake_ns = std::min(wake_ns, mono_ns); }
  StatusOr<StateTable*> OpenTable(const StateDescriptor&) override {
    return absl::UnimplementedError("");
  }

  void Emit(int port, RecordBatch batch) override {
    EXPECT_TRUE(reported[port]);
    EXPECT_FALSE(batch.empty());
    EXPECT_EQ(static_cast<size_t>(batch.column(0).size()), batch.rows());
    EXPECT_EQ(batch.origin.size(), batch.rows());
    EXPECT_EQ(batch.emit.size(), batch.rows());
    batch_sizes[port].push_back(batch.rows());
    for (size_t i = 0; i < batch.rows(); ++i) {
      std::string json;
      RowToJson(batch, i, &json);
      if (port == 1) dead_letters.push_back(json);
      if (port == 0) {
        events.push_back(std::string(batch.column(1).String(i)));
        origins.push_back(batch.origin[i]);
        event_times.push_back(batch.event_time[i]);
      }
    }
  }
  void EmitWatermark(int port, int64_t ms) override {
    EXPECT_TRUE(reported[port]);
    if (port == 0) events.push_back("wm " + std::to_string(ms));
  }
  // The first one is the report that Source::Started is about; "active" is what one expects then.
  void EmitIdle(int port, bool idle) override {
    const bool first = !std::exchange(reported[port], true);
    if (port == 0 && (idle || !first)) events.push_back(idle ? "idle" : "active");
  }
  void EmitEndOfInput() override { events.push_back("end"); }
  int ports() const override { return port_count; }

  std::vector<std::string> TakeEvents() { return std::exchange(events, {}); }
  // Only the rows.
  std::vector<std::string> Rows() const {
    std::vector<std::string> rows;
    for (const std::string& e : events) {
      if (!e.starts_with("wm ") && e != "idle" && e != "active" && e != "end") rows.push_back(e);
    }
    return rows;
  }
  int64_t Metric(const std::string& name) const { return metrics_.Sum(name); }

  std::vector<std::string> events;
  std::vector<std::string> dead_letters;
  std::vector<Origin> origins;
  std::vector<int64_t> event_times;
  std::map<int, std::vector<size_t>> batch_sizes;
  std::vector<int> failures;
  int64_t wake_ns = kNeverNs;
  int port_count = 2;
  std::map<int, bool> reported;  // by port: has said whether it is idle

 protected:
  LogWorld* world_;
  OperatorInfo info_;
  MetricRegistry metrics_;
  Mailbox mailbox_;
};

class SourceRig : public TaskRig {
 public:
  SourceRig(LogWorld* world, LogSourceOptions options, std::vector<StatePiece> pieces = {},
            int subtask = 0, int parallelism = 1)
      : TaskRig(world, subtask, parallelism, 1), source_(std::move(options)) {
    EXPECT_TRUE(source_.Open(this, this).ok());
    const Status restored = source_.Restore(pieces);
    if (!restored.ok()) failures.push_back(ErrorNumber(restored));
  }
  // One call of Poll, after what has arrived. False when it waits.
  bool PollOnce() {
    mailbox_.RunAll();
    const auto result = source_.Poll();
    if (!result.ok()) {
      failures.push_back(ErrorNumber(result.status()));
      return false;
    }
    return *result == Source::PollResult::kMore;
  }
  // Everything that can be done at the present time.
  void Run() {
    bool busy = true;
    for (int i = 0; busy && failures.empty(); ++i) {
      ASSERT_LT(i, 100'000) << "it does not end";
      busy = PollOnce();
      busy = world_->env.RunPending() > 0 || busy;
    }
  }
  // Lets time pass, waking the source when it asked for it.
  void Advance(int64_t ms) {
    const int64_t end = env().clock->MonoNs() + ms * 1'000'000;
    Run();
    while (wake_ns <= end && failures.empty()) {
      const int64_t step = std::max<int64_t>(0, wake_ns - env().clock->MonoNs());
      world_->env.AdvanceMs((step + 999'999) / 1'000'000);
      wake_ns = kNeverNs;
      Run();
    }
    world_->env.AdvanceMs((end - env().clock->MonoNs()) / 1'000'000);
  }
  std::shared_ptr<CollectedPart> Snapshot() {
    auto part = std::make_shared<CollectedPart>();
    EXPECT_TRUE(source_.Snapshot(part).ok());
    return part;
  }
  LogSource& source() { return source_; }

 private:
  LogSource source_;
};

inline LogSourceOptions LineSource() {
  LogSourceOptions options;
  options.topic = "in";
  options.schema = LineSchema();
  options.new_decoder = [] { return std::make_unique<LineDecoder>(); };
  options.event_time_field = 0;
  options.until_end = true;
  return options;
}

class SinkRig : public TaskRig {
 public:
  SinkRig(LogWorld* world, int subtask = 0, int parallelism = 1, int64_t epoch = 1)
      : TaskRig(world, subtask, parallelism, epoch) {
    port_count = 0;
  }
  void Open(LogSinkOptions options = {}) {
    if (options.topic.empty()) options.topic = "out";
    sink_ = std::make_unique<LogSink>(std::move(options));
    EXPECT_TRUE(sink_->Open(this, this).ok());
  }
  void WantCheckpoint() override { ++checkpoints_wanted; }
  int checkpoints_wanted = 0;
  void Restore(const std::vector<StatePiece>& pieces) {
    const Status status = sink_->Restore(pieces);
    if (!status.ok()) failures.push_back(ErrorNumber(status));
  }
  bool CanAccept() { return sink_->CanAccept(); }
  // A row for each (offset, text); partition 0 of source 0.
  void Process(const std::vector<std::pair<int64_t, std::string>>& rows, int partition = 0) {
    RecordBatch batch(LineSchema());
    for (const auto& [offset, text] : rows) {
      batch.column(0).AppendInt(offset);
      batch.column(1).AppendString(text);
      batch.AppendMeta(offset, {0, partition, offset}, 0);
    }
    const Status status = sink_->Process(0, std::move(batch));
    if (!status.ok()) failures.push_back(ErrorNumber(status));
  }
  std::shared_ptr<CollectedPart> Snapshot(int64_t id = 1) {
    auto part = std::make_shared<CollectedPart>(id);
    EXPECT_TRUE(sink_->Snapshot(part).ok());
    return part;
  }
  void Run() {
    while (world_->env.RunPending() + mailbox_.RunAll() > 0) {
    }
  }
  LogSink& sink() { return *sink_; }
  void Kill() {
    mailbox_.Close();
    sink_.reset();
  }

 private:
  std::unique_ptr<LogSink> sink_;
};

}  // namespace weir
