#include "engine/yaml/yaml.h"

#include <libfyaml.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/yaml/characters.h"
#include "engine/yaml/diagnostics.h"

namespace weir {
namespace {

constexpr int kMaxEmptyLines = 100;  // looked over in front of a block's text

struct DiagDeleter {
  void operator()(fy_diag* diag) const { fy_diag_destroy(diag); }
};
struct ParserDeleter {
  void operator()(fy_parser* parser) const { fy_parser_destroy(parser); }
};
struct EventDeleter {
  fy_parser* parser;
  void operator()(fy_event* event) const { fy_parser_event_free(parser, event); }
};
using EventPtr = std::unique_ptr<fy_event, EventDeleter>;

std::string TokenText(fy_token* token) {
  if (token == nullptr) return "";
  size_t length = 0;
  const char* text = fy_token_get_text(token, &length);
  return text == nullptr ? std::string() : std::string(text, length);
}

// libfyaml's words are kept; this adds what most people need to be told.
std::string HintFor(std::string_view message, std::string_view line) {
  const auto has = [message](std::string_view part) {
    return message.find(part) != std::string_view::npos;
  };
  if (has("double-quoted") || has("single-quoted")) {
    return has("escape") ? "write \\\\ for a backslash, or use single quotes"
                         : "a closing quote may be missing";
  }
  if (has("tab character")) return "indent with spaces";
  if (has("cannot start with")) return "put the text in quotes";
  if (has("nested block mapping")) return "put a text that holds ': ' in quotes";
  if ((has("flow mapping") || has("flow sequence")) && line.find("${") != std::string_view::npos) {
    return "inside { } and [ ] a ${VARIABLE} must stand in quotes";
  }
  if (has("mismatched flow")) return "a '[' or '{' before it is not closed";
  if (has("multiline plain key")) return "a ':' may be missing at the end of this line";
  if (has("could not find expected ':'")) return "write 'key: value', with a space after the colon";
  return "";
}

bool IsNullText(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// Turns libfyaml's events into the tree. Every Read... returns false after adding an error.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, Diagnostics* diagnostics)
      : text_(text), diagnostics_(diagnostics) {
    fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = nullptr;
    diag_config.level = FYET_ERROR;
    diag_.reset(fy_diag_create(&diag_config));
    fy_diag_set_collect_errors(diag_.get(), true);
    fy_parse_cfg config{};
    config.flags = static_cast<fy_parse_cfg_flags>(FYPCF_QUIET | FYPCF_COLLECT_DIAG |
                                                   FYPCF_DEFAULT_VERSION_1_2);
    config.diag = diag_.get();
    parser_.reset(fy_parser_create(&config));
  }

  bool Build(YamlNode* root) {
    if (parser_ == nullptr ||
        fy_parser_set_string(parser_.get(), text_.data(), text_.size()) != 0) {
      return Fail({}, "the YAML parser cannot start");
    }
    bool seen = false;
    for (EventPtr event = Next(); event != nullptr; event = Next()) {
      if (event->type == FYET_STREAM_END) break;
      if (event->type == FYET_STREAM_START || event->type == FYET_DOCUMENT_END) continue;
      if (event->type == FYET_DOCUMENT_START) {
        if (seen)
          return Fail(MarkOf(event.get()), "a second document begins here",
                      "a topology is one document; remove the line '---'");
        seen = true;
        continue;
      }
      if (!ReadNode(event.get(), 0, root)) return false;
    }
    return !ReportParserError();
  }

 private:
  EventPtr Next() { return EventPtr(fy_parser_parse(parser_.get()), EventDeleter{parser_.get()}); }

  bool Fail(SourceMark mark, std::string message, std::string hint = {}) {
    diagnostics_->Error(mark, ErrorCode::kConfigSyntax, std::move(message), std::move(hint));
    return false;
  }

  // True if libfyaml gave up; the error is added.
  bool ReportParserError() {
    void* iterator = nullptr;
    const fy_diag_error* error = fy_diag_errors_iterate(diag_.get(), &iterator);
    if (error == nullptr && !fy_parser_get_stream_error(parser_.get())) return false;
    if (error == nullptr) return !Fail({}, "the YAML text cannot be parsed");
    const std::string message = error->msg != nullptr ? error->msg : "syntax error";
    const std::string hint = HintFor(message, diagnostics_->Line(error->line));
    return !Fail({error->line, error->column, error->column + 1},
                 std::string(absl::StripAsciiWhitespace(message)), hint);
  }

  bool EndOfEvents() {
    if (!ReportParserError()) Fail({}, "the YAML text ends too early");
    return false;
  }

  SourceMark MarkOf(fy_event* event) const {
    const fy_mark* start = fy_event_start_mark(event);
    const fy_mark* end = fy_event_end_mark(event);
    if (start == nullptr) return {};
    SourceMark mark{start->line + 1, start->column + 1, start->column + 2};
    if (end != nullptr && end->line == start->line) {
      mark.end_column = std::max(end->column, start->column + 1) + 1;
    }
    return mark;
  }

  bool ReadNode(fy_event* event, int depth, YamlNode* out) {
    if (depth > kMaxYamlDepth) {
      return Fail(MarkOf(event), absl::StrCat("more than ", kMaxYamlDepth, " levels of nesting"));
    }
    if (++nodes_ > kMaxYamlNodes) return TooMany(MarkOf(event));
    const SourceMark mark = MarkOf(event);
    if (mark.line != 0) out->mark = mark;
    switch (event->type) {
      case FYET_ALIAS:
        return ReadAlias(event, depth, out);
      case FYET_SCALAR:
        ReadScalar(event, out);
        return Anchored(event->scalar.anchor, event->scalar.tag, *out);
      case FYET_SEQUENCE_START: {
        const std::string anchor = OpenAnchor(event->sequence_start.anchor);
        return CheckTag(event->sequence_start.tag, mark) && ReadSequence(depth, out) &&
               CloseAnchor(anchor, *out);
      }
      case FYET_MAPPING_START: {
        const std::string anchor = OpenAnchor(event->mapping_start.anchor);
        return CheckTag(event->mapping_start.tag, mark) && ReadMapping(depth, out) &&
               CloseAnchor(anchor, *out);
      }
      default:
        return Fail(mark, "unexpected YAML");
    }
  }

  bool TooMany(SourceMark mark) {
    return Fail(mark, absl::StrCat("more than ", kMaxYamlNodes, " values, aliases included"));
  }

  bool ReadSequence(int depth, YamlNode* out) {
    out->kind = YamlNode::Kind::kSequence;
    for (EventPtr event = Next(); event != nullptr; event = Next()) {
      if (event->type == FYET_SEQUENCE_END) return true;
      YamlNode child;
      child.mark = out->mark;  // an empty item has no place of its own
      child.secret = out->secret;
      if (!ReadNode(event.get(), depth + 1, &child)) return false;
      out->children.push_back(std::move(child));
    }
    return EndOfEvents();
  }

  bool ReadMapping(int depth, YamlNode* out) {
    out->kind = YamlNode::Kind::kMapping;
    std::map<std::string, int> lines;  // of the keys so far
    for (EventPtr key = Next(); key != nullptr; key = Next()) {
      if (key->type == FYET_MAPPING_END) return true;
      YamlNode child;
      if (key->type != FYET_SCALAR) {
        return Fail(MarkOf(key.get()), "a key must be a text");
      }
      child.key = TokenText(key->scalar.value);
      child.key_mark = MarkOf(key.get());
      if (child.key_mark.line == 0) return Fail(out->mark, "a key is missing before ':'");
      child.mark = child.key_mark;  // for values that have no place of their own
      child.secret = out->secret || IsSecretKey(child.key);
      const EventPtr value = Next();
      if (value == nullptr) return EndOfEvents();
      if (!ReadNode(value.get(), depth + 1, &child)) return false;
      const auto [it, added] = lines.emplace(child.key, child.key_mark.line);
      if (added) {
        out->children.push_back(std::move(child));
      } else {
        diagnostics_->Error(child.key_mark, ErrorCode::kConfigDuplicate,
                            absl::StrCat("the key '", child.key, "' stands twice"),
                            absl::StrCat("the first one is in line ", it->second));
      }
    }
    return EndOfEvents();
  }

  void ReadScalar(fy_event* event, YamlNode* out) {
    out->text = TokenText(event->scalar.value);
    const fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
    out->style = style == FYSS_PLAIN     ? YamlNode::Style::kPlain
                 : style == FYSS_LITERAL ? YamlNode::Style::kLiteral
                 : style == FYSS_FOLDED  ? YamlNode::Style::kFolded
                                         : YamlNode::Style::kQuoted;
    const bool null = style == FYSS_PLAIN && IsNullText(out->text);
    out->kind = null ? YamlNode::Kind::kNull : YamlNode::Kind::kScalar;
    const fy_mark* start = fy_event_start_mark(event);
    const fy_mark* end = fy_event_end_mark(event);
    if (start == nullptr || end == nullptr) return;
    if (style == FYSS_LITERAL || style == FYSS_FOLDED) return FindBlock(out);
    if (start->line != end->line || end->input_pos > text_.size()) return;
    // libfyaml's marks of quoted texts lie inside of the quotes; the value that a person sees
    // begins with the quote.
    const std::string_view raw = text_.substr(start->input_pos, end->input_pos - start->input_pos);
    if (out->style == YamlNode::Style::kQuoted) {
      --out->mark.column;
      ++out->mark.end_column;
    }
    if (raw != out->text) return;
    out->text_line = start->line + 1;
    out->text_column = start->column + 1;
  }

  // libfyaml's mark of a block is the beginning of its first line; the text begins at that line's
  // indentation. Only the lines of a literal block stand in the text as they are.
  void FindBlock(YamlNode* out) const {
    for (int line = out->mark.line; line <= out->mark.line + kMaxEmptyLines; ++line) {
      const std::string_view source = diagnostics_->Line(line);
      const size_t indent = source.find_first_not_of(' ');
      if (indent == std::string_view::npos) continue;
      const int column = static_cast<int>(indent) + 1;
      if (out->style == YamlNode::Style::kLiteral && line == out->mark.line &&
          source.substr(indent) == std::string_view(out->text).substr(0, out->text.find('\n'))) {
        out->text_line = line;
        out->text_column = column;
      }
      out->mark = {line, column, static_cast<int>(source.size()) + 1};
      return;
    }
  }

  bool CheckTag(fy_token* tag, SourceMark mark) {
    if (tag == nullptr) return true;
    return Fail(mark, absl::StrCat("tags are not supported: ", TokenText(tag)),
                "the type of a value follows from its key; write it without the '!'");
  }

  std::string OpenAnchor(fy_token* token) {
    std::string name = TokenText(token);
    if (!name.empty()) open_.insert(name);
    return name;
  }
  bool CloseAnchor(const std::string& name, const YamlNode& node) {
    if (name.empty()) return true;
    open_.erase(name);
    anchors_[name] = node;
    return true;
  }
  bool Anchored(fy_token* anchor, fy_token* tag, const YamlNode& node) {
    return CheckTag(tag, node.mark) && CloseAnchor(TokenText(anchor), node);
  }

  bool ReadAlias(fy_event* event, int depth, YamlNode* out) {
    const std::string name = TokenText(event->alias.anchor);
    const SourceMark mark = MarkOf(event);
    if (open_.count(name) > 0) {
      return Fail(mark, absl::StrCat("the alias '*", name, "' stands inside of what it names"));
    }
    const auto it = anchors_.find(name);
    if (it == anchors_.end()) {
      std::vector<std::string> known;
      for (const auto& [anchor, node] : anchors_) known.push_back(anchor);
      const std::string near = NearestName(name, known);
      return Fail(mark, absl::StrCat("there is no anchor '&", name, "' above this line"),
                  near.empty() ? "" : absl::StrCat("did you mean '*", near, "'?"));
    }
    if (!Measure(it->second, depth, mark)) return false;
    YamlNode copy = it->second;
    copy.key = out->key;
    copy.key_mark = out->key_mark;
    copy.secret = copy.secret || out->secret;
    *out = std::move(copy);
    return true;
  }

  // Counts what an alias expands to: nine aliases of nine aliases of ... end here.
  bool Measure(const YamlNode& node, int depth, SourceMark mark) {
    if (depth > kMaxYamlDepth) {
      return Fail(mark, absl::StrCat("more than ", kMaxYamlDepth, " levels of nesting"));
    }
    if (++nodes_ > kMaxYamlNodes) return TooMany(mark);
    return std::all_of(node.children.begin(), node.children.end(),
                       [&](const YamlNode& child) { return Measure(child, depth + 1, mark); });
  }

  std::string_view text_;
  Diagnostics* diagnostics_;
  std::unique_ptr<fy_diag, DiagDeleter> diag_;
  std::unique_ptr<fy_parser, ParserDeleter> parser_;
  std::map<std::string, YamlNode> anchors_;
  std::set<std::string> open_;
  int nodes_ = 0;
};

}  // namespace

const YamlNode* YamlNode::Find(std::string_view name) const {
  const auto it = std::find_if(children.begin(), children.end(),
                               [name](const YamlNode& child) { return child.key == name; });
  return it == children.end() ? nullptr : &*it;
}

YamlNode* YamlNode::Find(std::string_view name) {
  return const_cast<YamlNode*>(std::as_const(*this).Find(name));
}

std::string YamlNode::Describe() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kSequence:
      return "a list";
    case Kind::kMapping:
      return "a table";
    case Kind::kScalar:
      break;
  }
  return secret ? "'***'" : QuoteShortened(text);
}

bool ParseYaml(std::string_view text, Diagnostics* diagnostics, YamlNode* root) {
  if (text.size() > kMaxYamlBytes) {
    diagnostics->Error({}, ErrorCode::kConfigSyntax,
                       absl::StrCat("the file has ", text.size(), " bytes, at most ",
                                    FormatSize(kMaxYamlBytes), " are read"));
    return false;
  }
  root->mark = {1, 1, 2};
  if (!CheckCharacters(text, diagnostics)) return false;
  return TreeBuilder(text, diagnostics).Build(root);
}

bool IsSecretKey(std::string_view key) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(key));
  for (const std::string_view part : {"password", "secret", "token"}) {
    if (lower.find(part) != std::string::npos) return true;
  }
  return lower == "id_key";
}

}  // namespace weir
