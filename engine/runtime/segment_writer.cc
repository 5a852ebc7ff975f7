#include "engine/runtime/segment_writer.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"

namespace weir {

bool SegmentChain::NeedsFull() const {
  constexpr size_t kShort = 16;      // below it only the bytes count
  constexpr size_t kLong = 4096;     // every manifest names them all
  constexpr int64_t kEach = 65'536;  // what opening a file is worth in bytes
  if (!has_base || segments.empty() || deltas >= kLong) return true;
  if (delta_bytes > 2 * base_bytes + (int64_t{1} << 20)) return true;
  return deltas >= kShort && delta_bytes + static_cast<int64_t>(deltas) * kEach > base_bytes / 4;
}

SegmentWriter::SegmentWriter(StateBackend* backend, bool broadcast,
                             std::shared_ptr<CheckpointStorage> storage, Executor* io,
                             MailHandle mail, std::function<void(Status)> fail)
    : backend_(backend),
      broadcast_(broadcast),
      storage_(std::move(storage)),
      io_(io),
      mail_(std::move(mail)),
      fail_(std::move(fail)) {}

SegmentWriter::Plan SegmentWriter::Planned() const {
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) {
    if ((*job)->kind == Kind::kSavepoint) return Plan::kNothing;
    if ((*job)->full) return Plan::kBase;
  }
  return chain_.has_base ? Plan::kChain : Plan::kNothing;
}

bool SegmentWriter::NeedsFull() const {
  const Plan plan = Planned();
  return plan == Plan::kNothing || (plan == Plan::kChain && chain_.NeedsFull());
}

void SegmentWriter::Write(Kind kind, const std::string& savepoint, Done done) {
  auto job = std::make_shared<Job>();
  job->kind = kind;
  job->savepoint = savepoint;
  job->done = std::move(done);
  job->state = backend_->TakeSealed();
  job->full = job->state.full;
  job->store_only = kind == Kind::kSpill && !job->full && Planned() == Plan::kNothing;
  jobs_.push_back(std::move(job));
  StartNext();
}

// The first job that is not in the store yet, unless it is on its way.
void SegmentWriter::StartNext() {
  // By index, and a copy: a job that has nothing to write lands, and leaves the list, at once.
  for (size_t i = 0; i < jobs_.size();) {
    const JobPtr job = jobs_[i];
    if (job->stored) {
      ++i;
      continue;
    }
    if (job->started) return;
    job->started = true;
    if (job->state.rest != nullptr) {
      SubmitStep(job);
      return;
    }
    job->stored = true;
    const bool nothing = job->store_only || job->state.tables.empty();
    if (!nothing) {
      SubmitStep(job);
      continue;
    }
    OnFinished(job);
    i = 0;
  }
}

// The task may be gone when it is done: everything but `self` is owned by the job, which outlives
// the executor's work, and the mail is dropped then.
void SegmentWriter::SubmitStep(const JobPtr& job) {
  io_->Submit([self = shared_from_this(), job] { self->Step(job); });
}

// On the I/O executor; one part a time, so that a large state does not keep others waiting.
void SegmentWriter::Step(const JobPtr& job) {
  bool more = false;
  if (job->state.rest == nullptr) {
    job->status = WritePart(job.get(), std::move(job->state));
  } else {
    SealedState part;
    const StatusOr<bool> next = job->state.rest->Next(&part);
    if (!next.ok()) {
      mail_.Post([self = shared_from_this(), status = next.status()] { self->fail_(status); });
      return;
    }
    if (!std::exchange(job->begun, true)) {
      mail_.Post([self = shared_from_this(), job] { self->OnStored(job); });
    }
    more = *next && !job->store_only;
    if (more) job->status = WritePart(job.get(), std::move(part));
    more = more && job->status.ok();
  }
  if (more) {
    SubmitStep(job);
  } else {
    mail_.Post([self = shared_from_this(), job] { self->OnFinished(job); });
  }
}

Status SegmentWriter::WritePart(Job* job, SealedState part) {
  // Every subtask holds broadcast state alike; one copy is enough (I-18).
  std::erase_if(part.tables, [&](const SealedTable& t) {
    return t.records == 0 || (t.broadcast && !broadcast_);
  });
  if (part.tables.empty()) return absl::OkStatus();
  WEIR_ASSIGN_OR_RETURN(SegmentRef ref, storage_->WriteSegment(std::move(part), job->savepoint));
  job->segments.push_back(std::move(ref));
  return absl::OkStatus();
}

void SegmentWriter::OnStored(const JobPtr& job) {
  job->stored = true;
  backend_->StoreDone();
  StartNext();
}

void SegmentWriter::OnFinished(const JobPtr& job) {
  job->finished = true;
  while (!jobs_.empty() && jobs_.front()->finished) {
    const JobPtr landed = std::move(jobs_.front());
    jobs_.pop_front();
    Land(landed.get());
  }
}

void SegmentWriter::Land(Job* job) {
  Outcome outcome;
  outcome.status = job->status;
  for (const SegmentRef& ref : job->segments) outcome.bytes += ref.bytes;
  if (job->kind == Kind::kSavepoint) {
    // Its seal has taken the dirty list with it: the next checkpoint starts a new chain.
    chain_ = SegmentChain{};
    outcome.segments = std::move(job->segments);
  } else if (!job->status.ok()) {
    chain_ = SegmentChain{};  // what this delta held is in no file
    if (job->kind == Kind::kSpill) LogWarning("state", FormatError(job->status));
  } else if (job->full || chain_.has_base) {
    Append(*job);
    outcome.segments = chain_.segments;
  } else if (job->kind == Kind::kCheckpoint) {
    outcome.status = Err(ErrorCode::kStateIo, "the checkpoint that this one builds on has failed",
                         "the next one is complete in itself");
  }
  if (job->done) job->done(outcome);
}

void SegmentWriter::Append(const Job& job) {
  if (job.full) {
    chain_ = SegmentChain{};
    chain_.has_base = true;
  } else {
    chain_.deltas += job.segments.size();
  }
  for (const SegmentRef& ref : job.segments) {
    (job.full ? chain_.base_bytes : chain_.delta_bytes) += ref.bytes;
    chain_.segments.push_back(ref);
  }
}

}  // namespace weir
