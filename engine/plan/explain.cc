#include "engine/plan/explain.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "engine/core/options.h"
#include "engine/model/key.h"

namespace weir {
namespace {

constexpr int kMaxListedRanges = 8;

std::string Count(size_t n, std::string_view what) {
  return absl::StrCat(n, " ", ToAbsl(what), n == 1 ? "" : "s");
}

class Explainer {
 public:
  explicit Explainer(const PhysicalPlan& plan) : plan_(plan) {}

  std::string Run() {
    Job();
    for (const PhysicalTask& task : plan_.tasks) Task(task);
    Topics();
    Agents();
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void Line(const Args&... args) {
    absl::StrAppend(&out_, args..., "\n");
  }

  void Job() {
    const JobSettings& job = plan_.logical.job;
    Line("job ", job.name, ": parallelism ", job.parallelism, ", ", job.max_parallelism,
         " key groups");
    Line("  log          ", ShowUrl(job.log));
    Line("  state        ", job.state.backend, ", ", FormatSize(job.state.hot_bytes), " hot, in ",
         job.state.dir);
    std::string every;
    if (job.checkpoints.every_records > 0) {
      every =
          absl::StrCat(" or ", Count(static_cast<size_t>(job.checkpoints.every_records), "record"));
    }
    Line("  checkpoints  every ", FormatDuration(job.checkpoints.interval_ms), every, " to ",
         ShowUrl(job.checkpoints.storage), ", ", job.checkpoints.retain, " kept, timeout ",
         FormatDuration(job.checkpoints.timeout_ms));
    Line("  plan         ", Count(plan_.tasks.size(), "task"), ", ",
         Count(static_cast<size_t>(plan_.subtasks()), "subtask"), ", ",
         Count(plan_.edges.size(), "exchange"));
  }

  void Task(const PhysicalTask& task) {
    Line("\ntask ", task.id, ": ", task.name, "   x", task.parallelism);
    for (const PhysicalEdge& edge : plan_.edges) {
      if (edge.to_task == task.id) In(edge);
    }
    size_t width = 0;
    for (const ChainMember& member : task.chain) {
      width = std::max(width, plan_.node(member).name.size());
    }
    bool keyed = false;
    for (const ChainMember& member : task.chain) {
      Node(plan_.node(member), width);
      keyed = keyed || !plan_.node(member).op.key.empty();
    }
    if (keyed) KeyGroups(task.parallelism);
  }

  void In(const PhysicalEdge& edge) {
    const PhysicalTask& from = plan_.tasks[static_cast<size_t>(edge.from_task)];
    const LogicalNode& node = plan_.node(from.chain[static_cast<size_t>(edge.from_member)]);
    std::string how = edge.control ? "control, broadcast" : PartitioningName(edge.partitioning);
    if (!edge.key.empty()) absl::StrAppend(&how, " by ", absl::StrJoin(edge.key, ", "));
    Line("  <- ", PortName(node, edge.port), " of task ", edge.from_task, " (", how, ")");
  }

  static std::string PortName(const LogicalNode& node, int port) {
    const std::string& name = node.outputs[static_cast<size_t>(port)].name;
    return name.empty() ? node.name : absl::StrCat(node.name, ".", name);
  }

  void Node(const LogicalNode& node, size_t width) {
    std::string text = absl::StrFormat("  %-*s  ", static_cast<int>(width), node.name);
    absl::StrAppend(&text, What(node), ", uid ", node.uid);
    if (node.kind == NodeKind::kOperator) {
      if (!node.op.key.empty()) absl::StrAppend(&text, ", key ", absl::StrJoin(node.op.key, ", "));
      absl::StrAppend(&text, node.op.stateful ? ", state" : ", no state");
    }
    Line(text);
    const std::string indent(width + 4, ' ');
    for (const OutputPort& port : node.outputs) {
      if (node.kind == NodeKind::kControl) continue;
      Line(indent, port.name.empty() ? "gives" : "." + port.name, " ", port.schema->ToString());
    }
    for (const std::string& note : node.op.notes) Line(indent, note);
  }

  static std::string What(const LogicalNode& node) {
    switch (node.kind) {
      case NodeKind::kSource:
        return absl::StrCat("source ", node.number, " of topic ", node.topic);
      case NodeKind::kControl:
        return absl::StrCat("control source of topic ", node.topic);
      case NodeKind::kOperator:
        return node.type;
      case NodeKind::kSink:
        break;
    }
    return absl::StrCat(node.is_outbox ? "outbox" : "sink", " to topic ", node.topic);
  }

  void KeyGroups(int parallelism) {
    const int max = plan_.logical.job.max_parallelism;
    if (parallelism > kMaxListedRanges) {
      return Line("  key groups: ", max / parallelism, " or one more on each subtask");
    }
    std::vector<std::string> ranges;
    for (int i = 0; i < parallelism; ++i) {
      const KeyGroupRange range = RangeOf(i, parallelism, max);
      ranges.push_back(range.begin == range.end ? "none"
                                                : absl::StrCat(range.begin, "-", range.end - 1));
    }
    Line("  key groups: ", absl::StrJoin(ranges, ", "));
  }

  void Topics() {
    std::set<std::string> internal;
    Line("\ntopics");
    for (const LogicalNode& node : plan_.logical.nodes) {
      const std::string own =
          node.log == plan_.logical.job.log ? "" : absl::StrCat(" in ", ShowUrl(node.log));
      if (node.kind == NodeKind::kSource) Line("  reads   ", node.topic, own);
      if (node.kind == NodeKind::kSink) Line("  writes  ", node.topic, own);
      internal.insert(node.op.internal_topics.begin(), node.op.internal_topics.end());
    }
    for (const std::string& topic : internal) Line("  own     ", topic, " (deleted by --fresh)");
  }

  // Only operators with an agent can spend money on a model.
  void Agents() {
    Line("\nagent calls");
    bool any = false;
    for (const LogicalNode& node : plan_.logical.nodes) {
      if (!node.options.Has("agent") || node.options.Get("agent").table == nullptr) continue;
      const Options& agent = node.options.Table("agent");
      any = true;
      std::string text =
          absl::StrCat("  ", node.name, ": asks ",
                       agent.Has("endpoint") ? ShowUrl(agent.String("endpoint")) : "?");
      if (agent.Has("capacity")) {
        absl::StrAppend(&text, ", at most ", agent.Int("capacity"), " open requests a subtask");
      }
      if (agent.Has("timeout")) {
        absl::StrAppend(&text, ", each for at most ", FormatDuration(agent.Int("timeout")));
      }
      Line(text);
    }
    Line(any ? "  no other operator can cost money" : "  none: this job cannot cost money");
  }

  const PhysicalPlan& plan_;
  std::string out_;
};

}  // namespace

std::string ShowUrl(std::string_view url) {
  const size_t begin = url.find("//");
  if (begin == std::string_view::npos) return std::string(url);
  const size_t end = std::min(url.find('/', begin + 2), url.size());
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(url);
  return absl::StrCat(ToAbsl(url.substr(0, begin + 2)), "***", ToAbsl(url.substr(at)));
}

std::string ExplainPlan(const PhysicalPlan& plan) { return Explainer(plan).Run(); }

}  // namespace weir
