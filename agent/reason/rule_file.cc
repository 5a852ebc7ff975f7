#include "agent/reason/rule_file.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/fail_safe.h"
#include "agent/reason/request_context.h"
#include "engine/base/hash.h"
#include "engine/yaml/diagnostics.h"
#include "engine/yaml/node_errors.h"
#include "engine/yaml/table_reader.h"
#include "engine/yaml/yaml.h"

namespace weir {

namespace {

OptionDef Def(std::string name, OptionType type, bool required, std::string doc) {
  OptionDef d;
  d.name = std::move(name);
  d.type = type;
  d.required = required;
  d.doc = std::move(doc);
  return d;
}

const std::vector<OptionDef>& FileDefs() {
  static const std::vector<OptionDef> defs = {
      Def("weir_rules", OptionType::kInt, true, "Version of this file's format: 1."),
      Def("name", OptionType::kString, true, "Stands in every decision, as who decided."),
  };
  return defs;
}

const std::vector<OptionDef>& RuleDefs() {
  static const std::vector<OptionDef> defs = [] {
    std::vector<OptionDef> d = {
        Def("when", OptionType::kExpr, true, "CEL over the masked context; `true` = always."),
        Def("verdict", OptionType::kString, true, "What is decided: lower-case letters."),
        Def("action", OptionType::kString, false,
            "Action of the rule that is proposed for the signature; none = no rule."),
        Def("ttl", OptionType::kDuration, false, "Lifetime of that rule, in event time."),
        Def("reason", OptionType::kString, false, "For people."),
    };
    d[3].min = 1;
    return d;
  }();
  return defs;
}

class FileReader {
 public:
  explicit FileReader(Diagnostics* diagnostics) : diagnostics_(diagnostics) {}

  void Read(const YamlNode& root, RuleFile* out) {
    const auto head = ReadTable(root, FileDefs(), "in the rule file", {"rules"}, diagnostics_);
    if (head) {
      if (head->Int("weir_rules") != 1) {
        Error(head->MarkOf("weir_rules"), ErrorCode::kConfigVersion,
              "this build reads `weir_rules: 1`");
      }
      out->name = head->String("name");
      if (!IsName(out->name)) {
        Error(head->MarkOf("name"), ErrorCode::kConfigBadValue,
              "a name consists of letters, digits, _ and -");
      }
    }
    ReadRules(root, out);
  }

 private:
  void Error(SourceMark mark, ErrorCode code, std::string message, std::string hint = {}) {
    diagnostics_->Error(mark, code, std::move(message), std::move(hint));
  }

  void ReadRules(const YamlNode& root, RuleFile* out) {
    const YamlNode* rules = root.Find("rules");
    if (rules == nullptr) {
      return Error(root.OwnMark(), ErrorCode::kConfigMissingKey,
                   "missing required key 'rules' in the rule file");
    }
    if (!rules->IsSequence() || rules->children.empty()) {
      return Error(rules->mark, ErrorCode::kConfigWrongType,
                   absl::StrCat("expected a list of rules, found ", rules->Describe()));
    }
    if (rules->children.size() > RuleFile::kMaxRules) {
      return Error(
          rules->mark, ErrorCode::kConfigOutOfRange,
          absl::StrCat("at most ", RuleFile::kMaxRules, " rules, found ", rules->children.size()));
    }
    for (const YamlNode& node : rules->children) {
      if (std::optional<FileRule> rule = ReadRule(node)) out->rules.push_back(*std::move(rule));
    }
  }

  std::optional<FileRule> ReadRule(const YamlNode& node) {
    const auto options = ReadTable(node, RuleDefs(), "in a rule", {}, diagnostics_);
    if (!options) return std::nullopt;
    FileRule rule;
    rule.line = options->MarkOf("when").line;
    rule.verdict = options->String("verdict");
    if (options->Has("action")) rule.action = options->String("action");
    if (options->Has("ttl")) rule.ttl_ms = options->Int("ttl");
    if (options->Has("reason")) rule.reason = options->String("reason");
    CheckOutcome(*options, rule);
    ExprOptions expr;
    expr.result = TypeKind::kBool;
    auto program = CompileExpr(options->String("when"), *ContextSchema(), expr);
    if (!program.ok()) {
      NodeErrors(node, diagnostics_).Add("when", program.status());
      return std::nullopt;
    }
    rule.when = *std::move(program);
    return rule;
  }

  void CheckOutcome(const Options& options, const FileRule& rule) {
    if (!IsIdentifier(rule.verdict)) {
      Error(options.MarkOf("verdict"), ErrorCode::kConfigBadValue,
            "a verdict consists of lower-case letters, digits and _");
    }
    if (!rule.action.empty() && !IsIdentifier(rule.action)) {
      Error(options.MarkOf("action"), ErrorCode::kConfigBadValue,
            "an action consists of lower-case letters, digits and _");
    }
    if (!rule.action.empty() && rule.verdict == kReleaseVerdict) {
      Error(options.MarkOf("action"), ErrorCode::kConfigBadValue, "a release carries no rule",
            "leave the action out");
    }
    if (rule.ttl_ms > 0 && rule.action.empty()) {
      Error(options.MarkOf("ttl"), ErrorCode::kConfigBadValue,
            "a ttl without an action has no rule to end", "add an action, or leave the ttl out");
    }
  }

  Diagnostics* diagnostics_;
};

}  // namespace

StatusOr<RuleFile> ParseRuleFile(const std::string& file, std::string_view text,
                                 std::string* report) {
  Diagnostics diagnostics(file, text);
  RuleFile out;
  YamlNode root;
  if (ParseYaml(text, &diagnostics, &root)) FileReader(&diagnostics).Read(root, &out);
  if (report != nullptr) *report = diagnostics.Render();
  WEIR_RETURN_IF_ERROR(diagnostics.ToStatus());
  constexpr size_t kHashDigits = 16;
  out.hash = HexEncode(Sha256(text)).substr(0, kHashDigits);
  return out;
}

}  // namespace weir
