#include "engine/core/async_log.h"

#include <span>
#include <utility>

namespace weir {
namespace {

// What a record costs beside its bytes.
constexpr size_t kRecordOverhead = sizeof(LogAppend);

size_t BytesOf(const std::vector<LogAppend>& records) {
  size_t bytes = 0;
  for (const LogAppend& r : records) {
    bytes += r.value.size() + r.key.size() + r.effect_id.size() + kRecordOverhead;
  }
  return bytes;
}

}  // namespace

// The calls of one I/O job in their order, and what came of them.
struct AsyncLogWriter::Job {
  struct Call {
    size_t records = 0;
    AppendDone appended;
    SyncDone synced;
    bool is_sync = false;
  };
  std::vector<Call> calls;
  std::vector<LogAppend> records;
  size_t bytes = 0;
  bool sync = false;
  StatusOr<int64_t> first = 0;
  Status sync_status;
};

struct AsyncLogWriter::State {
  Executor* io;
  MailHandle mail;
  std::shared_ptr<LogWriter> writer;
  size_t max_pending_bytes;
  std::shared_ptr<Job> next = std::make_shared<Job>();
  size_t pending_bytes = 0;
  bool running = false;
  bool alive = true;  // false once the owner is gone: its callbacks point into nothing
  Status failed;
};

AsyncLogWriter::AsyncLogWriter(Executor* io, MailHandle mail, std::shared_ptr<LogWriter> writer,
                               size_t max_pending_bytes)
    : state_(std::make_shared<State>()) {
  state_->io = io;
  state_->mail = std::move(mail);
  state_->writer = std::move(writer);
  state_->max_pending_bytes = max_pending_bytes;
}

AsyncLogWriter::~AsyncLogWriter() { state_->alive = false; }

void AsyncLogWriter::Append(std::vector<LogAppend> records, AppendDone done) {
  Job* job = state_->next.get();
  const size_t bytes = BytesOf(records);
  job->bytes += bytes;
  state_->pending_bytes += bytes;
  job->calls.push_back({records.size(), std::move(done), nullptr, false});
  if (job->records.empty()) {
    job->records = std::move(records);
  } else {
    job->records.insert(job->records.end(), std::make_move_iterator(records.begin()),
                        std::make_move_iterator(records.end()));
  }
  StartNext(state_);
}

void AsyncLogWriter::Sync(SyncDone done) {
  state_->next->calls.push_back({0, nullptr, std::move(done), true});
  state_->next->sync = true;
  StartNext(state_);
}

bool AsyncLogWriter::full() const { return state_->pending_bytes >= state_->max_pending_bytes; }
size_t AsyncLogWriter::pending_bytes() const { return state_->pending_bytes; }
bool AsyncLogWriter::idle() const { return !state_->running && state_->next->calls.empty(); }

void AsyncLogWriter::StartNext(const std::shared_ptr<State>& state) {
  if (state->running || state->next->calls.empty()) return;
  state->running = true;
  const std::shared_ptr<Job> job = std::exchange(state->next, std::make_shared<Job>());
  const auto answer = [weak = std::weak_ptr<State>(state), job] {
    if (const std::shared_ptr<State> s = weak.lock()) Complete(s, job.get());
  };
  if (!state->failed.ok()) {
    job->first = state->failed;
    job->sync_status = state->failed;
    state->mail.Post(answer);
    return;
  }
  state->io->Submit([job, answer, writer = state->writer, mail = state->mail] {
    if (!job->records.empty()) job->first = writer->Append(job->records);
    if (job->first.ok() && job->sync) job->sync_status = writer->Sync();
    if (!job->first.ok()) job->sync_status = job->first.status();
    mail.Post(answer);
  });
}

void AsyncLogWriter::Complete(const std::shared_ptr<State>& state, Job* job) {
  state->running = false;
  state->pending_bytes -= job->bytes;
  if (state->failed.ok()) state->failed = job->sync_status;
  if (state->failed.ok()) state->failed = job->first.status();
  // First the next job, then the callbacks: the disk need not wait for them.
  if (state->alive) StartNext(state);
  int64_t appended = 0;
  for (Job::Call& call : job->calls) {
    if (!state->alive) return;  // a callback has destroyed the owner
    if (call.is_sync) {
      if (call.synced) call.synced(job->sync_status);
      continue;
    }
    StatusOr<int64_t> first = job->first;
    if (first.ok()) *first += appended;
    appended += static_cast<int64_t>(call.records);
    if (call.appended) call.appended(std::move(first));
  }
}

struct AsyncLogReader::State {
  Executor* io;
  MailHandle mail;
  Opener open;
  std::function<void(const Status&)> on_read;
  // Used by the job while one runs, else by the task.
  struct Shared {
    std::unique_ptr<LogReader> reader;
    LogChunk chunk;
    Status status;
  };
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  bool reading = false;
  bool ready = false;
};

AsyncLogReader::AsyncLogReader(Executor* io, MailHandle mail, Opener open,
                               std::function<void(const Status&)> on_read)
    : state_(std::make_shared<State>()) {
  state_->io = io;
  state_->mail = std::move(mail);
  state_->open = std::move(open);
  state_->on_read = std::move(on_read);
}

// The jobs hold the state weakly; mail that comes now finds nobody.
AsyncLogReader::~AsyncLogReader() = default;

void AsyncLogReader::Start(const LogReadOptions& options) {
  if (state_->reading || state_->ready || !state_->shared->status.ok()) return;
  state_->reading = true;
  const auto answer = [weak = std::weak_ptr<State>(state_)] {
    const std::shared_ptr<State> state = weak.lock();
    if (state == nullptr) return;
    state->reading = false;
    state->ready = state->shared->status.ok();
    state->on_read(state->shared->status);
  };
  state_->io->Submit([options, answer, shared = state_->shared, mail = state_->mail,
                      open = std::exchange(state_->open, nullptr)] {
    if (open) {
      StatusOr<std::unique_ptr<LogReader>> reader = open();
      shared->status = reader.status();
      if (reader.ok()) shared->reader = *std::move(reader);
    }
    if (shared->status.ok()) shared->status = shared->reader->Read(options, &shared->chunk);
    mail.Post(answer);
  });
}

bool AsyncLogReader::ready() const { return state_->ready; }
bool AsyncLogReader::reading() const { return state_->reading; }

void AsyncLogReader::Take(LogChunk* chunk) {
  WEIR_CHECK(state_->ready, "no chunk is ready");
  std::swap(*chunk, state_->shared->chunk);
  state_->ready = false;
}

}  // namespace weir
