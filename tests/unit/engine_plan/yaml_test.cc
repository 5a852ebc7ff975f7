#include "engine/yaml/yaml.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/yaml/diagnostics.h"
#include "test_registry.h"

namespace weir {
namespace {

struct Parsed {
  YamlNode root;
  bool usable = false;
  std::string report;
};

Parsed Parse(const std::string& text) {
  Parsed parsed;
  Diagnostics diagnostics("t.yaml", text);
  parsed.usable = ParseYaml(text, &diagnostics, &parsed.root);
  parsed.report = diagnostics.RenderShort();
  return parsed;
}

TEST(Yaml, KindsAndTexts) {
  const Parsed p = Parse("a: 1\nb: [x, 'y z', \"q\\n\"]\nc: { d: , e: ~ }\nf:\n  - g\n");
  ASSERT_TRUE(p.usable) << p.report;
  EXPECT_EQ(p.root.Find("a")->text, "1");
  const YamlNode* b = p.root.Find("b");
  ASSERT_TRUE(b->IsSequence());
  EXPECT_EQ(b->children[1].text, "y z");
  EXPECT_EQ(b->children[2].text, "q\n");
  EXPECT_TRUE(p.root.Find("c")->Find("d")->IsNull());
  EXPECT_TRUE(p.root.Find("c")->Find("e")->IsNull());
  EXPECT_EQ(p.root.Find("f")->children[0].text, "g");
  EXPECT_EQ(p.root.Find("z"), nullptr);
}

TEST(Yaml, AQuotedNullIsAText) {
  const Parsed p = Parse("a: \"\"\nb: 'null'\nc: '~'\n");
  for (const char* key : {"a", "b", "c"}) EXPECT_TRUE(p.root.Find(key)->IsScalar()) << key;
}

void ExpectMark(const SourceMark& mark, int line, int column, int end) {
  EXPECT_EQ(mark.line, line);
  EXPECT_EQ(mark.column, column);
  EXPECT_EQ(mark.end_column, end);
}

TEST(Yaml, MarksCountFromOneAndInCharacters) {
  const Parsed p = Parse("é: [éé, \"ü\", 'x']\nkey: value\n");
  const YamlNode& list = p.root.children[0];
  ExpectMark(list.key_mark, 1, 1, 2);
  ExpectMark(list.children[0].mark, 1, 5, 7);
  ExpectMark(list.children[1].mark, 1, 9, 12);  // with its quotes
  ExpectMark(list.children[2].mark, 1, 14, 17);
  ExpectMark(p.root.Find("key")->mark, 2, 6, 11);
}

TEST(Yaml, SaysWhereTextStandsInTheFile) {
  const Parsed p = Parse(
      "plain: a > b\nquoted: \"a > b\"\nescaped: \"a\\tb\"\nlit: |\n\n  a > b &&\n    c\nfold: >\n"
      "  a\n  b\nmulti: a\n  b\n");
  EXPECT_EQ(p.root.Find("plain")->text_line, 1);
  EXPECT_EQ(p.root.Find("plain")->text_column, 8);
  EXPECT_EQ(p.root.Find("quoted")->text_column, 10);
  EXPECT_EQ(p.root.Find("escaped")->text_line, 0);  // characters do not stand where they seem to
  EXPECT_EQ(p.root.Find("fold")->text_line, 0);
  EXPECT_EQ(p.root.Find("multi")->text_line, 0);
  EXPECT_EQ(p.root.Find("lit")->text, "\na > b &&\n  c\n");
}

TEST(Yaml, LiteralBlocksKeepTheirLines) {
  const Parsed p = Parse("lit: |\n  a > b &&\n    c\n");
  EXPECT_EQ(p.root.Find("lit")->text_line, 2);
  EXPECT_EQ(p.root.Find("lit")->text_column, 3);
}

TEST(Yaml, AliasesAreCopies) {
  const Parsed p = Parse("a: &x { k: [1, 2] }\nb: *x\nc: [*x, *x]\ns: &t text\nu: *t\n");
  ASSERT_TRUE(p.usable) << p.report;
  EXPECT_EQ(p.root.Find("b")->Find("k")->children[1].text, "2");
  EXPECT_EQ(p.root.Find("b")->key, "b");
  EXPECT_EQ(p.root.Find("c")->children.size(), 2u);
  EXPECT_EQ(p.root.Find("u")->text, "text");
}

TEST(Yaml, DuplicateKeysAreAllReportedAndTheFirstIsKept) {
  const Parsed p = Parse("a: 1\na: 2\nb: { c: 1, c: 2 }\n");
  EXPECT_TRUE(p.usable);
  EXPECT_EQ(p.root.Find("a")->text, "1");
  EXPECT_EQ(p.report,
            "t.yaml:2:1: error[WEIR-1006]: the key 'a' stands twice\n"
            "t.yaml:3:12: error[WEIR-1006]: the key 'c' stands twice\n");
}

TEST(Yaml, EmptyDocuments) {
  for (const char* text : {"", "\n", "# nothing\n", "---\n", "---\n...\n"}) {
    const Parsed p = Parse(text);
    EXPECT_TRUE(p.usable) << text << p.report;
    EXPECT_TRUE(p.root.IsNull()) << text;
  }
}

TEST(Yaml, ByteOrderMarkAndWindowsLines) {
  const Parsed p = Parse(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: 2\r\n");
  ASSERT_TRUE(p.usable) << p.report;
  EXPECT_EQ(p.root.Find("b")->text, "2");
}

TEST(Yaml, SizeIsBounded) {
  const Parsed p = Parse("a: " + std::string(kMaxYamlBytes, 'x'));
  EXPECT_FALSE(p.usable);
  EXPECT_NE(p.report.find("at most 4MiB"), std::string::npos) << p.report;
}

TEST(Yaml, DepthIsBounded) {
  const auto nested = [](int n) {
    return "a: " + std::string(static_cast<size_t>(n), '[') +
           std::string(static_cast<size_t>(n), ']');
  };
  EXPECT_TRUE(Parse(nested(kMaxYamlDepth - 1)).usable);
  EXPECT_FALSE(Parse(nested(kMaxYamlDepth + 1)).usable);
  EXPECT_FALSE(Parse(nested(100'000)).usable);
  // Nesting by aliases counts too.
  std::string text = "a0: &a0 []\n";
  for (int i = 1; i < 100; ++i) {
    const std::string n = std::to_string(i);
    text += "a" + n + ": &a" + n + " [*a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_NE(Parse(text).report.find("levels of nesting"), std::string::npos);
}

TEST(Yaml, SecretsAreMarkedBelowTheirKey) {
  const Parsed p =
      Parse("a: { db_password: x, tokens: [y], Secret: { z: w } }\nid_key: k\nkey: v\n");
  const YamlNode* a = p.root.Find("a");
  EXPECT_TRUE(a->Find("db_password")->secret);
  EXPECT_TRUE(a->Find("tokens")->children[0].secret);
  EXPECT_TRUE(a->Find("Secret")->Find("z")->secret);
  EXPECT_TRUE(p.root.Find("id_key")->secret);
  EXPECT_FALSE(p.root.Find("key")->secret);
  EXPECT_EQ(p.root.Find("id_key")->Describe(), "'***'");
}

// A topology is read before anything is known about who wrote it.
RC_GTEST_PROP(Yaml, AnyTextIsReadOrRefused, (const std::string& text)) { Parse(text); }

RC_GTEST_PROP(Yaml, AnyChangeOfATopologyIsPlannedOrRefused, ()) {
  std::string text = SmallTopology(
      "operators:\n  - &o { name: a, type: count, input: in, key: [ip], where: \"line > 3\" }\n"
      "  - { name: b, type: guard, input: a, key: ip, agent: { timeout: 5s }, mask: { ip: keep } "
      "}\n"
      "sinks:\n  out: { input: b.decisions, topic: \"${T:-out}\" }\n");
  const std::string alphabet = "{}[]:,-&*!|>'\"%@`#?~ \n\t${}ab019_.\xC3\xA9";
  const int changes = *rc::gen::inRange(1, 5);
  for (int i = 0; i < changes; ++i) {
    const auto at = *rc::gen::inRange<size_t>(0, text.size());
    const char c = alphabet[*rc::gen::inRange<size_t>(0, alphabet.size())];
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        text[at] = c;
        break;
      case 1:
        text.insert(at, 1, c);
        break;
      default:
        text.erase(at, *rc::gen::inRange<size_t>(1, 20));
    }
  }
  const LoadResult result = LoadText(text);
  RC_ASSERT(result.loaded.ok() == result.diagnostics.ok());
}

}  // namespace
}  // namespace weir
