// Agent calls per second and CPU per call, client and service in one process: unary calls, a
// stream with one request a message, a stream with up to 64. Closed loop: each reply asks the next.
//
//   bench_agent_calls [--seconds 3] [--rounds 3] [--window 256]
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/grpc/grpc_agent.h"
#include "agent/service/agent_server.h"
#include "engine/base/env.h"
#include "engine/base/notification.h"

namespace weir {
namespace {

class Instant : public AgentChannel {
 public:
  void Decide(const AgentRequest& request,
              std::function<void(StatusOr<AgentReply>)> done) override {
    AgentReply reply;
    reply.request_id = request.request_id;
    reply.verdict = "release";
    reply.agent = "instant/1";
    done(std::move(reply));
  }
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Figure {
  double per_second = 0;
  double cpu_us = 0;  // per call, both sides
};

class Loop {
 public:
  Loop(const Env& env, AgentChannel* channel) : env_(env), channel_(channel) {}

  Figure Run(int window, int64_t ms) {
    for (int i = 0; i < window; ++i) Next();
    Notification().WaitForMs(500);  // connected and warm
    const int64_t calls = calls_, start = env_.clock->MonoNs();
    const double cpu = CpuSeconds();
    Notification().WaitForMs(ms);
    Figure f;
    const auto done = static_cast<double>(calls_ - calls);
    f.per_second = done * 1e9 / static_cast<double>(env_.clock->MonoNs() - start);
    f.cpu_us = (CpuSeconds() - cpu) * 1e6 / done;
    stop_ = true;
    while (open_ > 0) Notification().WaitForMs(1);
    return f;
  }

 private:
  void Next() {
    AgentRequest request;
    request.request_id = absl::StrCat("0123456789abcdef", next_++);
    request.job = "bench";
    request.operator_uid = "guard";
    request.signature = "src_ip=\"192.0.2.1\"";
    request.context_json =
        "{\"event\":{\"src_ip\":\"192.0.2.1\",\"count\":5},"
        "\"signature\":{\"src_ip\":\"192.0.2.1\"}}";
    request.deadline_ms = env_.clock->NowMs() + 60'000;
    ++open_;
    channel_->Decide(request, [this](const StatusOr<AgentReply>& reply) {
      if (reply.ok()) ++calls_;
      if (!stop_) Next();
      --open_;
    });
  }

  const Env env_;
  AgentChannel* const channel_;
  std::atomic<int64_t> next_{0}, calls_{0}, open_{0};
  std::atomic<bool> stop_{false};
};

Figure Measure(const Env& env, int port, const char* parameters, int window, int64_t ms) {
  const auto channel =
      GrpcAgentType().create(env, absl::StrCat("grpc://127.0.0.1:", port, parameters)).value();
  return Loop(env, channel.get()).Run(window, ms);
}

Figure Median(std::vector<Figure> figures) {
  std::sort(figures.begin(), figures.end(),
            [](const Figure& a, const Figure& b) { return a.cpu_us < b.cpu_us; });
  return figures[figures.size() / 2];
}

int Main(int argc, char** argv) {
  int64_t seconds = 3;
  int rounds = 3, window = 256;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--window") == 0) window = std::atoi(argv[i + 1]);
  }
  RealEnv real(2);
  MetricRegistry metrics;
  AgentServerOptions options;
  options.desk.max_in_flight = 100'000;
  const auto server =
      AgentServer::Start(options, real.env(), std::make_shared<Instant>(), &metrics).value();
  struct Mode {
    const char* name;
    const char* parameters;
    int windows;
    std::vector<Figure> figures;
  };
  std::vector<Mode> modes = {
      {"unary", "?in_flight=100000&unary=true", 1, {}},
      {"stream, 1 per message", "?in_flight=100000&batch=1", 1, {}},
      {"stream, up to 64", "?in_flight=100000&batch=64", 1, {}},
      {"stream, up to 64, 16 windows", "?in_flight=100000&batch=64", 16, {}},
  };
  for (int round = 0; round < rounds; ++round) {  // interleaved: the machine drifts
    for (Mode& mode : modes) {
      mode.figures.push_back(Measure(real.env(), server->port(), mode.parameters,
                                     window * mode.windows, seconds * 1000));
    }
  }
  const double unary = Median(modes[0].figures).cpu_us;
  std::printf("%-30s %14s %14s %10s\n", "mode", "calls/s", "CPU us/call", "unary/this");
  for (const Mode& mode : modes) {
    const Figure f = Median(mode.figures);
    std::printf("%-30s %14.0f %14.2f %10.1f\n", mode.name, f.per_second, f.cpu_us,
                unary / f.cpu_us);
  }
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Main(argc, argv); }
