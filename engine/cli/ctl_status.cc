// weirctl status, top.
#include <unistd.h>

#include <iostream>
#include <map>

#include "absl/strings/str_cat.h"
#include "engine/base/notification.h"
#include "engine/cli/ctl.h"
#include "engine/cli/ctl_client.h"
#include "engine/cli/ctl_output.h"
#include "weir/admin/v1/admin.pb.h"

namespace weir {
namespace {

namespace v1 = admin::v1;

std::string Headline(const v1::JobStatus& s) {
  return absl::StrCat(
      s.job(), "  ", s.state(), "  up ", ShowDuration(s.now_ms() - s.started_ms()), "  pid ",
      s.pid(), "  weir ", s.version(), "\n", "start        epoch ", s.epoch(), ", ",
      s.restored_checkpoint() == 0 ? std::string("afresh")
                                   : absl::StrCat("from checkpoint ", s.restored_checkpoint()),
      ", parallelism ", s.parallelism(), " of ", s.max_parallelism(), " key groups, ", s.tasks(),
      " subtasks\n");
}

std::string Snapshots(const v1::JobStatus& s) {
  const v1::CheckpointStatus& c = s.checkpoints();
  std::string out = absl::StrCat("checkpoints  ", c.completed(), " completed, ", c.failed(),
                                 " failed, every ", ShowDuration(c.interval_ms()));
  if (c.last_id() > 0) {
    absl::StrAppend(&out, ", last ", c.last_id(), " ",
                    ShowDuration(s.now_ms() - c.last_completed_ms()), " ago");
  }
  absl::StrAppend(&out, "\n");
  if (!s.has_snapshot()) return out;
  const v1::SnapshotProgress& p = s.snapshot();
  absl::StrAppend(&out, "in flight    ",
                  p.savepoint().empty() ? absl::StrCat("checkpoint ", p.id())
                                        : absl::StrCat("savepoint '", p.savepoint(), "'"),
                  ": ", p.acknowledged(), "/", p.subtasks(), " subtasks, ", ShowBytes(p.bytes()),
                  ", ", ShowDuration(p.elapsed_ms()), "\n");
  return out;
}

std::string Agent(const v1::AgentStatus& a) {
  if (a.events() == 0 && a.rules_active() == 0) return "";
  std::string out = absl::StrCat(
      "agent        ", ShowNumber(a.decisions()), " decisions, ", ShowNumber(a.calls()), " calls, ",
      ShowNumber(a.fail_safe()), " by fail-safe, ", ShowNumber(a.waiting()), " waiting, ",
      ShowNumber(a.blocked()), " blocked\n", "rules        ", ShowNumber(a.rules_active()));
  if (a.rules_disabled() > 0) {
    absl::StrAppend(&out, ", ", a.rules_disabled(), " of them DISABLED (",
                    ShowNumber(a.disabled_passed()), " events passed for it)");
  }
  return out + "\n";
}

// Per operator, records taken and given since the status before; empty the first time.
struct Rates {
  std::map<std::string, std::pair<int64_t, int64_t>> before;
  int64_t before_ms = 0;

  std::string Show(int64_t now, int64_t then, int64_t now_ms) const {
    if (before_ms == 0 || now_ms <= before_ms) return "-";
    return ShowNumber((now - then) * 1000 / (now_ms - before_ms));
  }
  void Keep(const v1::JobStatus& s) {
    before.clear();
    for (const auto& op : s.operators()) before[op.name()] = {op.records_in(), op.records_out()};
    before_ms = s.now_ms();
  }
};

std::string Operators(const v1::JobStatus& s, const Rates* rates) {
  std::vector<std::string> heading = {"OPERATOR", "TYPE", "SUBTASKS", "IN", "OUT"};
  if (rates != nullptr) heading.insert(heading.end(), {"IN/S", "OUT/S"});
  heading.push_back("WATERMARK");
  CtlTable table(heading);
  for (const v1::OperatorStatus& op : s.operators()) {
    std::vector<std::string> row = {op.name(), op.type(), absl::StrCat(op.parallelism()),
                                    ShowNumber(op.records_in()),
                                    op.type() == "sink" ? "-" : ShowNumber(op.records_out())};
    if (rates != nullptr) {
      const auto it = rates->before.find(op.name());
      const auto then = it == rates->before.end() ? std::pair<int64_t, int64_t>() : it->second;
      row.push_back(rates->Show(op.records_in(), then.first, s.now_ms()));
      row.push_back(op.type() == "sink" ? "-"
                                        : rates->Show(op.records_out(), then.second, s.now_ms()));
    }
    row.push_back(op.has_watermark_ms() ? ShowTime(op.watermark_ms()) : "-");
    table.Add(row);
  }
  return table.Render();
}

std::string Render(const v1::JobStatus& s, const Rates* rates) {
  std::string out = Headline(s);
  absl::StrAppend(&out, "input        ", ShowNumber(s.events_in()), " records, ",
                  ShowNumber(s.dead_letters()), " dead letters");
  if (s.has_watermark_ms()) absl::StrAppend(&out, ", event time ", ShowTime(s.watermark_ms()));
  absl::StrAppend(&out, "\n", Snapshots(s), Agent(s.agent()), "\n", Operators(s, rates));
  return out;
}

StatusOr<v1::JobStatus> Ask(CtlClient* client) {
  v1::JobStatus status;
  WEIR_RETURN_IF_ERROR(client->GetStatus(&status));
  return status;
}

}  // namespace

Status CtlStatus(const CtlArgs& args, const Env& env) {
  WEIR_ASSIGN_OR_RETURN(auto client, CtlClient::Create(args, env));
  WEIR_ASSIGN_OR_RETURN(const v1::JobStatus status, Ask(client.get()));
  std::cout << (args.json() ? MessageToJson(status) + "\n" : Render(status, nullptr));
  return absl::OkStatus();
}

Status CtlTop(const CtlArgs& args, const Env& env) {
  WEIR_ASSIGN_OR_RETURN(auto client, CtlClient::Create(args, env));
  const bool terminal = isatty(STDOUT_FILENO) != 0 && !args.json();
  Notification never;  // a sleep
  Rates rates;
  for (int i = 0; args.iterations == 0 || i < args.iterations; ++i) {
    if (i > 0) never.WaitForMs(static_cast<int64_t>(args.interval_s * 1000));
    WEIR_ASSIGN_OR_RETURN(const v1::JobStatus status, Ask(client.get()));
    if (terminal) std::cout << "\x1b[H\x1b[J";
    if (!terminal && !args.json() && i > 0) std::cout << "\n";
    std::cout << (args.json() ? MessageToJson(status) + "\n" : Render(status, &rates))
              << std::flush;
    rates.Keep(status);
  }
  return absl::OkStatus();
}

}  // namespace weir
