#include "engine/expr/macros.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace weir::expr {

namespace {

struct Form {
  std::string_view name;
  Macro macro;
};
constexpr Form kForms[] = {{"exists", Macro::kExists},
                           {"exists_one", Macro::kExistsOne},
                           {"existsOne", Macro::kExistsOne},
                           {"all", Macro::kAll},
                           {"map", Macro::kMap},
                           {"filter", Macro::kFilter}};

Diagnostic SyntaxError(Position position, std::string message) {
  return {ErrorCode::kExprSyntax, position, std::move(message)};
}

}  // namespace

std::optional<Diagnostic> RecogniseHas(ExprPtr* call) {
  Expr& e = **call;
  if (e.name != "has") return std::nullopt;
  if (e.args.size() != 1 || e.args[0]->node != NodeType::kSelect) {
    return SyntaxError(e.position,
                       "has() takes one field selection, as in has(a.b); a nullable field "
                       "is tested with 'a != null'");
  }
  ExprPtr select = std::move(e.args[0]);
  select->node = NodeType::kHas;
  *call = std::move(select);
  return std::nullopt;
}

std::optional<Diagnostic> RecogniseMacro(Expr* e) {
  const Form* form = std::find_if(std::begin(kForms), std::end(kForms),
                                  [&](const Form& f) { return f.name == e->name; });
  if (form == std::end(kForms)) return std::nullopt;
  const bool map_if = form->macro == Macro::kMap && e->args.size() == 4;
  if (e->args.size() != 3 && !map_if) {
    const bool is_map = form->macro == Macro::kMap;
    return SyntaxError(e->position, e->name + "() takes a variable name and " +
                                        (is_map ? "one or two expressions" : "one expression"));
  }
  if (e->args[1]->node != NodeType::kIdent) {
    return SyntaxError(e->args[1]->position,
                       e->name + "() needs a plain name as its first argument");
  }
  e->node = NodeType::kMacro;
  e->macro = map_if ? Macro::kMapIf : form->macro;
  e->member = false;
  e->function_text = std::move(e->name);
  e->name = e->args[1]->name;
  e->args.erase(e->args.begin() + 1);
  return std::nullopt;
}

}  // namespace weir::expr
