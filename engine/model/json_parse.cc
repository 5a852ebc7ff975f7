// JSON text to a Value.
#include <algorithm>
#include <charconv>
#include <string>
#include <unordered_set>
#include <utility>

#include "engine/model/json_scan.h"
#include "engine/model/value.h"

namespace weir {
namespace {

// Finds repeated names in one object: by search while it is small, so that small ones cost nothing.
class Names {
 public:
  // False if `name` is among `entries`, which are all that was added before.
  bool Add(const std::string& name, const Value::Map& entries) {
    if (entries.size() < kFew) {
      return std::none_of(entries.begin(), entries.end(),
                          [&](const auto& e) { return e.first.string_value() == name; });
    }
    if (many_.empty()) {
      for (const auto& entry : entries) many_.insert(entry.first.string_value());
    }
    return many_.insert(name).second;
  }

 private:
  static constexpr size_t kFew = 16;
  std::unordered_set<std::string> many_;
};

class JsonReader {
 public:
  StatusOr<Value> ReadAll(std::string_view text) {
    Value value;
    JsonFault fault = scanner_.Scan(text);
    if (fault == JsonFault::kNone) fault = Read(0, &value);
    if (fault == JsonFault::kNone && at_ < scanner_.size()) fault = JsonFault::kSyntax;
    if (fault != JsonFault::kNone) return JsonFaultToStatus(fault, scanner_.limits());
    return value;
  }

 private:
  JsonFault Read(int depth, Value* out) {
    switch (scanner_.Type(at_)) {
      case '{':
        return ReadObject(depth + 1, out);
      case '[':
        return ReadList(depth + 1, out);
      case '"': {
        std::string_view text;
        const JsonFault fault = scanner_.String(at_++, &scratch_, &text);
        if (fault == JsonFault::kNone) *out = Value::String(std::string(text));
        return fault;
      }
      default:
        return ReadAtom(out);
    }
  }

  JsonFault ReadAtom(Value* out) {
    if (const JsonFault fault = scanner_.SkipScalar(at_); fault != JsonFault::kNone) return fault;
    const std::string_view token = scanner_.Token(at_++);
    switch (token[0]) {
      case 't':
        *out = Value::Bool(true);
        break;
      case 'f':
        *out = Value::Bool(false);
        break;
      case 'n':
        *out = Value::Null();
        break;
      default:
        *out = NumberOf(token);
        break;
    }
    return JsonFault::kNone;
  }

  // The smallest kind that holds the number exactly, else a double.
  static Value NumberOf(std::string_view token) {
    const char* const end = token.data() + token.size();
    int64_t whole;
    const auto i = std::from_chars(token.data(), end, whole);
    if (i.ec == std::errc() && i.ptr == end) return Value::Int(whole);
    uint64_t large;
    const auto u = std::from_chars(token.data(), end, large);
    if (u.ec == std::errc() && u.ptr == end) return Value::Uint(large);
    return Value::Double(JsonNumberToDouble(token));
  }

  JsonFault ReadList(int depth, Value* out) {
    if (depth > scanner_.limits().max_depth) return JsonFault::kTooDeep;
    Value::List items;
    if (scanner_.Type(++at_) != ']') {
      char next;
      do {
        const JsonFault fault = Read(depth, &items.emplace_back());
        if (fault != JsonFault::kNone) return fault;
        next = scanner_.Type(at_++);
      } while (next == ',');
      if (next != ']') return JsonFault::kSyntax;
    } else {
      ++at_;
    }
    *out = Value::MakeList(std::move(items));
    return JsonFault::kNone;
  }

  JsonFault ReadObject(int depth, Value* out) {
    if (depth > scanner_.limits().max_depth) return JsonFault::kTooDeep;
    Value::Map entries;
    Names names;
    if (scanner_.Type(++at_) != '}') {
      char next;
      do {
        const JsonFault fault = ReadEntry(depth, &names, &entries);
        if (fault != JsonFault::kNone) return fault;
        next = scanner_.Type(at_++);
      } while (next == ',');
      if (next != '}') return JsonFault::kSyntax;
    } else {
      ++at_;
    }
    *out = Value::MakeMap(std::move(entries));
    return JsonFault::kNone;
  }

  // One `"name": value`. The first of several entries with one name counts.
  JsonFault ReadEntry(int depth, Names* names, Value::Map* entries) {
    if (scanner_.Type(at_) != '"') return JsonFault::kSyntax;
    std::string_view text;
    if (const JsonFault fault = scanner_.String(at_++, &scratch_, &text);
        fault != JsonFault::kNone) {
      return fault;
    }
    std::string name(text);
    if (scanner_.Type(at_++) != ':') return JsonFault::kSyntax;
    Value value;
    if (const JsonFault fault = Read(depth, &value); fault != JsonFault::kNone) return fault;
    if (names->Add(name, *entries)) {
      entries->emplace_back(Value::String(std::move(name)), std::move(value));
    }
    return JsonFault::kNone;
  }

  JsonScanner scanner_{JsonLimits{}};
  uint32_t at_ = 0;
  std::string scratch_;
};

}  // namespace

StatusOr<Value> ParseJson(std::string_view text) { return JsonReader().ReadAll(text); }

}  // namespace weir
