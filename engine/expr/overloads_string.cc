// size and the functions of strings. Positions and sizes of strings count code points.
#include <string>
#include <utility>

#include "engine/expr/kernel.h"
#include "engine/expr/regex.h"
#include "engine/expr/text.h"

namespace weir::expr {

namespace {

using Text = std::string_view;
constexpr int64_t kAll = INT64_MAX;

int64_t SizeOfString(Text s) { return static_cast<int64_t>(CountCodePoints(s)); }
int64_t SizeOfBytes(Text s) { return static_cast<int64_t>(s.size()); }
int64_t SizeOfList(const Value& v) { return static_cast<int64_t>(v.list().size()); }
int64_t SizeOfMap(const Value& v) { return static_cast<int64_t>(v.map().size()); }

bool Contains(Text s, Text part) { return s.find(part) != Text::npos; }
bool StartsWith(Text s, Text prefix) { return s.substr(0, prefix.size()) == prefix; }
bool EndsWith(Text s, Text suffix) {
  return s.size() >= suffix.size() && s.substr(s.size() - suffix.size()) == suffix;
}

Err Substring(Text s, int64_t from, int64_t to, Text* out) {
  const size_t begin = from < 0 ? Text::npos : CodePointOffset(s, from);
  const size_t end = to < 0 ? Text::npos : CodePointOffset(s, to);
  if (begin == Text::npos || end == Text::npos || begin > end) return Err::kIndexRange;
  *out = s.substr(begin, end - begin);
  return Err::kOk;
}
Err SubstringToEnd(Text s, int64_t from, Text* out) {
  const size_t begin = from < 0 ? Text::npos : CodePointOffset(s, from);
  if (begin == Text::npos) return Err::kIndexRange;
  *out = s.substr(begin);
  return Err::kOk;
}
Err CharAt(Text s, int64_t index, Text* out) {
  const size_t at = index < 0 ? Text::npos : CodePointOffset(s, index);
  if (at == Text::npos) return Err::kIndexRange;
  *out = at == s.size() ? Text() : s.substr(at, CodePointOffset(s.substr(at), 1));
  return Err::kOk;
}

int64_t CodePointsBefore(Text s, size_t at) {
  return at == Text::npos ? -1 : static_cast<int64_t>(CountCodePoints(s.substr(0, at)));
}
int64_t IndexOf(Text s, Text part) { return CodePointsBefore(s, s.find(part)); }
Err IndexOfFrom(Text s, Text part, int64_t from, int64_t* out) {
  const size_t begin = from < 0 ? Text::npos : CodePointOffset(s, from);
  if (begin == Text::npos) return Err::kIndexRange;
  *out = CodePointsBefore(s, s.find(part, begin));
  return Err::kOk;
}
int64_t LastIndexOf(Text s, Text part) { return CodePointsBefore(s, s.rfind(part)); }

template <char From, char To>
Err MapAscii(Scratch& scratch, Text s, Text* out) {
  char* to = scratch.arena.Allocate(s.size());
  for (size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    to[i] = c >= From && c <= To ? static_cast<char>(c ^ 0x20) : c;
  }
  *out = {to, s.size()};
  return Err::kOk;
}

// Bytes of the white space (Unicode's White_Space) at the start of `s`, or 0.
size_t SpaceLength(Text s) {
  static constexpr Text kWide[] = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80",
                                   "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84",
                                   "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88",
                                   "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9",
                                   "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
  if (s.empty()) return 0;
  if (s[0] == ' ' || (s[0] >= '\t' && s[0] <= '\r')) return 1;
  for (const Text space : kWide) {
    if (StartsWith(s, space)) return space.size();
  }
  return 0;
}

Text Trim(Text s) {
  while (const size_t n = SpaceLength(s)) s.remove_prefix(n);
  while (!s.empty()) {
    size_t last = s.size() - 1;
    while (last > 0 && !IsUtf8Start(s[last])) --last;
    if (SpaceLength(s.substr(last)) == 0) break;
    s = s.substr(0, last);
  }
  return s;
}

// The position of the next `separator` at or after `from`; an empty one stands between all code
// points and at both ends.
size_t FindNext(Text s, Text separator, size_t from) { return s.find(separator, from); }
size_t Step(Text s, size_t at) { return CodePointOffset(s.substr(at), 1); }

Err ReplaceSome(Scratch& scratch, Text s, Text old, Text with, int64_t limit, Text* out) {
  std::string made;
  size_t at = 0;
  int64_t left = limit < 0 ? kAll : limit;
  while (left > 0) {
    const size_t found = FindNext(s, old, at);
    if (found == Text::npos) break;
    made.append(s.substr(at, found - at)).append(with);
    at = found + old.size();
    --left;
    if (old.empty()) {
      if (at == s.size()) break;
      const size_t step = Step(s, at);
      made.append(s.substr(at, step));
      at += step;
    }
    if (made.size() > kMaxStringBytes) return Err::kTooLarge;
  }
  made.append(s.substr(at));
  if (made.size() > kMaxStringBytes) return Err::kTooLarge;
  *out = scratch.arena.Copy(made);
  return Err::kOk;
}
Err ReplaceAll(Scratch& scratch, Text s, Text old, Text with, Text* out) {
  return ReplaceSome(scratch, s, old, with, -1, out);
}

Err SplitSome(Text s, Text separator, int64_t limit, Value* out) {
  Value::List parts;
  const auto add = [&](Text part) { parts.push_back(Value::String(std::string(part))); };
  const size_t most = limit < 0 ? kMaxListItems + 1 : static_cast<size_t>(limit);
  size_t at = 0;
  while (parts.size() + 1 < most && (!separator.empty() || at < s.size())) {
    const size_t end = separator.empty() ? at + Step(s, at) : FindNext(s, separator, at);
    if (end == Text::npos || (separator.empty() && end == s.size())) break;
    add(s.substr(at, end - at));
    at = end + separator.size();
  }
  if (most > 0 && (!separator.empty() || !s.empty())) add(s.substr(at));
  if (parts.size() > kMaxListItems) return Err::kTooLarge;
  *out = Value::MakeList(std::move(parts));
  return Err::kOk;
}
Err SplitAll(Text s, Text separator, Value* out) { return SplitSome(s, separator, -1, out); }

Err JoinWith(Scratch& scratch, const Value& list, Text separator, Text* out) {
  std::string made;
  bool first = true;
  for (const Value& item : list.list()) {
    if (item.kind() != Value::Kind::kString) return Err::kNoOverload;
    if (!first) made.append(separator);
    first = false;
    made.append(item.string_value());
    if (made.size() > kMaxStringBytes) return Err::kTooLarge;
  }
  *out = scratch.arena.Copy(made);
  return Err::kOk;
}
Err JoinPlain(Scratch& scratch, const Value& list, Text* out) {
  return JoinWith(scratch, list, "", out);
}

}  // namespace

void AddStringOverloads(OverloadList* out) {
  constexpr Kind kInt = Kind::kInt, kBool = Kind::kBool, kList = Kind::kList;
  constexpr Kind kString = Kind::kString;
  using F = FunctionId;
  const Overload all[] = {
      GlobalAndMember<SizeOfString, kInt, kString>(F::kSize),
      GlobalAndMember<SizeOfBytes, kInt, Kind::kBytes>(F::kSize),
      GlobalAndMember<SizeOfList, kInt, kList>(F::kSize),
      GlobalAndMember<SizeOfMap, kInt, Kind::kMap>(F::kSize),
      Member<Contains, kBool, kString, kString>(F::kContains),
      Member<StartsWith, kBool, kString, kString>(F::kStartsWith),
      Member<EndsWith, kBool, kString, kString>(F::kEndsWith),
      GlobalAndMember<MatchDynamic, kBool, kString, kString>(F::kMatches),
      Member<CharAt, kString, kString, kInt>(F::kCharAt),
      Member<IndexOf, kInt, kString, kString>(F::kIndexOf),
      Member<IndexOfFrom, kInt, kString, kString, kInt>(F::kIndexOf),
      Member<LastIndexOf, kInt, kString, kString>(F::kLastIndexOf),
      Member<JoinPlain, kString, kList>(F::kJoin),
      Member<JoinWith, kString, kList, kString>(F::kJoin),
      Member<MapAscii<'A', 'Z'>, kString, kString>(F::kLowerAscii),
      Member<MapAscii<'a', 'z'>, kString, kString>(F::kUpperAscii),
      Member<ReplaceAll, kString, kString, kString, kString>(F::kReplace),
      Member<ReplaceSome, kString, kString, kString, kString, kInt>(F::kReplace),
      Member<SplitAll, kList, kString, kString>(F::kSplit),
      Member<SplitSome, kList, kString, kString, kInt>(F::kSplit),
      Member<SubstringToEnd, kString, kString, kInt>(F::kSubstring),
      Member<Substring, kString, kString, kInt, kInt>(F::kSubstring),
      Member<Trim, kString, kString>(F::kTrim),
  };
  out->insert(out->end(), std::begin(all), std::end(all));
}

}  // namespace weir::expr
