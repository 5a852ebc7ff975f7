#include "engine/runtime/task.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"

namespace weir {
namespace {
constexpr int kEventsPerTurn = 16;          // then other tasks of the slot get their turn
constexpr uint32_t kReclaimEvery = 64;      // turns between sweeps for expired state
constexpr int64_t kRecordsPerReclaim = 64;  // one call looks at 128 entries
constexpr int64_t kGaugesEveryNs = 1'000'000'000;
}  // namespace

Task::Task(int number, std::string name, std::vector<NodeConfig> nodes,
           std::shared_ptr<Waker> waker, const JobServices& services)
    : number_(number), name_(std::move(name)), services_(services), mailbox_(std::move(waker)) {
  for (NodeConfig& config : nodes) {
    nodes_.push_back(std::make_unique<ChainNode>(std::move(config), this));
  }
  for (const auto& node : nodes_) {
    writers_.push_back(node->backend() == nullptr
                           ? nullptr
                           : std::make_shared<SegmentWriter>(
                                 node->backend(), node->info().subtask == 0, services_.storage,
                                 services_.env.background, mailbox_.handle(),
                                 [this](Status status) { Fail(std::move(status)); }));
  }
  spilling_.resize(nodes_.size());
  const MetricLabels labels = {{"job", nodes_[0]->info().job},
                               {"task", name_},
                               {"subtask", absl::StrCat(nodes_[0]->info().subtask)}};
  times_ = TaskTimes(services_.metrics, labels);
  snapshot_gauges_ = TaskSnapshotGauges(services_.metrics, labels);
}

Task::~Task() { Close(); }

void Task::SetInputs(std::vector<int> inputs, std::vector<bool> control,
                     std::vector<Channel*> channels) {
  gate_.emplace(std::move(inputs), std::move(control), std::move(channels));
  gate_->RestoreWatermark(nodes_[0]->watermark());
}

bool Task::RunTurn() {
  if (closed_) return false;
  // Mail is not known to be of one operator or the other.
  const OperatorInfo& head = nodes_[0]->info();
  const LogScope scope(nodes_.size() == 1 ? head.uid : std::string_view(), head.subtask);
  // The one place where exceptions of user code end (D20).
  try {
    return TurnWork();
  } catch (const StateReadError& e) {
    Fail(e.status());
  } catch (const std::exception& e) {
    Fail(Err(ErrorCode::kUserException, absl::StrCat("exception: ", e.what())));
  } catch (...) {
    Fail(Err(ErrorCode::kUserException, "exception of an unknown type"));
  }
  return false;
}

bool Task::TurnWork() {
  turn_start_ns_ = services_.env.clock->MonoNs();
  blocked_ = false;
  bool progress = false;
  Status status = TakeTurn(&progress);
  if (!status.ok()) Fail(std::move(status));
  if (closed_) return false;
  if (snapshot_ != nullptr && snapshot_->sealing())
    progress |= snapshot_->Continue(services_.slice_ns);
  if (committing_ > 0) ReportCommitted();
  ReclaimState();
  progress |= SettleState();
  CountTurn(progress);
  return progress;
}

Status Task::TakeTurn(bool* progress) {
  if (!opened_) WEIR_RETURN_IF_ERROR(Open());
  for (auto& node : nodes_) node->UpdateTime();
  *progress |= mailbox_.RunAll() > 0;
  WEIR_RETURN_IF_ERROR(RunTimers(progress));
  WEIR_RETURN_IF_ERROR(InjectBarrier());
  if (closed_) return absl::OkStatus();
  if (!DrainOutputs()) {
    blocked_ = true;
    return absl::OkStatus();
  }
  return Firing() ? FireTimers(progress) : TakeInput(progress);
}

// At most two looks at the clock a turn, whatever is in it. A turn without progress belongs to the
// state around it.
void Task::CountTurn(bool progress) {
  if (!started() && (!is_source() || nodes_[0]->source()->Started())) started_ = true;
  if (turn_start_ns_ - gauges_at_ns_ >= kGaugesEveryNs) {
    gauges_at_ns_ = turn_start_ns_;
    for (auto& node : nodes_) {
      if (node->state_metrics() != nullptr) node->state_metrics()->Publish();
    }
  }
  using State = TaskTimes::State;
  const State next = blocked_ ? State::kBackpressured : progress ? State::kQueued : State::kIdle;
  if (progress) {
    times_.Enter(State::kBusy, turn_start_ns_);
    times_.Enter(next, services_.env.clock->MonoNs());
  } else if (next != times_.state()) {
    times_.Enter(next, turn_start_ns_);
  }
}

Status Task::Open() {
  opened_ = true;
  // Tail to head: what an operator emits while it opens reaches open operators (E-A8).
  for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
    const Status status = (*it)->Open();
    if (!status.ok()) return Annotate(status, (*it)->info().name);
  }
  return absl::OkStatus();
}

Status Task::RunTimers(bool* progress) {
  const int64_t now = services_.env.clock->MonoNs();
  for (auto& node : nodes_) {
    if (node->NextDeadlineNs() > now) continue;
    *progress = true;
    WEIR_RETURN_IF_ERROR(node->RunDueTimersAndWakes());
  }
  return absl::OkStatus();
}

bool Task::Firing() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->firing(); });
}

Status Task::FireTimers(bool* progress) {
  *progress = true;
  // Tail first: what a parent passes on would make its child fire all the rest at once.
  const auto node =
      std::find_if(nodes_.rbegin(), nodes_.rend(), [](const auto& n) { return n->firing(); });
  return (*node)->FireTimers();
}

Status Task::TakeInput(bool* progress) {
  const bool accept = Accepts();
  blocked_ = !accept;
  if (is_source()) {
    if (!accept) return absl::OkStatus();
    WEIR_ASSIGN_OR_RETURN(const Source::PollResult result, nodes_[0]->Poll());
    *progress |= result == Source::PollResult::kMore;
    return absl::OkStatus();
  }
  for (int i = 0; i < kEventsPerTurn && !closed_; ++i) {
    auto event = gate_->Next(!accept);
    if (!event) break;
    *progress = true;
    WEIR_RETURN_IF_ERROR(Handle(std::move(*event)));
    blocked_ = !DrainOutputs() || !Accepts();
    if (blocked_ || Firing()) break;
  }
  if (align_start_ns_ == 0 && gate_->aligning()) align_start_ns_ = turn_start_ns_;
  return absl::OkStatus();
}

Status Task::Handle(GateEvent event) {
  ChainNode* head = nodes_[0].get();
  if (auto* batch = std::get_if<GateBatch>(&event)) {
    head->UpdateTime();
    const size_t bytes = batch->batch.MemoryBytes();
    return head->ProcessInput(batch->input, std::move(batch->batch), bytes);
  }
  if (auto* time = std::get_if<GateTime>(&event)) {
    if (time->time.watermark) WEIR_RETURN_IF_ERROR(head->AdvanceWatermark(*time->time.watermark));
    if (time->time.idle) WEIR_RETURN_IF_ERROR(head->SetIdle(*time->time.idle));
    return absl::OkStatus();
  }
  if (auto* barrier = std::get_if<Barrier>(&event)) return BeginSnapshot(*barrier);
  return head->EndInput();
}

Status Task::BeginSnapshot(const Barrier& barrier) {
  if (snapshot_ != nullptr) {
    if (barrier.id <= snapshot_->id()) return absl::OkStatus();
    snapshot_->FinishSealing();  // an aborted checkpoint still holds a seal
  }
  WEIR_CHECK(!Firing(), "a barrier overtakes timers of the watermark before it");
  for (size_t i = 0; i < nodes_.size(); ++i) {
    while (spilling_[i]) ContinueSpill(i, kNeverNs);  // a node has one seal at a time
  }
  last_barrier_ = barrier.id;
  snapshot_ = std::make_shared<TaskSnapshot>(number_, barrier, &nodes_, &writers_, services_.env,
                                             services_.listener, snapshot_gauges_);
  const int64_t aligned_since = std::exchange(align_start_ns_, 0);
  WEIR_RETURN_IF_ERROR(snapshot_->Begin(aligned_since));
  for (auto& node : nodes_) node->EmitBarrier(barrier);
  snapshot_->Continue(0);  // acknowledges at once when there is nothing to serialise
  return absl::OkStatus();
}

Status Task::InjectBarrier() {
  if (!waiting_barrier_ || !nodes_[0]->source()->Started() || Firing()) return absl::OkStatus();
  const Barrier barrier = *std::exchange(waiting_barrier_, std::nullopt);
  return BeginSnapshot(barrier);
}

bool Task::DrainOutputs() {
  bool empty = true;
  for (auto& node : nodes_) empty &= node->Drain();
  return empty;
}

// As fast as new entries can come, so that state under a TTL stays bounded; a little also when none
// come.
void Task::ReclaimState() {
  const bool idle_sweep = ++turns_ % kReclaimEvery == 0;
  reclaimed_at_.resize(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->backend() == nullptr) continue;
    const int64_t taken = nodes_[i]->records_in()->Get();
    int64_t calls = (taken - reclaimed_at_[i]) / kRecordsPerReclaim;
    if (calls > 0) reclaimed_at_[i] = taken;
    for (calls += idle_sweep ? 1 : 0; calls > 0; --calls) nodes_[i]->backend()->ReclaimExpired();
  }
}

bool Task::Accepts() {
  return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) {
    return node->CanAccept() && (node->backend() == nullptr || node->backend()->Accepting());
  });
}

bool Task::SettleState() {
  bool more = false;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    StateBackend* backend = nodes_[i]->backend();
    if (backend == nullptr) continue;
    backend->Settle();
    if (!spilling_[i]) {
      const StateBackend::Spill spill = backend->WantsSpill();
      if (spill == StateBackend::Spill::kNone) continue;
      backend->Seal(last_barrier_ + 1, spill == StateBackend::Spill::kFull);
      spilling_[i] = true;
      nodes_[i]->state_metrics()->CountSpill();
    }
    more |= ContinueSpill(i, services_.slice_ns);
  }
  return more;
}

bool Task::ContinueSpill(size_t i, int64_t budget_ns) {
  spilling_[i] = !nodes_[i]->backend()->WriteSlice(budget_ns);
  if (!spilling_[i]) writers_[i]->Write(SegmentWriter::Kind::kSpill, {}, nullptr);
  return spilling_[i];
}

int64_t Task::NextDeadlineNs() {
  if (closed_) return kNeverNs;
  if (!opened_) return 0;
  int64_t next = kNeverNs;
  for (auto& node : nodes_) next = std::min(next, node->NextDeadlineNs());
  return next;
}

void Task::TriggerSnapshot(Barrier barrier) {
  mail().Post([this, barrier = std::move(barrier)] { waiting_barrier_ = barrier; });
}

void Task::NotifyComplete(int64_t id) {
  mail().Post([this, id] {
    for (auto& node : nodes_) {
      if (node->source() != nullptr) {
        node->source()->OnCheckpointComplete(id);
      } else {
        node->op()->OnCheckpointComplete(id);
      }
    }
    committing_ = id;
  });
}

void Task::ReportCommitted() {
  const bool all = std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) {
    return node->op() == nullptr || node->op()->Committed();
  });
  if (all) services_.listener->OnCommitted(number_, std::exchange(committing_, 0));
}

void Task::Drain() {
  mail().Post([this] {
    if (is_source()) nodes_[0]->source()->Drain();
  });
}

void Task::Fail(Status status) {
  if (closed_) return;
  closed_ = true;
  const OperatorInfo& head = nodes_[0]->info();
  const std::string where = head.parallelism == 1
                                ? absl::StrCat("task '", name_, "'")
                                : absl::StrCat("task '", name_, "' (subtask ", head.subtask, " of ",
                                               head.parallelism, ")");
  services_.listener->OnFailed(number_,
                               Annotate(WithPlace(std::move(status), "", head.subtask), where));
}

void Task::NodeEnded() {
  if (++ended_nodes_ == nodes_.size()) services_.listener->OnEnded(number_);
}

void Task::Close() {
  closed_ = true;
  mailbox_.Close();
}

}  // namespace weir
