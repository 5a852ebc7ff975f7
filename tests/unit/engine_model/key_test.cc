#include "engine/model/key.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "tests/unit/engine_model/random_batch.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;

KeySelector SelectorFor(const RecordBatch& batch, const Names& fields) {
  auto selector = KeySelector::Create(*batch.schema(), fields);
  WEIR_CHECK(selector.ok(), FormatError(selector.status()));
  return *selector;
}

// Hex of the canonical keys of all rows.
std::vector<std::string> Keys(const RecordBatch& batch, const Names& fields) {
  KeySelector selector = SelectorFor(batch, fields);
  std::vector<std::string_view> keys;
  selector.Select(batch, &keys);
  std::vector<std::string> hex;
  for (const std::string_view key : keys) hex.push_back(HexEncode(key));
  return hex;
}

// One row of values per list.
RecordBatch BatchOf(const SchemaPtr& schema, const std::vector<std::vector<Value>>& rows) {
  RecordBatch batch(schema);
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      const auto k = static_cast<int>(c);
      WEIR_CHECK(AppendValue(row[c], schema->field(k), &batch.column(k)).ok());
    }
    batch.AppendMeta(0, {}, 0);
  }
  return batch;
}

TEST(KeyTest, SingleFields) {
  const RecordBatch strings =
      BatchOf(testing::SchemaOf({{"s", "string?"}}),
              {{Value::String("")}, {Value::Null()}, {Value::String("é\x7f")}});
  EXPECT_EQ(Keys(strings, {"s"}), (Names{"", "ff", "c3a97f"}));

  const RecordBatch ints = BatchOf(
      testing::SchemaOf({{"n", "int64?"}}),
      {{Value::Int(0)}, {Value::Int(0x80)}, {Value::Int(-1)}, {Value::Null()}, {Value::Int(258)}});
  EXPECT_EQ(Keys(ints, {"n"}), (Names{"0000000000000000", "0000000000000080", "ffffffffffffffff",
                                      "ff", "0000000000000102"}));

  const RecordBatch times = BatchOf(testing::SchemaOf({{"t", "timestamp"}}), {{Value::Int(1)}});
  EXPECT_EQ(Keys(times, {"t"}), (Names{"0000000000000001"}));

  const RecordBatch bools = BatchOf(testing::SchemaOf({{"b", "bool?"}}),
                                    {{Value::Bool(true)}, {Value::Null()}, {Value::Bool(false)}});
  EXPECT_EQ(Keys(bools, {"b"}), (Names{"01", "ff", "00"}));
}

TEST(KeyTest, CompositeIsUnambiguous) {
  const SchemaPtr schema = testing::SchemaOf({{"a", "string?"}, {"b", "string?"}});
  const RecordBatch batch = BatchOf(schema, {{Value::String("a"), Value::String("bc")},
                                             {Value::String("ab"), Value::String("c")},
                                             {Value::String("abc"), Value::String("")},
                                             {Value::String("abc"), Value::Null()},
                                             {Value::Null(), Value::String("abc")},
                                             {Value::Null(), Value::Null()}});
  const Names keys = Keys(batch, {"a", "b"});
  EXPECT_EQ(keys,
            (Names{"0000000161000000026263", "0000000261620000000163", "0000000361626300000000",
                   "00000003616263ffffffff", "ffffffff00000003616263", "ff"}));
  EXPECT_NE(Keys(batch, {"b", "a"}), keys);
}

TEST(KeyTest, CompositeOfOtherTypes) {
  const SchemaPtr schema = testing::SchemaOf({{"n", "int64"}, {"b", "bool"}, {"t", "timestamp?"}});
  const RecordBatch batch = BatchOf(schema, {{Value::Int(-2), Value::Bool(true), Value::Null()}});
  EXPECT_EQ(Keys(batch, {"n", "b", "t"}), (Names{"00000008fffffffffffffffe0000000101ffffffff"}));
}

TEST(KeyTest, RefusesWhatIsNoKey) {
  const SchemaPtr schema = testing::SchemaOf(
      {{"s", "string"}, {"d", "double"}, {"y", "bytes"}, {"j", "json"}, {"l", "list<int64>"}});
  const auto error = [&](const Names& fields) {
    return FormatError(KeySelector::Create(*schema, fields).status());
  };
  EXPECT_EQ(error({"x"}),
            "WEIR-1021: key field 'x' does not exist (hint: the input has {s: string, d: double, "
            "y: bytes, j: json, l: list<int64>})");
  EXPECT_EQ(error({"s", "s"}), "WEIR-1021: key field 's' stands twice");
  for (const char* name : {"d", "y", "j", "l"}) {
    EXPECT_EQ(ErrorNumber(KeySelector::Create(*schema, {"s", name}).status()), 1021) << name;
  }
  EXPECT_EQ(error({"l"}),
            "WEIR-1021: key field 'l' has type list<int64> (hint: a key is made of string, int64, "
            "timestamp_ms or bool fields)");
}

// What org.apache.kafka.common.utils.Utils gives: toPositive(murmur2(bytes)) % partitions, on the
// vectors of Kafka's own UtilsTest (negative hashes among them).
TEST(KeyTest, GroupsAreKafkasPartitions) {
  const std::pair<const char*, int32_t> vectors[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& [key, hash] : vectors) {
    for (const int partitions : {1, 2, 3, 7, 128, 32768}) {
      EXPECT_EQ(KeyGroupFor(key, partitions), (hash & 0x7fffffff) % partitions) << key;
    }
  }
  EXPECT_EQ(KeyGroupFor("foobar", 128), 62);
  EXPECT_EQ(KeyGroupFor("21", 128), 108);
  EXPECT_EQ(KeyGroupFor("", 128), 89);  // murmur2("") = 275646681
}

TEST(KeyTest, BytesAbove7F) {
  // Kafka masks every byte with 0xff; with signed chars these would differ.
  EXPECT_EQ(KeyGroupFor("\xc3\xa9", 32768), 29831);
  EXPECT_EQ(KeyGroupFor("\x80", 32768), 20860);
  EXPECT_EQ(KeyGroupFor("\xf0\x9d\x84\x9e", 32768), 6584);
}

TEST(KeyTest, NullHasItsGroup) {
  EXPECT_EQ(KeyGroupFor(kNullKeyBytes, 128), kNullKeyGroup);
  RecordBatch batch = BatchOf(testing::SchemaOf({{"a", "string?"}, {"n", "int64?"}}),
                              {{Value::Null(), Value::Null()}, {Value::Null(), Value::Int(5)}});
  KeySelector both = SelectorFor(batch, {"a", "n"});
  both.Assign(&batch, 128);
  EXPECT_EQ(batch.key_group[0], kNullKeyGroup);
  EXPECT_TRUE(both.IsNull(batch, 0));
  EXPECT_FALSE(both.IsNull(batch, 1));
  SelectorFor(batch, {"a"}).Assign(&batch, 128);
  EXPECT_EQ(batch.key_group, (std::vector<uint16_t>{0, 0}));
}

TEST(KeyTest, RangesCoverGroupsAndAgreeWithOwners) {
  for (const int max_p : {1, 2, 7, 128, 1000, 32768}) {
    for (const int p : {1, 2, 3, 4, 5, 7, 64, 127}) {
      if (p > max_p) continue;
      int next = 0;
      for (int s = 0; s < p; ++s) {
        const KeyGroupRange range = RangeOf(s, p, max_p);
        ASSERT_EQ(range.begin, next);
        for (int kg = range.begin; kg < range.end; ++kg) {
          ASSERT_EQ(OwnerOf(static_cast<uint16_t>(kg), p, max_p), s) << kg;
        }
        next = range.end;
      }
      ASSERT_EQ(next, max_p);
    }
  }
}

RC_GTEST_PROP(KeyTest, AssignFollowsFromTheBytes, (uint64_t seed)) {
  Random random(seed);
  const char* types[] = {"string?", "int64?", "bool?", "timestamp?"};
  const SchemaPtr schema =
      testing::SchemaOf({{"a", types[random.Uniform(4)]}, {"b", types[random.Uniform(4)]}});
  RecordBatch batch = testing::RandomBatch(&random, schema, random.Uniform(40));
  KeySelector selector = SelectorFor(batch, random.OneIn(2) ? Names{"a"} : Names{"a", "b"});
  const auto max_parallelism = static_cast<int>(1 + random.Uniform(32768));
  selector.Assign(&batch, max_parallelism);
  std::vector<std::string_view> keys;
  selector.Select(batch, &keys);
  std::map<std::string, std::string> rows_of;  // equal keys = equal rows, in both directions
  RC_ASSERT(batch.key_group.size() == batch.rows());
  for (size_t i = 0; i < batch.rows(); ++i) {
    RC_ASSERT(batch.key_hash[i] == HashBytes(keys[i]));
    RC_ASSERT(batch.key_group[i] == KeyGroupFor(keys[i], max_parallelism));
    RC_ASSERT(selector.IsNull(batch, i) == (keys[i] == kNullKeyBytes));
    std::string row;
    for (const int c : selector.columns()) row += GetValue(batch.column(c), i).ToJson() + ";";
    RC_ASSERT(rows_of.emplace(std::string(keys[i]), row).first->second == row);
  }
}

}  // namespace
}  // namespace weir
