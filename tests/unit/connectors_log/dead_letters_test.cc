#include "connectors/log/dead_letters.h"

#include <gtest/gtest.h>

#include "connectors/log/dead_letter_box.h"
#include "connectors/log/log_options.h"
#include "engine/model/value.h"

namespace weir {
namespace {

TEST(PlainText, IsUtf8WithoutNul) {
  const char* const good[] = {"",
                              "abc\r\n\x7F",
                              "\xC2\x80",
                              "\xDF\xBF",
                              "\xE0\xA0\x80",
                              "\xED\x9F\xBF",
                              "\xEE\x80\x80",
                              "\xEF\xBF\xBF",
                              "\xF0\x90\x80\x80",
                              "\xF4\x8F\xBF\xBF",
                              "a\xC3\xA9z"};
  for (const char* text : good) EXPECT_TRUE(IsPlainText(text)) << text;
  const char* const bad[] = {"\x80",
                             "\xC0\x80",
                             "\xC1\xBF",
                             "\xC2",
                             "\xC2\x41",
                             "\xE0\x9F\xBF",
                             "\xED\xA0\x80",
                             "\xE1\x80",
                             "\xF0\x8F\xBF\xBF",
                             "\xF4\x90\x80\x80",
                             "\xF5\x80\x80\x80",
                             "\xF1\x80\x80",
                             "\xFF",
                             "a\xE2\x82z"};
  for (const char* text : bad) EXPECT_FALSE(IsPlainText(text)) << text;
  EXPECT_FALSE(IsPlainText(std::string_view("a\0b", 3)));
}

TEST(Base64, HasTheRfcVectors) {
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("fo"), "Zm8=");
  EXPECT_EQ(Base64("foo"), "Zm9v");
  EXPECT_EQ(Base64("foob"), "Zm9vYg==");
  EXPECT_EQ(Base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64("\xFB\xFF"), "+/8=");
}

RecordBatch DeadLettersOf(const std::vector<std::string>& values) {
  RecordBatch batch(DeadLetterSchema());
  for (size_t i = 0; i < values.size(); ++i) {
    AppendDeadLetter({"in", 0, 1, 77}, {static_cast<int64_t>(i), values[i]},
                     Err(ErrorCode::kRecordNotJson, "expected an object"), &batch);
  }
  return batch;
}

TEST(BoundDeadLetters, CutsTheBytesOfThoseThatDoNotFit) {
  std::string accents, controls(30'000, '\x01'), binary(30'000, '\xFF');
  while (accents.size() < 30'000) accents += "\xC3\xA9";
  for (const std::string& large : {accents, controls, binary, "x" + accents}) {
    const RecordBatch bounded = BoundDeadLetters(20'000, DeadLettersOf({"small", large}));
    ASSERT_EQ(bounded.rows(), 2u);
    EXPECT_EQ(bounded.origin[1].offset, 1);
    std::string small, json;
    RowToJson(bounded, 0, &small);
    RowToJson(bounded, 1, &json);
    EXPECT_EQ(small.find("truncated\":true"), std::string::npos) << small;
    EXPECT_LE(json.size(), 20'000u);
    EXPECT_GE(json.size(), 16'000u) << "as much as fits, nearly";
    const auto letter = ParseDeadLetter({1, json}, 0);
    ASSERT_TRUE(letter.ok()) << json;
    EXPECT_TRUE(letter->truncated);
    EXPECT_TRUE(large.starts_with(*letter->bytes));
    EXPECT_NE(letter->reason.find(std::to_string(large.size()) + " bytes"), std::string::npos);
    EXPECT_NE(letter->reason.find(std::to_string(letter->bytes->size()) + " of"),
              std::string::npos);
  }
}

TEST(BoundDeadLetters, LeavesWhatFitsAndWhatIsNone) {
  RecordBatch rows(MakeSchema({{"raw", DeadLetterSchema()->field(6).type, true}}));
  rows.column(0).AppendString(std::string(30'000, 'x'));
  rows.AppendMeta(kNoTimestamp, Origin{}, 0);
  EXPECT_EQ(BoundDeadLetters(20'000, std::move(rows)).column(0).String(0).size(), 30'000u);
  const RecordBatch whole = BoundDeadLetters(40'000, DeadLettersOf({std::string(30'000, 'x')}));
  EXPECT_TRUE(whole.column(10).IsNull(0));
}

TEST(LogOptions, DefaultsAreThoseOfTheStruct) {
  Options options, time;
  const auto set = [](Options* to, const std::string& name, const std::string& text) {
    OptionValue value;
    value.text = text;
    to->Set(name, value);
  };
  set(&options, "topic", "t");
  set(&options, "schema", "");
  set(&time, "field", "ts");
  for (const OptionDef& def : LogSourceOptionDefs()) {
    if (def.name != "event_time") continue;
    ASSERT_TRUE(time.FillDefaults(def.table).ok());
  }
  OptionValue table;
  table.table = std::make_shared<const Options>(time);
  options.Set("event_time", table);
  ASSERT_TRUE(options.FillDefaults(LogSourceOptionDefs()).ok());
  EXPECT_EQ(options.String("format"), "json");
  const LogSourceOptions read = LogSourceOptionsFrom(options), plain;
  EXPECT_EQ(read.topic, "t");
  EXPECT_EQ(read.start, plain.start);
  EXPECT_EQ(read.emit, plain.emit);
  EXPECT_EQ(read.all_idle, plain.all_idle);
  EXPECT_EQ(read.on_error, plain.on_error);
  EXPECT_EQ(read.out_of_orderness_ms, plain.out_of_orderness_ms);
  EXPECT_EQ(read.idleness_ms, plain.idleness_ms);
  EXPECT_EQ(read.max_ahead_ms, plain.max_ahead_ms);
}

TEST(LogOptions, OtherValuesArrive) {
  Options options, time;
  const auto set = [](Options* to, const std::string& name, const std::string& text, int64_t ms) {
    OptionValue value;
    value.text = text;
    value.number = ms;
    to->Set(name, value);
  };
  set(&options, "topic", "t", 0);
  set(&options, "schema", "", 0);
  set(&options, "start", "latest", 0);
  set(&options, "on_error", "fail", 0);
  set(&time, "field", "ts", 0);
  set(&time, "out_of_orderness", "", 5000);
  set(&time, "emit", "periodic", 0);
  set(&time, "idleness", "", 30'000);
  set(&time, "all_idle", "drain", 0);
  set(&time, "max_ahead", "", 7);
  OptionValue table;
  table.table = std::make_shared<const Options>(time);
  options.Set("event_time", table);
  const LogSourceOptions read = LogSourceOptionsFrom(options);
  EXPECT_EQ(read.start, LogSourceOptions::Start::kLatest);
  EXPECT_EQ(read.emit, LogSourceOptions::Emit::kPeriodic);
  EXPECT_EQ(read.all_idle, AllIdlePolicy::kDrain);
  EXPECT_EQ(read.on_error, LogSourceOptions::OnError::kFail);
  EXPECT_EQ(read.out_of_orderness_ms, 5000);
  EXPECT_EQ(read.idleness_ms, 30'000);
  EXPECT_EQ(read.max_ahead_ms, 7);
}

TEST(LogOptions, EveryOptionIsDocumented) {
  for (const auto* defs : {&LogSourceOptionDefs(), &LogSinkOptionDefs()}) {
    for (const OptionDef& def : *defs) {
      EXPECT_TRUE(def.doc.ends_with(".")) << def.name;
      if (def.allowed.empty() || def.default_text.empty()) continue;
      EXPECT_EQ(def.allowed.front(), def.default_text) << def.name;
    }
  }
}

}  // namespace
}  // namespace weir
