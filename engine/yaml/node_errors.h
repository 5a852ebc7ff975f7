// Puts an operator's own complaints where their cause stands in the file.
#pragma once

#include <string_view>

#include "engine/core/registry.h"
#include "engine/yaml/yaml.h"

namespace weir {

class Diagnostics;

class NodeErrors : public PlanErrors {
 public:
  // Both must outlive this.
  NodeErrors(const YamlNode& node, Diagnostics* diagnostics)
      : node_(node), diagnostics_(diagnostics) {}

  // `option` is a path below the operator's table. An error of an expression ("line:column: text")
  // is shown at its place inside of the expression.
  void Add(std::string_view option, const Status& status) override;

  // Where complaints about an operator as a whole are shown.
  static SourceMark NameMark(const YamlNode& node);

 private:
  bool AddInsideExpression(const YamlNode& at, const Status& status);

  const YamlNode& node_;
  Diagnostics* diagnostics_;
};

}  // namespace weir
