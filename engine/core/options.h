// Option tables: what an operator, source or sink can be told in YAML, with type, default, range
// and doc. One table serves parsing, error messages, --help and the generated reference.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"

namespace weir {

enum class OptionType : uint8_t {
  kString,
  kInt,
  kDouble,
  kBool,
  kDuration,    // "10s", "250ms", "24h" -> int64 ms
  kSize,        // "64MiB", "1kB" -> int64 bytes
  kStringList,  // [a, b] or a single scalar
  kStringMap,   // { name: text }, order kept
  kExpr,        // CEL text
  kTable,       // nested options
  kSchema,      // { field: type text }
  kVariant,     // a name, or { name: { its options } }; OptionDef::table lists the names as tables
};

struct OptionDef {
  std::string name;
  OptionType type = OptionType::kString;
  bool required = false;
  std::string default_text = {};             // as it would stand in YAML; "" = absent
  std::string doc = {};                      // one sentence, with unit
  std::vector<std::string> allowed = {};     // kString: the only values; empty = any
  std::optional<double> min = {}, max = {};  // kInt, kDouble, kDuration (ms), kSize (bytes)
  std::vector<OptionDef> table = {};  // kTable, kVariant; default_text "{}" = as if given empty
};

// Where a value stood in its file; 1-based; line 0 = nowhere (a default, or built in code).
struct SourceMark {
  int line = 0, column = 0, end_column = 0;
};

class Options;

struct OptionValue {
  std::string text;    // scalar types, expr, the name of a variant
  int64_t number = 0;  // int, bool, duration, size
  double real = 0;
  std::vector<std::string> list;
  std::vector<std::pair<std::string, std::string>> entries;  // map, schema
  std::shared_ptr<const Options> table;  // of a variant: null when only its name was given
  SourceMark mark;
  std::vector<SourceMark> item_marks;  // of list items or map values
};

// Values checked against a table; defaults are filled in. Getters check-fail on a name that is not
// in the table: that is a bug of the operator, not of the user.
class Options {
 public:
  bool Has(std::string_view name) const { return values_.find(name) != values_.end(); }
  const OptionValue& Get(std::string_view name) const;
  const std::string& String(std::string_view name) const { return Get(name).text; }
  int64_t Int(std::string_view name) const { return Get(name).number; }  // also ms, bytes
  double Double(std::string_view name) const { return Get(name).real; }
  bool Bool(std::string_view name) const { return Get(name).number != 0; }
  const std::vector<std::string>& List(std::string_view name) const { return Get(name).list; }
  const Options& Table(std::string_view name) const { return *Get(name).table; }
  SourceMark MarkOf(std::string_view name) const;

  void Set(std::string name, OptionValue value) { values_[std::move(name)] = std::move(value); }
  // Fills defaults from `defs` where nothing is set. kConfigMissingKey for a missing required one.
  Status FillDefaults(const std::vector<OptionDef>& defs);

  // Parses one scalar's text as `def` asks: type, allowed, range. Errors of the 10xx range without
  // position.
  static StatusOr<OptionValue> ParseScalar(const OptionDef& def, std::string_view text);

 private:
  std::map<std::string, OptionValue, std::less<>> values_;
};

// "10s" -> 10000; units ms, s, m, h, d. "1.5h" is fine; a bare number is not.
StatusOr<int64_t> ParseDuration(std::string_view text);
// "64MiB", "1kB", "100B", "4096".
StatusOr<int64_t> ParseSize(std::string_view text);
std::string FormatDuration(int64_t ms);
std::string FormatSize(int64_t bytes);
// The candidate nearest to `name` by edit distance, or "" when none is near.
std::string NearestName(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace weir
