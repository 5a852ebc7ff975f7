#include "connectors/redis/redis_memo.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connectors/redis/command_queue.h"
#include "connectors/redis/resp_connection.h"
#include "engine/base/log.h"
#include "engine/base/random.h"

namespace weir {

namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kMaxPollMs = 10'000;

using Kind = RedisCommand::Kind;

}  // namespace

// Shared by the memo and its thread: a memo that is dropped by a callback, on the thread itself,
// cannot wait for the thread to end.
class RedisMemo::Loop {
 public:
  Loop(const Env& env, RedisEndpoint endpoint, const RedisMemoOptions& options,
       MetricRegistry* metrics)
      : clock_(env.clock),
        endpoint_(std::move(endpoint)),
        options_(options),
        connected_(metrics->GetGauge("weir_memo_connected", {{"memo", "redis"}})),
        random_(env.seed),
        queue_(options.max_queue, options.max_queue_bytes, metrics),
        wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    WEIR_CHECK(wake_fd_ >= 0, "the process has no file descriptor left for its memo");
  }
  ~Loop() { close(wake_fd_); }

  void Start(std::shared_ptr<Loop> self) {
    thread_ = std::thread([self = std::move(self)] { self->Run(); });
  }
  void Stop() {
    queue_.Close();
    Wake();
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }

  // Calls back at once if the command is not taken.
  void Add(RedisCommand command) {
    bool wake = false;
    if (queue_.Add(&command, &wake)) {
      if (wake) Wake();
    } else if (command.done) {
      command.done(std::nullopt);
    }
  }

  const Clock* clock() const { return clock_; }
  const std::string& key_prefix() const { return options_.key_prefix; }

 private:
  void Wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(wake_fd_, &one, sizeof(one));
  }

  void Run() {
    while (!queue_.closed()) {
      const int64_t now = clock_->MonoNs();
      if (connection_ == nullptr && now >= retry_ns_) Connect(now);
      for (RedisCommand& command : queue_.Take()) {
        next_deadline_ns_ = std::min(next_deadline_ns_, command.deadline_ns);
        waiting_.push_back(std::move(command));
      }
      // What was taken in the moment when the connection broke.
      if (connection_ == nullptr) FailAll(&waiting_, "down");
      SendWaiting(now);
      Expire(now);
      CheckStall(now);
      Poll(now);
    }
    for (RedisCommand& command : queue_.Take()) waiting_.push_back(std::move(command));
    FailAll(&sent_, "lost");
    FailAll(&waiting_, "lost");
  }

  void Connect(int64_t now) {
    StatusOr<std::unique_ptr<RespConnection>> opened = RespConnection::Open(endpoint_, attempts_++);
    opened_ns_ = now;
    if (!opened.ok()) return Drop(opened.status());
    connection_ = *std::move(opened);
    setup_sent_ = false;
    setup_left_ = 0;
  }

  // AUTH and SELECT go first; their replies are awaited before anything else is sent, because a
  // server that wants a password answers each command with an error.
  void SendSetup(int64_t now) {
    setup_sent_ = true;
    std::vector<std::string> commands;
    if (!endpoint_.password.empty()) {
      commands.push_back(endpoint_.user.empty()
                             ? RespCommand({"AUTH", endpoint_.password})
                             : RespCommand({"AUTH", endpoint_.user, endpoint_.password}));
    }
    if (endpoint_.db != 0) commands.push_back(RespCommand({"SELECT", absl::StrCat(endpoint_.db)}));
    commands.push_back(RespCommand({"PING"}));  // also refused without a password
    for (std::string& bytes : commands) {
      RedisCommand command;
      command.bytes = std::move(bytes);
      ++setup_left_;
      if (!Send(std::move(command), now)) return;
    }
  }

  void SendWaiting(int64_t now) {
    if (connection_ == nullptr || !connection_->ready()) return;
    if (!setup_sent_) SendSetup(now);
    while (connection_ != nullptr && setup_left_ == 0 && !waiting_.empty()) {
      RedisCommand command = std::move(waiting_.front());
      waiting_.pop_front();
      if (command.kind == Kind::kGet && command.deadline_ns <= now) {
        End(&command, "timeout");
      } else if (!Send(std::move(command), now)) {
        return;
      }
    }
    if (connection_ != nullptr) OnReady(false, false);  // flushes
  }

  bool Send(RedisCommand command, int64_t now) {
    const Status status = connection_->Write(command.bytes);
    command.sent_ns = now;
    sent_.push_back(std::move(command));
    if (status.ok()) return true;
    Drop(status);
    return false;
  }

  void OnReady(bool readable, bool writable) {
    const Status status = connection_->OnReady(readable, writable);
    if (!ReadReplies() || connection_ == nullptr) return;  // replies before the end count
    if (!status.ok()) Drop(status);
  }

  // False after the connection was dropped.
  bool ReadReplies() {
    for (;;) {
      StatusOr<std::optional<RespReply>> reply = connection_->NextReply();
      if (reply.ok() && !reply->has_value()) return true;
      if (!reply.ok() || sent_.empty()) {
        Drop(reply.ok() ? absl::UnavailableError("a reply to nothing") : reply.status());
        return false;
      }
      RedisCommand command = std::move(sent_.front());
      sent_.pop_front();
      if (command.kind == Kind::kSetup) {
        if (!OnSetup(**reply)) return false;
      } else {
        OnReply(&command, **std::move(reply));
      }
    }
  }

  bool OnSetup(const RespReply& reply) {
    if (reply.kind == RespReply::Kind::kError) {
      // "WRONGPASS ...", "NOAUTH ...", "LOADING ...": the server's words hold no secret.
      Drop(absl::UnavailableError(reply.text));
      return false;
    }
    if (--setup_left_ > 0) return true;
    connected_->Set(1);
    queue_.SetDown(false);
    backoff_ms_ = 0;
    LogInfo("memo", absl::StrCat(endpoint_.Shown(), ": connected"));
    return true;
  }

  void OnReply(RedisCommand* command, RespReply reply) {
    if (reply.kind == RespReply::Kind::kError) return End(command, "refused");
    queue_.Left(command->bytes.size());
    if (!command->done) return;
    const auto done = std::exchange(command->done, nullptr);
    if (reply.kind != RespReply::Kind::kText) return done(std::nullopt);
    done(std::move(reply.text));
  }

  // The command will have no reply.
  void End(RedisCommand* command, const char* reason) {
    if (command->kind == Kind::kSetup) return;
    queue_.Left(command->bytes.size());
    const bool told = command->kind == Kind::kGet && !command->done;
    if (!told) queue_.Count(reason);
    if (command->done) std::exchange(command->done, nullptr)(std::nullopt);
  }

  void FailAll(std::deque<RedisCommand>* commands, const char* reason) {
    std::deque<RedisCommand> all;
    all.swap(*commands);
    for (RedisCommand& command : all) End(&command, reason);
  }

  // Gets whose time is over. Those that were sent stay: their replies are still to come.
  void Expire(int64_t now) {
    if (now < next_deadline_ns_) return;
    next_deadline_ns_ = INT64_MAX;
    for (std::deque<RedisCommand>* list : {&sent_, &waiting_}) {
      for (RedisCommand& command : *list) {
        if (!command.done) continue;
        if (command.deadline_ns > now) {
          next_deadline_ns_ = std::min(next_deadline_ns_, command.deadline_ns);
          continue;
        }
        queue_.Count("timeout");
        std::exchange(command.done, nullptr)(std::nullopt);
      }
    }
  }

  void CheckStall(int64_t now) {
    if (connection_ == nullptr) return;
    if (connected_->Get() == 0) {
      if (now - opened_ns_ > options_.connect_timeout_ms * kMs) {
        Drop(absl::UnavailableError("no connection in time"));
      }
    } else if (!sent_.empty() && now - sent_.front().sent_ns > options_.stall_timeout_ms * kMs) {
      Drop(absl::UnavailableError("the server does not answer"));
    }
  }

  void Drop(const Status& why) {
    const bool was_connected = connected_->Get() == 1;
    connection_.reset();
    connected_->Set(0);
    queue_.SetDown(true);
    if (was_connected || backoff_ms_ == 0) {  // once, not at every try
      LogWarning("memo", absl::StrCat(endpoint_.Shown(), ": ", why.message()));
    }
    if (!was_connected) queue_.Count("connect");
    FailAll(&sent_, "lost");
    FailAll(&waiting_, was_connected ? "lost" : "down");
    backoff_ms_ = std::clamp(backoff_ms_ * 2, options_.min_backoff_ms, options_.max_backoff_ms);
    const auto half = static_cast<uint64_t>(backoff_ms_ / 2 + 1);
    retry_ns_ =
        clock_->MonoNs() + (backoff_ms_ / 2 + static_cast<int64_t>(random_.Uniform(half))) * kMs;
  }

  void Poll(int64_t now) {
    int64_t until = next_deadline_ns_;
    pollfd fds[2] = {{wake_fd_, POLLIN, 0}, {-1, 0, 0}};
    if (connection_ == nullptr) {
      until = std::min(until, retry_ns_);
    } else {
      const short out = connection_->WantsWrite() ? POLLOUT : 0;          // NOLINT: poll's type
      fds[1] = {connection_->fd(), static_cast<short>(POLLIN | out), 0};  // NOLINT
      if (connected_->Get() == 0) {
        until = std::min(until, opened_ns_ + options_.connect_timeout_ms * kMs + kMs);
      } else if (!sent_.empty()) {
        until = std::min(until, sent_.front().sent_ns + options_.stall_timeout_ms * kMs + kMs);
      }
    }
    const int64_t wait_ms = until == INT64_MAX ? kMaxPollMs : (until - now + kMs - 1) / kMs;
    poll(fds, 2, static_cast<int>(std::clamp<int64_t>(wait_ms, 0, kMaxPollMs)));
    if ((fds[0].revents & POLLIN) != 0) {
      uint64_t count = 0;
      [[maybe_unused]] const ssize_t n = read(wake_fd_, &count, sizeof(count));
    }
    if (fds[1].revents == 0) return;
    OnReady((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0, (fds[1].revents & POLLOUT) != 0);
  }

  const Clock* const clock_;
  const RedisEndpoint endpoint_;
  const RedisMemoOptions options_;
  Gauge* const connected_;
  Random random_;
  CommandQueue queue_;
  const int wake_fd_;
  std::thread thread_;

  // Of the thread alone.
  std::unique_ptr<RespConnection> connection_;
  std::deque<RedisCommand> waiting_;  // until the connection is ready
  std::deque<RedisCommand> sent_;     // in the order of their replies
  bool setup_sent_ = false;
  size_t setup_left_ = 0;  // replies to AUTH, SELECT and PING that are to come
  uint64_t attempts_ = 0;
  int64_t opened_ns_ = 0;
  int64_t backoff_ms_ = 0;
  int64_t retry_ns_ = 0;
  int64_t next_deadline_ns_ = INT64_MAX;
};

RedisMemo::RedisMemo(const Env& env, RedisEndpoint endpoint, const RedisMemoOptions& options,
                     MetricRegistry* metrics)
    : loop_(std::make_shared<Loop>(env, std::move(endpoint), options, metrics)) {
  loop_->Start(loop_);
}

RedisMemo::~RedisMemo() { loop_->Stop(); }

void RedisMemo::Get(const std::string& key, int64_t timeout_ms,
                    std::function<void(std::optional<std::string>)> done) {
  RedisCommand command;
  command.kind = Kind::kGet;
  command.bytes = RespCommand({"GET", loop_->key_prefix() + key});
  command.deadline_ns = loop_->clock()->MonoNs() + timeout_ms * kMs;
  command.done = std::move(done);
  loop_->Add(std::move(command));
}

void RedisMemo::Put(const std::string& key, std::string value, int64_t ttl_ms) {
  RedisCommand command;
  command.kind = Kind::kPut;
  command.bytes = RespCommand(
      {"SET", loop_->key_prefix() + key, value, "PX", absl::StrCat(std::max<int64_t>(1, ttl_ms))});
  loop_->Add(std::move(command));
}

MemoType RedisMemoType(const std::string& scheme) {
  MemoType type;
  type.scheme = scheme;
  type.doc = scheme == "redis" ? "Any RESP server: `redis://[user@]host[:port][/db]`."
                               : "Any RESP server over TLS: `rediss://host[:port][/db]?ca_file=`.";
  type.create = [](const Env& env, const std::string& url,
                   MetricRegistry* metrics) -> StatusOr<std::shared_ptr<Memo>> {
    WEIR_ASSIGN_OR_RETURN(RedisEndpoint endpoint, ParseRedisUrl(env, url));
    return std::shared_ptr<Memo>(
        std::make_shared<RedisMemo>(env, std::move(endpoint), RedisMemoOptions{}, metrics));
  };
  return type;
}

}  // namespace weir
