#include "engine/model/column.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <numeric>

#include "engine/model/value.h"
#include "tests/unit/engine_model/random_batch.h"

namespace weir {
namespace {

std::vector<std::string> Rows(const Column& column) {
  std::vector<std::string> rows;
  for (size_t i = 0; i < column.size(); ++i) rows.push_back(GetValue(column, i).ToJson());
  return rows;
}

Column RandomColumn(Random* random, const Field& field, size_t rows) {
  Column column(field.type);
  for (size_t i = 0; i < rows; ++i) {
    const Status status = AppendValue(testing::RandomValue(random, field), field, &column);
    WEIR_CHECK(status.ok());
  }
  return column;
}

Field RandomField(Random* random) {
  return {"f", testing::RandomType(random, 3), random->OneIn(2)};
}

TEST(ColumnTest, ValuesAndNulls) {
  Column column(Type{TypeKind::kString, {}});
  column.AppendString("a");
  EXPECT_FALSE(column.has_nulls());
  column.AppendNull();
  column.AppendString("");
  column.AppendString("bc");
  EXPECT_TRUE(column.has_nulls());
  EXPECT_EQ(column.size(), 4u);
  EXPECT_EQ(column.String(0), "a");
  EXPECT_TRUE(column.IsNull(1));
  EXPECT_EQ(column.String(1), "");  // readable blindly
  EXPECT_FALSE(column.IsNull(2));
  EXPECT_EQ(column.String(3), "bc");
}

// The bitmap's bytes are where mistakes live: null and not null at every position around them.
TEST(ColumnTest, NullsAtEveryPosition) {
  for (size_t rows = 0; rows < 27; ++rows) {
    for (size_t null = 0; null < rows; ++null) {
      Column column(Type{TypeKind::kInt64, {}});
      for (size_t i = 0; i < rows; ++i) {
        i == null ? column.AppendNull() : column.AppendInt(static_cast<int64_t>(i));
      }
      for (size_t i = 0; i < rows; ++i) ASSERT_EQ(column.IsNull(i), i == null) << rows << " " << i;
    }
  }
}

TEST(ColumnTest, ListOfStructs) {
  Column column(Type::List(Type::Struct({{"a", Type{TypeKind::kInt64, {}}, true}})));
  Column& item = column.child(0);
  item.child(0).AppendInt(1);
  item.FinishStruct();
  item.AppendNull();
  column.FinishList();
  column.AppendNull();
  column.FinishList();
  EXPECT_EQ(Rows(column), (std::vector<std::string>{R"([{"a":1},null])", "null", "[]"}));
}

TEST(ColumnTest, TruncateDropsAnUnfinishedRow) {
  Column column(Type::List(Type::Struct(
      {{"a", Type{TypeKind::kInt64, {}}, false}, {"b", Type{TypeKind::kString, {}}, false}})));
  Column& item = column.child(0);
  item.child(0).AppendInt(1);
  item.child(1).AppendString("x");
  item.FinishStruct();
  column.FinishList();
  item.child(0).AppendInt(2);  // no b, no FinishStruct, no FinishList
  column.Truncate(1);
  EXPECT_EQ(item.child(0).size(), 1u);
  EXPECT_EQ(Rows(column), (std::vector<std::string>{R"([{"a":1,"b":"x"}])"}));
}

TEST(ColumnDeathTest, CatchesWrongUse) {
  Column list(Type::List(Type{TypeKind::kInt64, {}}));
  Column ints(Type{TypeKind::kInt64, {}});
  ints.AppendInt(1);
  EXPECT_DEATH(ints.Truncate(2), "");
  EXPECT_DEATH(list.AppendRange(ints, 0, 1), "");
  EXPECT_DEATH(ints.AppendRange(ints, 0, 1), "");
  Column pair(Type::Struct({{"a", Type{TypeKind::kInt64, {}}, false}}));
  EXPECT_DEATH(pair.FinishStruct(), "");
  Column map(Type::Map(Type{TypeKind::kString, {}}, Type{TypeKind::kInt64, {}}));
  map.child(0).AppendString("k");
  EXPECT_DEATH(map.FinishList(), "");
}

RC_GTEST_PROP(ColumnTest, GatherIsAppendFrom, (uint64_t seed)) {
  Random random(seed);
  const Field field = RandomField(&random);
  const Column from = RandomColumn(&random, field, 1 + random.Uniform(40));
  // Starts filled, so that offsets and bitmaps of both must be joined; runs and jumps both occur.
  const size_t before = random.Uniform(20);
  Column gathered = RandomColumn(&random, field, before);
  Column naive = gathered;
  std::vector<uint32_t> rows;
  for (uint64_t n = random.Uniform(30); n > 0; --n) {
    auto row = static_cast<uint32_t>(random.Uniform(from.size()));
    for (uint64_t run = random.Uniform(5); run > 0 && row < from.size(); --run)
      rows.push_back(row++);
  }
  gathered.Gather(from, rows);
  for (const uint32_t row : rows) naive.AppendFrom(from, row);
  RC_ASSERT(Rows(gathered) == Rows(naive));
  for (size_t k = 0; k < rows.size(); ++k) {
    RC_ASSERT(GetValue(gathered, before + k).ToJson() == GetValue(from, rows[k]).ToJson());
  }
  RC_ASSERT(gathered.MemoryBytes() == naive.MemoryBytes());
}

RC_GTEST_PROP(ColumnTest, RangeIsGatherOfTheRange, (uint64_t seed)) {
  Random random(seed);
  const Field field = RandomField(&random);
  const Column from = RandomColumn(&random, field, random.Uniform(40));
  Column ranged = RandomColumn(&random, field, random.Uniform(20));
  Column gathered = ranged;
  const size_t begin = random.Uniform(from.size() + 1);
  const size_t end = begin + random.Uniform(from.size() - begin + 1);
  std::vector<uint32_t> rows(end - begin);
  std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(begin));
  ranged.AppendRange(from, begin, end);
  gathered.Gather(from, rows);
  RC_ASSERT(Rows(ranged) == Rows(gathered));
}

// What was truncated leaves no trace in what is appended afterwards.
RC_GTEST_PROP(ColumnTest, TruncateThenAppend, (uint64_t seed)) {
  Random random(seed);
  const Field field = RandomField(&random);
  Column column = RandomColumn(&random, field, random.Uniform(40));
  std::vector<std::string> expected = Rows(column);
  const size_t keep = random.Uniform(column.size() + 1);
  column.Truncate(keep);
  expected.resize(keep);
  RC_ASSERT(Rows(column) == expected);
  const Column more = RandomColumn(&random, field, random.Uniform(20));
  for (size_t i = 0; i < more.size(); ++i) {
    column.AppendFrom(more, i);
    expected.push_back(GetValue(more, i).ToJson());
  }
  RC_ASSERT(Rows(column) == expected);
}

}  // namespace
}  // namespace weir
