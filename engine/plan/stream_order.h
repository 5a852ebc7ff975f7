// Who reads whom, by name: unknown names and cycles, and an order in which producers come first.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/plan/topology.h"

namespace weir {

class Diagnostics;

class StreamOrder {
 public:
  // Adds kConfigUnknownName and kConfigCycle to *diagnostics.
  StreamOrder(const Topology& topology, Diagnostics* diagnostics);

  // Indices into Topology::operators, producers first, file order among equals. Operators in or
  // behind a cycle are left out.
  const std::vector<int>& operators() const { return order_; }

 private:
  void CheckNames(const std::vector<InputRef>& inputs, const std::string& reader);
  void Sort();
  void ReportCycles();
  bool FindCycle(int at, std::vector<int>* path);
  // The operator that `ref` names, -1 if it is none.
  int OperatorOf(const InputRef& ref) const;

  const Topology& topology_;
  Diagnostics* diagnostics_;
  std::map<std::string, int> operators_;
  std::vector<std::string> known_;
  std::vector<int> order_;
  enum class Visit { kNot, kOpen, kDone };
  std::vector<Visit> visits_;
};

}  // namespace weir
