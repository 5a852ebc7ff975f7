#include "engine/model/row.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "tests/unit/engine_model/random_batch.h"

namespace weir {
namespace {

using testing::RowText;

std::string Encoded(const RecordBatch& batch, size_t i) {
  std::string bytes;
  EncodeRow(batch, i, &bytes);
  return bytes;
}

// The layout is part of every checkpoint: a change here needs a new state version.
TEST(RowTest, LayoutIsStable) {
  const SchemaPtr schema = testing::SchemaOf(
      {{"s", "string"}, {"n", "int64?"}, {"d", "double"}, {"l", "list<bool?>"}, {"b", "bool"}});
  RecordBatch batch(schema);
  batch.column(0).AppendString("hi");
  batch.column(1).AppendNull();
  batch.column(2).AppendDouble(1.0);
  batch.column(3).child(0).AppendBool(true);
  batch.column(3).child(0).AppendNull();
  batch.column(3).FinishList();
  batch.column(4).AppendBool(true);
  batch.AppendMeta(-1, Origin{2, 3, 300}, 5);
  std::string fingerprint;
  PutFixed64(&fingerprint, schema->fingerprint());
  EXPECT_EQ(HexEncode(Encoded(batch, 0)), HexEncode(fingerprint) +
                                              "01"  // event time -1, zigzag
                                              "02"
                                              "06"
                                              "d804"    // source 2, partition 3, offset 300
                                              "05"      // emit
                                              "1d"      // present: s, d, l, b
                                              "026869"  // "hi"
                                              "000000000000f03f"  // 1.0
                                              "02"
                                              "01"
                                              "01"    // 2 items: true, null
                                              "01");  // true
}

TEST(RowTest, OtherSchemaIsIncompatible) {
  Random random(3);
  const RecordBatch batch = testing::RandomBatch(&random, testing::SchemaOf({{"a", "int64"}}), 1);
  RecordBatch other(testing::SchemaOf({{"a", "int64?"}}));
  const Status status = DecodeRow(Encoded(batch, 0), &other);
  EXPECT_EQ(ErrorNumber(status), 4003) << status;
  EXPECT_EQ(other.column(0).size(), 0u);
}

TEST(RowTest, HostileCountCostsNothing) {
  const SchemaPtr schema = testing::SchemaOf({{"a", "list<struct{x: int64?}?>"}});
  RecordBatch batch(schema);
  batch.column(0).FinishList();
  batch.AppendMeta(0, {}, 0);
  std::string bytes = Encoded(batch, 0);
  for (const uint64_t count : {uint64_t{1}, uint64_t{9}, uint64_t{1} << 40, UINT64_MAX}) {
    std::string hostile = bytes.substr(0, bytes.size() - 1);
    PutVarint(&hostile, count);
    RecordBatch out(schema);
    EXPECT_EQ(ErrorNumber(DecodeRow(hostile, &out)), 4002) << count;
    EXPECT_EQ(out.column(0).child(0).size(), 0u);
  }
}

// One row has one encoding: whoever compares bytes compares rows.
TEST(RowTest, OtherSpellingsAreCorrupt) {
  const SchemaPtr schema = testing::SchemaOf({{"b", "bool"}});
  RecordBatch batch(schema);
  batch.column(0).AppendBool(true);
  batch.AppendMeta(0, {}, 0);
  const std::string good = Encoded(batch, 0);
  const auto error = [&](size_t from_end, char byte) {
    std::string bytes = good;
    bytes[bytes.size() - from_end] = byte;
    RecordBatch out(schema);
    return ErrorNumber(DecodeRow(bytes, &out));
  };
  EXPECT_EQ(error(1, 0), 0);
  EXPECT_EQ(error(1, 2), 4002);  // a bool that is neither
  EXPECT_EQ(error(2, 3), 4002);  // a second column in the bitmap
}

RC_GTEST_PROP(RowTest, RoundTrip, (uint64_t seed)) {
  Random random(seed);
  const SchemaPtr schema = testing::RandomSchema(&random);
  const RecordBatch batch = testing::RandomBatch(&random, schema, 1 + random.Uniform(5));
  RecordBatch back(schema);
  for (size_t i = 0; i < batch.rows(); ++i) {
    const std::string bytes = Encoded(batch, i);
    const Status status = DecodeRow(bytes, &back);
    RC_ASSERT(status.ok());
    RC_ASSERT(RowText(back, i) == RowText(batch, i));
    RC_ASSERT(Encoded(back, i) == bytes);  // bit by bit, NaN and -0 included
  }
}

// A damaged row is refused, or is the encoding of some other row; the batch is never half changed.
void CheckDamaged(const std::string& bytes, const RecordBatch& before, RecordBatch* batch) {
  const Status status = DecodeRow(bytes, batch);
  const size_t rows = before.rows() + (status.ok() ? 1 : 0);
  RC_ASSERT(batch->rows() == rows);
  for (int c = 0; c < batch->width(); ++c) RC_ASSERT(batch->column(c).size() == rows);
  for (size_t i = 0; i < before.rows(); ++i) RC_ASSERT(RowText(*batch, i) == RowText(before, i));
  if (status.ok()) {
    RowText(*batch, before.rows());  // readable
  } else {
    RC_ASSERT(batch->MemoryBytes() == before.MemoryBytes());
  }
}

RC_GTEST_PROP(RowTest, PrefixesAreCorrupt, (uint64_t seed)) {
  Random random(seed);
  const SchemaPtr schema = testing::RandomSchema(&random);
  const RecordBatch batch = testing::RandomBatch(&random, schema, 1);
  const std::string bytes = Encoded(batch, 0);
  RecordBatch out = batch.Copy();
  for (size_t size = 0; size < bytes.size(); ++size) {
    RC_ASSERT(ErrorNumber(DecodeRow(bytes.substr(0, size), &out)) == 4002);
    RC_ASSERT(out.MemoryBytes() == batch.MemoryBytes());
  }
  RC_ASSERT(ErrorNumber(DecodeRow(bytes + '\0', &out)) == 4002);
}

RC_GTEST_PROP(RowTest, DamageIsHarmless, (uint64_t seed)) {
  Random random(seed);
  const SchemaPtr schema = testing::RandomSchema(&random);
  const RecordBatch batch = testing::RandomBatch(&random, schema, 2);
  const std::string good = Encoded(batch, 0);
  for (int k = 0; k < 50; ++k) {
    std::string bytes = good;
    for (uint64_t n = 1 + random.Uniform(3); n > 0; --n) {
      const size_t at = 8 + random.Uniform(bytes.size() - 8);  // the fingerprint stays
      bytes[at] = random.OneIn(3) ? '\xff' : static_cast<char>(random.Next());
    }
    RecordBatch out = batch.Copy();
    CheckDamaged(bytes, batch, &out);
  }
}

}  // namespace
}  // namespace weir
