// How a source makes watermarks (mission 8.1, DESIGN D11). Pure logic: whoever uses it brings the
// time, as monotonic milliseconds where it matters.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/record_batch.h"

namespace weir {

// One split's generator: watermark = highest event time so far - bound - 1 (E-M1). A watermark of t
// says that no more records with event time <= t are expected.
class BoundedOutOfOrderness {
 public:
  // `restored` is the watermark from a checkpoint: the generator never falls below it.
  explicit BoundedOutOfOrderness(int64_t bound_ms, int64_t restored = kNoTimestamp);
  void OnEvent(int64_t event_time_ms) {
    if (event_time_ms > max_) max_ = event_time_ms;
  }
  // kNoTimestamp before any record.
  int64_t watermark() const { return max_ - bound_ - 1; }
  // kNoTimestamp before any record.
  int64_t max_event_time() const { return watermark() == kNoTimestamp ? kNoTimestamp : max_; }

 private:
  int64_t bound_;
  int64_t max_;
};

// Tells when a split has been without records for longer than a timeout (E-M7): the first check
// without activity starts the clock; idle when more than the timeout has passed since. Time between
// Pause and Resume does not count: a source that may not read cannot know what there is to read.
class IdlenessTimer {
 public:
  explicit IdlenessTimer(int64_t timeout_ms) : timeout_ms_(timeout_ms) {}  // <= 0: never idle
  void Activity() { active_ = true; }
  bool Check(int64_t mono_ms);
  void Pause(int64_t mono_ms);
  void Resume(int64_t mono_ms);

 private:
  static constexpr int64_t kNone = INT64_MIN;
  int64_t timeout_ms_;
  int64_t start_ms_ = kNone;
  int64_t paused_ms_ = kNone;
  bool active_ = false;
};

// What a source's watermark does when all of its splits are idle.
enum class AllIdlePolicy : uint8_t {
  kHold,   // event time stands still
  kDrain,  // it goes on with processing time, so that what is pending comes out; not replayable
};

// The splits of one source subtask combined: the lowest watermark of those that are not idle
// (E-M5, E-M6), never backwards (E-M2).
class SplitWatermarks {
 public:
  explicit SplitWatermarks(AllIdlePolicy policy) : policy_(policy) {}

  // Adds an active split; its number is valid for ever.
  int Add(int64_t watermark = kNoTimestamp);
  // The output does not begin below `ms` (from a checkpoint).
  void Restore(int64_t ms) { output_ = ms > output_ ? ms : output_; }
  // A lower one than before is ignored.
  void Update(int split, int64_t watermark);
  void SetIdle(int split, bool idle);
  // Records came: processing time counts anew from here.
  void Activity(int64_t mono_ms) { last_activity_ms_ = mono_ms; }
  // Computes the output anew; true if it advanced.
  bool Refresh(int64_t mono_ms);

  int64_t output() const { return output_; }  // kNoTimestamp before any
  bool idle(int split) const { return splits_[split].idle; }
  int64_t watermark(int split) const { return splits_[split].watermark; }
  // Also true without splits (E-M14).
  bool all_idle() const { return active_ == 0; }
  // Lowest watermark of the other active splits; kMaxTimestamp if there is none. As long as `split`
  // alone advances, min(its watermark, this) is the output.
  int64_t MinOfOthers(int split) const;

 private:
  static constexpr int64_t kNever = INT64_MIN;
  struct Split {
    int64_t watermark;
    bool idle;
  };
  int64_t Drained(int64_t mono_ms);

  AllIdlePolicy policy_;
  std::vector<Split> splits_;
  int active_ = 0;
  int64_t output_ = kNoTimestamp;
  int64_t last_activity_ms_ = kNever;
  int64_t drain_from_ = kNoTimestamp;  // the output that draining started from; none = not draining
};

}  // namespace weir
