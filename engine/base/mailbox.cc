#include "engine/base/mailbox.h"

#include <utility>

#include "engine/base/status.h"

namespace weir {

void MailHandle::Post(std::function<void()> mail) const {
  if (box_ == nullptr) return;
  std::shared_ptr<Waker> waker;
  {
    const std::lock_guard<std::mutex> lock(box_->mutex);
    if (box_->closed) return;  // `mail` is destroyed by the caller, outside of the lock
    // Whoever made the box non-empty wakes; the others' mail is then seen as well.
    if (box_->mails.empty()) waker = box_->waker;
    box_->mails.push_back(std::move(mail));
    box_->has_mail.store(true, std::memory_order_release);
  }
  if (waker != nullptr) waker->Wake();
}

Mailbox::Mailbox(std::shared_ptr<Waker> waker) : box_(std::make_shared<MailHandle::Box>()) {
  box_->waker = std::move(waker);
}

size_t Mailbox::RunAll() {
  if (!HasMail()) return 0;
  WEIR_CHECK(running_.empty(), "RunAll was called by a mail");
  {
    const std::lock_guard<std::mutex> lock(box_->mutex);
    running_.swap(box_->mails);
    box_->has_mail.store(false, std::memory_order_relaxed);
  }
  size_t count = 0;
  for (std::function<void()>& mail : running_) {
    if (closed_) break;  // a mail ended the task; the rest must not touch it
    // Taken out first, so that what the mail owns dies with it and not with the whole round.
    const std::function<void()> current = std::move(mail);
    current();
    ++count;
  }
  running_.clear();
  return count;
}

void Mailbox::Close() {
  closed_ = true;
  std::vector<std::function<void()>> dropped;
  std::shared_ptr<Waker> waker;
  {
    const std::lock_guard<std::mutex> lock(box_->mutex);
    box_->closed = true;
    dropped.swap(box_->mails);
    waker.swap(box_->waker);
    box_->has_mail.store(false, std::memory_order_relaxed);
  }
  // What the dropped mails own may post again when it dies: not under the lock.
}

}  // namespace weir
