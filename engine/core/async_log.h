// A log from a task's point of view (DESIGN D2): the task never blocks, the log's calls run on the
// I/O executor and answer by mail. Both classes belong to the task's thread; when they or the task
// die first, what is still under way ends quietly and calls nobody.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/mailbox.h"
#include "engine/core/log_client.h"

namespace weir {

// Appends and syncs in the order of the calls. One I/O job is outstanding; everything that arrives
// meanwhile goes into the next one, as one append and at most one sync.
class AsyncLogWriter {
 public:
  using AppendDone = std::function<void(StatusOr<int64_t> first_offset)>;
  using SyncDone = std::function<void(Status)>;
  static constexpr size_t kDefaultPendingBytes = size_t{8} << 20;

  AsyncLogWriter(Executor* io, MailHandle mail, std::shared_ptr<LogWriter> writer,
                 size_t max_pending_bytes = kDefaultPendingBytes);
  ~AsyncLogWriter();
  AsyncLogWriter(const AsyncLogWriter&) = delete;
  AsyncLogWriter& operator=(const AsyncLogWriter&) = delete;

  // `done` may be empty. After the first error every later call fails with the same one: what
  // became of the failed records is not known, so nothing may follow them.
  void Append(std::vector<LogAppend> records, AppendDone done);
  // Done when everything appended before this call is durable.
  void Sync(SyncDone done);

  // True while more bytes wait than the bound allows; the caller should take no more input. Calls
  // are accepted nevertheless.
  bool full() const;
  size_t pending_bytes() const;
  // No call waits for its answer.
  bool idle() const;

 private:
  struct State;
  struct Job;
  static void StartNext(const std::shared_ptr<State>& state);
  static void Complete(const std::shared_ptr<State>& state, Job* job);
  std::shared_ptr<State> state_;
};

// Reads chunk after chunk, one at a time, so that one is read while the one before is worked on:
//
//   if (reader.ready()) {
//     reader.Take(&chunk);
//     if (!chunk.at_end) reader.Start(options);
//     ... chunk ...
//   }
class AsyncLogReader {
 public:
  using Opener = std::function<StatusOr<std::unique_ptr<LogReader>>()>;
  // `open` runs on the I/O executor before the first read. `on_read` runs after each read: on OK a
  // chunk is ready, perhaps without records; after an error the reader is of no more use.
  AsyncLogReader(Executor* io, MailHandle mail, Opener open,
                 std::function<void(const Status&)> on_read);
  ~AsyncLogReader();
  AsyncLogReader(const AsyncLogReader&) = delete;
  AsyncLogReader& operator=(const AsyncLogReader&) = delete;

  // Begins to read the next chunk. Does nothing while one is being read or waits to be taken.
  void Start(const LogReadOptions& options);
  bool ready() const;
  bool reading() const;
  // Gives the chunk that is ready; takes the old contents of *chunk for its memory.
  void Take(LogChunk* chunk);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weir
