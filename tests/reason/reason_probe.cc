// What stands between the agent service's gRPC and a model, as a program: every concrete part that
// the service has, driven by lines on stdin. For tests/reason/*_test.py.
//
//   weir_reason_probe --option value ...     options as in agent/reason/reasoner_options.h
//   stdin:  {"id":"ab12","deadline_ms":5000,"count":7,"user":"root"}   -> one reply line, any order
//           {"metrics":true}                                            -> one line of counters
//   Ends at the end of its input, once all is answered.
#include <iostream>
#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/reason/reasoner_factory.h"
#include "engine/base/log.h"
#include "engine/base/notification.h"
#include "engine/cli/commands.h"
#include "engine/model/value.h"

namespace weir {
namespace {

std::mutex g_output;

void Print(const std::string& line) {
  const std::lock_guard<std::mutex> lock(g_output);
  std::cout << line << std::endl;
}

StatusOr<ReasonerOptions> ReadArguments(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = std::string(argv[i]).substr(2);
    bool known = false;
    for (const OptionDef& def : ReasonerOptionDefs()) {
      if (def.name != name) continue;
      known = true;
      WEIR_ASSIGN_OR_RETURN(OptionValue value, Options::ParseScalar(def, argv[i + 1]));
      options.Set(name, std::move(value));
    }
    if (!known) return Err(ErrorCode::kConfigUnknownKey, absl::StrCat("no option --", name));
  }
  WEIR_RETURN_IF_ERROR(options.FillDefaults(ReasonerOptionDefs()));
  return ReadReasonerOptions(options);
}

std::string ReplyLine(const std::string& id, const StatusOr<AgentReply>& reply, int64_t us) {
  std::string out = "{\"id\":";
  AppendJsonString(id, &out);
  absl::StrAppend(&out, ",\"us\":", us);
  if (!reply.ok()) {
    absl::StrAppend(&out, ",\"error\":", ErrorNumber(reply.status()),
                    ",\"retriable\":", IsRetriable(reply.status()) ? "true" : "false",
                    ",\"retry_after_ms\":", RetryAfterMs(reply.status()), ",\"message\":");
    AppendJsonString(FormatError(reply.status()), &out);
    return out + "}";
  }
  absl::StrAppend(&out, ",\"verdict\":\"", reply->verdict,
                  "\",\"from_memo\":", reply->from_memo ? "true" : "false",
                  ",\"tokens\":", reply->tokens_in + reply->tokens_out,
                  ",\"rules\":", reply->rules.size(), ",\"agent\":");
  AppendJsonString(reply->agent, &out);
  return out + "}";
}

std::string MetricsLine(const MetricRegistry& metrics) {
  std::string out = "{\"metrics\":{";
  for (const MetricSample& sample : metrics.Collect()) {
    std::string name = sample.name;
    for (const auto& [key, value] : sample.labels) absl::StrAppend(&name, " ", key, "=", value);
    if (out.back() != '{') out += ',';
    AppendJsonString(name, &out);
    absl::StrAppend(&out, ":", sample.value);
  }
  return out + "}}";
}

AgentRequest ToRequest(const Value& line, const Clock& clock) {
  AgentRequest request;
  request.request_id = line.Get("id")->string_value();
  request.job = "probe";
  request.operator_uid = "guard";
  request.signature = "src_ip=\"1.2.3.4\"";
  request.event_time_ms = 1'490'620'016'000;
  if (const Value* left = line.Get("deadline_ms")) {
    request.deadline_ms = clock.NowMs() + left->int_value();
  }
  Value::Map event, novelty;
  for (const auto& [name, value] : line.map()) {
    if (name.string_value() == "count") novelty.emplace_back(name, value);
    if (name.string_value() == "user") event.emplace_back(name, value);
  }
  const Value signature = Value::MakeMap({{Value::String("src_ip"), Value::String("1.2.3.4")}});
  request.context_json = Value::MakeMap({{Value::String("event"), Value::MakeMap(event)},
                                         {Value::String("signature"), signature},
                                         {Value::String("novelty"), Value::MakeMap(novelty)}})
                             .ToJson();
  return request;
}

class Probe {
 public:
  Probe(const Env& env, std::shared_ptr<AgentChannel> channel)
      : env_(env), channel_(std::move(channel)) {}

  void Ask(const AgentRequest& request) {
    ++asked_;
    const int64_t begin = env_.clock->MonoNs();
    channel_->Decide(request, [this, id = request.request_id, begin](StatusOr<AgentReply> reply) {
      Print(ReplyLine(id, reply, (env_.clock->MonoNs() - begin) / 1000));
      const std::lock_guard<std::mutex> lock(mutex_);
      if (++answered_ == asked_ && ended_) all_.Notify();
    });
  }
  bool WaitForAll() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
      if (answered_ == asked_) return true;
    }
    return all_.WaitForMs(30'000);
  }

 private:
  const Env env_;
  const std::shared_ptr<AgentChannel> channel_;
  std::mutex mutex_;
  int64_t asked_ = 0;  // of the main thread; read by others only after ended_
  int64_t answered_ = 0;
  bool ended_ = false;
  Notification all_;
};

Status Run(int argc, char** argv) {
  WEIR_ASSIGN_OR_RETURN(const ReasonerOptions options, ReadArguments(argc, argv));
  Registry registry;
  WEIR_RETURN_IF_ERROR(RegisterAll(&registry));
  MetricRegistry metrics;
  RealEnv real(2);
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<AgentChannel> channel,
                        MakeReasoner(real.env(), registry, options, &metrics));
  Probe probe(real.env(), std::move(channel));
  std::string text;
  while (std::getline(std::cin, text)) {
    const StatusOr<Value> line = ParseJson(text);
    if (!line.ok()) return line.status();
    if (line->Get("metrics") != nullptr) {
      Print(MetricsLine(metrics));
    } else {
      probe.Ask(ToRequest(*line, *real.env().clock));
    }
  }
  if (!probe.WaitForAll()) return absl::DeadlineExceededError("some questions had no answer");
  return absl::OkStatus();
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::SetLogLevel(weir::LogLevel::kWarning);
  const weir::Status status = weir::Run(argc, argv);
  if (status.ok()) return 0;
  std::cerr << weir::FormatError(status) << "\n";
  return 1;
}
