#include "engine/api/record.h"

#include <cmath>

#include "engine/api/operator_plan.h"
#include "engine/api/record_reader.h"
#include "engine/api/record_writer.h"
#include "engine/api/state_struct.h"
#include "engine/model/value.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace outside {  // a user's namespace: WEIR_RECORD is found from there

struct Transaction {
  int64_t id = 0;
  std::string_view card;
  double amount = 0;
  std::optional<std::string_view> city;
  weir::Timestamp at;
  bool online = false;
  weir::Json extra;
  weir::Bytes raw;
};
WEIR_RECORD(Transaction, id, card, amount, city, at, online, extra, raw);

struct Alert {
  std::string card;
  int64_t count = 0;
};
WEIR_RECORD(Alert, card, count);

}  // namespace outside

namespace weir {
namespace {

using outside::Alert;
using outside::Transaction;
using testing::ElementsAre;
using testing::HasSubstr;

SchemaPtr Input(std::vector<std::pair<std::string, std::string>> fields) {
  std::vector<Field> result;
  for (const auto& [name, type] : fields) result.push_back(ParseFieldType(name, type).value());
  return MakeSchema(std::move(result));
}

SchemaPtr Transactions() {
  // Another order than the struct's, and a column that it does not know.
  return Input({{"at", "timestamp_ms"},
                {"city", "string?"},
                {"unused", "list<int64>"},
                {"card", "string"},
                {"id", "int64"},
                {"amount", "double"},
                {"online", "bool"},
                {"extra", "json"},
                {"raw", "bytes"}});
}

RecordBatch TwoRows() {
  RecordBatch batch(Transactions());
  for (int64_t i = 0; i < 2; ++i) {
    batch.column(0).AppendInt(1000 + i);
    if (i == 0) batch.column(1).AppendString("Oslo");
    if (i == 1) batch.column(1).AppendNull();
    batch.column(2).FinishList();
    batch.column(3).AppendString("card-number-" + std::to_string(i));
    batch.column(4).AppendInt(7 + i);
    batch.column(5).AppendDouble(0.5 + static_cast<double>(i));
    batch.column(6).AppendBool(i == 1);
    batch.column(7).AppendString("{\"a\":1}");
    batch.column(8).AppendString("xyz");
    batch.AppendMeta(1000 + i, Origin{0, 3, 40 + i}, 0);
  }
  return batch;
}

TEST(Record, ViewReadsEveryTypeByName) {
  const RecordBatch batch = TwoRows();
  std::vector<Transaction> rows;
  for (const auto& row : View<Transaction>(batch)) rows.push_back(*row);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].id, 7);
  EXPECT_EQ(rows[0].card, "card-number-0");
  EXPECT_EQ(rows[0].city, "Oslo");
  EXPECT_EQ(rows[1].city, std::nullopt);
  EXPECT_EQ(rows[1].amount, 1.5);
  EXPECT_EQ(rows[1].at.ms, 1001);
  EXPECT_FALSE(rows[0].online);
  EXPECT_TRUE(rows[1].online);
  EXPECT_EQ(rows[1].extra.text, "{\"a\":1}");
  EXPECT_EQ(rows[1].raw.data, "xyz");
}

TEST(Record, ViewsAreNoCopies) {
  const RecordBatch batch = TwoRows();
  for (const auto& row : View<Transaction>(batch)) {
    EXPECT_EQ(row->card.data(), batch.column(3).String(row.index()).data());
    EXPECT_EQ(row.event_time(), 1000 + static_cast<int64_t>(row.index()));
  }
}

TEST(Record, EmptyBatchHasNoRows) {
  const RecordBatch batch(Transactions());
  for (const auto& row : View<Transaction>(batch)) FAIL() << row.index();
}

TEST(Record, SchemaOfStruct) {
  EXPECT_EQ(RecordSchema<Transaction>()->ToString(),
            "{id: int64, card: string, amount: double, city: string?, at: timestamp_ms, "
            "online: bool, extra: json, raw: bytes}");
}

std::vector<std::string> BindErrors(const SchemaPtr& schema) {
  std::vector<Status> errors;
  EXPECT_FALSE(RecordBinding<Alert>::Create(*schema, &errors).has_value());
  std::vector<std::string> texts;
  for (const Status& s : errors) texts.push_back(FormatError(s));
  return texts;
}

TEST(Record, MissingFieldNamesTheNearest) {
  EXPECT_THAT(BindErrors(Input({{"card", "string"}, {"counts", "int64"}})),
              ElementsAre("WEIR-1020: the struct Alert has a field 'count', which the input lacks: "
                          "{card: string, counts: int64} (hint: did you mean 'counts'?)"));
}

TEST(Record, NullableColumnNeedsAnOptional) {
  EXPECT_THAT(BindErrors(Input({{"card", "string?"}, {"count", "int64"}})),
              ElementsAre("WEIR-1020: field 'card' is string?, but the struct Alert binds it as "
                          "std::string_view (hint: make the member "
                          "std::optional<std::string_view>, or change the schema)"));
}

TEST(Record, EveryMisfitIsReported) {
  EXPECT_THAT(BindErrors(Input({{"card", "list<string>"}, {"count", "timestamp_ms"}})),
              ElementsAre(HasSubstr("no member type can hold it"),
                          HasSubstr("make the member weir::Timestamp")));
}

TEST(Record, ReaderGivesKeys) {
  auto binding = RecordBinding<Transaction>::Create(*Transactions());
  ASSERT_TRUE(binding.ok());
  KeySelector key = KeySelector::Create(*Transactions(), {"card"}).value();
  RecordReader<Transaction> reader(*binding, key);
  RecordBatch batch = TwoRows();
  key.Assign(&batch, 128);
  for (const auto& row : reader.Rows(batch)) {
    EXPECT_EQ(row.key().bytes, row->card);
    EXPECT_EQ(row.key().hash, HashBytes(row->card));
    EXPECT_EQ(row.key().group, KeyGroupFor(row->card, 128));
  }
}

TEST(RecordDeathTest, AReaderWithAKeyWantsRowsThatAreKeyed) {
  auto binding = RecordBinding<Transaction>::Create(*Transactions());
  KeySelector key = KeySelector::Create(*Transactions(), {"card"}).value();
  RecordReader<Transaction> reader(*binding, key);
  const RecordBatch batch = TwoRows();
  EXPECT_DEATH(reader.Rows(batch), "the plan must set plan.key");
}

struct Mean {
  int64_t count = 0;
  std::vector<double> values;
  std::optional<std::string> last;
};
WEIR_STATE(Mean, 3, count, values, last);

TEST(State, StructCodec) {
  Mean mean{2, {0.5, 1.5}, "a text too long to be kept inline"};
  std::string bytes;
  Codec<Mean>::Encode(mean, &bytes);
  Mean back;
  ByteReader in(bytes);
  ASSERT_TRUE(Codec<Mean>::Decode(&in, &back));
  EXPECT_TRUE(in.AtEnd());
  EXPECT_EQ(back.count, 2);
  EXPECT_EQ(back.values, mean.values);
  EXPECT_EQ(back.last, mean.last);
  EXPECT_EQ(Codec<Mean>::kVersion, 3u);
  EXPECT_EQ(Codec<Mean>::TypeName(), "Mean{int,vector<double>,optional<string>}");
  EXPECT_GE(Codec<Mean>::HeapBytes(mean), 2 * sizeof(double) + mean.last->size());
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader torn(std::string_view(bytes).substr(0, cut));
    EXPECT_FALSE(Codec<Mean>::Decode(&torn, &back)) << cut;
  }
}

}  // namespace
}  // namespace weir
