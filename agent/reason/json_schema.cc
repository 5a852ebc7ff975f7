#include "agent/reason/json_schema.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace weir {

namespace {

constexpr size_t kMaxProblems = 8;

using Kind = Value::Kind;

bool IsNumeric(const Value& value) {
  return value.kind() == Kind::kInt || value.kind() == Kind::kUint || value.kind() == Kind::kDouble;
}

double AsDouble(const Value& value) {
  if (value.kind() == Kind::kDouble) return value.double_value();
  return value.kind() == Kind::kUint ? static_cast<double>(value.uint_value())
                                     : static_cast<double>(value.int_value());
}

bool HasType(const Value& value, std::string_view type) {
  if (type == "object") return value.kind() == Kind::kMap;
  if (type == "array") return value.kind() == Kind::kList;
  if (type == "string") return value.kind() == Kind::kString;
  if (type == "boolean") return value.kind() == Kind::kBool;
  if (type == "null") return value.is_null();
  if (type == "number") return IsNumeric(value);
  return type == "integer" && IsNumeric(value) &&
         (value.kind() != Kind::kDouble ||
          std::trunc(value.double_value()) == value.double_value());
}

class Checker {
 public:
  void Check(const Value& schema, const Value& value, const std::string& path) {
    if (problems.size() >= kMaxProblems || !CheckType(schema, value, path)) return;
    CheckRange(schema, value, path);
    if (value.kind() == Kind::kMap) CheckObject(schema, value, path);
    const Value* items = schema.Get("items");
    if (items == nullptr || value.kind() != Kind::kList) return;
    for (size_t i = 0; i < value.list().size(); ++i) {
      Check(*items, value.list()[i], absl::StrCat(path, "[", i, "]"));
    }
  }

  std::vector<std::string> problems;

 private:
  void Say(const std::string& path, const std::string& what) {
    if (problems.size() >= kMaxProblems) return;
    problems.push_back(path.empty() ? what : absl::StrCat(path, ": ", what));
  }

  bool CheckType(const Value& schema, const Value& value, const std::string& path) {
    if (const Value* type = schema.Get("type")) {
      const bool one = type->kind() == Kind::kString;
      const bool good =
          one ? HasType(value, type->string_value())
              : std::any_of(type->list().begin(), type->list().end(),
                            [&](const Value& t) { return HasType(value, t.string_value()); });
      if (!good) {
        Say(path, absl::StrCat("must be of type ", type->ToJson()));
        return false;
      }
    }
    const Value* allowed = schema.Get("enum");
    if (allowed == nullptr) return true;
    const Value::List& list = allowed->list();
    if (std::find(list.begin(), list.end(), value) != list.end()) return true;
    Say(path, absl::StrCat("must be one of ", allowed->ToJson()));
    return false;
  }

  void CheckRange(const Value& schema, const Value& value, const std::string& path) {
    if (!IsNumeric(value)) return;
    const Value* min = schema.Get("minimum");
    const Value* max = schema.Get("maximum");
    // Written so that NaN is outside.
    if (min != nullptr && !(AsDouble(value) >= AsDouble(*min))) {
      Say(path, absl::StrCat("must be at least ", min->ToJson()));
    }
    if (max != nullptr && !(AsDouble(value) <= AsDouble(*max))) {
      Say(path, absl::StrCat("must be at most ", max->ToJson()));
    }
  }

  void CheckObject(const Value& schema, const Value& value, const std::string& path) {
    const std::string dot = path.empty() ? "" : path + ".";
    if (const Value* required = schema.Get("required")) {
      for (const Value& name : required->list()) {
        if (value.Get(name.string_value()) == nullptr) {
          Say(path, absl::StrCat("'", name.string_value(), "' is missing"));
        }
      }
    }
    const Value* properties = schema.Get("properties");
    const Value* additional = schema.Get("additionalProperties");
    const bool closed =
        additional != nullptr && additional->kind() == Kind::kBool && !additional->bool_value();
    for (const auto& [name, item] : value.map()) {
      const Value* property =
          properties == nullptr ? nullptr : properties->Get(name.string_value());
      if (property != nullptr) {
        Check(*property, item, dot + name.string_value());
      } else if (closed) {
        Say(path, absl::StrCat("'", name.string_value().substr(0, 32), "' is not known here"));
      }
    }
  }
};

}  // namespace

std::vector<std::string> CheckAgainstSchema(const Value& schema, const Value& value) {
  Checker checker;
  checker.Check(schema, value, "");
  return checker.problems;
}

}  // namespace weir
