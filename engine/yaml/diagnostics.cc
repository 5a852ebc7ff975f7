#include "engine/yaml/diagnostics.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "engine/yaml/characters.h"
#include "engine/yaml/yaml.h"

namespace weir {
namespace {

constexpr size_t kMaxEntries = 1000;  // a machine-made file may hold one error a line
constexpr size_t kMaxShownColumns = 110;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// A line as code points, because columns count those.
std::vector<std::string> Characters(std::string_view line) {
  std::vector<std::string> out;
  for (const char c : line) {
    if (IsContinuation(c) && !out.empty()) {
      out.back() += c;
    } else {
      out.emplace_back(1, c);
    }
  }
  return out;
}

// Where the value of the last secret key of a line begins and ends; begin == npos if there is none.
struct Span {
  size_t begin = std::string::npos, end = 0;
};

bool IsKeyCharacter(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-'; }

Span SecretValue(std::string_view line, size_t from) {
  for (size_t colon = line.find(':', from); colon != std::string_view::npos;
       colon = line.find(':', colon + 1)) {
    size_t end = colon;
    while (end > 0 && (line[end - 1] == '"' || line[end - 1] == '\'')) --end;
    size_t begin = end;
    while (begin > 0 && IsKeyCharacter(line[begin - 1])) --begin;
    if (!IsSecretKey(line.substr(begin, end - begin))) continue;
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    if (value == std::string_view::npos) return {};
    const char quote = line[value];
    size_t stop = std::string_view::npos;
    if (quote == '"' || quote == '\'') {
      stop = line.find(quote, value + 1);
      if (stop != std::string_view::npos) ++stop;
    } else {
      stop = line.find_first_of(",}", value);
    }
    return {value, std::min(stop, line.size())};
  }
  return {};
}

size_t CountCharacters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

// Replaces the values of secret keys by ***, and moves the mark along.
std::string MaskSecrets(std::string_view line, SourceMark* mark) {
  constexpr int kStars = 3;
  std::string out;
  size_t done = 0;
  for (Span secret = SecretValue(line, 0); secret.begin != std::string::npos;
       secret = SecretValue(line, done)) {
    out.append(line.substr(done, secret.begin - done));
    const int begin = static_cast<int>(CountCharacters(out)) + 1;
    const int width =
        static_cast<int>(CountCharacters(line.substr(secret.begin, secret.end - secret.begin)));
    out.append(kStars, '*');
    if (mark->column >= begin + width) {
      mark->column += kStars - width;
      mark->end_column += kStars - width;
    } else if (mark->column >= begin) {
      mark->column = begin;
      mark->end_column = begin + kStars;
    }
    done = secret.end;
  }
  out.append(line.substr(done));
  return out;
}

std::string MaskOverride(std::string_view override) {
  const size_t equals = override.find('=');
  if (equals == std::string_view::npos) return std::string(override);
  const std::string_view path = override.substr(0, equals);
  if (!IsSecretKey(path.substr(path.rfind('.') + 1))) return std::string(override);
  return absl::StrCat(ToAbsl(path), "=***");
}

std::string Count(int n, std::string_view what) {
  return absl::StrCat(n, " ", ToAbsl(what), n == 1 ? "" : "s");
}

}  // namespace

void Diagnostics::SetSource(std::string file, std::string_view text) {
  file_ = std::move(file);
  lines_.clear();
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines_.emplace_back(line);
    begin = end + 1;
  }
}

void Diagnostics::Add(Diagnostic entry) {
  const auto same = [&entry](const Diagnostic& other) {
    return other.mark.line == entry.mark.line && other.mark.column == entry.mark.column &&
           other.message == entry.message;
  };
  // An alias is read once for every place where it stands, its problems are shown once.
  if (std::any_of(entries_.begin(), entries_.end(), same)) return;
  errors_ += entry.is_error ? 1 : 0;
  if (entries_.size() >= kMaxEntries) {
    errors_ -= entry.is_error ? 1 : 0;
    return;
  }
  entries_.push_back(std::move(entry));
}

void Diagnostics::Error(SourceMark mark, ErrorCode code, std::string message, std::string hint) {
  Add({true, static_cast<int>(code), mark, std::move(message), std::move(hint)});
}

void Diagnostics::Warning(SourceMark mark, ErrorCode code, std::string message, std::string hint) {
  Add({false, static_cast<int>(code), mark, std::move(message), std::move(hint)});
}

void Diagnostics::Error(SourceMark mark, const Status& status) {
  int number = ErrorNumber(status);
  if (number == 0) number = static_cast<int>(ErrorCode::kConfigBadValue);
  Add({true, number, mark, std::string(ToStd(status.message())), ErrorHint(status)});
}

void Diagnostics::Error(const YamlNode& at, const Status& status) {
  if (!at.secret || at.text.empty()) return Error(at.mark, status);
  int number = ErrorNumber(status);
  if (number == 0) number = static_cast<int>(ErrorCode::kConfigBadValue);
  std::string message = absl::StrReplaceAll(status.message(), {{at.text, "***"}});
  // A message may repeat a long value cut short.
  constexpr size_t kTelling = 6;
  if (message.find(at.text.substr(0, kTelling)) != std::string::npos && at.text.size() > kTelling) {
    message = "this value is not accepted";
  }
  Add({true, number, at.mark, std::move(message), ""});  // the hint may repeat it too
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<Diagnostic> sorted = entries_;
  const auto rank = [](const Diagnostic& d) {
    return std::make_tuple(d.mark.line < 0, d.mark.line < 0 ? -d.mark.line : d.mark.line,
                           d.mark.column, d.number);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&rank](const Diagnostic& a, const Diagnostic& b) { return rank(a) < rank(b); });
  return sorted;
}

std::string_view Diagnostics::Line(int line) const {
  if (line < 1 || line > static_cast<int>(lines_.size())) return {};
  return lines_[static_cast<size_t>(line) - 1];
}

std::string Diagnostics::Place(const SourceMark& mark) const {
  if (mark.line > 0) return absl::StrCat(file_, ":", mark.line, ":", mark.column);
  const size_t number = static_cast<size_t>(-mark.line);
  if (number == 0 || number > overrides_.size()) return file_;
  return absl::StrCat("--set ", Printable(MaskOverride(overrides_[number - 1])));
}

std::string Diagnostics::Head(const Diagnostic& entry) const {
  return absl::StrFormat("%s: %s[WEIR-%04d]: %s\n", Place(entry.mark),
                         entry.is_error ? "error" : "warning", entry.number,
                         Printable(entry.message));
}

std::string Diagnostics::Excerpt(const SourceMark& mark) const {
  const std::string_view line = Line(mark.line);
  if (line.empty()) return "";
  SourceMark at = mark;
  const std::vector<std::string> characters = Characters(Printable(MaskSecrets(line, &at)));
  const size_t size = characters.size();
  const size_t column = std::min<size_t>(static_cast<size_t>(std::max(at.column, 1)) - 1, size);
  size_t begin = 0;
  if (size > kMaxShownColumns && column > kMaxShownColumns / 2) {
    begin = std::min(column - kMaxShownColumns / 2, size - kMaxShownColumns);
  }
  const size_t end = std::min(size, begin + kMaxShownColumns);
  std::string text = begin > 0 ? "..." : "";
  std::string under(text.size() + column - begin, ' ');
  for (size_t i = begin; i < end; ++i) text += characters[i];
  if (end < size) text += "...";
  const size_t stop = std::min<size_t>(static_cast<size_t>(std::max(at.end_column, 1)) - 1, end);
  under += '^';
  if (stop > column + 1) under.append(stop - column - 1, '~');
  return absl::StrFormat("%5d | %s\n      | %s\n", mark.line, text, under);
}

std::string Diagnostics::Render() const {
  if (entries_.empty()) return "";
  std::string out;
  for (const Diagnostic& entry : Sorted()) {
    absl::StrAppend(&out, Head(entry), Excerpt(entry.mark));
    if (!entry.hint.empty()) absl::StrAppend(&out, "  hint: ", Printable(entry.hint), "\n");
  }
  if (errors_ > 0) absl::StrAppend(&out, Count(errors_, "error"));
  if (warnings() > 0) {
    absl::StrAppend(&out, errors_ > 0 ? ", " : "", Count(warnings(), "warning"));
  }
  return out + "\n";
}

std::string Diagnostics::RenderShort() const {
  std::string out;
  for (const Diagnostic& entry : Sorted()) out += Head(entry);
  return out;
}

Status Diagnostics::ToStatus() const {
  for (const Diagnostic& entry : Sorted()) {
    if (!entry.is_error) continue;
    const std::string rest =
        errors_ > 1 ? absl::StrCat(" (and ", Count(errors_ - 1, "more error"), ")") : "";
    return Err(static_cast<ErrorCode>(entry.number),
               absl::StrCat(Place(entry.mark), ": ", entry.message, rest), entry.hint);
  }
  return absl::OkStatus();
}

}  // namespace weir
