#include "engine/model/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <charconv>
#include <cmath>

#include "tests/unit/engine_model/random_batch.h"

namespace weir {
namespace {

Value Pair(Value key, Value value) { return Value::MakeMap({{std::move(key), std::move(value)}}); }

TEST(ValueTest, NumbersCompareAcrossKinds) {
  EXPECT_EQ(Value::Int(1), Value::Uint(1));
  EXPECT_EQ(Value::Int(1), Value::Double(1.0));
  EXPECT_EQ(Value::Double(1.0), Value::Uint(1));
  EXPECT_EQ(Value::Double(0.0), Value::Double(-0.0));
  EXPECT_FALSE(Value::Int(-1) == Value::Uint(UINT64_MAX));
  EXPECT_FALSE(Value::Double(NAN) == Value::Double(NAN));
  EXPECT_FALSE(Value::Int(1) == Value::Double(1.5));
  // Not by rounding the integer to a double.
  EXPECT_FALSE(Value::Int((int64_t{1} << 53) + 1) == Value::Double(0x1p53));
  EXPECT_FALSE(Value::Int(INT64_MAX) == Value::Double(0x1p63));
  EXPECT_EQ(Value::Int(INT64_MIN), Value::Double(-0x1p63));
  EXPECT_EQ(Value::Uint(uint64_t{1} << 63), Value::Double(0x1p63));
  EXPECT_FALSE(Value::Uint(UINT64_MAX) == Value::Double(0x1p64));
}

TEST(ValueTest, KindsThatAreNoNumbersDiffer) {
  EXPECT_EQ(Value::Null(), Value::Null());
  EXPECT_FALSE(Value::Null() == Value::Bool(false));
  EXPECT_FALSE(Value::Int(1) == Value::Bool(true));
  EXPECT_FALSE(Value::Int(1) == Value::Timestamp(1));
  EXPECT_FALSE(Value::Duration(1) == Value::Timestamp(1));
  EXPECT_FALSE(Value::String("a") == Value::Bytes("a"));
}

TEST(ValueTest, ListsAndMaps) {
  const auto list = [](std::vector<Value> v) { return Value::MakeList(std::move(v)); };
  EXPECT_EQ(list({Value::Int(1), Value::Null()}), list({Value::Double(1), Value::Null()}));
  EXPECT_FALSE(list({Value::Int(1)}) == list({Value::Int(1), Value::Int(1)}));
  const Value::Map ab = {{Value::String("a"), Value::Int(1)}, {Value::Int(2), Value::Int(3)}};
  const Value::Map ba = {{Value::Uint(2), Value::Double(3)}, {Value::String("a"), Value::Int(1)}};
  EXPECT_EQ(Value::MakeMap(ab), Value::MakeMap(ba));
  EXPECT_FALSE(Pair(Value::String("2"), Value::Int(1)) == Pair(Value::Int(2), Value::Int(1)));
  const Value::Map ab2 = {{Value::Int(2), Value::Int(4)}, {Value::String("a"), Value::Int(1)}};
  EXPECT_FALSE(Value::MakeMap(ab) == Value::MakeMap(ab2));
}

TEST(ValueTest, MapsOfOtherSizeDiffer) {
  const Value a = Pair(Value::String("a"), Value::Int(1));
  const Value ab =
      Value::MakeMap({{Value::String("a"), Value::Int(1)}, {Value::String("b"), Value::Int(2)}});
  const Value ba =
      Value::MakeMap({{Value::String("b"), Value::Int(2)}, {Value::String("a"), Value::Int(1)}});
  for (const Value* two : {&ab, &ba}) {
    EXPECT_FALSE(a == *two);
    EXPECT_FALSE(*two == a);
  }
}

TEST(ValueTest, LargeMapsCompareInTime) {
  Value::Map forward, backward;
  for (int64_t k = 0; k < 50'000; ++k) forward.emplace_back(Value::Int(k), Value::Int(-k));
  backward.assign(forward.rbegin(), forward.rend());
  EXPECT_EQ(Value::MakeMap(forward), Value::MakeMap(backward));
}

TEST(ValueTest, GetFindsStringKeysOnly) {
  const Value map =
      Value::MakeMap({{Value::Int(1), Value::Int(1)}, {Value::String("a"), Value::Int(2)}});
  ASSERT_NE(map.Get("a"), nullptr);
  EXPECT_EQ(*map.Get("a"), Value::Int(2));
  EXPECT_EQ(map.Get("1"), nullptr);
  EXPECT_EQ(Value::Int(1).Get("a"), nullptr);
}

TEST(ValueTest, ToJson) {
  const std::pair<Value, const char*> cases[] = {
      {Value::Null(), "null"},
      {Value::Bool(true), "true"},
      {Value::Int(INT64_MIN), "-9223372036854775808"},
      {Value::Uint(UINT64_MAX), "18446744073709551615"},
      {Value::Double(0.1), "0.1"},
      {Value::Double(1), "1"},
      {Value::Double(-0.0), "-0"},
      {Value::Double(1e300), "1e+300"},
      {Value::Double(5e-324), "5e-324"},
      {Value::Double(NAN), "\"NaN\""},
      {Value::Double(-NAN), "\"NaN\""},
      {Value::Double(HUGE_VAL), "\"Infinity\""},
      {Value::Double(-HUGE_VAL), "\"-Infinity\""},
      {Value::Timestamp(-5), "-5"},
      {Value::Duration(1500), "1500"},
      {Value::String("a\"\\\n\r\t\x01\x1f\x7f/é\u2028"),
       "\"a\\\"\\\\\\n\\r\\t\\u0001\\u001f\x7f/é\u2028\""},
      {Value::String(std::string("\0x", 2)), "\"\\u0000x\""},
      {Value::Bytes(std::string("\0\xff", 2)), "\"AP8=\""},
      {Value::Bytes("fo"), "\"Zm8=\""},
      {Value::MakeList({}), "[]"},
      {Value::MakeMap({{Value::Int(1), Value::MakeList({Value::Null()})},
                       {Value::Bool(true), Value::Int(2)},
                       {Value::String("k"), Value::Int(3)},
                       {Value::Double(NAN), Value::Int(4)}}),
       R"({"1":[null],"true":2,"k":3,"NaN":4})"},
  };
  for (const auto& [value, json] : cases) EXPECT_EQ(value.ToJson(), json);
}

// Every position of a character to escape within the 8 bytes that are looked at together.
TEST(ValueTest, EscapesAtEveryPosition) {
  for (const char c : {'"', '\\', '\n', '\x1f', '\0'}) {
    for (size_t size = 1; size < 20; ++size) {
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, at % 2 == 0 ? 'x' : '\xc3');
        text[at] = c;
        std::string json, naive;
        AppendJsonString(text, &json);
        for (const char d : text) {
          std::string one;
          AppendJsonString(std::string(1, d), &one);
          naive += one.substr(1, one.size() - 2);
        }
        ASSERT_EQ(json, "\"" + naive + "\"");
        ASSERT_GT(naive.size(), size);
      }
    }
  }
}

TEST(ValueTest, Base64) {
  const std::pair<std::string, std::string> vectors[] = {// RFC 4648, section 10
                                                         {"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xff\xfe", "//4="}};
  for (const auto& [bytes, text] : vectors) {
    std::string encoded, decoded = "kept";
    AppendBase64(bytes, &encoded);
    EXPECT_EQ(encoded, text);
    EXPECT_TRUE(DecodeBase64(text, &decoded));
    EXPECT_EQ(decoded, "kept" + bytes);
  }
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==",
                          "Zm 8=", "Zm8-", "=Zm8"}) {
    std::string decoded = "kept";
    EXPECT_FALSE(DecodeBase64(bad, &decoded)) << bad;
    EXPECT_EQ(decoded, "kept");
  }
}

RC_GTEST_PROP(ValueTest, DoublesReadBackTheSame, (uint64_t seed)) {
  Random random(seed);
  for (int k = 0; k < 100; ++k) {
    const double v = testing::RandomDouble(&random);
    if (!std::isfinite(v)) continue;
    std::string text;
    AppendJsonDouble(v, &text);
    double back = 1;
    std::from_chars(text.data(), text.data() + text.size(), back);
    RC_ASSERT(back == v);
    RC_ASSERT(std::signbit(back) == std::signbit(v));
  }
}

// --- between columns and values ---

TEST(ValueColumnTest, WhatFits) {
  const Value ok = Value::Int(7);
  const std::tuple<const char*, Value, const char*> cases[] = {
      {"bool", Value::Bool(true), "true"},
      {"int64", ok, "7"},
      {"int64", Value::Uint(7), "7"},
      {"int64", Value::Duration(7), "7"},
      {"double", ok, "7"},
      {"double", Value::Uint(7), "7"},
      {"double", Value::Double(0.5), "0.5"},
      {"timestamp", ok, "7"},
      {"timestamp", Value::Timestamp(7), "7"},
      {"string", Value::String("x"), "\"x\""},
      {"bytes", Value::Bytes("fo"), "\"Zm8=\""},
      {"json", Pair(Value::String("a"), Value::Null()), "{\"a\":null}"},
      {"json?", Value::Null(), "null"},
      {"list<int64?>", Value::MakeList({ok, Value::Null()}), "[7,null]"},
      {"map<int64, string>", Pair(ok, Value::String("x")), "{\"7\":\"x\"}"},
      {"struct{a: int64, b: string?}", Pair(Value::String("a"), ok), "{\"a\":7,\"b\":null}"},
  };
  for (const auto& [type, value, json] : cases) {
    const Field field = *ParseFieldType("f", type);
    Column column(field.type);
    const Status status = AppendValue(value, field, &column);
    ASSERT_TRUE(status.ok()) << FormatError(status);
    std::string text;
    AppendColumnJson(column, 0, &text);
    EXPECT_EQ(text, json);
    EXPECT_EQ(GetValue(column, 0).ToJson(), json);
  }
}

TEST(ValueColumnTest, WhatDoesNotFitChangesNothing) {
  const Value one = Value::Int(1), text = Value::String("x");
  const std::pair<const char*, Value> cases[] = {
      {"bool", one},
      {"int64", Value::Double(1)},
      {"int64", Value::Uint(uint64_t{1} << 63)},
      {"int64", Value::Timestamp(1)},
      {"int64", Value::Null()},
      {"double", text},
      {"timestamp", Value::Duration(1)},
      {"string", Value::Bytes("x")},
      {"bytes", text},
      {"json", Value::Null()},
      {"list<int64>", Value::MakeList({one, Value::Null()})},
      {"list<list<int64>>", Value::MakeList({Value::MakeList({one}), Value::MakeList({text})})},
      {"map<string, int64>", Value::MakeMap({{text, one}, {one, one}})},
      {"map<string, int64>", Value::MakeMap({{text, one}, {Value::Null(), one}})},
      {"map<string, int64>", Pair(text, text)},
      {"struct{x: int64, y: int64}", Pair(text, one)},
      {"struct{x: int64}", Value::MakeMap({{text, one}, {Value::String("z"), one}})},
      {"struct{x: int64}", one},
  };
  for (const auto& [type, value] : cases) {
    const Field field = *ParseFieldType("f", type);
    Column column(field.type);
    const size_t before = column.MemoryBytes();
    EXPECT_EQ(ErrorNumber(AppendValue(value, field, &column)), 2003) << type;
    EXPECT_EQ(column.size(), 0u) << type;
    EXPECT_EQ(column.MemoryBytes(), before) << type;
  }
  const Field field = *ParseFieldType("n", "int64?");
  Column column(field.type);
  EXPECT_EQ(FormatError(AppendValue(text, field, &column)),
            "WEIR-2003: field 'n': expected int64?, found string");
}

TEST(ValueColumnTest, RowToJsonKeepsJsonVerbatim) {
  RecordBatch batch(testing::SchemaOf({{"a\"b", "string"}, {"j", "json"}, {"n", "double?"}}));
  batch.column(0).AppendString("x");
  batch.column(1).AppendString("{ \"big\": 123456789012345678901234567890 }");
  batch.column(2).AppendNull();
  batch.AppendMeta(0, {}, 0);
  std::string json = "kept";
  RowToJson(batch, 0, &json);
  EXPECT_EQ(json, R"(kept{"a\"b":"x","j":{ "big": 123456789012345678901234567890 },"n":null})");
}

RC_GTEST_PROP(ValueColumnTest, ColumnsAndValuesAgree, (uint64_t seed)) {
  Random random(seed);
  const Field field = {"f", testing::RandomType(&random, 3), random.OneIn(2)};
  Column column(field.type);
  for (size_t i = 0; i < 10; ++i) {
    const Value value = testing::RandomValue(&random, field);
    RC_ASSERT(AppendValue(value, field, &column).ok());
    RC_ASSERT(GetValue(column, i).ToJson() == value.ToJson());
    std::string text;
    AppendColumnJson(column, i, &text);
    RC_ASSERT(text == value.ToJson());
  }
}

}  // namespace
}  // namespace weir
