#include "engine/runtime/task.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {
constexpr int kEventsPerTurn = 16;          // then other tasks of the slot get their turn
constexpr uint32_t kReclaimEvery = 64;      // turns between sweeps for expired state
constexpr int64_t kRecordsPerReclaim = 64;  // one call looks at 128 entries
}  // namespace

Task::Task(int number, std::string name, std::vector<NodeConfig> nodes,
           std::shared_ptr<Waker> waker, const JobServices& services)
    : number_(number), name_(std::move(name)), services_(services), mailbox_(std::move(waker)) {
  for (NodeConfig& config : nodes) {
    nodes_.push_back(std::make_unique<ChainNode>(std::move(config), this));
  }
  chains_.resize(nodes_.size());
  const MetricLabels labels = {{"job", nodes_[0]->info().job},
                               {"task", name_},
                               {"subtask", absl::StrCat(nodes_[0]->info().subtask)}};
  busy_ns_ = services_.metrics->GetCounter("weir_task_busy_nanoseconds_total", labels);
  blocked_turns_ = services_.metrics->GetCounter("weir_task_backpressured_turns_total", labels);
}

Task::~Task() { Close(); }

void Task::SetInputs(std::vector<int> inputs, std::vector<bool> control,
                     std::vector<Channel*> channels) {
  gate_.emplace(std::move(inputs), std::move(control), std::move(channels));
}

void Task::RestoreWatermark(int64_t ms) {
  if (gate_) gate_->RestoreWatermark(ms);
  for (auto& node : nodes_) node->RestoreWatermark(ms);
}

bool Task::RunTurn() {
  if (closed_) return false;
  // The one place where exceptions of user code end (D20).
  try {
    return TurnWork();
  } catch (const std::exception& e) {
    Fail(Err(ErrorCode::kUserException, absl::StrCat("exception: ", e.what())));
  } catch (...) {
    Fail(Err(ErrorCode::kUserException, "exception of an unknown type"));
  }
  return false;
}

bool Task::TurnWork() {
  const int64_t start = services_.env.clock->MonoNs();
  bool progress = false;
  Status status = opened_ ? absl::OkStatus() : Open();
  if (status.ok()) {
    for (auto& node : nodes_) node->UpdateTime();
    progress |= mailbox_.RunAll() > 0;
    status = RunTimers(&progress);
    if (status.ok()) status = InjectBarrier();
  }
  if (status.ok() && !closed_) {
    if (!DrainOutputs()) {
      blocked_turns_->Add();
    } else if (Firing()) {
      status = FireTimers(&progress);
    } else {
      status = TakeInput(&progress);
    }
  }
  if (!status.ok()) Fail(std::move(status));
  if (closed_) return false;
  if (snapshot_ != nullptr && snapshot_->sealing())
    progress |= snapshot_->Continue(services_.slice_ns);
  if (committing_ > 0) ReportCommitted();
  ReclaimState();
  if (progress) busy_ns_->Add(services_.env.clock->MonoNs() - start);
  return progress;
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
  const bool accept =
      std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->CanAccept(); });
  if (is_source()) {
    if (!accept) return absl::OkStatus();
    WEIR_ASSIGN_OR_RETURN(const Source::PollResult result, nodes_[0]->source()->Poll());
    *progress |= result == Source::PollResult::kMore;
    return absl::OkStatus();
  }
  for (int i = 0; i < kEventsPerTurn && !closed_; ++i) {
    auto event = gate_->Next(!accept);
    if (!event) break;
    *progress = true;
    WEIR_RETURN_IF_ERROR(Handle(std::move(*event)));
    if (!DrainOutputs() || Firing()) break;
    if (!accept || !std::all_of(nodes_.begin(), nodes_.end(),
                                [](const auto& node) { return node->CanAccept(); })) {
      break;
    }
  }
  return absl::OkStatus();
}

Status Task::Handle(GateEvent event) {
  ChainNode* head = nodes_[0].get();
  if (auto* batch = std::get_if<GateBatch>(&event)) {
    head->UpdateTime();
    return head->ProcessInput(batch->input, std::move(batch->batch));
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
  snapshot_ = std::make_shared<TaskSnapshot>(number_, barrier, &nodes_, &chains_, services_.storage,
                                             services_.env, mailbox_.handle(), services_.listener);
  WEIR_RETURN_IF_ERROR(snapshot_->Begin(gate_ ? gate_->watermark() : kNoTimestamp));
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
  services_.listener->OnFailed(number_, Annotate(status, absl::StrCat("task '", name_, "'")));
}

void Task::NodeEnded() {
  if (++ended_nodes_ == nodes_.size()) services_.listener->OnEnded(number_);
}

void Task::Close() {
  closed_ = true;
  mailbox_.Close();
}

}  // namespace weir
