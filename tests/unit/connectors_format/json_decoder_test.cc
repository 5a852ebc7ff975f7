#include "connectors/format/json_decoder.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <memory>

#include "engine/model/value.h"
#include "tests/unit/engine_model/random_batch.h"

namespace weir {
namespace {

using testing::SchemaOf;

SchemaPtr AuthSchema() {
  return SchemaOf({{"host", "string"},
                   {"line", "int64"},
                   {"ts", "timestamp_ms"},
                   {"src_ip", "string?"},
                   {"user", "string?"},
                   {"kind", "string"},
                   {"message", "string"}});
}

constexpr char kAuthLine[] =
    R"({"line": 2, "ts": 1490620016000, "host": "ip-10", "process": "sshd", "pid": 1291, )"
    R"("kind": "other", "user": null, "src_ip": "0.0.0.0", "message": "Server \"up\""})";
constexpr char kAuthJson[] =
    R"({"host":"ip-10","line":2,"ts":1490620016000,"src_ip":"0.0.0.0","user":null,)"
    R"("kind":"other","message":"Server \"up\""})";

// Decodes one line; the row as JSON, or the error. Checks that errors change nothing. The line is
// copied to the end of its own allocation, so that ASan sees any read beyond it.
std::string Decode(JsonDecoder* decoder, const SchemaPtr& schema, std::string_view line) {
  const auto exact = std::make_unique<char[]>(line.size());
  std::copy(line.begin(), line.end(), exact.get());
  RecordBatch batch(schema);
  const size_t empty = batch.MemoryBytes();
  const Status status = decoder->Decode({exact.get(), line.size()}, &batch);
  if (!status.ok()) {
    EXPECT_EQ(batch.MemoryBytes(), empty) << line.substr(0, 200);
    return FormatError(status);
  }
  batch.AppendMeta(0, {}, 0);
  std::string json;
  RowToJson(batch, 0, &json);
  return json;
}

std::string DecodeAs(const std::string& type, const std::string& value) {
  const SchemaPtr schema = SchemaOf({{"f", type}});
  JsonDecoder decoder(schema);
  return Decode(&decoder, schema, "{\"f\":" + value + "}");
}

int ErrorOf(const SchemaPtr& schema, std::string_view line) {
  JsonDecoder decoder(schema);
  RecordBatch batch(schema);
  Random random(1);
  testing::AppendRandomColumns(&random, &batch);
  const size_t before = batch.MemoryBytes();
  const Status status = decoder.Decode(line, &batch);
  if (!status.ok()) {
    EXPECT_EQ(batch.MemoryBytes(), before);
  }
  return ErrorNumber(status);
}

TEST(JsonDecoderTest, DecodesTheMainJobsLine) {
  const SchemaPtr schema = AuthSchema();
  JsonDecoder decoder(schema);
  EXPECT_EQ(Decode(&decoder, schema, kAuthLine), kAuthJson);
  EXPECT_EQ(Decode(&decoder, schema, kAuthJson), kAuthJson);  // another order of fields
  EXPECT_EQ(Decode(&decoder, schema, kAuthLine), kAuthJson);
  EXPECT_EQ(Decode(&decoder, schema, std::string(kAuthLine) + "\r"), kAuthJson);
  EXPECT_EQ(Decode(&decoder, schema, " \t" + std::string(kAuthLine) + "\r\n"), kAuthJson);
}

TEST(JsonDecoderTest, TypesAcceptWhatFits) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"bool", "true", "true"},
      {"int64", "-9223372036854775808", "-9223372036854775808"},
      {"int64", "-0", "0"},
      {"timestamp_ms", "253402300799000", "253402300799000"},
      {"double", "1", "1"},
      {"double", "-0", "-0"},
      {"double", "1e-999", "0"},
      {"double", "123456789012345678901234567890", "1.2345678901234568e+29"},
      {"double", "\"NaN\"", "\"NaN\""},
      {"double", "\"-Infinity\"", "\"-Infinity\""},
      {"string", R"("\u00e9\ud834\udd1e\\u0000")", R"("é𝄞\\u0000")"},
      {"string", "\"\"", "\"\""},
      {"bytes", "\"Zm8=\"", "\"Zm8=\""},
      {"json", R"({"x" : [1.0, 1e999, {}, "\u00e9"]})", R"({"x" : [1.0, 1e999, {}, "\u00e9"]})"},
      {"json", "[1,\n \"a\\n b\"\r]", R"([1,"a\n b"])"},
      {"json", "-1.50", "-1.50"},
      {"json?", "null", "null"},
      {"list<int64?>", "[1 , null,3]", "[1,null,3]"},
      {"list<list<string>>", R"([[],["a"]])", R"([[],["a"]])"},
      {"struct{a: int64, b: string?}", R"({"z":[{}],"a":1})", R"({"a":1,"b":null})"},
      {"list<struct{a: int64}>", R"([{"a":1},{"x":0,"a":2}])", R"([{"a":1},{"a":2}])"},
      {"map<string, int64>", R"({"x":1,"\u0079":2})", R"({"x":1,"y":2})"},
      {"map<int64, bool>", R"({"-1":true,"2":false})", R"({"-1":true,"2":false})"},
      {"map<bool, struct{a: map<string, json?>}>", R"({"true":{"a":{"k":null}}})",
       R"({"true":{"a":{"k":null}}})"},
  };
  for (const auto& [type, value, json] : cases) {
    EXPECT_EQ(DecodeAs(type, value), std::string("{\"f\":") + json + "}") << type;
  }
}

TEST(JsonDecoderTest, WrongTypesNameFieldExpectedAndFound) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"int64", "1.0", "'f': expected int64, found a number with a fraction or an exponent"},
      {"int64", "1e2", "'f': expected int64, found a number with a fraction or an exponent"},
      {"int64", "9223372036854775808", "'f': expected int64, found an integer outside of 64 bits"},
      {"int64", "\"1\"", "'f': expected int64, found a string"},
      {"int64", "true", "'f': expected int64, found a bool"},
      {"timestamp_ms", "\"2017-03-27\"", "'f': expected timestamp_ms, found a string"},
      {"double", "1e999", "'f': expected double, found a number that no double can hold"},
      {"double", "\"nan\"", "'f': expected double, found a string"},
      {"double", "[]", "'f': expected double, found a list"},
      {"bool", "1", "'f': expected bool, found a number"},
      {"bool", "\"true\"", "'f': expected bool, found a string"},
      {"string", "5", "'f': expected string, found a number"},
      {"string", "{}", "'f': expected string, found an object"},
      {"string?", "false", "'f': expected string, found a bool"},
      {"bytes", "\"Zm8\"", "'f': expected bytes, found a string that is not base64"},
      {"list<int64>", "{}", "'f': expected list<int64>, found an object"},
      {"list<int64>", "[1,2,\"x\"]", "'f[2]': expected int64, found a string"},
      {"struct{a: int64}", "[]", "'f': expected struct{a: int64}, found a list"},
      {"list<struct{a: struct{b: bool}}>", R"([{"a":{"b":true}},{"a":{"b":0}}])",
       "'f[1].a.b': expected bool, found a number"},
      {"map<string, bool>", R"({"a":true,"b":1})", "'f[1].value': expected bool, found a number"},
      {"map<int64, bool>", R"({"x":true})", "'f[0].key': expected int64, found a string"},
      {"map<int64, bool>", R"({"01":true})", "'f[0].key': expected int64, found a string"},
  };
  for (const auto& [type, value, error] : cases) {
    EXPECT_EQ(DecodeAs(type, value), std::string("WEIR-2003: field ") + error);
  }
}

TEST(JsonDecoderTest, MissingFields) {
  const std::string hint = " (hint: end its type with '?' in the schema if it may be absent)";
  EXPECT_EQ(DecodeAs("int64", "null"), "WEIR-2002: field 'f' is null" + hint);
  EXPECT_EQ(DecodeAs("json", "null"), "WEIR-2002: field 'f' is null" + hint);
  EXPECT_EQ(DecodeAs("list<int64>", "[1,null]"), "WEIR-2002: field 'f[1]' is null" + hint);
  EXPECT_EQ(DecodeAs("struct{a: int64}?", "{}"), "WEIR-2002: field 'f.a' is missing" + hint);
  EXPECT_EQ(DecodeAs("map<string, int64>", "{\"k\":null}"),
            "WEIR-2002: field 'f[0].value' is null" + hint);
  const SchemaPtr schema = AuthSchema();
  JsonDecoder decoder(schema);
  EXPECT_EQ(Decode(&decoder, schema, R"({"line":1,"ts":2,"kind":"x","message":"m"})"),
            "WEIR-2002: field 'host' is missing" + hint);
}

TEST(JsonDecoderTest, NamesStandOnce) {
  EXPECT_EQ(DecodeAs("int64", R"(1,"f":2)"), "WEIR-2001: field 'f' stands twice");
  EXPECT_EQ(DecodeAs("int64", R"(1,"\u0066":1)"), "WEIR-2001: field 'f' stands twice");
  EXPECT_EQ(DecodeAs("struct{a: int64?}", R"({"a":null,"a":1})"),
            "WEIR-2001: field 'f.a' stands twice");
  EXPECT_EQ(DecodeAs("list<map<string, int64>>", R"([{"k":1,"k":1}])"),
            "WEIR-2001: field 'f[0].key' stands twice");
  EXPECT_EQ(DecodeAs("map<bool, int64>", R"({"true":1,"false":1,"true":2})"),
            "WEIR-2001: field 'f.key' stands twice");
  EXPECT_EQ(DecodeAs("int64", R"(1,"g":2,"g":[])"), R"({"f":1})");  // not ours to judge
}

// Whatever else is wrong with a line, if it is no JSON that is what is said.
TEST(JsonDecoderTest, LinesThatAreNoRecords) {
  const SchemaPtr schema = SchemaOf({{"a", "int64"}, {"l", "list<int64>?"}, {"j", "json?"}});
  for (const char* line : {"",
                           " ",
                           "\r",
                           "hello",
                           "1",
                           "null",
                           "\"a\"",
                           "[]",
                           "[{\"a\":1}]",
                           "{",
                           "}",
                           "{}}",
                           "{\"a\":1",
                           "{\"a\":1}x",
                           "{\"a\":1}}",
                           "{\"a\":1} {\"a\":1}",
                           "{\"a\":1}{",
                           "{\"a\":1,}",
                           "{\"a\":1,,\"b\":2}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":tru}",
                           "{\"a\":nul}",
                           "{\"a\":}",
                           "{\"a\":,}",
                           "{\"a\"::}",
                           "{\"a\"}",
                           "{\"a\",1}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\":'1'}",
                           "{\"a\":1 \"b\":2}",
                           "{\"x\":1 2,\"a\":1}",
                           "{\"x\":[1,],\"a\":1}",
                           "{\"x\":[1},\"a\":1}",
                           "{\"x\":truee,\"a\":1}",
                           "{\"x\":1e,\"a\":1}",
                           "{\"x\":\"\\q\",\"a\":1}",
                           "{\"\\q\":0,\"a\":1}",
                           "{\"x\":{\"y\"},\"a\":1}",
                           "{\"a\":1,\"l\":[1}}",
                           "{\"a\":1,\"l\":[1,]}",
                           "{\"a\":1,\"l\":[1 2]}",
                           "{\"a\":1,\"l\":[}",
                           "{\"a\":1,\"l\":[1]]}",
                           "{\"a\":1,\"j\":[}]}",
                           "{\"a\":1,\"j\":{\"k\":}}",
                           "{\"a\":1,\"j\":01}",
                           "{\"a\":\"\t\"}",
                           "{\"a\":\"1}",
                           "{\"b\":tru}",
                           "{\"a\":\"x\",\"b\":tru}",
                           "# comment",
                           "{\"a\":1}//",
                           "\xef\xbb\xbf{\"a\":1}",
                           "{\"a\":NaN}",
                           "{\"a\":+1}",
                           "{\"a\":0x1}",
                           "{\"a\":1}\f"}) {
    EXPECT_EQ(ErrorOf(schema, line), 2001) << line;
  }
  JsonDecoder decoder(schema);
  EXPECT_EQ(Decode(&decoder, schema, "[1]"),
            "WEIR-2001: expected an object (hint: one JSON object is one record)");
}

TEST(JsonDecoderTest, TooDeep) {
  const SchemaPtr schema = SchemaOf({{"a", "int64"}, {"j", "json?"}});
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  for (const char* name : {"x", "j", "a"}) {
    const std::string head = std::string("{\"") + name + "\":";
    const std::string tail = std::string(name) == "a" ? "}" : ",\"a\":1}";
    EXPECT_EQ(ErrorOf(schema, head + nested(64) + tail), 2004) << name;
    EXPECT_EQ(ErrorOf(schema, head + nested(5000) + tail), 2004) << name;
    EXPECT_EQ(ErrorOf(schema, head + std::string(1'000'000, '[')), 2004) << name;
  }
  EXPECT_EQ(ErrorOf(schema, "{\"a\":1,\"j\":" + nested(63) + ",\"x\":" + nested(63) + "}"), 0);
  std::string objects;
  for (int i = 0; i < 5000; ++i) objects += "{\"a\":";
  EXPECT_EQ(ErrorOf(schema, objects), 2004);

  const SchemaPtr lists = SchemaOf({{"l", "list<list<int64>>"}});
  JsonDecoder shallow(lists, {.max_depth = 2});
  EXPECT_EQ(Decode(&shallow, lists, "{\"l\":[[1]]}"), "WEIR-2004: nests deeper than 2 levels");
}

TEST(JsonDecoderTest, TooLarge) {
  const SchemaPtr schema = SchemaOf({{"a", "string?"}, {"l", "list<string>?"}, {"j", "json?"}});
  const std::string limit(size_t{1} << 20, 'x');
  const std::string huge(10'000'000, 'x');
  for (const char* field : {"{\"a\":\"%\"}", "{\"l\":[\"%\"]}", "{\"j\":{\"k\":\"%\"}}",
                            "{\"other\":\"%\"}", "{\"%\":1}", "{\"j\":{\"%\":1}}"}) {
    const std::string line(field);
    const size_t at = line.find('%');
    const auto with = [&](const std::string& s) {
      return line.substr(0, at) + s + line.substr(at + 1);
    };
    EXPECT_EQ(ErrorOf(schema, with(limit)), 0) << field;
    EXPECT_EQ(ErrorOf(schema, with(limit + "x")), 2005) << field;
    EXPECT_EQ(ErrorOf(schema, with(huge)), 2005) << field;
  }
  // Many strings that are small alone; and 8 MiB of space.
  EXPECT_EQ(ErrorOf(schema, "{" + std::string(size_t{8} << 20, ' ') + "}"), 2005);
  EXPECT_EQ(ErrorOf(schema, "{" + std::string((size_t{8} << 20) - 2, ' ') + "}"), 0);
  EXPECT_EQ(ErrorOf(schema, "{\"a\":\"small again\"}"), 0);
}

TEST(JsonDecoderTest, BadTextAnywhere) {
  const SchemaPtr schema = SchemaOf({{"a", "string?"}, {"l", "list<string>?"}, {"j", "json?"}});
  using std::string_literals::operator""s;
  for (const std::string& bad : {"\0"s, "x\0y"s, "\\u0000"s, "a\\u0000b"s, "\xff"s, "\x80"s,
                                 "\xc3"s, "\xc0\x80"s, "\xed\xa0\x80"s, "\xf8\x88\x80\x80\x80"s,
                                 "\\ud800"s, "\\udfff"s, "\\ud800\\ud800"s, "\\ud800 "s}) {
    for (const char* field :
         {"{\"a\":\"%\"}", "{\"l\":[\"%\"]}", "{\"j\":\"%\"}", "{\"j\":{\"%\":1}}",
          "{\"other\":\"%\"}", "{\"other\":[{\"%\":1}]}", "{\"%\":1}", "{\"a\":\"%\",\"a\":1}"}) {
      const std::string line(field);
      const size_t at = line.find('%');
      EXPECT_EQ(ErrorOf(schema, line.substr(0, at) + bad + line.substr(at + 1)), 2006)
          << line << " " << bad;
    }
  }
  EXPECT_EQ(ErrorOf(schema, "{}\0"s), 2006);
  EXPECT_EQ(ErrorOf(schema, "\0{}"s), 2006);
  EXPECT_EQ(ErrorOf(schema, "{\0}"s), 2006);
  EXPECT_EQ(ErrorOf(schema, "{\"a\":\"\xff"), 2006);  // broken in two ways
}

// A wrong line between good ones leaves no trace; fields come in any order and number.
TEST(JsonDecoderTest, BadLinesBetweenGoodOnes) {
  const SchemaPtr schema = AuthSchema();
  JsonDecoder decoder(schema);
  RecordBatch batch(schema);
  std::string wide = kAuthLine;
  for (int i = 0; i < 200; ++i) wide.insert(1, "\"extra" + std::to_string(i) + "\": [{}], ");
  std::string broken = kAuthLine;
  broken.replace(broken.find("1490620016000"), 13, "\"yesterday\"");
  const std::string_view lines[] = {kAuthLine, broken,    "{",  kAuthJson, wide,      "garbage",
                                    kAuthLine, kAuthJson, "{}", wide,      kAuthLine, broken};
  size_t good = 0;
  for (const std::string_view line : lines) {
    if (!decoder.Decode(line, &batch).ok()) continue;
    batch.AppendMeta(0, {}, 0);
    std::string json;
    RowToJson(batch, good++, &json);
    EXPECT_EQ(json, kAuthJson);
  }
  EXPECT_EQ(good, 7u);
  for (int c = 0; c < batch.width(); ++c) EXPECT_EQ(batch.column(c).size(), good);
}

RC_GTEST_PROP(JsonDecoderTest, ReadsWhatRowToJsonWrites, (uint64_t seed)) {
  Random random(seed);
  const SchemaPtr schema = testing::RandomSchema(&random);
  const RecordBatch batch = testing::RandomBatch(&random, schema, 1 + random.Uniform(5));
  JsonDecoder decoder(schema);
  for (size_t i = 0; i < batch.rows(); ++i) {
    std::string line;
    RowToJson(batch, i, &line);
    RC_ASSERT(Decode(&decoder, schema, line) == line);
  }
}

// Damaged lines: never a crash, never half a row, and what is accepted is JSON.
RC_GTEST_PROP(JsonDecoderTest, DamageIsHarmless, (uint64_t seed)) {
  Random random(seed);
  const SchemaPtr schema = testing::RandomSchema(&random);
  const RecordBatch source = testing::RandomBatch(&random, schema, 1);
  std::string good;
  RowToJson(source, 0, &good);
  JsonDecoder decoder(schema);
  constexpr std::string_view kBytes = "{}[]:,\"\\ 019-+.eEtfn\n\xc3u";
  for (int k = 0; k < 40; ++k) {
    std::string line = good;
    for (uint64_t n = 1 + random.Uniform(2); n > 0; --n) {
      const size_t at = random.Uniform(line.size());
      const char byte = random.OneIn(8) ? static_cast<char>(random.Next())
                                        : kBytes[random.Uniform(kBytes.size())];
      random.OneIn(2) ? line.replace(at, 1, 1, byte) : line.insert(at, 1, byte);
    }
    RecordBatch batch = source.Copy();
    const Status status = decoder.Decode(line, &batch);
    if (status.ok()) {
      batch.AppendMeta(0, {}, 0);
      std::string json;
      RowToJson(batch, 1, &json);
      RC_ASSERT(ParseJson(json).ok());
      RC_ASSERT(ParseJson(line).ok());
    } else {
      RC_ASSERT(batch.MemoryBytes() == source.MemoryBytes());
      const int number = ErrorNumber(status);
      RC_ASSERT(number >= 2001 && number <= 2006);
      if (number == 2001) continue;
      RC_ASSERT(ParseJson(line).ok() || number >= 2004);
    }
  }
}

}  // namespace
}  // namespace weir
