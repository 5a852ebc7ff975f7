#include "agent/signature.h"

#include <gtest/gtest.h>

#include "engine/expr/program.h"

namespace weir {
namespace {

SchemaPtr TestSchema() {
  return MakeSchema({{"a", Type{TypeKind::kString, {}}, true},
                     {"n", Type{TypeKind::kInt64, {}}, true},
                     {"t", Type{TypeKind::kTimestamp, {}}, true},
                     {"b", Type{TypeKind::kBool, {}}, true},
                     {"d", Type{TypeKind::kDouble, {}}, true}});
}

// Rows of (a, n, t, b); "-" and -1 are null.
RecordBatch Rows(const std::vector<std::pair<std::string, int64_t>>& rows) {
  RecordBatch batch(TestSchema());
  for (const auto& [a, n] : rows) {
    a == "-" ? batch.column(0).AppendNull() : batch.column(0).AppendString(a);
    for (int c = 1; c <= 2; ++c) {
      n == -1 ? batch.column(c).AppendNull() : batch.column(c).AppendInt(n);
    }
    batch.column(3).AppendBool(n % 2 == 0);
    batch.column(4).AppendDouble(0);
    batch.AppendMeta(0, Origin{}, 0);
  }
  return batch;
}

TEST(Signature, AnyNullMatchesNothingAndAnEmptyTextIsAValue) {
  Signature one = Signature::Create(*TestSchema(), {"a"}).value();
  Signature two = Signature::Create(*TestSchema(), {"a", "n"}).value();
  const RecordBatch batch = Rows({{"x", 1}, {"-", 1}, {"x", -1}, {"-", -1}, {"", 1}});
  std::vector<std::string_view> out;
  one.Select(batch, &out);
  std::vector<bool> matchable;
  for (const auto s : out) matchable.push_back(Signature::Matchable(s));
  EXPECT_EQ(matchable, (std::vector<bool>{true, false, true, false, true}));
  two.Select(batch, &out);
  matchable.clear();
  for (const auto s : out) matchable.push_back(Signature::Matchable(s));
  EXPECT_EQ(matchable, (std::vector<bool>{true, false, false, false, true}));
}

TEST(Signature, PartsDoNotRunIntoEachOther) {
  const SchemaPtr schema = MakeSchema(
      {{"a", Type{TypeKind::kString, {}}, false}, {"b", Type{TypeKind::kString, {}}, false}});
  RecordBatch batch(schema);
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{
           {"ab", "c"}, {"a", "bc"}, {"", "abc"}, {"abc", ""}}) {
    batch.column(0).AppendString(a);
    batch.column(1).AppendString(b);
    batch.AppendMeta(0, Origin{}, 0);
  }
  Signature signature = Signature::Create(*schema, {"a", "b"}).value();
  std::vector<std::string_view> out;
  signature.Select(batch, &out);
  for (size_t i = 0; i < out.size(); ++i) {
    for (size_t j = 0; j < i; ++j) EXPECT_NE(out[i], out[j]);
  }
}

TEST(Signature, EncodeGivesTheBytesOfTheRow) {
  const RecordBatch batch = Rows({{"x", 6}});
  for (const auto& fields : std::vector<std::vector<std::string>>{
           {"a"}, {"n"}, {"t"}, {"b"}, {"a", "n"}, {"b", "t", "a"}}) {
    Signature signature = Signature::Create(*TestSchema(), fields).value();
    std::vector<std::string_view> out;
    signature.Select(batch, &out);
    std::vector<Value> values;
    for (const int c : signature.columns()) values.push_back(GetValue(batch.column(c), 0));
    EXPECT_EQ(signature.Encode(values).value(), out[0]) << fields[0];
  }
}

TEST(Signature, EncodeRefusesOtherKinds) {
  Signature n = Signature::Create(*TestSchema(), {"n"}).value();
  for (const Value& v : {Value::Double(6), Value::Uint(6), Value::Timestamp(6), Value::Null(),
                         Value::String("6"), Value::Bool(true)}) {
    EXPECT_FALSE(n.Encode({v}).ok());
  }
  EXPECT_FALSE(n.Encode({}).ok());
}

TEST(Signature, ThePredicateIsTrueForItsRowOnly) {
  const RecordBatch batch =
      Rows({{"x", 6}, {"x\"\\\n\xC3\xA9", 6}, {"x", 7}, {"y", 6}, {"-", 6}, {"x", -1}});
  for (const auto& fields : std::vector<std::vector<std::string>>{{"a", "n"}, {"a", "n", "b"}}) {
    Signature signature = Signature::Create(*TestSchema(), fields).value();
    for (const size_t row : {0u, 1u, 2u}) {
      const std::string text = signature.Predicate(batch, row);
      auto program = CompileExpr(text, *TestSchema());
      ASSERT_TRUE(program.ok()) << text << program.status();
      std::vector<uint32_t> pass, failed;
      std::string error;
      (*program)->Filter(batch, &pass, &failed, &error);
      EXPECT_EQ(pass, std::vector<uint32_t>{static_cast<uint32_t>(row)}) << text;
      EXPECT_EQ((*program)->conjuncts().size(), fields.size()) << text;
    }
  }
}

TEST(Signature, TextIsForPeople) {
  Signature signature = Signature::Create(*TestSchema(), {"a", "n"}).value();
  EXPECT_EQ(signature.Text(Rows({{"x", 6}}), 0), "a=\"x\", n=6");
}

TEST(Signature, RefusesWhatIsNoKey) {
  EXPECT_FALSE(Signature::Create(*TestSchema(), {}).ok());
  EXPECT_FALSE(Signature::Create(*TestSchema(), {"d"}).ok());
  EXPECT_FALSE(Signature::Create(*TestSchema(), {"nope"}).ok());
}

}  // namespace
}  // namespace weir
