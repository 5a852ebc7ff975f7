#include "engine/plan/stream_order.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/yaml/diagnostics.h"
#include "engine/yaml/table_reader.h"

namespace weir {

StreamOrder::StreamOrder(const Topology& topology, Diagnostics* diagnostics)
    : topology_(topology), diagnostics_(diagnostics) {
  for (const SourceDecl& source : topology.sources) known_.push_back(source.name);
  for (size_t i = 0; i < topology.operators.size(); ++i) {
    operators_[topology.operators[i].name] = static_cast<int>(i);
    known_.push_back(topology.operators[i].name);
  }
  if (!topology.misspelled_section) {
    for (const OperatorDecl& op : topology.operators) CheckNames(op.inputs, op.name);
    for (const SinkDecl& sink : topology.sinks) CheckNames(sink.inputs, sink.name);
  }
  Sort();
  ReportCycles();
}

void StreamOrder::CheckNames(const std::vector<InputRef>& inputs, const std::string& reader) {
  // Known even if something about them was wrong and they are in none of the lists.
  const auto stands_in_file = [this](const char* section, const std::string& name) {
    const YamlNode* node = topology_.root->Find(section);
    if (node == nullptr) return false;
    if (node->IsMapping()) return node->Find(name) != nullptr;
    return std::any_of(node->children.begin(), node->children.end(), [&](const YamlNode& item) {
      const YamlNode* own = item.Find("name");
      return own != nullptr && own->text == name;
    });
  };
  for (const InputRef& ref : inputs) {
    const std::string name = ref.node();
    if (stands_in_file("sources", name) || stands_in_file("operators", name)) continue;
    const bool sink = stands_in_file("sinks", name);
    diagnostics_->Error(
        ref.mark, ErrorCode::kConfigUnknownName,
        sink ? absl::StrCat("'", name, "' is a sink, it has no output to read")
             : absl::StrCat("'", reader, "' reads '", name, "', which is not defined"),
        SuggestName(name, known_, "defined are"));
  }
}

int StreamOrder::OperatorOf(const InputRef& ref) const {
  const auto it = operators_.find(ref.node());
  return it == operators_.end() ? -1 : it->second;
}

void StreamOrder::Sort() {
  const size_t count = topology_.operators.size();
  std::vector<bool> placed(count, false);
  const auto ready = [&](size_t i) {
    const auto& inputs = topology_.operators[i].inputs;
    return std::all_of(inputs.begin(), inputs.end(), [&](const InputRef& ref) {
      const int producer = OperatorOf(ref);
      return producer < 0 || placed[static_cast<size_t>(producer)];
    });
  };
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < count; ++i) {
      if (placed[i] || !ready(i)) continue;
      placed[i] = moved = true;
      order_.push_back(static_cast<int>(i));
    }
  }
}

void StreamOrder::ReportCycles() {
  visits_.assign(topology_.operators.size(), Visit::kNot);
  for (size_t i = 0; i < topology_.operators.size(); ++i) {
    std::vector<int> path;
    if (visits_[i] == Visit::kNot) FindCycle(static_cast<int>(i), &path);
  }
}

// Walks against the stream; reports the first cycle on every path.
bool StreamOrder::FindCycle(int at, std::vector<int>* path) {
  visits_[static_cast<size_t>(at)] = Visit::kOpen;
  path->push_back(at);
  bool found = false;
  for (const InputRef& ref : topology_.operators[static_cast<size_t>(at)].inputs) {
    const int producer = OperatorOf(ref);
    if (producer < 0 || found) continue;
    const Visit visit = visits_[static_cast<size_t>(producer)];
    if (visit == Visit::kNot) {
      found = FindCycle(producer, path);
    } else if (visit == Visit::kOpen) {
      std::string names = topology_.operators[static_cast<size_t>(producer)].name;
      for (auto it = path->rbegin(); it != path->rend(); ++it) {
        absl::StrAppend(&names, " -> ", topology_.operators[static_cast<size_t>(*it)].name);
        if (*it == producer) break;
      }
      diagnostics_->Error(ref.mark, ErrorCode::kConfigCycle,
                          absl::StrCat("operators feed each other in a cycle: ", names),
                          "a stream must end somewhere; results come back through a topic");
      found = true;
    }
  }
  path->pop_back();
  visits_[static_cast<size_t>(at)] = Visit::kDone;
  return found;
}

}  // namespace weir
