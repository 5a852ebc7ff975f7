#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/model/value.h"
#include "engine/plan/explain.h"

namespace weir {
namespace {

const char* KindName(const LogicalNode& node) {
  switch (node.kind) {
    case NodeKind::kSource:
      return "source";
    case NodeKind::kOperator:
      return "operator";
    case NodeKind::kSink:
      return node.is_outbox ? "outbox" : "sink";
    case NodeKind::kControl:
      return "control";
  }
  return "?";
}

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

// What stands in a node's box: names hold letters, digits, '_', '-' and '#' only; topics may hold
// more and are escaped.
std::string Label(const LogicalNode& node) {
  const std::string& second = node.topic.empty() ? node.type : node.topic;
  return absl::StrCat(node.name, "\n", second);
}

std::string EdgeLabel(const PhysicalEdge& edge) {
  if (edge.control) return "control";
  if (edge.key.empty()) return PartitioningName(edge.partitioning);
  return absl::StrCat("keyed by ", absl::StrJoin(edge.key, ", "));
}

const std::string& PortName(const LogicalNode& node, int port) {
  return node.outputs[static_cast<size_t>(port)].name;
}

int NodeAt(const PhysicalPlan& plan, int task, int member) {
  return plan.tasks[static_cast<size_t>(task)].chain[static_cast<size_t>(member)].node;
}

std::string JoinLabels(const std::string& port, const std::string& how) {
  return port.empty() ? how : how.empty() ? port : absl::StrCat(port, ", ", how);
}

// Inside of a quoted Mermaid label.
std::string MermaidText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "#quot;";
        break;
      case '#':
        out += "#35;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '\n':
        out += "<br/>";
        break;
      default:
        out += c;
    }
  }
  return out;
}

template <typename Fn>
std::string JoinAll(size_t count, const Fn& fn) {
  std::string out;
  for (size_t i = 0; i < count; ++i) absl::StrAppend(&out, i > 0 ? "," : "", fn(i));
  return out;
}

std::string JsonList(const std::vector<std::string>& texts) {
  return absl::StrCat("[", JoinAll(texts.size(), [&](size_t i) { return Json(texts[i]); }), "]");
}

std::string NodeJson(const PhysicalPlan& plan, const ChainMember& member) {
  const LogicalNode& node = plan.node(member);
  std::string out =
      absl::StrCat("{\"name\":", Json(node.name), ",\"uid\":", Json(node.uid), ",\"kind\":\"",
                   KindName(node), "\",\"type\":", Json(node.type), ",\"number\":", node.number,
                   ",\"parent\":", member.parent, ",\"port\":", member.port);
  if (!node.topic.empty()) absl::StrAppend(&out, ",\"topic\":", Json(node.topic));
  if (!node.op.key.empty()) absl::StrAppend(&out, ",\"key\":", JsonList(node.op.key));
  const std::string outputs = JoinAll(node.outputs.size(), [&](size_t i) {
    return absl::StrCat("{\"name\":", Json(node.outputs[i].name),
                        ",\"schema\":", Json(node.outputs[i].schema->ToString()), "}");
  });
  return absl::StrCat(out, ",\"outputs\":[", outputs, "]}");
}

std::string EdgeJson(const PhysicalEdge& edge) {
  return absl::StrCat("{\"from_task\":", edge.from_task, ",\"from_member\":", edge.from_member,
                      ",\"port\":", edge.port, ",\"to_task\":", edge.to_task,
                      ",\"input\":", edge.input, ",\"partitioning\":\"",
                      PartitioningName(edge.partitioning), "\",\"key\":", JsonList(edge.key),
                      ",\"control\":", edge.control ? "true" : "false", "}");
}

}  // namespace

std::string GraphDot(const PhysicalPlan& plan) {
  std::string out =
      absl::StrCat("digraph ", Json(plan.logical.job.name),
                   " {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
  for (const PhysicalTask& task : plan.tasks) {
    absl::StrAppend(&out, "  subgraph cluster_", task.id, " {\n    label=\"task ", task.id, " x",
                    task.parallelism, "\";\n");
    for (const ChainMember& member : task.chain) {
      absl::StrAppend(&out, "    n", member.node, " [label=", Json(Label(plan.node(member))),
                      "];\n");
    }
    for (const ChainMember& member : task.chain) {
      if (member.parent < 0) continue;
      const int from = task.chain[static_cast<size_t>(member.parent)].node;
      const std::string& port =
          PortName(plan.logical.nodes[static_cast<size_t>(from)], member.port);
      absl::StrAppend(&out, "    n", from, " -> n", member.node, " [label=", Json(port), "];\n");
    }
    absl::StrAppend(&out, "  }\n");
  }
  for (const PhysicalEdge& edge : plan.edges) {
    const int from = NodeAt(plan, edge.from_task, edge.from_member);
    const std::string& port = PortName(plan.logical.nodes[static_cast<size_t>(from)], edge.port);
    absl::StrAppend(&out, "  n", from, " -> n", NodeAt(plan, edge.to_task, 0),
                    " [label=", Json(JoinLabels(port, EdgeLabel(edge))),
                    edge.control ? ", style=dashed" : ", style=bold", "];\n");
  }
  return out + "}\n";
}

std::string GraphMermaid(const PhysicalPlan& plan) {
  std::string out = "flowchart LR\n";
  const auto arrow = [&out](int from, int to, const std::string& label, const char* line) {
    absl::StrAppend(&out, "  n", from, " ", line,
                    label.empty() ? "" : absl::StrCat("|\"", MermaidText(label), "\"|"), " n", to,
                    "\n");
  };
  for (const PhysicalTask& task : plan.tasks) {
    absl::StrAppend(&out, "  subgraph t", task.id, "[\"task ", task.id, " x", task.parallelism,
                    "\"]\n");
    for (const ChainMember& member : task.chain) {
      absl::StrAppend(&out, "    n", member.node, "[\"", MermaidText(Label(plan.node(member))),
                      "\"]\n");
    }
    absl::StrAppend(&out, "  end\n");
    for (const ChainMember& member : task.chain) {
      if (member.parent < 0) continue;
      const int from = task.chain[static_cast<size_t>(member.parent)].node;
      arrow(from, member.node, PortName(plan.logical.nodes[static_cast<size_t>(from)], member.port),
            "-->");
    }
  }
  for (const PhysicalEdge& edge : plan.edges) {
    const int from = NodeAt(plan, edge.from_task, edge.from_member);
    const std::string& port = PortName(plan.logical.nodes[static_cast<size_t>(from)], edge.port);
    arrow(from, NodeAt(plan, edge.to_task, 0), JoinLabels(port, EdgeLabel(edge)),
          edge.control ? "-.->" : "==>");
  }
  return out;
}

std::string GraphJson(const PhysicalPlan& plan) {
  const JobSettings& job = plan.logical.job;
  const std::string tasks = JoinAll(plan.tasks.size(), [&](size_t i) {
    const PhysicalTask& task = plan.tasks[i];
    const std::string chain =
        JoinAll(task.chain.size(), [&](size_t k) { return NodeJson(plan, task.chain[k]); });
    return absl::StrCat("{\"id\":", task.id, ",\"name\":", Json(task.name),
                        ",\"parallelism\":", task.parallelism, ",\"chain\":[", chain, "]}");
  });
  const std::string edges =
      JoinAll(plan.edges.size(), [&](size_t i) { return EdgeJson(plan.edges[i]); });
  return absl::StrCat("{\"job\":", Json(job.name), ",\"parallelism\":", job.parallelism,
                      ",\"max_parallelism\":", job.max_parallelism, ",\"tasks\":[", tasks,
                      "],\"edges\":[", edges, "]}\n");
}

}  // namespace weir
