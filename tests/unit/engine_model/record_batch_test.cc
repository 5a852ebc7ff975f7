#include "engine/model/record_batch.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "engine/model/key.h"
#include "tests/unit/engine_model/random_batch.h"

namespace weir {
namespace {

using testing::RowText;

TEST(RecordBatchTest, ClearKeepsSchemaOnly) {
  Random random(1);
  RecordBatch batch =
      testing::RandomBatch(&random, testing::SchemaOf({{"a", "list<string?>"}, {"b", "int64"}}), 9);
  const size_t empty = RecordBatch(batch.schema()).MemoryBytes();
  EXPECT_GT(batch.MemoryBytes(), empty);
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.column(0).size(), 0u);
  EXPECT_EQ(batch.MemoryBytes(), empty);
}

TEST(RecordBatchTest, TruncateColumnsLeavesHiddenOnes) {
  Random random(2);
  RecordBatch batch = testing::RandomBatch(&random, testing::SchemaOf({{"a", "string?"}}), 3);
  testing::AppendRandomColumns(&random, &batch);
  batch.TruncateColumns(batch.rows());
  EXPECT_EQ(batch.column(0).size(), 3u);
  EXPECT_EQ(batch.rows(), 3u);
}

TEST(RecordBatchDeathTest, OtherSchemaIsRefused) {
  RecordBatch a(testing::SchemaOf({{"a", "int64"}}));
  RecordBatch b(testing::SchemaOf({{"a", "timestamp_ms"}}));
  EXPECT_DEATH(a.Gather(b, {}), "");
}

RC_GTEST_PROP(RecordBatchTest, GatherIsAppendRow, (uint64_t seed)) {
  Random random(seed);
  const SchemaPtr schema = testing::RandomSchema(&random);
  RecordBatch from = testing::RandomBatch(&random, schema, 1 + random.Uniform(30));
  if (random.OneIn(2)) {
    for (size_t i = 0; i < from.rows(); ++i) {
      from.key_group.push_back(static_cast<uint16_t>(random.Next()));
      from.key_hash.push_back(random.Next());
    }
  }
  RecordBatch gathered(schema), naive(schema);
  std::vector<uint32_t> rows;
  for (uint64_t n = random.Uniform(50); n > 0; --n) {
    rows.push_back(static_cast<uint32_t>(random.Uniform(from.rows())));
  }
  gathered.Gather(from, rows);
  for (const uint32_t row : rows) naive.AppendRow(from, row);
  const RecordBatch copy = gathered.Copy();
  RC_ASSERT(gathered.rows() == rows.size());
  for (size_t k = 0; k < rows.size(); ++k) {
    RC_ASSERT(RowText(gathered, k) == RowText(from, rows[k]));
    RC_ASSERT(RowText(naive, k) == RowText(from, rows[k]));
    RC_ASSERT(RowText(copy, k) == RowText(from, rows[k]));
  }
  RC_ASSERT(gathered.key_group.size() == naive.key_group.size());
}

}  // namespace
}  // namespace weir
