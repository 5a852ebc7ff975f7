#include "engine/model/types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "tests/unit/engine_model/random_batch.h"

namespace weir {
namespace {

TEST(TypesTest, ParsesWhatItPrints) {
  for (const char* text :
       {"bool", "int64", "double", "string", "bytes", "timestamp_ms", "json", "list<string>",
        "list<string?>", "struct{a: int64, b: string?}", "map<string, double>",
        "map<timestamp_ms, list<struct{x: map<int64, json?>}?>?>"}) {
    const auto field = ParseFieldType("f", text);
    ASSERT_TRUE(field.ok()) << FormatError(field.status());
    EXPECT_EQ(field->type.ToString(), text);
    EXPECT_FALSE(field->nullable);
    EXPECT_EQ(field->name, "f");
  }
}

TEST(TypesTest, SpaceAliasAndNullable) {
  const auto field = ParseFieldType("f", "  list < timestamp ? > ? ");
  ASSERT_TRUE(field.ok()) << FormatError(field.status());
  EXPECT_TRUE(field->nullable);
  EXPECT_EQ(field->type, Type::List(Type{TypeKind::kTimestamp, {}}, true));
}

TEST(TypesTest, ErrorsSayWhereAndWhatInstead) {
  const std::pair<const char*, const char*> cases[] = {
      {"strin", "WEIR-1008: unknown type 'strin' at character 1 (hint: did you mean 'string'?)"},
      {"list<in64>", "WEIR-1008: unknown type 'in64' at character 6 (hint: did you mean 'int64'?)"},
      {"Long", "WEIR-1008: unknown type 'Long' at character 1 (hint: did you mean 'int64'?)"},
      {"object", "WEIR-1008: unknown type 'object' at character 1 (hint: did you mean 'struct'?)"},
      {"blockchain",
       "WEIR-1008: unknown type 'blockchain' at character 1 (hint: known types: bool, int64, "
       "double, string, bytes, timestamp_ms, json, list<..>, struct{..}, map<..,..>)"},
      {"", "WEIR-1012: type '': expected a type name, found the end at character 1"},
      {"?", "WEIR-1012: type '?': expected a type name, found '?' at character 1"},
      {"list", "WEIR-1012: type 'list': expected '<', found the end at character 5"},
      {"list<int64", "WEIR-1012: type 'list<int64': expected '>', found the end at character 11"},
      {"int64? ?",
       "WEIR-1012: type 'int64? ?': expected the end of the type, found '?' at character 8"},
      {"int64 x",
       "WEIR-1012: type 'int64 x': expected the end of the type, found 'x' at character 7"},
      {"struct{}", "WEIR-1012: type 'struct{}': expected a field name, found '}' at character 8"},
      {"struct{a int64}",
       "WEIR-1012: type 'struct{a int64}': expected ':', found 'i' at character 10"},
      {"struct{a: int64, a: bool}",
       "WEIR-1012: type 'struct{a: int64, a: bool}': field 'a' stands twice at character 18"},
      {"map<double, int64>",
       "WEIR-1012: type 'map<double, int64>': a map's key must be string, int64, bool or "
       "timestamp_ms and not nullable at character 5"},
      {"map<string?, int64>",
       "WEIR-1012: type 'map<string?, int64>': a map's key must be string, int64, bool or "
       "timestamp_ms and not nullable at character 5"},
  };
  for (const auto& [text, error] : cases) {
    const auto field = ParseFieldType("f", text);
    ASSERT_FALSE(field.ok()) << text;
    EXPECT_EQ(FormatError(field.status()), error);
  }
}

TEST(TypesTest, DepthIsBounded) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "list<";
  const auto field = ParseFieldType("f", deep);
  ASSERT_FALSE(field.ok());
  EXPECT_EQ(ErrorNumber(field.status()), 1012);
  EXPECT_THAT(std::string(ToStd(field.status().message())),
              ::testing::HasSubstr("nests deeper than 32 levels"));
}

TEST(TypesTest, FindAndPrintSchema) {
  const SchemaPtr schema =
      testing::SchemaOf({{"host", "string"}, {"line", "int64"}, {"src_ip", "string?"}});
  EXPECT_EQ(schema->ToString(), "{host: string, line: int64, src_ip: string?}");
  EXPECT_EQ(schema->Find("src_ip"), 2);
  EXPECT_EQ(schema->Find("src"), -1);
}

// Changes of the fingerprint make all state of running jobs unreadable.
TEST(TypesTest, FingerprintIsStable) {
  EXPECT_EQ(testing::SchemaOf({{"host", "string"}, {"n", "list<int64?>?"}})->fingerprint(),
            18183905140575593364ull);
}

TEST(TypesTest, FingerprintTellsSchemasApart) {
  std::set<uint64_t> seen;
  const std::vector<std::vector<std::pair<std::string, std::string>>> schemas = {
      {},
      {{"a", "int64"}},
      {{"a", "int64?"}},
      {{"b", "int64"}},
      {{"a", "timestamp_ms"}},
      {{"a", "int64"}, {"b", "int64"}},
      {{"b", "int64"}, {"a", "int64"}},
      {{"a: int64, b", "int64"}},  // prints like the one before last
      {{"a", "list<int64>"}},
      {{"a", "list<int64?>"}},
      {{"a", "struct{a: int64}"}},
      {{"a", "struct{b: int64}"}},
      {{"a", "struct{a: int64}"}, {"b", "int64"}},
      {{"a", "struct{a: int64, b: int64}"}},
      {{"a", "map<string, int64>"}},
      {{"a", "map<string, int64?>"}},
  };
  for (const auto& fields : schemas) seen.insert(testing::SchemaOf(fields)->fingerprint());
  EXPECT_EQ(seen.size(), schemas.size());
}

RC_GTEST_PROP(TypesTest, RandomTypesReadBack, (uint64_t seed)) {
  Random random(seed);
  const SchemaPtr schema = testing::RandomSchema(&random);
  for (const Field& field : schema->fields()) {
    const auto parsed =
        ParseFieldType(field.name, field.type.ToString() + (field.nullable ? "?" : ""));
    RC_ASSERT(parsed.ok());
    RC_ASSERT(*parsed == field);
  }
}

}  // namespace
}  // namespace weir
