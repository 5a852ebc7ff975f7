#include "engine/core/options.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

OptionDef Def(OptionType type) {
  OptionDef def;
  def.name = "x";
  def.type = type;
  return def;
}

std::string ErrorOf(const Status& status) { return FormatError(status); }

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(*ParseDuration("250ms"), 250);
  EXPECT_EQ(*ParseDuration("10s"), 10'000);
  EXPECT_EQ(*ParseDuration("5m"), 300'000);
  EXPECT_EQ(*ParseDuration("24h"), 86'400'000);
  EXPECT_EQ(*ParseDuration("7d"), 604'800'000);
  EXPECT_EQ(*ParseDuration("1.5h"), 5'400'000);
  EXPECT_EQ(*ParseDuration("0.001s"), 1);
  EXPECT_EQ(*ParseDuration("0s"), 0);
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* text : {"", "s", "10", "-5s", "+5s", "1.s", ".5s", "1..5s", "10 s", "10S",
                           "10sec", "1h30m", "inf", "1e3s", "10s ", "٣s"}) {
    EXPECT_EQ(ErrorNumber(ParseDuration(text).status()), 1004) << text;
  }
  EXPECT_EQ(ErrorOf(ParseDuration("10").status()),
            "WEIR-1004: expected a duration, found '10' (hint: a duration needs a unit: 10s, 10ms, "
            "...)");
}

TEST(Duration, RefusesFractionsOfAMillisecondAndOverflow) {
  for (const char* text :
       {"0.5ms", "0.0001s", "36501d", "9223372036854775d", "1.0000000000000000000ms"}) {
    const int number = ErrorNumber(ParseDuration(text).status());
    EXPECT_TRUE(number == 1005 || number == 1004) << text << " gives " << number;
  }
  EXPECT_EQ(*ParseDuration("36500d"), int64_t{36'500} * 86'400'000);
}

TEST(Size, ReadsEveryUnit) {
  EXPECT_EQ(*ParseSize("4096"), 4096);
  EXPECT_EQ(*ParseSize("100B"), 100);
  EXPECT_EQ(*ParseSize("1kB"), 1000);
  EXPECT_EQ(*ParseSize("1KiB"), 1024);
  EXPECT_EQ(*ParseSize("64MiB"), 64 << 20);
  EXPECT_EQ(*ParseSize("2GB"), 2'000'000'000);
  EXPECT_EQ(*ParseSize("1.5GiB"), int64_t{3} << 29);
  EXPECT_EQ(*ParseSize("1TiB"), int64_t{1} << 40);
}

TEST(Size, RefusesEverythingElse) {
  for (const char* text : {"", "MiB", "-1", "64mb", "64M", "1.5", "0.1kib", "1e9", "9999999TiB"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
}

TEST(Format, GivesTheShortestExactText) {
  EXPECT_EQ(FormatDuration(0), "0s");
  EXPECT_EQ(FormatDuration(10), "10ms");
  EXPECT_EQ(FormatDuration(90'000), "90s");
  EXPECT_EQ(FormatDuration(600'000), "10m");
  EXPECT_EQ(FormatDuration(86'400'000), "1d");
  EXPECT_EQ(FormatSize(0), "0B");
  EXPECT_EQ(FormatSize(256 << 20), "256MiB");
  EXPECT_EQ(FormatSize(1000), "1kB");
  EXPECT_EQ(FormatSize(1025), "1025B");
}

TEST(Format, ReadsBack) {
  for (const int64_t value : {1, 999, 1000, 1024, 61'000, 3'600'000, 86'400'000, 123'456'789}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(value)), value);
    EXPECT_EQ(*ParseSize(FormatSize(value)), value);
  }
}

TEST(Scalar, Integers) {
  OptionDef def = Def(OptionType::kInt);
  def.min = 1;
  def.max = 32768;
  EXPECT_EQ(Options::ParseScalar(def, "32768")->number, 32768);
  EXPECT_EQ(Options::ParseScalar(def, "+4")->number, 4);
  EXPECT_EQ(ErrorOf(Options::ParseScalar(def, "four").status()),
            "WEIR-1004: expected an integer, found 'four' (hint: write a whole number from 1 to "
            "32768)");
  EXPECT_EQ(ErrorOf(Options::ParseScalar(def, "0").status()),
            "WEIR-1005: expected an integer from 1 to 32768, found 0");
  EXPECT_EQ(ErrorOf(Options::ParseScalar(def, "99999999999999999999").status()),
            "WEIR-1005: expected an integer from 1 to 32768, found 99999999999999999999");
  for (const char* text : {"", "4.0", "0x10", "1_000", "--1", "+-1", "1 "}) {
    EXPECT_EQ(ErrorNumber(Options::ParseScalar(def, text).status()), 1004) << text;
  }
}

TEST(Scalar, RangesWithOneEnd) {
  OptionDef def = Def(OptionType::kDuration);
  def.min = 10;
  EXPECT_EQ(ErrorOf(Options::ParseScalar(def, "1ms").status()),
            "WEIR-1005: expected a duration of at least 10ms, found 1ms");
  def = Def(OptionType::kSize);
  def.max = 1 << 20;
  EXPECT_EQ(ErrorOf(Options::ParseScalar(def, "2MiB").status()),
            "WEIR-1005: expected a size of at most 1MiB, found 2MiB");
}

TEST(Scalar, Doubles) {
  OptionDef def = Def(OptionType::kDouble);
  def.min = 0;
  def.max = 1;
  EXPECT_DOUBLE_EQ(Options::ParseScalar(def, "0.25")->real, 0.25);
  EXPECT_DOUBLE_EQ(Options::ParseScalar(def, "1e-3")->real, 1e-3);
  EXPECT_EQ(ErrorOf(Options::ParseScalar(def, "1.5").status()),
            "WEIR-1005: expected a number from 0 to 1, found 1.5");
  for (const char* text : {"nan", "inf", "half", "", "1,5"}) {
    EXPECT_EQ(ErrorNumber(Options::ParseScalar(def, text).status()), 1004) << text;
  }
}

TEST(Scalar, BooleansAreThoseOfYaml12) {
  const OptionDef def = Def(OptionType::kBool);
  EXPECT_EQ(Options::ParseScalar(def, "true")->number, 1);
  EXPECT_EQ(Options::ParseScalar(def, "False")->number, 0);
  EXPECT_EQ(
      ErrorOf(Options::ParseScalar(def, "yes").status()),
      "WEIR-1004: expected true or false, found 'yes' (hint: yes, no, on and off are texts in "
      "YAML 1.2)");
}

TEST(Scalar, AllowedTexts) {
  OptionDef def = Def(OptionType::kString);
  def.allowed = {"earliest", "latest"};
  EXPECT_EQ(Options::ParseScalar(def, "latest")->text, "latest");
  EXPECT_EQ(ErrorOf(Options::ParseScalar(def, "earlyest").status()),
            "WEIR-1012: expected one of earliest, latest, found 'earlyest' (hint: did you mean "
            "'earliest'?)");
}

TEST(Scalar, LongValuesAreCut) {
  const OptionDef def = Def(OptionType::kInt);
  const std::string message = ErrorOf(Options::ParseScalar(def, std::string(1000, 'x')).status());
  EXPECT_LT(message.size(), 200u);
}

std::vector<OptionDef> SampleDefs() {
  OptionDef nested = Def(OptionType::kTable);
  nested.name = "agent";
  nested.default_text = "{}";
  OptionDef capacity = Def(OptionType::kInt);
  capacity.name = "capacity";
  capacity.default_text = "1000";
  nested.table = {capacity};
  OptionDef keys = Def(OptionType::kStringList);
  keys.name = "keys";
  keys.default_text = "[a, b]";
  OptionDef ttl = Def(OptionType::kDuration);
  ttl.name = "ttl";
  ttl.default_text = "24h";
  OptionDef absent = Def(OptionType::kString);
  absent.name = "absent";
  OptionDef topic = Def(OptionType::kString);
  topic.name = "topic";
  topic.required = true;
  topic.doc = "The topic.";
  return {nested, keys, ttl, absent, topic};
}

TEST(Defaults, AreFilledInAtEveryLevel) {
  Options options;
  OptionValue topic;
  topic.text = "t";
  options.Set("topic", topic);
  ASSERT_TRUE(options.FillDefaults(SampleDefs()).ok());
  EXPECT_EQ(options.Table("agent").Int("capacity"), 1000);
  EXPECT_EQ(options.List("keys"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.Int("ttl"), 86'400'000);
  EXPECT_FALSE(options.Has("absent"));
  EXPECT_EQ(options.MarkOf("ttl").line, 0);
}

TEST(Defaults, KeepWhatIsSet) {
  Options options, agent;
  OptionValue value;
  value.number = 5;
  agent.Set("capacity", value);
  OptionValue table;
  table.table = std::make_shared<const Options>(agent);
  options.Set("agent", table);
  options.Set("topic", value);
  ASSERT_TRUE(options.FillDefaults(SampleDefs()).ok());
  EXPECT_EQ(options.Table("agent").Int("capacity"), 5);
}

TEST(Defaults, MissingRequiredKey) {
  Options options;
  EXPECT_EQ(ErrorOf(options.FillDefaults(SampleDefs())),
            "WEIR-1003: missing required key 'topic' (hint: The topic.)");
}

TEST(OptionsDeathTest, AnUnknownNameIsABug) {
  const Options options;
  EXPECT_DEATH(options.Get("nope"), "nope");
}

TEST(Nearest, FindsCommonMistakes) {
  const std::vector<std::string> names = {"parallelism", "max_parallelism", "name", "id", "topic"};
  EXPECT_EQ(NearestName("paralellism", names), "parallelism");
  EXPECT_EQ(NearestName("paralelism", names), "parallelism");
  EXPECT_EQ(NearestName("Parallelism", names), "parallelism");
  EXPECT_EQ(NearestName("tpoic", names), "topic");  // a swap is one mistake
  EXPECT_EQ(NearestName("nmae", names), "name");
  EXPECT_EQ(NearestName("ids", names), "id");
}

TEST(Nearest, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(NearestName("colour", {"parallelism", "name"}), "");
  EXPECT_EQ(NearestName("x", {"y"}), "");
  EXPECT_EQ(NearestName("", {"a"}), "");
  EXPECT_EQ(NearestName("topic", {}), "");
  EXPECT_EQ(NearestName(std::string(100'000, 'a'), {std::string(100'000, 'a')}), "");
}

}  // namespace
}  // namespace weir
