// Values and rows to JSON text.
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "engine/model/value.h"

namespace weir {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool MustEscape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// True if one of 8 bytes must be escaped: the classic tests for "has a byte less than n" and "has a
// zero byte", on all bytes at once.
bool AnyToEscape(const char* p) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  const uint64_t q = v ^ kOnes * '"';
  const uint64_t b = v ^ kOnes * '\\';
  const uint64_t found = ((v - kOnes * 0x20) & ~v) | ((q - kOnes) & ~q) | ((b - kOnes) & ~b);
  return (found & kHighs) != 0;
}

// First position from `i` on whose character must be escaped, or the size.
size_t FindEscape(std::string_view s, size_t i) {
  while (i + 8 <= s.size() && !AnyToEscape(s.data() + i)) i += 8;
  while (i < s.size() && !MustEscape(s[i])) ++i;
  return i;
}

void AppendEscape(char c, std::string* out) {
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  const char text[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
  out->append(text, sizeof text);
}

template <typename T>
void AppendInteger(T v, std::string* out) {
  std::array<char, 20> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), v);
  out->append(text.data(), static_cast<size_t>(result.ptr - text.data()));
}

void AppendBool(bool v, std::string* out) { out->append(v ? "true" : "false"); }

void AppendQuoted(std::string_view plain, std::string* out) {
  out->push_back('"');
  out->append(plain);
  out->push_back('"');
}

// JSON's names are strings: other keys become the text of their value.
void AppendName(const Value& key, std::string* out) {
  if (key.kind() == Value::Kind::kString) return key.AppendJson(out);
  const std::string text = key.ToJson();
  if (text[0] == '"') {
    out->append(text);
  } else {
    AppendJsonString(text, out);
  }
}

void AppendItems(const Value::List& items, std::string* out) {
  out->push_back('[');
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out->push_back(',');
    items[i].AppendJson(out);
  }
  out->push_back(']');
}

void AppendEntries(const Value::Map& entries, std::string* out) {
  out->push_back('{');
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendName(entries[i].first, out);
    out->push_back(':');
    entries[i].second.AppendJson(out);
  }
  out->push_back('}');
}

void AppendListColumn(const Column& column, size_t i, std::string* out) {
  out->push_back('[');
  for (size_t k = column.ListBegin(i); k < column.ListEnd(i); ++k) {
    if (k > column.ListBegin(i)) out->push_back(',');
    AppendColumnJson(column.child(0), k, out);
  }
  out->push_back(']');
}

void AppendMapColumn(const Column& column, size_t i, std::string* out) {
  const Column& keys = column.child(0);
  const bool quoted = keys.kind() == TypeKind::kString || keys.kind() == TypeKind::kBytes;
  out->push_back('{');
  for (size_t k = column.ListBegin(i); k < column.ListEnd(i); ++k) {
    if (k > column.ListBegin(i)) out->push_back(',');
    if (!quoted) out->push_back('"');
    AppendColumnJson(keys, k, out);
    out->append(quoted ? ":" : "\":");
    AppendColumnJson(column.child(1), k, out);
  }
  out->push_back('}');
}

void AppendStructColumn(const Column& column, size_t i, std::string* out) {
  const std::vector<Field>& fields = column.type().children;
  out->push_back('{');
  for (size_t k = 0; k < fields.size(); ++k) {
    if (k > 0) out->push_back(',');
    AppendJsonString(fields[k].name, out);
    out->push_back(':');
    AppendColumnJson(column.child(k), i, out);
  }
  out->push_back('}');
}

}  // namespace

void AppendJsonString(std::string_view s, std::string* out) {
  out->push_back('"');
  for (size_t i = 0;;) {
    const size_t end = FindEscape(s, i);
    out->append(s.data() + i, end - i);
    if (end == s.size()) break;
    AppendEscape(s[end], out);
    i = end + 1;
  }
  out->push_back('"');
}

void AppendJsonDouble(double v, std::string* out) {
  if (std::isnan(v)) return AppendQuoted("NaN", out);
  if (std::isinf(v)) return AppendQuoted(v > 0 ? "Infinity" : "-Infinity", out);
  std::array<char, 32> text;  // the longest is 24
  const auto result = std::to_chars(text.data(), text.data() + text.size(), v);
  out->append(text.data(), static_cast<size_t>(result.ptr - text.data()));
}

void AppendBase64(std::string_view bytes, std::string* out) {
  const auto at = [&](size_t i) -> uint32_t {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0;
  };
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t v = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out->push_back(kBase64[v >> 18]);
    out->push_back(kBase64[v >> 12 & 63]);
    out->push_back(i + 1 < bytes.size() ? kBase64[v >> 6 & 63] : '=');
    out->push_back(i + 2 < bytes.size() ? kBase64[v & 63] : '=');
  }
}

bool DecodeBase64(std::string_view text, std::string* out) {
  if (text.size() % 4 != 0) return false;
  const size_t old = out->size();
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool pad = i >= text.size() - padding;
    const char* digit = pad ? kBase64 : std::strchr(kBase64, text[i]);
    if (digit == nullptr || *digit == '\0') return out->resize(old), false;
    bits = bits << 6 | static_cast<uint32_t>(digit - kBase64);
    if (i % 4 != 3) continue;
    for (int shift = 16; shift >= 0; shift -= 8) out->push_back(static_cast<char>(bits >> shift));
  }
  // The bits under the padding must be zero, or two texts would mean the same bytes.
  for (size_t i = 0; i < padding; ++i) {
    if (out->back() != 0) return out->resize(old), false;
    out->pop_back();
  }
  return true;
}

std::string Value::ToJson() const {
  std::string out;
  AppendJson(&out);
  return out;
}

void Value::AppendJson(std::string* out) const {
  switch (kind_) {
    case Kind::kNull:
      out->append("null");
      break;
    case Kind::kBool:
      AppendBool(bool_value(), out);
      break;
    case Kind::kInt:
    case Kind::kTimestamp:
    case Kind::kDuration:
      AppendInteger(int_, out);
      break;
    case Kind::kUint:
      AppendInteger(uint_value(), out);
      break;
    case Kind::kDouble:
      AppendJsonDouble(double_, out);
      break;
    case Kind::kString:
      AppendJsonString(string_, out);
      break;
    case Kind::kBytes:
      out->push_back('"');
      AppendBase64(string_, out);
      out->push_back('"');
      break;
    case Kind::kList:
      AppendItems(*list_, out);
      break;
    case Kind::kMap:
      AppendEntries(*map_, out);
      break;
  }
}

void AppendColumnJson(const Column& column, size_t i, std::string* out) {
  if (column.IsNull(i)) {
    out->append("null");
    return;
  }
  switch (column.kind()) {
    case TypeKind::kBool:
      AppendBool(column.Bool(i), out);
      break;
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
      AppendInteger(column.Int(i), out);
      break;
    case TypeKind::kDouble:
      AppendJsonDouble(column.Double(i), out);
      break;
    case TypeKind::kString:
      AppendJsonString(column.String(i), out);
      break;
    case TypeKind::kBytes:
      out->push_back('"');
      AppendBase64(column.String(i), out);
      out->push_back('"');
      break;
    case TypeKind::kJson:
      out->append(column.String(i));
      break;
    case TypeKind::kList:
      AppendListColumn(column, i, out);
      break;
    case TypeKind::kStruct:
      AppendStructColumn(column, i, out);
      break;
    case TypeKind::kMap:
      AppendMapColumn(column, i, out);
      break;
  }
}

void RowToJson(const RecordBatch& batch, size_t i, std::string* out) {
  out->push_back('{');
  for (int c = 0; c < batch.width(); ++c) {
    if (c > 0) out->push_back(',');
    AppendJsonString(batch.schema()->field(c).name, out);
    out->push_back(':');
    AppendColumnJson(batch.column(c), i, out);
  }
  out->push_back('}');
}

}  // namespace weir
