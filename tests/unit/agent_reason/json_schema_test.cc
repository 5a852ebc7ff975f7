#include "agent/reason/json_schema.h"

#include <gtest/gtest.h>

#include "agent/reason/prompt.h"
#include "agent/reason/verdict_reply.h"

namespace weir {
namespace {

std::vector<std::string> Check(std::string_view schema, std::string_view value) {
  return CheckAgainstSchema(*ParseJson(schema), *ParseJson(value));
}
using Problems = std::vector<std::string>;

TEST(JsonSchemaTest, SaysWhatDoesNotFitAndWhere) {
  EXPECT_EQ(Check(R"({"type":"integer"})", "3"), Problems{});
  EXPECT_EQ(Check(R"({"type":"integer"})", "3.0"), Problems{});
  EXPECT_EQ(Check(R"({"type":"integer"})", "3.5"), Problems{R"(must be of type "integer")"});
  EXPECT_EQ(Check(R"({"type":["string","null"]})", "null"), Problems{});
  EXPECT_EQ(Check(R"({"type":"number","minimum":0,"maximum":1})", "1.5"),
            Problems{"must be at most 1"});
  EXPECT_EQ(Check(R"({"enum":["a","b"]})", R"("c")"), Problems{R"(must be one of ["a","b"])"});
  const char* object = R"({"type":"object","required":["a"],"additionalProperties":false,)"
                       R"("properties":{"a":{"type":"array","items":{"type":"boolean"}}}})";
  EXPECT_EQ(Check(object, R"({"a":[true]})"), Problems{});
  EXPECT_EQ(Check(object, R"({"b":1})"), (Problems{"'a' is missing", "'b' is not known here"}));
  EXPECT_EQ(Check(object, R"({"a":[true,1]})"), Problems{R"(a[1]: must be of type "boolean")"});
  EXPECT_EQ(Check(object, "[]"), Problems{R"(must be of type "object")"});
}

TEST(JsonSchemaTest, ProblemsAreBounded) {
  std::string list = "[0";
  for (int i = 0; i < 1000; ++i) list += ",0";
  EXPECT_EQ(Check(R"({"items":{"type":"string"}})", list + "]").size(), 8u);
}

TEST(VerdictReplyTest, TakesWhatFitsAndNothingElse) {
  const Value schema = *ParseJson(ReplySchema({"hold", "release"}, {"block"}));
  AgentReply reply;
  const std::string good = R"({"verdict":"hold","reason":"a\u0007b","confidence":1,"rules":[]})";
  EXPECT_EQ(ReadVerdict(schema, good, &reply), Problems{});
  EXPECT_EQ(reply.reason, "a?b") << "made fit to be shown";
  EXPECT_EQ(ReadVerdict(schema, "```json\n" + good + "\n```", &reply), Problems{});
  for (const char* bad :
       {"", "null", "{}", "hold", R"([{"verdict":"hold"}])",
        R"({"verdict":"Hold","reason":"","confidence":1,"rules":[]})",
        R"({"verdict":"hold","reason":"","confidence":2,"rules":[]})",
        R"({"verdict":"hold","reason":"","confidence":1,"rules":[{"action":"block"}]})",
        R"({"verdict":"hold","reason":"","confidence":1,"rules":[],"extra":1})",
        R"({"verdict":"hold","reason":"","confidence":1,"rules":[]} and more)"}) {
    AgentReply untouched;
    EXPECT_NE(ReadVerdict(schema, bad, &untouched), Problems{}) << bad;
    EXPECT_EQ(untouched.verdict, "");
  }
}

}  // namespace
}  // namespace weir
