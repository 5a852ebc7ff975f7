#include "engine/core/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weir {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};

// Largest first: formatting takes the first one that divides without a rest.
constexpr Unit kDurationUnits[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr Unit kSizeUnits[] = {{"TiB", int64_t{1} << 40},
                               {"GiB", int64_t{1} << 30},
                               {"MiB", int64_t{1} << 20},
                               {"KiB", int64_t{1} << 10},
                               {"TB", 1'000'000'000'000},
                               {"GB", 1'000'000'000},
                               {"MB", 1'000'000},
                               {"kB", 1'000},
                               {"B", 1}};
constexpr int64_t kMaxDurationMs = int64_t{36'500} * 86'400'000;  // a century: sums never overflow
constexpr int64_t kMaxSizeBytes = int64_t{1} << 60;
constexpr size_t kMaxShown = 60;  // bytes of a wrong value that a message repeats

std::string Quoted(std::string_view text) {
  if (text.size() > kMaxShown) {
    size_t end = kMaxShown;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return absl::StrCat("'", ToAbsl(text.substr(0, end)), "...'");
  }
  return absl::StrCat("'", ToAbsl(text), "'");
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Splits "1.5h" into 15, 1 (digits after the point) and "h". False if there is no number in front
// or it has more digits than an exact result could need.
bool SplitNumber(std::string_view text, int64_t* digits, int* decimals, std::string_view* unit) {
  *digits = 0;
  *decimals = 0;
  size_t i = 0;
  bool point = false, any = false;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && !point && any) {
      point = true;
    } else if (IsDigit(text[i])) {
      if (*digits > (INT64_MAX - 9) / 10) return false;
      *digits = *digits * 10 + (text[i] - '0');
      *decimals += point ? 1 : 0;
      any = true;
    } else {
      break;
    }
  }
  if (!any || text[i - 1] == '.') return false;
  *unit = text.substr(i);
  return true;
}

// digits / 10^decimals * factor; nullopt when it is no whole number or above `limit`.
std::optional<int64_t> Scale(int64_t digits, int decimals, int64_t factor, int64_t limit) {
  int64_t divisor = 1;
  for (int i = 0; i < decimals; ++i) {
    if (divisor > INT64_MAX / 10) return std::nullopt;
    divisor *= 10;
  }
  const __int128 product = static_cast<__int128>(digits) * factor;
  if (product % divisor != 0 || product / divisor > limit) return std::nullopt;
  return static_cast<int64_t>(product / divisor);
}

std::string FormatUnits(int64_t value, std::span<const Unit> units, std::string_view zero) {
  if (value == 0) return std::string(zero);
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) return absl::StrCat(value / unit.factor, ToAbsl(unit.name));
  }
  return std::string(zero);
}

// How a bound of `def` is written in messages.
std::string Bound(const OptionDef& def, double value) {
  const int64_t whole = static_cast<int64_t>(value);
  switch (def.type) {
    case OptionType::kDuration:
      return FormatDuration(whole);
    case OptionType::kSize:
      return FormatSize(whole);
    case OptionType::kInt:
      return absl::StrCat(whole);
    default:
      return absl::StrCat(value);
  }
}

// "from 1 to 32768", "of at least 1", "of at most 9" or "".
std::string RangeText(const OptionDef& def) {
  if (def.min && def.max) {
    return absl::StrCat(" from ", Bound(def, *def.min), " to ", Bound(def, *def.max));
  }
  if (def.min) return absl::StrCat(" of at least ", Bound(def, *def.min));
  if (def.max) return absl::StrCat(" of at most ", Bound(def, *def.max));
  return "";
}

const char* Noun(OptionType type) {
  switch (type) {
    case OptionType::kInt:
      return "an integer";
    case OptionType::kDouble:
      return "a number";
    case OptionType::kDuration:
      return "a duration";
    case OptionType::kSize:
      return "a size";
    default:
      return "a text";
  }
}

Status CheckRange(const OptionDef& def, double value, std::string_view text) {
  if ((!def.min || value >= *def.min) && (!def.max || value <= *def.max)) return absl::OkStatus();
  return Err(ErrorCode::kConfigOutOfRange,
             absl::StrCat("expected ", Noun(def.type), RangeText(def), ", found ", ToAbsl(text)));
}

StatusOr<int64_t> ParseInt(const OptionDef& def, std::string_view text) {
  const bool plus = text.size() > 1 && text[0] == '+' && IsDigit(text[1]);
  const std::string_view digits = plus ? text.substr(1) : text;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool all = end == digits.data() + digits.size() && !digits.empty();
  if (all && error == std::errc::result_out_of_range) {
    return Err(ErrorCode::kConfigOutOfRange,
               absl::StrCat("expected an integer", RangeText(def), ", found ", ToAbsl(text)));
  }
  if (!all || error != std::errc()) {
    return Err(ErrorCode::kConfigWrongType,
               absl::StrCat("expected an integer, found ", Quoted(text)),
               absl::StrCat("write a whole number", RangeText(def)));
  }
  return value;
}

StatusOr<double> ParseDouble(const OptionDef& def, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return Err(ErrorCode::kConfigWrongType, absl::StrCat("expected a number, found ", Quoted(text)),
               absl::StrCat("write a number", RangeText(def), ", for example 0.5"));
  }
  return value;
}

StatusOr<bool> ParseBool(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return Err(ErrorCode::kConfigWrongType,
             absl::StrCat("expected true or false, found ", Quoted(text)),
             "yes, no, on and off are texts in YAML 1.2");
}

Status CheckAllowed(const OptionDef& def, std::string_view text) {
  if (def.allowed.empty()) return absl::OkStatus();
  if (std::find(def.allowed.begin(), def.allowed.end(), text) != def.allowed.end()) {
    return absl::OkStatus();
  }
  const std::string near = NearestName(text, def.allowed);
  return Err(
      ErrorCode::kConfigBadValue,
      absl::StrCat("expected one of ", absl::StrJoin(def.allowed, ", "), ", found ", Quoted(text)),
      near.empty() ? "" : absl::StrCat("did you mean '", near, "'?"));
}

// "[a, b]" or "a": only for defaults, which are ours and hold no quotes.
std::vector<std::string> SplitDefaultList(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const auto item = absl::StripAsciiWhitespace(ToAbsl(text.substr(0, comma)));
    if (!item.empty()) items.emplace_back(item.data(), item.size());
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

StatusOr<OptionValue> DefaultOf(const OptionDef& def) {
  OptionValue value;
  switch (def.type) {
    case OptionType::kStringList:
      value.list = SplitDefaultList(def.default_text);
      value.item_marks.resize(value.list.size());
      return value;
    case OptionType::kTable: {
      auto table = std::make_shared<Options>();
      WEIR_RETURN_IF_ERROR(table->FillDefaults(def.table));
      value.table = std::move(table);
      return value;
    }
    case OptionType::kStringMap:
    case OptionType::kSchema:
      return value;  // "{}" is the only default that makes sense
    default:
      return Options::ParseScalar(def, def.default_text);
  }
}

Status MissingKey(const OptionDef& def) {
  return Err(ErrorCode::kConfigMissingKey, absl::StrCat("missing required key '", def.name, "'"),
             def.doc);
}

// Optimal string alignment: insert, delete, replace and swap of neighbours cost 1 each.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

const OptionValue& Options::Get(std::string_view name) const {
  const auto it = values_.find(name);
  WEIR_CHECK(it != values_.end(), name);
  return it->second;
}

SourceMark Options::MarkOf(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? SourceMark{} : it->second.mark;
}

Status Options::FillDefaults(const std::vector<OptionDef>& defs) {
  for (const OptionDef& def : defs) {
    const auto it = values_.find(def.name);
    if (it != values_.end()) {
      if (def.type != OptionType::kTable || it->second.table == nullptr) continue;
      auto table = std::make_shared<Options>(*it->second.table);
      WEIR_RETURN_IF_ERROR(table->FillDefaults(def.table));
      it->second.table = std::move(table);
      continue;
    }
    if (def.required) return MissingKey(def);
    if (def.default_text.empty()) continue;
    WEIR_ASSIGN_OR_RETURN(OptionValue value, DefaultOf(def));
    values_[def.name] = std::move(value);
  }
  return absl::OkStatus();
}

StatusOr<OptionValue> Options::ParseScalar(const OptionDef& def, std::string_view text) {
  OptionValue value;
  value.text = std::string(text);
  switch (def.type) {
    case OptionType::kString:
      WEIR_RETURN_IF_ERROR(CheckAllowed(def, text));
      return value;
    case OptionType::kVariant:
    case OptionType::kExpr:
      return value;
    case OptionType::kStringList:
      WEIR_RETURN_IF_ERROR(CheckAllowed(def, text));
      value.list = {value.text};
      return value;
    case OptionType::kInt: {
      WEIR_ASSIGN_OR_RETURN(value.number, ParseInt(def, text));
      value.real = static_cast<double>(value.number);
      WEIR_RETURN_IF_ERROR(CheckRange(def, value.real, text));
      return value;
    }
    case OptionType::kDouble: {
      WEIR_ASSIGN_OR_RETURN(value.real, ParseDouble(def, text));
      WEIR_RETURN_IF_ERROR(CheckRange(def, value.real, text));
      return value;
    }
    case OptionType::kBool: {
      WEIR_ASSIGN_OR_RETURN(const bool set, ParseBool(text));
      value.number = set ? 1 : 0;
      return value;
    }
    case OptionType::kDuration: {
      WEIR_ASSIGN_OR_RETURN(value.number, ParseDuration(text));
      WEIR_RETURN_IF_ERROR(CheckRange(def, static_cast<double>(value.number), text));
      return value;
    }
    case OptionType::kSize: {
      WEIR_ASSIGN_OR_RETURN(value.number, ParseSize(text));
      WEIR_RETURN_IF_ERROR(CheckRange(def, static_cast<double>(value.number), text));
      return value;
    }
    case OptionType::kStringMap:
    case OptionType::kTable:
    case OptionType::kSchema:
      break;
  }
  return Err(ErrorCode::kConfigWrongType, absl::StrCat("expected a table, found ", Quoted(text)),
             "write { key: value } or indented lines of 'key: value'");
}

StatusOr<int64_t> ParseDuration(std::string_view text) {
  const auto wrong = [text](std::string_view hint) {
    return Err(ErrorCode::kConfigWrongType,
               absl::StrCat("expected a duration, found ", Quoted(text)), hint);
  };
  int64_t digits;
  int decimals;
  std::string_view unit;
  if (!SplitNumber(text, &digits, &decimals, &unit)) {
    return wrong("write a number and one of ms, s, m, h, d, for example 10s");
  }
  if (unit.empty()) {
    return wrong(
        absl::StrCat("a duration needs a unit: ", ToAbsl(text), "s, ", ToAbsl(text), "ms, ..."));
  }
  for (const Unit& known : kDurationUnits) {
    if (unit != known.name) continue;
    if (const auto ms = Scale(digits, decimals, known.factor, kMaxDurationMs)) return *ms;
    return Err(ErrorCode::kConfigOutOfRange,
               absl::StrCat("expected a whole number of milliseconds up to ",
                            FormatDuration(kMaxDurationMs), ", found ", Quoted(text)));
  }
  return wrong("the units are ms, s, m, h and d");
}

StatusOr<int64_t> ParseSize(std::string_view text) {
  const auto wrong = [text](std::string_view hint) {
    return Err(ErrorCode::kConfigWrongType, absl::StrCat("expected a size, found ", Quoted(text)),
               hint);
  };
  int64_t digits;
  int decimals;
  std::string_view unit;
  if (!SplitNumber(text, &digits, &decimals, &unit)) {
    return wrong("write bytes or a number with a unit, for example 64MiB");
  }
  if (unit.empty()) unit = "B";
  for (const Unit& known : kSizeUnits) {
    if (unit != known.name) continue;
    if (const auto bytes = Scale(digits, decimals, known.factor, kMaxSizeBytes)) return *bytes;
    return Err(ErrorCode::kConfigOutOfRange,
               absl::StrCat("expected a whole number of bytes up to ", FormatSize(kMaxSizeBytes),
                            ", found ", Quoted(text)));
  }
  return wrong("the units are B, kB, KiB, MB, MiB, GB, GiB, TB and TiB");
}

std::string FormatDuration(int64_t ms) { return FormatUnits(ms, kDurationUnits, "0s"); }

std::string FormatSize(int64_t bytes) { return FormatUnits(bytes, kSizeUnits, "0B"); }

std::string NearestName(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr size_t kLongest = 100;  // the distance is quadratic; nobody mistypes such a name
  if (name.empty() || name.size() > kLongest) return "";
  const std::string lower = absl::AsciiStrToLower(ToAbsl(name));
  std::string best;
  size_t best_distance = SIZE_MAX;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    const size_t distance = EditDistance(lower, absl::AsciiStrToLower(candidate));
    const size_t limit = std::max<size_t>(1, std::max(name.size(), candidate.size()) / 3);
    if (distance > limit || distance >= std::max<size_t>(name.size(), 1)) continue;
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace weir
