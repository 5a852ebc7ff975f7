// YAML text -> a small tree with positions. libfyaml stays in yaml.cc.
//
// Anchors and aliases work, within bounds. Tags, several documents and keys that are no texts are
// errors. Nothing is typed here: `4`, "4" and four are texts until an option table reads them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/core/options.h"

namespace weir {

class Diagnostics;

inline constexpr size_t kMaxYamlBytes = 4 << 20;
inline constexpr int kMaxYamlDepth = 64;
inline constexpr int kMaxYamlNodes = 200'000;  // aliases counted with all they stand for

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  enum class Style { kPlain, kQuoted, kLiteral, kFolded };

  Kind kind = Kind::kNull;
  Style style = Style::kPlain;
  std::string text;                // scalars
  std::vector<YamlNode> children;  // of sequences and mappings, in order
  std::string key;                 // set on the children of a mapping
  SourceMark key_mark;
  SourceMark mark;  // of the value; a line < 0 = override number -line (see Diagnostics)
  // Where the text's first character stands, if every line of the text stands in the file as it is,
  // at the same column; else line 0.
  int text_line = 0, text_column = 0;
  bool secret = false;  // never shown
  bool broken = false;  // already reported (an unset variable); its text means nothing

  bool IsScalar() const { return kind == Kind::kScalar; }
  bool IsMapping() const { return kind == Kind::kMapping; }
  bool IsSequence() const { return kind == Kind::kSequence; }
  bool IsNull() const { return kind == Kind::kNull; }
  // The child under `name`, or nullptr.
  const YamlNode* Find(std::string_view name) const;
  YamlNode* Find(std::string_view name);
  // The key's mark, or the value's where there is no key.
  SourceMark OwnMark() const { return key_mark.line != 0 ? key_mark : mark; }
  // "a table", "a list", "nothing" or "'text'".
  std::string Describe() const;
};

// Parses one document; the root's mark is 1:1 if the text is empty. Adds kConfigSyntax and
// kConfigDuplicate to *diagnostics; false if the tree is not usable at all. An empty document gives
// a null node.
bool ParseYaml(std::string_view text, Diagnostics* diagnostics, YamlNode* root);

// Whether a key's value must not be printed: password, secret, token and id_key.
bool IsSecretKey(std::string_view key);

}  // namespace weir
