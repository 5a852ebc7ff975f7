// A harness for operators: one operator, all its subtasks, virtual time. Link weir::testing.
//
//   auto harness = weir::OperatorHarness::Create({
//       .type = MakeCardBurstType(),
//       .inputs = {{.schema = "{ card: string, at: timestamp_ms }", .event_time = "at"}},
//       .options = "key: card\n" "limit: 3",
//       .parallelism = 2});
//   ASSERT_TRUE(harness.ok()) << harness.status();
//   ASSERT_TRUE((*harness)->Send({R"({"card":"a","at":1000})"}).ok());
//   EXPECT_THAT((*harness)->Take("alerts"), ElementsAre(R"({"card":"a","count":3})"));
//
// The operator runs in the engine's own node: the plan checks its options and keys, rows go to the
// subtask that owns their key group, timers fire before the watermark that is due to them, state is
// the memory backend's. What it emits is checked against the contract of Collector::Emit. What is
// left out is the rest of a job: channels, sources, sinks, files. For a whole job: `tests:` in its
// topology and `weir test`.
//
// One thread. Nothing happens between calls: time stands still until it is told to move.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "weir/weir.h"

namespace weir {

// What an operator's checkpoint holds. Belongs to no harness: another one, with another version of
// the operator or another parallelism, may restore from it.
class HarnessSnapshot {
 public:
  struct Content;
  explicit HarnessSnapshot(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  const Content& content() const { return *content_; }
  size_t entries() const;  // of keyed state, timers included

 private:
  std::shared_ptr<const Content> content_;
};

class OperatorHarness {
 public:
  struct Input {
    std::string schema;           // as in a topology: "{ id: int64, card: string? }"
    std::string event_time = {};  // the field that holds it; "" = rows have none
  };
  struct Setup {
    OperatorType type;
    std::vector<Input> inputs;
    std::string options = {};  // the operator's own options as YAML lines: "key: card\nlimit: 3"
    int parallelism = 1;
    int max_parallelism = 128;
    std::shared_ptr<AgentChannel> agent = nullptr;  // what OperatorContext::Agent gives
    // Unkind modes: an operator that is right gives the same results in all of them.
    bool one_row_batches = false;     // batch boundaries must not be seen in results
    bool restore_every_step = false;  // snapshot, throw away, restore after each step
  };

  // Plans and opens the operator. An error of the plan has its number and names the option.
  static StatusOr<std::unique_ptr<OperatorHarness>> Create(Setup setup);
  ~OperatorHarness();

  // Steps. Each runs to the end all that it causes: callbacks, mail, I/O. An error is what would
  // have failed the job.

  // Rows as JSON texts, decoded by the input's schema.
  Status Send(const std::vector<std::string>& rows, int input = 0);
  // Rows as structs with WEIR_RECORD; columns that the struct does not name must be nullable.
  template <typename T>
  Status SendRecords(const std::vector<T>& rows, int input = 0);
  // A batch with the input's schema; hidden columns and key are filled in by the harness.
  Status SendBatch(RecordBatch batch, int input = 0);
  // Event time of all subtasks; what is not above the last one does nothing.
  Status AdvanceWatermark(int64_t ms);
  // Processing time; timers and wake-ups on the way get their own time.
  Status AdvanceTime(int64_t ms);
  Status SetIdle(bool idle);
  Status EndInput();

  int64_t now_ms() const;  // processing time
  const SchemaPtr& input_schema(int input = 0) const;

  // Output since the last call, by the port's name ("" = the default output), in order of emission.

  // Rows as JSON texts.
  std::vector<std::string> Take(const std::string& port = "");
  // Rows as structs with WEIR_RECORD. Views in them live as long as the harness.
  template <typename T>
  std::vector<T> TakeRecords(const std::string& port = "");
  // Everything that a consumer sees: rows, and "watermark 5000", "idle", "active", "end" of the
  // subtask that said it, each followed by "@<subtask>" if there are several.
  std::vector<std::string> TakeAll(const std::string& port = "");
  // Rows as batches, hidden columns included.
  std::vector<RecordBatch> TakeBatches(const std::string& port = "");
  // The lowest of all subtasks; kNoTimestamp before any.
  int64_t watermark(const std::string& port = "") const;

  // State.

  // All subtasks' checkpoint, completed.
  StatusOr<HarnessSnapshot> Snapshot();
  // Throws the operator away and starts it from the snapshot; 0 = as many subtasks as now. Output
  // that was not taken is lost, time goes on.
  Status Restore(const HarnessSnapshot& snapshot, int parallelism = 0);
  // Entries of a state by its name, over all subtasks.
  size_t StateSize(const std::string& state) const;
  size_t timers() const;
  // Sum of a metric over all its labels.
  int64_t Metric(const std::string& name) const;

 private:
  class Impl;
  explicit OperatorHarness(std::unique_ptr<Impl> impl);
  // Nulls in the columns that lack the last row; kRecordMissingField where there may be none.
  static Status FillMissing(RecordBatch* batch);

  std::unique_ptr<Impl> impl_;
  std::deque<RecordBatch> kept_;  // what TakeRecords has given views into
};

template <typename T>
Status OperatorHarness::SendRecords(const std::vector<T>& rows, int input) {
  const SchemaPtr& schema = input_schema(input);
  WEIR_ASSIGN_OR_RETURN(const RecordBinding<T> binding, RecordBinding<T>::Create(*schema));
  RecordBatch batch(schema);
  for (const T& row : rows) {
    binding.Append(row, &batch);
    batch.AppendMeta(kNoTimestamp, Origin{}, 0);
    WEIR_RETURN_IF_ERROR(FillMissing(&batch));
  }
  return SendBatch(std::move(batch), input);
}

template <typename T>
std::vector<T> OperatorHarness::TakeRecords(const std::string& port) {
  std::vector<T> records;
  for (RecordBatch& batch : TakeBatches(port)) {
    kept_.push_back(std::move(batch));
    for (const auto& row : View<T>(kept_.back())) records.push_back(*row);
  }
  return records;
}

}  // namespace weir
