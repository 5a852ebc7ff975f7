#include "engine/cli/ctl_output.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/cli/summary.h"
#include "engine/model/value.h"

namespace weir {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool IsNumber(const std::string& text) {
  return !text.empty() && absl::ascii_isdigit(text.back()) &&
         text.find_first_not_of("0123456789,.-") == text.npos;
}

// RULE_STAGE_FULL of RuleStage -> "full".
std::string EnumName(const EnumValueDescriptor& value) {
  std::string prefix;
  for (const char c : value.type()->name()) {
    if (absl::ascii_isupper(c) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(c);
  }
  prefix += '_';
  std::string name = value.name();
  if (name.rfind(prefix, 0) == 0) name.erase(0, prefix.size());
  absl::AsciiStrToLower(&name);
  return name;
}

Value ToValue(const Message& message);

// `index` < 0: the field is no list.
Value FieldValue(const Message& m, const FieldDescriptor* f, int index) {
  const Reflection* r = m.GetReflection();
  const bool one = index < 0;
  switch (f->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return Value::Int(one ? r->GetInt32(m, f) : r->GetRepeatedInt32(m, f, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return Value::Int(one ? r->GetUInt32(m, f) : r->GetRepeatedUInt32(m, f, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return Value::Int(one ? r->GetInt64(m, f) : r->GetRepeatedInt64(m, f, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return Value::Bool(one ? r->GetBool(m, f) : r->GetRepeatedBool(m, f, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Value::Double(one ? r->GetDouble(m, f) : r->GetRepeatedDouble(m, f, index));
    case FieldDescriptor::CPPTYPE_ENUM:
      return Value::String(EnumName(*(one ? r->GetEnum(m, f) : r->GetRepeatedEnum(m, f, index))));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = one ? r->GetString(m, f) : r->GetRepeatedString(m, f, index);
      return Value::String(f->type() == FieldDescriptor::TYPE_BYTES ? HexEncode(text) : text);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToValue(one ? r->GetMessage(m, f) : r->GetRepeatedMessage(m, f, index));
    default:
      return Value::Null();  // no admin message has one
  }
}

Value MapValue(const Message& m, const FieldDescriptor* f) {
  Value::Map entries;
  for (int i = 0; i < m.GetReflection()->FieldSize(m, f); ++i) {
    const Message& entry = m.GetReflection()->GetRepeatedMessage(m, f, i);
    const auto* type = entry.GetDescriptor();
    entries.emplace_back(FieldValue(entry, type->field(0), -1),
                         FieldValue(entry, type->field(1), -1));
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.first.string_value() < b.first.string_value();
  });
  return Value::MakeMap(std::move(entries));
}

Value ToValue(const Message& m) {
  Value::Map fields;
  const auto* type = m.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* f = type->field(i);
    Value value;
    if (f->is_map()) {
      value = MapValue(m, f);
    } else if (f->is_repeated()) {
      Value::List items;
      for (int k = 0; k < m.GetReflection()->FieldSize(m, f); ++k) {
        items.push_back(FieldValue(m, f, k));
      }
      value = Value::MakeList(std::move(items));
    } else if (f->has_presence() && !m.GetReflection()->HasField(m, f)) {
      continue;
    } else {
      value = FieldValue(m, f, -1);
    }
    fields.emplace_back(Value::String(f->name()), std::move(value));
  }
  return Value::MakeMap(std::move(fields));
}

}  // namespace

std::string CtlTable::Render() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (size_t n = 0; n < rows_.size(); ++n) {
    std::string line;
    for (size_t i = 0; i < rows_[n].size(); ++i) {
      const std::string& cell = rows_[n][i];
      const bool right = rows_.size() > 1 && IsNumber(n == 0 ? rows_[1][i] : cell);
      const std::string pad(widths[i] - cell.size(), ' ');
      absl::StrAppend(&line, i == 0 ? "" : "  ", right ? pad + cell : cell + pad);
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&out, line, "\n");
  }
  return out;
}

std::string MessageToJson(const Message& message) { return ToValue(message).ToJson(); }

std::string ShowBytes(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double n = static_cast<double>(bytes);
  size_t unit = 0;
  while (n >= 1024 && unit + 1 < std::size(kUnits)) {
    n /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrCat(bytes, " B") : absl::StrFormat("%.1f %s", n, kUnits[unit]);
}

std::string ShowNumber(int64_t n) {
  const std::string digits = absl::StrCat(n);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    const bool group = i > (n < 0 ? 1u : 0u) && (digits.size() - i) % 3 == 0;
    if (group) out += ',';
    out += digits[i];
  }
  return out;
}

std::string ShowDuration(int64_t ms) {
  if (ms < 10'000) return absl::StrFormat("%.1fs", static_cast<double>(ms) / 1000);
  const int64_t s = ms / 1000;
  if (s < 60) return absl::StrCat(s, "s");
  if (s < 3600) return absl::StrCat(s / 60, "m ", s % 60, "s");
  if (s < 86'400) return absl::StrCat(s / 3600, "h ", s % 3600 / 60, "m");
  return absl::StrCat(s / 86'400, "d ", s % 86'400 / 3600, "h");
}

std::string ShowTime(int64_t ms) { return ms == 0 ? "-" : FormatTime(ms); }

std::string ShowText(const std::string& text, size_t max) {
  std::string shown = EscapeForLog(text, false);
  if (shown.size() <= max) return shown;
  size_t cut = max < 3 ? 0 : max - 3;
  while (cut > 0 && (static_cast<unsigned char>(shown[cut]) & 0xC0) == 0x80) --cut;
  return shown.substr(0, cut) + "...";
}

}  // namespace weir
