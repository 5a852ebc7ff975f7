#include "engine/model/json_scan.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"

namespace weir {

// simdjson offers stage 1 alone only through this interface, which it marks as internal. The
// version is pinned by the distribution, and json_parse_test.cc compares us with the public parser.
struct JsonScanner::Tokens {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> impl;
};

namespace {
constexpr size_t kLeast = 256;
constexpr size_t kSmall = 64 * 1024;
constexpr size_t kLarge = 1024 * 1024;
}  // namespace

JsonScanner::JsonScanner(const JsonLimits& limits)
    : limits_(limits), tokens_(std::make_unique<Tokens>()) {}
JsonScanner::~JsonScanner() = default;

// The index takes 4 bytes for each byte of text: what one huge line needed is given back at the
// next small one.
bool JsonScanner::Fit(size_t bytes) {
  const bool fits = bytes <= capacity_ && (capacity_ <= kLarge || bytes > kSmall);
  if (fits && tokens_->impl != nullptr) return true;
  tokens_->impl.reset();
  capacity_ = std::bit_ceil(std::max(bytes, kLeast));
  const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
      capacity_, /*max_length=*/16, tokens_->impl);
  return error == simdjson::SUCCESS && tokens_->impl != nullptr;
}

JsonFault JsonScanner::Scan(std::string_view text) {
  size_ = 0;
  if (text.size() > limits_.max_bytes) return JsonFault::kTooLarge;
  if (text.empty()) return JsonFault::kSyntax;
  if (std::memchr(text.data(), '\0', text.size()) != nullptr) return JsonFault::kBadText;
  WEIR_CHECK(Fit(text.size()), "no memory for JSON tokens");
  auto& impl = *tokens_->impl;
  const auto error = impl.stage1(reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                                 simdjson::stage1_mode::regular);
  if (error != simdjson::SUCCESS) {
    // Broken UTF-8 is the reason to report even if something else is wrong as well.
    const bool utf8 = simdjson::validate_utf8(text.data(), text.size());
    return utf8 ? JsonFault::kSyntax : JsonFault::kBadText;
  }
  text_ = text;
  index_ = impl.structural_indexes.get();
  size_ = impl.n_structural_indexes;
  has_backslash_ = std::memchr(text.data(), '\\', text.size()) != nullptr;
  return JsonFault::kNone;
}

JsonFault JsonScanner::Skip(uint32_t* i, int depth) const {
  switch (Type(*i)) {
    case '{':
      return SkipObject(i, depth + 1);
    case '[':
      return SkipList(i, depth + 1);
    default:
      return SkipScalar((*i)++);
  }
}

JsonFault JsonScanner::SkipObject(uint32_t* i, int depth) const {
  if (depth > limits_.max_depth) return JsonFault::kTooDeep;
  if (Type(++*i) == '}') return ++*i, JsonFault::kNone;
  while (true) {
    if (Type(*i) != '"') return JsonFault::kSyntax;
    if (const JsonFault fault = CheckString(*i); fault != JsonFault::kNone) return fault;
    if (Type(++*i) != ':') return JsonFault::kSyntax;
    ++*i;
    if (const JsonFault fault = Skip(i, depth); fault != JsonFault::kNone) return fault;
    const char next = Type((*i)++);
    if (next == '}') return JsonFault::kNone;
    if (next != ',') return JsonFault::kSyntax;
  }
}

JsonFault JsonScanner::SkipList(uint32_t* i, int depth) const {
  if (depth > limits_.max_depth) return JsonFault::kTooDeep;
  if (Type(++*i) == ']') return ++*i, JsonFault::kNone;
  while (true) {
    if (const JsonFault fault = Skip(i, depth); fault != JsonFault::kNone) return fault;
    const char next = Type((*i)++);
    if (next == ']') return JsonFault::kNone;
    if (next != ',') return JsonFault::kSyntax;
  }
}

bool JsonScanner::Jump(uint32_t* i) const {
  size_t open = 0;
  do {
    switch (Type((*i)++)) {
      case '{':
      case '[':
        ++open;
        break;
      case '}':
      case ']':
        --open;
        break;
      case '\0':
        return false;
      default:
        break;
    }
  } while (open != 0);
  return true;
}

JsonFault JsonScanner::SkipScalar(uint32_t i) const {
  switch (Type(i)) {
    case '"':
      return CheckString(i);
    case 't':
      return Token(i) == "true" ? JsonFault::kNone : JsonFault::kSyntax;
    case 'f':
      return Token(i) == "false" ? JsonFault::kNone : JsonFault::kSyntax;
    case 'n':
      return Token(i) == "null" ? JsonFault::kNone : JsonFault::kSyntax;
    case '\0':
      return JsonFault::kSyntax;
    default: {
      bool integer;
      return IsJsonNumber(Token(i), &integer) ? JsonFault::kNone : JsonFault::kSyntax;
    }
  }
}

JsonFault JsonScanner::CheckString(uint32_t i) const {
  std::string_view raw;
  if (const JsonFault fault = RawString(i, &raw); fault != JsonFault::kNone) return fault;
  if (!HasEscapes(raw)) return JsonFault::kNone;
  scratch_.clear();
  return AppendUnescaped(raw, &scratch_);
}

JsonFault JsonScanner::DecodeEscapes(std::string* scratch, std::string_view* text) {
  scratch->clear();
  const JsonFault fault = AppendUnescaped(*text, scratch);
  *text = *scratch;
  return fault;
}

Status JsonFaultToStatus(JsonFault fault, const JsonLimits& limits) {
  switch (fault) {
    case JsonFault::kNone:
      return absl::OkStatus();
    case JsonFault::kSyntax:
      return Err(ErrorCode::kRecordNotJson, "not valid JSON");
    case JsonFault::kTooDeep:
      return Err(ErrorCode::kRecordTooDeep,
                 absl::StrCat("nests deeper than ", limits.max_depth, " levels"));
    case JsonFault::kTooLarge:
      return Err(ErrorCode::kRecordTooLarge,
                 limits.max_string_bytes < limits.max_bytes
                     ? absl::StrCat("a string is larger than ", limits.max_string_bytes,
                                    " bytes or the whole larger than ", limits.max_bytes)
                     : absl::StrCat("larger than ", limits.max_bytes, " bytes"));
    case JsonFault::kBadText:
      return Err(ErrorCode::kRecordBadText,
                 "holds a NUL character, broken UTF-8 or a lone surrogate");
  }
  return absl::OkStatus();
}

}  // namespace weir
