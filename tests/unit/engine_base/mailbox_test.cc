#include "engine/base/mailbox.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace weir {
namespace {

struct CountingWaker : public Waker {
  void Wake() override { wakes.fetch_add(1); }
  std::atomic<int> wakes{0};
};

class MailboxTest : public testing::Test {
 protected:
  std::shared_ptr<CountingWaker> waker_ = std::make_shared<CountingWaker>();
  std::optional<Mailbox> box_{std::in_place, waker_};
  std::vector<int> got_;
  std::function<void()> Note(int n) {
    return [this, n] { got_.push_back(n); };
  }
};

TEST_F(MailboxTest, RunsInOrderAndWakesOnce) {
  const MailHandle handle = box_->handle();
  EXPECT_FALSE(box_->HasMail());
  for (int i = 0; i < 3; ++i) handle.Post(Note(i));
  EXPECT_TRUE(box_->HasMail());
  EXPECT_EQ(waker_->wakes, 1) << "a box that has mail needs no second wake";
  EXPECT_EQ(box_->RunAll(), 3u);
  EXPECT_EQ(got_, (std::vector<int>{0, 1, 2}));
  EXPECT_FALSE(box_->HasMail());
  handle.Post(Note(3));
  EXPECT_EQ(waker_->wakes, 2);
}

TEST_F(MailboxTest, HandleOutlivesTheBox) {
  const MailHandle handle = box_->handle();
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = owned;
  handle.Post([owned = std::move(owned)] {});
  box_.reset();
  EXPECT_TRUE(watch.expired()) << "unread mail must die with the box";
  EXPECT_EQ(waker_.use_count(), 1) << "a closed box must not keep the slot's waker";
  auto late = std::make_shared<int>(0);
  const std::weak_ptr<int> watch_late = late;
  handle.Post([late = std::move(late)] { FAIL() << "ran after the box had closed"; });
  EXPECT_TRUE(watch_late.expired()) << "late mail must not pile up behind a closed box";
  EXPECT_EQ(waker_->wakes, 1);
}

TEST_F(MailboxTest, EmptyHandle) {
  const MailHandle handle;
  EXPECT_FALSE(handle.valid());
  handle.Post(Note(1));  // dropped
}

TEST_F(MailboxTest, MailPostedByAMailRunsInTheNextRound) {
  const MailHandle handle = box_->handle();
  handle.Post([&] { handle.Post(Note(2)); });
  EXPECT_EQ(box_->RunAll(), 1u);
  EXPECT_TRUE(got_.empty());
  EXPECT_EQ(box_->RunAll(), 1u);
  EXPECT_EQ(got_, std::vector<int>{2});
}

TEST_F(MailboxTest, CloseByAMailDropsTheRest) {
  const MailHandle handle = box_->handle();
  handle.Post(Note(1));
  handle.Post([&] { box_->Close(); });
  handle.Post(Note(3));
  EXPECT_EQ(box_->RunAll(), 2u);
  EXPECT_EQ(got_, std::vector<int>{1});
}

// What a dropped mail owns may post when it dies: a deadlock if that happened under the lock.
TEST_F(MailboxTest, DyingMailMayPost) {
  struct PostsWhenItDies {
    MailHandle handle;
    ~PostsWhenItDies() {
      handle.Post([] {});
    }
  };
  auto owned = std::make_shared<PostsWhenItDies>(PostsWhenItDies{box_->handle()});
  box_->handle().Post([owned] {});
  owned.reset();
  box_.reset();
}

TEST_F(MailboxTest, ManyThreadsKeepTheirOwnOrder) {
  constexpr int kThreads = 3;
  constexpr int kMails = 5000;
  std::vector<std::vector<int>> seen(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&seen, t, handle = box_->handle()] {
      for (int i = 0; i < kMails; ++i) handle.Post([&seen, t, i] { seen[t].push_back(i); });
    });
  }
  size_t total = 0;
  while (total < kThreads * kMails) {
    total += box_->RunAll();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& numbers : seen) {
    ASSERT_EQ(numbers.size(), static_cast<size_t>(kMails));
    for (int i = 0; i < kMails; ++i) ASSERT_EQ(numbers[i], i);
  }
}

}  // namespace
}  // namespace weir
