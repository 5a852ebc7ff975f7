// A task's mailbox: the only way from other threads into a task (DESIGN D2).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/base/scheduler.h"

namespace weir {

// The sending side. Copyable, thread-safe; outlives the task: mail posted after the task has closed
// its box is dropped. Mails of one poster arrive in order. The box has no hard bound because every
// mail answers a request that was itself bounded (one fetch per split, one append per writer,
// `capacity` agent calls); its depth is a metric.
class MailHandle {
 public:
  MailHandle() = default;
  void Post(std::function<void()> mail) const;
  bool valid() const { return box_ != nullptr; }

 private:
  friend class Mailbox;
  struct Box {
    std::mutex mutex;
    std::vector<std::function<void()>> mails;
    bool closed = false;
    std::atomic<bool> has_mail{false};
    std::shared_ptr<Waker> waker;
  };
  explicit MailHandle(std::shared_ptr<Box> box) : box_(std::move(box)) {}
  std::shared_ptr<Box> box_;
};

// The receiving side; used by the task's own thread only.
class Mailbox {
 public:
  explicit Mailbox(std::shared_ptr<Waker> waker);
  ~Mailbox() { Close(); }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  MailHandle handle() const { return MailHandle(box_); }
  bool HasMail() const { return box_->has_mail.load(std::memory_order_acquire); }
  // Runs all mail that has arrived; returns how many. A mail must not call it; it may call Close,
  // which drops the mails behind it.
  size_t RunAll();
  void Close();

 private:
  std::shared_ptr<MailHandle::Box> box_;
  std::vector<std::function<void()>> running_;
  bool closed_ = false;
};

}  // namespace weir
