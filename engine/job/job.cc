#include "engine/job/job.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"
#include "engine/base/log.h"
#include "engine/core/metered_channel.h"
#include "state/checkpoint/file_checkpoint_storage.h"

namespace weir {
namespace {
constexpr int kTolerableCheckpointFailures = 10;  // in a row; then the job fails
}  // namespace

StatusOr<std::unique_ptr<Job>> Job::Create(const PhysicalPlan& plan, const Registry& registry,
                                           const Env& env, const JobOptions& options) {
  std::unique_ptr<Job> job(new Job(plan, registry, env, options));
  WEIR_RETURN_IF_ERROR(job->Prepare());
  return job;
}

Job::Job(const PhysicalPlan& plan, const Registry& registry, const Env& env, JobOptions options)
    : plan_(plan),
      registry_(registry),
      io_(env.io),
      background_(env.background != nullptr ? env.background : env.io),
      env_([&] {
        Env own = env;
        own.io = &io_;
        own.background = &background_;
        return own;
      }()),
      options_(std::move(options)),
      metrics_(options_.metrics != nullptr ? options_.metrics : &own_metrics_) {}

Job::~Job() { (void)Stop(); }

Status Job::Prepare() {
  stop_savepoint_ = options_.stop_savepoint;
  const JobSettings& settings = plan_.logical.job;
  storage_ = NewFileCheckpointStorage(env_, settings.checkpoints.directory(), settings.name);
  WEIR_ASSIGN_OR_RETURN(epoch_, storage_->OpenEpoch());
  for (const LogicalNode& node : plan_.logical.nodes) {
    WEIR_RETURN_IF_ERROR(OpenLog(node.log.empty() ? settings.log : node.log).status());
  }
  if (options_.fresh) WEIR_RETURN_IF_ERROR(Reset());
  WEIR_RETURN_IF_ERROR(TakeTopics());
  WEIR_ASSIGN_OR_RETURN(point_, ChooseRestorePoint(storage_.get(), options_.restore));

  JobServices services;
  services.env = env_;
  services.metrics = metrics_;
  services.storage = storage_;
  services.listener = this;
  services.slice_ns = options_.slice_ns;
  services.log = [this](const std::string& url) { return OpenLog(url).value(); };
  services.agent = [this](const std::string& endpoint) { return OpenAgent(endpoint); };
  TaskGraphOptions graph_options;
  graph_options.nodes.until_end = options_.until_end;
  graph_options.slots = options_.slots > 0 ? options_.slots : settings.parallelism;
  graph_options.slot_per_task = options_.slot_per_task;
  graph_options.allow_non_restored = options_.restore.allow_non_restored;
  WEIR_ASSIGN_OR_RETURN(
      graph_, TaskGraph::Build(plan_, registry_, services, epoch_, point_, graph_options));
  if (!point_.savepoint.empty()) {
    WEIR_RETURN_IF_ERROR(storage_->NoteSavepointStart({epoch_, point_.savepoint}));
  }

  CoordinatorConfig config;
  config.job = settings.name;
  config.epoch = epoch_;
  config.max_parallelism = settings.max_parallelism;
  config.tasks = graph_->size();
  config.interval_ms = settings.checkpoints.interval_ms;
  config.timeout_ms = settings.checkpoints.timeout_ms;
  config.retain = settings.checkpoints.retain;
  config.every_records = settings.checkpoints.every_records;
  config.records_read = [this] { return metrics_->Sum("weir_source_records_total"); };
  config.operators = graph_->operators();
  WEIR_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, storage_->List());
  // Above the savepoint's, too: effect ids are made of it.
  config.first_id = std::max(ids.empty() ? 0 : ids.back(), restored_checkpoint()) + 1;
  mailbox_ = std::make_unique<Mailbox>(env_.scheduler->WakerFor(graph_->slots()));
  coordinator_ = std::make_unique<CheckpointCoordinator>(
      std::move(config), env_, storage_, mailbox_->handle(), metrics_,
      [this](const Barrier& barrier) { TriggerSources(barrier); },
      [this](int64_t id, const Barrier& barrier) {
        // An intermediate savepoint is no recovery point and commits nothing (E-C8).
        if (barrier.kind == SnapshotKind::kSavepoint && !final_) return;
        for (int i = 0; i < graph_->size(); ++i) graph_->task(i)->NotifyComplete(id);
      });
  ended_.assign(graph_->size(), false);
  committed_.assign(graph_->size(), 0);
  CountStart();
  return absl::OkStatus();
}

void Job::CountStart() {
  const MetricLabels labels = {{"job", plan_.logical.job.name}};
  metrics_->GetGauge("weir_job_start_time_seconds", labels)->Set(env_.clock->NowMs());
  // Every incarnation opens an epoch, the first one number 1.
  metrics_->GetCounter("weir_job_restarts_total", labels)->Add(epoch_ - 1);
  metrics_->GetGauge("weir_job_restored_checkpoint_id", labels)->Set(restored_checkpoint());
}

bool Job::ready() const {
  for (int i = 0; i < graph_->size(); ++i) {
    if (!graph_->task(i)->started()) return false;
  }
  return true;
}

std::map<std::pair<std::string, std::string>, TopicSpec> Job::OwnTopics() const {
  std::map<std::pair<std::string, std::string>, TopicSpec> topics;
  for (const LogicalNode& node : plan_.logical.nodes) {
    const std::string url = node.log.empty() ? plan_.logical.job.log : node.log;
    if (node.kind == NodeKind::kSink) {
      TopicSpec& spec = topics[{url, node.topic}];
      spec.topic = node.topic;
      spec.partitions = std::max(spec.partitions, node.parallelism);
    }
    for (const std::string& topic : node.op.internal_topics) {
      topics[{url, topic}] = {topic, TopicSpec::Use::kInternal, 1};
    }
  }
  return topics;
}

Status Job::Reset() {
  WEIR_RETURN_IF_ERROR(storage_->DeleteAll());
  for (const auto& [place, spec] : OwnTopics()) {
    WEIR_RETURN_IF_ERROR(logs_.at(place.first)->DeleteTopic(spec.topic));
  }
  return absl::OkStatus();
}

// Fences what an older incarnation may still write, and cuts off what it never finished, before
// anybody reads: a rule or an output must not be taken from bytes that a recovery removes.
Status Job::TakeTopics() {
  for (const auto& [place, spec] : OwnTopics()) {
    LogClient* log = logs_.at(place.first).get();
    WEIR_RETURN_IF_ERROR(log->PrepareTopic(spec));
    WEIR_ASSIGN_OR_RETURN(const std::vector<int> partitions, log->Partitions(spec.topic));
    for (const int partition : partitions) {
      WEIR_RETURN_IF_ERROR(log->OpenWriter(spec.topic, partition, epoch_).status());
    }
  }
  return absl::OkStatus();
}

StatusOr<LogClient*> Job::OpenLog(const std::string& url) {
  // All URLs are opened in Prepare; later calls, from task threads, only read the map.
  if (const auto it = logs_.find(url); it != logs_.end()) return it->second.get();
  const std::string scheme = url.substr(0, url.find(':'));
  const LogType* type = registry_.FindLog(scheme);
  if (type == nullptr) {
    return Err(ErrorCode::kConfigUnknownType, absl::StrCat("no log of scheme '", scheme, "'"));
  }
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<LogClient> log,
                        type->create(env_, url, plan_.logical.job.name));
  return logs_.emplace(url, std::move(log)).first->second.get();
}

StatusOr<std::shared_ptr<AgentChannel>> Job::OpenAgent(const std::string& endpoint) {
  const std::string scheme = endpoint.substr(0, endpoint.find(':'));
  const AgentChannelType* type = registry_.FindAgentChannel(scheme);
  if (type == nullptr) {
    return Err(ErrorCode::kConfigUnknownType,
               absl::StrCat("no agent endpoint of scheme '", scheme, "'"));
  }
  return agents_.With([&](auto* agents) -> StatusOr<std::shared_ptr<AgentChannel>> {
    std::shared_ptr<AgentChannel>& channel = (*agents)[endpoint];
    if (channel == nullptr) {
      WEIR_ASSIGN_OR_RETURN(channel, type->create(env_, endpoint));
      auto* metered = dynamic_cast<MeteredAgentChannel*>(channel.get());
      if (metered != nullptr) metered->UseMetrics(metrics_, plan_.logical.job.name);
    }
    return channel;
  });
}

void Job::Start() {
  started_ = true;
  for (int i = 0; i < graph_->slots(); ++i) {
    env_.scheduler->Start(i, absl::StrCat("slot-", i), graph_->slot(i));
  }
  env_.scheduler->Start(graph_->slots(), "job", this);
}

Status Job::Stop() {
  if (started_) env_.scheduler->Stop();
  started_ = false;
  io_.Close();
  background_.Close();
  if (mailbox_ != nullptr) mailbox_->Close();
  if (graph_ != nullptr) {
    for (int i = 0; i < graph_->size(); ++i) graph_->task(i)->Close();
  }
  return status_;
}

int64_t Job::restored_checkpoint() const {
  return point_.manifest == nullptr ? 0 : point_.manifest->id;
}

std::string Job::restored_from() const {
  std::string checkpoint = absl::StrCat("checkpoint ", restored_checkpoint());
  if (point_.savepoint.empty()) return checkpoint;
  return absl::StrCat("savepoint '", point_.savepoint, "' (", checkpoint, ")");
}

JobPhase Job::phase() const {
  if (done()) return JobPhase::kEnded;
  return stopping_ ? JobPhase::kStopping : JobPhase::kRunning;
}

LogClient* Job::FindLog(const std::string& url) {
  const auto it = logs_.find(url);
  return it == logs_.end() ? nullptr : it->second.get();
}

void Job::RequestStop(const StopOptions& stop) {
  mailbox_->handle().Post([this, stop] {
    if (stopping_ || final_) return;
    stopping_ = true;
    if (!stop.savepoint.empty()) stop_savepoint_ = stop.savepoint;
    drain_deadline_ns_ = env_.clock->MonoNs() + options_.drain_timeout_ms * 1'000'000;
    // Control sources go on: verdicts that are under way wait for their rules.
    for (int i = 0; i < graph_->size(); ++i) {
      const bool control = graph_->is_control(i) && !WEIR_PLANTED_BUG("control-drained");
      if (!control) graph_->task(i)->Drain();
    }
  });
}

void Job::Cancel() {
  mailbox_->handle().Post([this] { Finish(absl::OkStatus()); });
}

void Job::RequestSavepoint(const std::string& name, SnapshotDone done) {
  mailbox_->handle().Post([this, name, done = std::move(done)] {
    requests_.push_back({SnapshotKind::kSavepoint, name, done});
  });
}

void Job::RequestCheckpoint(SnapshotDone done) {
  mailbox_->handle().Post([this, done = std::move(done)] {
    requests_.push_back({SnapshotKind::kCheckpoint, "", done});
  });
}

void Job::OnAck(TaskAck ack) {
  mailbox_->handle().Post([this, ack = std::move(ack)] { coordinator_->OnAck(ack); });
}

void Job::OnCommitted(int task, int64_t id) {
  mailbox_->handle().Post([this, task, id] {
    committed_[task] = std::max(committed_[task], id);
    if (final_complete_) FinishCommitted();
  });
}

void Job::OnCheckpointWanted() {
  mailbox_->handle().Post([this] { coordinator_->WantSoon(); });
}

void Job::OnEnded(int task) {
  mailbox_->handle().Post([this, task] { ended_[task] = true; });
}

void Job::OnFailed(int task, Status status) {
  (void)task;
  mailbox_->handle().Post([this, status = std::move(status)] { Finish(status); });
}

bool Job::RunTurn() {
  if (finished_) return false;
  const bool mail = mailbox_->RunAll() > 0;
  if (finished_) return false;
  coordinator_->Tick();
  if (coordinator_->consecutive_failures() >= kTolerableCheckpointFailures) {
    Finish(Err(ErrorCode::kStateIo,
               absl::StrCat(kTolerableCheckpointFailures, " checkpoints in a row have failed"),
               "see the errors above"));
    return false;
  }
  const bool requested = RunPendingSnapshot();
  MaybeFinish();
  return mail || requested;
}

int64_t Job::NextDeadlineNs() {
  if (finished_) return kNeverNs;
  return std::min(coordinator_->NextDeadlineNs(), drained_or_late_ ? kNeverNs : drain_deadline_ns_);
}

bool Job::RunPendingSnapshot() {
  if (requests_.empty() || coordinator_->in_flight() || final_) return false;
  SnapshotRequest request = std::move(requests_.front());
  requests_.erase(requests_.begin());
  coordinator_->Begin(request.kind, request.savepoint, std::move(request.done));
  return true;
}

void Job::TriggerSources(const Barrier& barrier) {
  for (int i = 0; i < graph_->size(); ++i) {
    if (graph_->task(i)->is_source()) graph_->task(i)->TriggerSnapshot(barrier);
  }
}

// Everything has been processed, or the drain limit has passed: one last snapshot, then the end.
void Job::MaybeFinish() {
  if (final_ || finished_ || !(options_.until_end || stopping_)) return;
  bool all = true;
  for (int i = 0; i < graph_->size(); ++i) all &= ended_[i] || graph_->is_control(i);
  if (all && drained_ns_ == 0) drained_ns_ = env_.clock->MonoNs();
  if (!all && !drained_or_late_ && env_.clock->MonoNs() < drain_deadline_ns_) return;
  drained_or_late_ = true;
  coordinator_->StopPeriodic();
  if (coordinator_->in_flight()) return;  // its end comes as mail
  TakeFinalSnapshot();
}

void Job::TakeFinalSnapshot() {
  final_ = true;
  const bool savepoint = !stop_savepoint_.empty();
  coordinator_->Begin(savepoint ? SnapshotKind::kSavepoint : SnapshotKind::kCheckpoint,
                      stop_savepoint_,
                      [this](int64_t, Status status) { OnFinalSnapshot(std::move(status)); });
}

void Job::OnFinalSnapshot(Status status) {
  if (!status.ok() && !stop_savepoint_.empty()) {
    // The sources have ended, so the job cannot go on. What it did since the last checkpoint is
    // kept all the same; then the job fails.
    stop_savepoint_.clear();
    final_status_ = std::move(status);
    return TakeFinalSnapshot();
  }
  if (status.ok() && !stop_savepoint_.empty()) {
    // Whoever starts the job next goes on from here, not from the checkpoint before.
    status = storage_->NoteSavepointStart({epoch_ + 1, stop_savepoint_});
  }
  if (!status.ok()) return Finish(std::move(status));
  final_complete_ = true;
  FinishCommitted();
}

void Job::FinishCommitted() {
  const int64_t last = coordinator_->last_completed_id();
  const bool all =
      std::all_of(committed_.begin(), committed_.end(), [last](int64_t id) { return id >= last; });
  if (final_complete_ && all) Finish(final_status_);
}

void Job::Finish(Status status) {
  if (finished_) return;
  finished_ = true;
  status_ = std::move(status);
  done_.Notify();
}

}  // namespace weir
