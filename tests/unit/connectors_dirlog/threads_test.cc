// Several tasks on real threads share one partition, while another follows it.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "connectors/dirlog/directory_log.h"
#include "engine/core/async_log.h"

namespace weir {
namespace {

constexpr int kTasks = 3;
constexpr int kRecords = 200;

class BlockingWaker : public Waker {
 public:
  void Wake() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    awake_ = true;
    condition_.notify_one();
  }
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    condition_.wait(lock, [this] { return awake_; });
    awake_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool awake_ = false;
};

// Runs mail until `done`, as a task does.
template <typename Done>
void RunMail(Mailbox* mailbox, BlockingWaker* waker, Done done) {
  while (!done()) {
    if (mailbox->RunAll() == 0) waker->Wait();
  }
}

void WriteAll(const Env& env, LogClient* log, int task) {
  const auto waker = std::make_shared<BlockingWaker>();
  Mailbox mailbox(waker);
  AsyncLogWriter writer(env.io, mailbox.handle(), log->OpenWriter("t", 0, 1).value());
  int synced = 0, appended = 0;
  for (int i = 0; i < kRecords; ++i) {
    const std::string value = std::to_string(task) + " " + std::to_string(i);
    writer.Append({{value, "", "id " + value, 0}}, [&](const StatusOr<int64_t>& first) {
      ASSERT_TRUE(first.ok());
      ++appended;
    });
    if (i % 10 != 9) continue;
    writer.Sync([&](const Status& s) {
      ASSERT_TRUE(s.ok());
      ++synced;
    });
    mailbox.RunAll();
  }
  RunMail(&mailbox, waker.get(), [&] { return synced == kRecords / 10; });
  EXPECT_EQ(appended, kRecords);
}

void ReadAll(const Env& env, LogClient* log) {
  const auto waker = std::make_shared<BlockingWaker>();
  Mailbox mailbox(waker);
  std::map<int, int> next;  // by task: the record that must come next
  int records = 0;
  LogReadOptions options;
  options.max_bytes = 100;
  options.with_meta = true;
  AsyncLogReader* self = nullptr;
  LogChunk chunk;
  AsyncLogReader reader(
      env.io, mailbox.handle(), [log] { return log->OpenReader("t", 0, {}); },
      [&](const Status& status) {
        ASSERT_TRUE(status.ok()) << status;
        self->Take(&chunk);
        for (const LogItem& item : chunk.items) {
          EXPECT_EQ(item.offset, records++);
          EXPECT_EQ(item.effect_id, "id " + std::string(item.value));
          const int task = item.value[0] - '0';
          EXPECT_EQ(item.value.substr(2), std::to_string(next[task]++));
        }
        self->Start(options);
      });
  self = &reader;
  reader.Start(options);
  RunMail(&mailbox, waker.get(), [&] { return records == kTasks * kRecords; });
}

TEST(DirectoryLogThreads, TasksShareAPartition) {
  std::string folder = ::testing::TempDir() + "/threadsXXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  RealEnv real(2);
  const auto log = NewDirectoryLog(real.env(), folder);
  ASSERT_TRUE(log->OpenWriter("t", 0, 1).ok());
  std::vector<std::thread> threads;
  for (int task = 0; task < kTasks; ++task) {
    threads.emplace_back([&, task] { WriteAll(real.env(), log.get(), task); });
  }
  threads.emplace_back([&] { ReadAll(real.env(), log.get()); });
  for (std::thread& t : threads) t.join();
  ASSERT_TRUE(real.env().fs->RemoveAll(folder).ok());
}

}  // namespace
}  // namespace weir
