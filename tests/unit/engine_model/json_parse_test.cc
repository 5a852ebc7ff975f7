// The JSON grammar: ParseJson and the scanner under it.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <simdjson.h>

#include <cmath>

#include "engine/model/json_scan.h"
#include "engine/model/value.h"
#include "tests/unit/engine_model/random_batch.h"

namespace weir {
namespace {

using Kind = Value::Kind;

int ParseError(std::string_view text) { return ErrorNumber(ParseJson(text).status()); }

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonParseTest, Values) {
  const std::pair<const char*, const char*> cases[] = {
      {"null", "null"},
      {" true\r\n", "true"},
      {"\t[ 1 , 2 ]", "[1,2]"},
      {"[]", "[]"},
      {"{}", "{}"},
      {"{ \"a\" : { \"b\" : [ ] } }", R"({"a":{"b":[]}})"},
      {R"("\"\\\/\b\f\n\r\tA\u00e9\u20ac\ud834\udd1e")",
       "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\tAé€𝄞\""},
      {R"({"a":1,"b":2,"a":3})", R"({"a":1,"b":2})"},
      {R"({"\u0061":1,"a":3})", R"({"a":1})"},
      {"-0", "0"},
      {"1.50", "1.5"},
      {"1E5", "1e+05"},
      {"0.1e-2", "0.001"},
  };
  for (const auto& [text, json] : cases) {
    const auto value = ParseJson(text);
    ASSERT_TRUE(value.ok()) << text << ": " << value.status();
    EXPECT_EQ(value->ToJson(), json);
  }
}

TEST(JsonParseTest, NumbersTakeTheSmallestExactKind) {
  EXPECT_EQ(ParseJson("9223372036854775807")->kind(), Kind::kInt);
  EXPECT_EQ(ParseJson("-9223372036854775808")->int_value(), INT64_MIN);
  EXPECT_EQ(ParseJson("9223372036854775808")->kind(), Kind::kUint);
  EXPECT_EQ(ParseJson("18446744073709551615")->uint_value(), UINT64_MAX);
  EXPECT_EQ(ParseJson("18446744073709551616")->double_value(), 0x1p64);
  EXPECT_EQ(ParseJson("-9223372036854775809")->double_value(), -0x1p63);
  EXPECT_EQ(ParseJson("1.0")->kind(), Kind::kDouble);
  EXPECT_EQ(ParseJson("1e2")->kind(), Kind::kDouble);
  EXPECT_TRUE(std::signbit(ParseJson("-0.0")->double_value()));
}

TEST(JsonParseTest, NumbersOutsideOfDoubles) {
  const std::pair<std::string, double> cases[] = {
      {"1e999", HUGE_VAL},
      {"-1e999", -HUGE_VAL},
      {"1e-999", 0},
      {"-1e-999", 0},
      {"5e-324", 5e-324},
      {"1e-310", 1e-310},
      {"0e999", 0},
      {"0.0001e311", 1e307},
      {"0.0001e320", HUGE_VAL},
      {"1000000e-999", 0},
      {"1e+99999999999999999999", HUGE_VAL},
      {"1e-99999999999999999999", 0},
      {std::string(400, '9'), HUGE_VAL},
      {"0." + std::string(400, '0') + "1", 0},
      {"0." + std::string(400, '0') + "1e401", 1},
  };
  for (const auto& [text, number] : cases) {
    EXPECT_EQ(ParseJson(text)->double_value(), number) << text;
  }
  EXPECT_TRUE(std::signbit(JsonNumberToDouble("-1e-999")));
}

TEST(JsonParseTest, NotJson) {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "nulll",
                           "True",
                           "NaN",
                           "Infinity",
                           "-",
                           "+1",
                           "01",
                           "-01",
                           "1.",
                           ".5",
                           "1.e5",
                           "1e",
                           "1e+",
                           "0x10",
                           "1_000",
                           "--1",
                           "1 2",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "[",
                           "]",
                           "[1}",
                           "{",
                           "}",
                           "{]",
                           "{,}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\" 1}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:1}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\"::1}",
                           "{:1}",
                           "[:]",
                           "\"",
                           "\"a",
                           "\"a\"b",
                           "\"a\"\"b\"",
                           "\"\\\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\u+123\"",
                           "\"a\nb\"",
                           "\"\x01\"",
                           "'a'",
                           "[1]]",
                           "{}{}",
                           "// x\n1",
                           "\xef\xbb\xbf{}",
                           "1\x0b",
                           "tru\\e",
                           "[\"a\",\n4\n,1,",
                           "{\"a\":/**/1}",
                           "\"\\ud800\\u12\"",
                           "\xc2\xa0"
                           "1"}) {
    EXPECT_EQ(ParseError(text), 2001) << text;
  }
}

TEST(JsonParseTest, BadText) {
  using std::string_literals::operator""s;
  for (const std::string& text : {"\"\0\""s,
                                  "1\0"s,
                                  "\0"s,
                                  "{}\0"s,
                                  "\"\\u0000\""s,
                                  "{\"\\u0000\":1}"s,
                                  "\"\xff\""s,
                                  "\"\xc3\""s,
                                  "\"\xc0\xaf\""s,
                                  "\"\xed\xa0\x80\""s,
                                  "\"\xf4\x90\x80\x80\""s,
                                  "\"\xe2\x82\""s,
                                  "[\"\x80\"]"s,
                                  "\xff"s,
                                  "\"\\ud800\""s,
                                  "\"\\udc00\""s,
                                  "\"\\ud800x\""s,
                                  "\"\\ud800\\ud800\""s,
                                  "\"\\udc00\\udc00\""s,
                                  "\"\\udc00\\ud800\""s,
                                  "\"\\ud834\\u0041\""s}) {
    EXPECT_EQ(ParseError(text), 2006) << text;
  }
  EXPECT_TRUE(ParseJson("\"\\\\u0000\"").ok());  // an escaped backslash, then u0000
}

TEST(JsonParseTest, DepthIsLimited) {
  EXPECT_TRUE(ParseJson(Nested(1024)).ok());
  EXPECT_EQ(ParseError(Nested(1025)), 2004);
  EXPECT_EQ(ParseError(Nested(1'000'000)), 2004);
  EXPECT_EQ(ParseError(std::string(1'000'000, '[')), 2004);
  std::string objects;
  for (int i = 0; i < 5000; ++i) objects += "{\"a\":";
  EXPECT_EQ(ParseError(objects), 2004);
}

TEST(JsonParseTest, ManyNames) {
  std::string text = "{";
  for (int i = 0; i < 50'000; ++i) text += "\"k" + std::to_string(i % 40'000) + "\":1,";
  text.back() = '}';
  EXPECT_EQ(ParseJson(text)->map().size(), 40'000u);
}

TEST(JsonScanTest, LimitsAndReuse) {
  JsonScanner scanner({/*max_depth=*/2, /*max_string_bytes=*/4, /*max_bytes=*/3'000'000});
  const auto check = [&](std::string_view text) {
    JsonFault fault = scanner.Scan(text);
    uint32_t i = 0;
    return fault == JsonFault::kNone ? scanner.Skip(&i, 0) : fault;
  };
  EXPECT_EQ(check("[[1]]"), JsonFault::kNone);
  EXPECT_EQ(check("[[[1]]]"), JsonFault::kTooDeep);
  EXPECT_EQ(check("[{\"a\":[]}]"), JsonFault::kTooDeep);
  EXPECT_EQ(check("\"abcd\""), JsonFault::kNone);
  EXPECT_EQ(check("\"abcde\""), JsonFault::kTooLarge);
  EXPECT_EQ(check("{\"abcde\":1}"), JsonFault::kTooLarge);
  EXPECT_EQ(check(std::string(3'000'001, ' ')), JsonFault::kTooLarge);
  // Grows for a large text and shrinks again; the text ends where the view does, not at a NUL.
  const std::string large = "[" + std::string(2'999'990, ' ') + "1]garbage";
  EXPECT_EQ(check(std::string_view(large).substr(0, large.size() - 7)), JsonFault::kNone);
  EXPECT_EQ(check(std::string_view("[12]34").substr(0, 4)), JsonFault::kNone);
  EXPECT_EQ(scanner.Token(1), "12");
}

TEST(JsonScanTest, RangeAndJump) {
  JsonScanner scanner{JsonLimits{}};
  ASSERT_EQ(scanner.Scan(" { \"a\" : [ 1 , {} ] , \"b\" : 2 } "), JsonFault::kNone);
  uint32_t i = 3;
  EXPECT_TRUE(scanner.Jump(&i));
  EXPECT_EQ(scanner.Range(3, i), "[ 1 , {} ]");
  EXPECT_EQ(scanner.Type(i), ',');
  EXPECT_EQ(scanner.Type(scanner.size()), '\0');
  ASSERT_EQ(scanner.Scan("[[1]"), JsonFault::kNone);
  i = 0;
  EXPECT_FALSE(scanner.Jump(&i));
}

// What simdjson's own parser says of the text, or nothing where we differ on purpose.
std::optional<bool> Reference(const std::string& text) {
  simdjson::dom::parser parser;
  const auto error = parser.parse(text).error();
  // It has no integers above 64 bits and no numbers beyond doubles; we take both.
  if (error == simdjson::NUMBER_ERROR || error == simdjson::NUMBER_OUT_OF_RANGE) return {};
  // This version lets lone low surrogates and NUL pass.
  if (text.find("\\u") != std::string::npos) return {};
  return error == simdjson::SUCCESS;
}

RC_GTEST_PROP(JsonParseTest, AgreesWithAnotherParserOnDamagedText, (uint64_t seed)) {
  Random random(seed);
  const std::string good = testing::RandomJson(&random, 4).ToJson();
  RC_ASSERT(ParseJson(good).ok());
  constexpr std::string_view kBytes = "{}[]:,\"\\ 019-+.eEtfn\n\x80\xc3u";
  for (int k = 0; k < 40; ++k) {
    std::string text = good;
    for (uint64_t n = 1 + random.Uniform(2); n > 0 && !text.empty(); --n) {
      const size_t at = random.Uniform(text.size());
      const char byte = kBytes[random.Uniform(kBytes.size())];
      switch (random.Uniform(3)) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.insert(at, 1, byte);
          break;
        default:
          text.erase(at, 1);
          break;
      }
    }
    const std::optional<bool> reference = Reference(text);
    if (!reference.has_value()) continue;
    RC_LOG() << text << "\n";
    RC_ASSERT(ParseJson(text).ok() == *reference);
  }
}

RC_GTEST_PROP(JsonParseTest, ValuesReadBack, (uint64_t seed)) {
  Random random(seed);
  const Value value = testing::RandomJson(&random, 5);
  const auto back = ParseJson(value.ToJson());
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == value);
}

}  // namespace
}  // namespace weir
