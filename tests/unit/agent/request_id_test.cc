#include "agent/request_id.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace weir {
namespace {

SchemaPtr TestSchema() {
  return MakeSchema({{"host", Type{TypeKind::kString, {}}, true},
                     {"line", Type{TypeKind::kInt64, {}}, false},
                     {"score", Type{TypeKind::kDouble, {}}, false}});
}

RecordBatch Row(std::optional<std::string> host, int64_t line, Origin origin = {1, 2, 3},
                uint32_t emit = 0, int64_t ts = 7) {
  RecordBatch batch(TestSchema());
  if (host) {
    batch.column(0).AppendString(*host);
  } else {
    batch.column(0).AppendNull();
  }
  batch.column(1).AppendInt(line);
  batch.column(2).AppendDouble(0.5);
  batch.AppendMeta(ts, origin, emit);
  return batch;
}

RequestIdMaker Maker(std::vector<std::string> id, std::string job = "ssh-guard",
                     std::string uid = "guard", std::string secret = "secret") {
  return RequestIdMaker::Create(*TestSchema(), job, uid, secret, id).value();
}

// Computed with Python's hmac module over the documented bytes: an id must never change.
TEST(RequestId, GoldenVectors) {
  EXPECT_EQ(Maker({"host", "line"}).Make(Row("host-1", 42), 0),
            "ca17de9ca91844092d78ba269a4818ab4dec6c32f5935b4a31aa85569f3a787f");
  EXPECT_EQ(Maker({"host", "line"}).Make(Row(std::nullopt, 42), 0),
            "47aa6b92fec28ab60a1fbf84ddfb2c074ac25b955e888c5133e4593699016555");
  EXPECT_EQ(Maker({}).Make(Row("host-1", 42), 0),
            "8a3f365d19e050f4641fbb55c420f15cc6fcef4a3284fb0f5fef42b9927c898b");
}

TEST(RequestId, EveryPartOfTheIdentityCounts) {
  std::set<std::string> ids = {
      Maker({"host", "line"}).Make(Row("ab", 42), 0),
      Maker({"host", "line"}).Make(Row("a", 42), 0),
      Maker({"host", "line"}).Make(Row("", 42), 0),
      Maker({"host", "line"}).Make(Row("ab", 43), 0),
      Maker({"host"}).Make(Row("ab", 42), 0),
      Maker({"line"}).Make(Row("ab", 42), 0),
      Maker({"host", "line"}, "job2").Make(Row("ab", 42), 0),
      Maker({"host", "line"}, "ssh-guard", "guard2").Make(Row("ab", 42), 0),
      Maker({"host", "line"}, "ssh-guardg", "uard").Make(Row("ab", 42), 0),
      Maker({"host", "line"}, "ssh-guard", "guard", "other").Make(Row("ab", 42), 0),
      Maker({}).Make(Row("ab", 42), 0),
      Maker({}).Make(Row("ab", 42, {2, 2, 3}), 0),
      Maker({}).Make(Row("ab", 42, {1, 1, 3}), 0),
      Maker({}).Make(Row("ab", 42, {1, 2, 4}), 0),
      Maker({}).Make(Row("ab", 42, {1, 2, 3}, 1), 0)};
  EXPECT_EQ(ids.size(), 15u);
}

TEST(RequestId, WhatIsVolatileDoesNotCount) {
  const RequestIdMaker maker = Maker({"host", "line"});
  const std::string id = maker.Make(Row("a", 1), 0);
  EXPECT_EQ(maker.Make(Row("a", 1, {9, 9, 9}, 9), 0), id);
  EXPECT_EQ(maker.Make(Row("a", 1, {1, 2, 3}, 0, 99), 0), id);
  EXPECT_EQ(Maker({}).Make(Row("a", 1), 0), Maker({}).Make(Row("b", 2), 0));
  EXPECT_EQ(maker.Fingerprint(Row("a", 1), 0), maker.Fingerprint(Row("a", 1, {9, 9, 9}), 0));
  EXPECT_NE(maker.Fingerprint(Row("a", 1), 0), maker.Fingerprint(Row("a", 2), 0));
}

TEST(RequestId, RefusesFieldsWithoutOneForm) {
  EXPECT_EQ(ErrorNumber(RequestIdMaker::Create(*TestSchema(), "", "", "", {"score"}).status()),
            1020);
  EXPECT_EQ(ErrorNumber(RequestIdMaker::Create(*TestSchema(), "", "", "", {"nope"}).status()),
            1020);
}

}  // namespace
}  // namespace weir
