#include "agent/masking.h"

#include <gtest/gtest.h>

#include "engine/model/value.h"

namespace weir {
namespace {

SchemaPtr TestSchema() {
  return MakeSchema({{"src_ip", Type{TypeKind::kString, {}}, true},
                     {"user", Type{TypeKind::kString, {}}, true},
                     {"secret", Type{TypeKind::kString, {}}, true},
                     {"message", Type{TypeKind::kString, {}}, false},
                     {"count", Type{TypeKind::kInt64, {}}, false}});
}

RecordBatch Row(const std::string& ip, const std::string& user, const std::string& secret,
                const std::string& message, int64_t count) {
  RecordBatch batch(TestSchema());
  batch.column(0).AppendString(ip);
  batch.column(1).AppendString(user);
  batch.column(2).AppendString(secret);
  batch.column(3).AppendString(message);
  batch.column(4).AppendInt(count);
  batch.AppendMeta(1234, Origin{}, 0);
  return batch;
}

Masking Make(std::vector<std::pair<std::string, std::string>> modes, size_t max_bytes = 16384,
             std::string secret = "k", std::vector<std::string> signature = {"src_ip"}) {
  Masking::Config config;
  config.modes = std::move(modes);
  config.signature = std::move(signature);
  config.novelty = {4, 2};  // count and secret
  config.secret = std::move(secret);
  config.max_bytes = max_bytes;
  return Masking::Create(*TestSchema(), config).value();
}

TEST(Masking, ShowsWhatIsKeptAndNothingElse) {
  const Masking masking = Make({{"src_ip", "keep"}, {"count", "keep"}});
  EXPECT_EQ(masking.Context(Row("1.2.3.4", "u", "s", "m", 5), 0),
            R"({"event":{"src_ip":"1.2.3.4","count":5},"signature":{"src_ip":"1.2.3.4"},)"
            R"("novelty":{"count":5},"event_time":1234})");
  EXPECT_EQ(masking.SignatureText(Row("1.2.3.4", "u", "s", "m", 5), 0), "src_ip=\"1.2.3.4\"");
  EXPECT_TRUE(masking.HasNovelty());
}

// A canary in every field that is not kept: it must be nowhere, whatever the modes are.
TEST(Masking, NoCanaryLeaves) {
  const std::vector<std::string> fields = {"src_ip", "user", "secret", "message"};
  const RecordBatch row = Row("CANARY-a", "CANARY-b", "CANARY-c", "CANARY-d", 5);
  for (int keep = 0; keep < 16; ++keep) {
    for (const std::string mode : {"drop", "hmac", ""}) {
      std::vector<std::pair<std::string, std::string>> modes;
      for (size_t f = 0; f < fields.size(); ++f) {
        if ((keep >> f & 1) != 0) {
          modes.emplace_back(fields[f], "keep");
        } else if (!mode.empty()) {
          modes.emplace_back(fields[f], mode);
        }
      }
      const Masking masking = Make(modes, 16384, "k", {"src_ip", "user", "secret"});
      const std::string sent = masking.Context(row, 0) + masking.SignatureText(row, 0);
      for (size_t f = 0; f < fields.size(); ++f) {
        const std::string canary = std::string("CANARY-") + static_cast<char>('a' + f);
        EXPECT_EQ(sent.find(canary) != std::string::npos, (keep >> f & 1) != 0) << sent;
      }
    }
  }
}

TEST(Masking, TokensAreStableAndTellNothing) {
  const Masking masking = Make({{"user", "hmac"}, {"secret", "hmac"}});
  const auto token = [](const Masking& m, const RecordBatch& row, const char* field) {
    const Value context = ParseJson(m.Context(row, 0)).value();
    return context.Get("event")->Get(field)->string_value();
  };
  const RecordBatch root = Row("", "root", "root", "", 1);
  const std::string user = token(masking, root, "user");
  EXPECT_EQ(user.substr(0, 5), "hmac:");
  EXPECT_EQ(user.size(), 37u);
  EXPECT_EQ(token(masking, Row("", "root", "x", "y", 2), "user"), user);
  EXPECT_NE(token(masking, Row("", "toor", "x", "y", 2), "user"), user);
  EXPECT_NE(token(masking, root, "secret"), user);  // another field
  EXPECT_NE(token(Make({{"user", "hmac"}}, 16384, "other"), root, "user"), user);
}

TEST(Masking, TheSignatureIsMaskedToo) {
  const RecordBatch row = Row("1.2.3.4", "u", "s", "m", 5);
  EXPECT_EQ(Make({}).SignatureText(row, 0), "src_ip=?");
  EXPECT_EQ(Make({{"src_ip", "hmac"}}).SignatureText(row, 0).substr(0, 13), "src_ip=\"hmac:");
  EXPECT_EQ(Make({}).Context(row, 0),
            R"({"event":{},"signature":{},"novelty":{},"event_time":1234})");
}

TEST(Masking, TrimsTheLongestEventFieldsFirst) {
  const Masking masking =
      Make({{"src_ip", "keep"}, {"user", "keep"}, {"message", "keep"}, {"count", "keep"}}, 1024);
  const std::string context =
      masking.Context(Row("1.2.3.4", std::string(300, 'u'), "", std::string(5000, 'm'), 5), 0);
  EXPECT_LE(context.size(), 1024u);
  const Value value = ParseJson(context).value();
  EXPECT_EQ(value.Get("event")->Get("message"), nullptr);
  EXPECT_NE(value.Get("event")->Get("user"), nullptr);
  EXPECT_EQ(value.Get("trimmed")->int_value(), 1);
  EXPECT_NE(value.Get("signature")->Get("src_ip"), nullptr);
  EXPECT_NE(value.Get("novelty")->Get("count"), nullptr);
}

TEST(Masking, StaysInBoundsWhateverTheValuesAre) {
  const Masking masking =
      Make({{"src_ip", "keep"}, {"user", "keep"}, {"message", "keep"}, {"count", "keep"}}, 1024);
  for (const size_t n : {0u, 200u, 400u, 900u, 2000u, 100'000u}) {
    for (const char c : {'x', '"', '\x01'}) {
      const std::string text(n, c);
      const RecordBatch row = Row(text, text, text, text, 5);
      const std::string context = masking.Context(row, 0);
      EXPECT_LE(context.size(), 1024u);
      EXPECT_TRUE(ParseJson(context).ok());
      EXPECT_LE(masking.SignatureText(row, 0).size(), 1024u);
    }
  }
}

TEST(Masking, RefusesUnknownFieldsAndModes) {
  Masking::Config config;
  config.modes = {{"nope", "keep"}};
  EXPECT_EQ(ErrorNumber(Masking::Create(*TestSchema(), config).status()), 1020);
  config.modes = {{"user", "hash"}};
  EXPECT_EQ(ErrorNumber(Masking::Create(*TestSchema(), config).status()), 1012);
}

}  // namespace
}  // namespace weir
