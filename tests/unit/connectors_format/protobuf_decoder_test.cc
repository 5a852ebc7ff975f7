#include "connectors/format/protobuf_decoder.h"

#include <gtest/gtest.h>

#include <map>

#include "connectors/format/formats.h"
#include "connectors/format/protobuf_encoder.h"
#include "engine/model/value.h"
#include "tests/unit/connectors_format/protobuf_rig.h"
#include "tests/unit/engine_model/random_batch.h"

namespace weir {
namespace {

using testing::DescriptorSetOf;
using testing::Oracle;
using testing::SchemaOf;
namespace pb = google::protobuf;

constexpr char kProto[] = R"(
syntax = "proto3";
package t;
import "google/protobuf/timestamp.proto";
enum Color { RED = 0; GREEN = 1; BLUE = 5; }
message Inner { int64 a = 1; optional string s = 2; repeated int32 r = 3; }
message Event {
  string host = 1;
  int64 line = 2;
  google.protobuf.Timestamp ts = 3;
  optional string user = 4;
  Color color = 5;
  Inner inner = 6;
  repeated Inner inners = 7;
  map<string, int64> counts = 8;
  oneof what { string name = 9; int64 number = 10; Inner both = 11; }
  uint64 big = 12;
  repeated sint32 deltas = 13;
  bytes raw = 14;
  float ratio = 15;
  repeated bool flags = 16;
  fixed64 id = 2000;
}
message Self { Self self = 1; int64 a = 2; }
)";

// Decodes one record with a schema; the row as JSON, or the error. The record is copied to the end
// of its own allocation, so that ASan sees any read beyond it.
class Reader {
 public:
  explicit Reader(SchemaPtr schema, const std::string& proto = kProto,
                  const std::string& message = "t.Event",
                  const ProtobufDecoderOptions& options = {})
      : oracle(DescriptorSetOf(proto), message), schema_(std::move(schema)) {
    const auto type = ProtobufType::Load(DescriptorSetOf(proto), message);
    WEIR_CHECK(type.ok(), FormatError(type.status()));
    if (schema_ == nullptr) schema_ = *(*type)->Derive();
    std::vector<ProtobufType::Problem> problems;
    const auto table = (*type)->Compile(*schema_, FormatUse::kRead, &problems);
    WEIR_CHECK(table != nullptr, FormatError(problems[0].status));
    decoder_ = std::make_unique<ProtobufDecoder>(schema_, table, options);
  }

  std::string Read(std::string_view bytes) {
    const auto exact = std::make_unique<char[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), exact.get());
    RecordBatch batch(schema_);
    const size_t empty = batch.MemoryBytes();
    const Status status = decoder_->Decode({exact.get(), bytes.size()}, &batch);
    if (!status.ok()) {
      EXPECT_EQ(batch.MemoryBytes(), empty);
      return FormatError(status).substr(0, FormatError(status).find(" (hint"));
    }
    batch.AppendMeta(0, {}, 0);
    std::string json;
    RowToJson(batch, 0, &json);
    return json;
  }
  std::string ReadText(const std::string& text) { return Read(oracle.Bytes(text)); }

  Oracle oracle;

 private:
  SchemaPtr schema_;
  std::unique_ptr<ProtobufDecoder> decoder_;
};

TEST(ProtobufDecoderTest, DerivesASchema) {
  const auto type = *ProtobufType::Load(DescriptorSetOf(kProto), "t.Event");
  EXPECT_EQ((*type->Derive())->ToString(),
            "{host: string, line: int64, ts: timestamp_ms?, user: string?, color: string, "
            "inner: struct{a: int64, s: string?, r: list<int64>}?, "
            "inners: list<struct{a: int64, s: string?, r: list<int64>}>, "
            "counts: map<string, int64>, name: string?, number: int64?, "
            "both: struct{a: int64, s: string?, r: list<int64>}?, big: int64, "
            "deltas: list<int64>, raw: bytes, ratio: double, flags: list<bool>, id: int64}");
  const auto self = *ProtobufType::Load(DescriptorSetOf(kProto), "t.Self");
  EXPECT_EQ(ErrorNumber(self->Derive().status()), static_cast<int>(ErrorCode::kPlanSchema));
}

TEST(ProtobufDecoderTest, ReadsEveryKindOfField) {
  Reader reader(nullptr);
  EXPECT_EQ(
      reader.ReadText(
          R"(host: "h" line: -7 ts { seconds: 1490620016 nanos: 999999 } user: "" color: BLUE
                   inner { a: 1 s: "x" r: [1, -2] } inners { a: 2 } inners { s: "y" }
                   counts { key: "k" value: 3 } number: 4 big: 5 deltas: [-1, 1] raw: "\377"
                   ratio: 0.5 flags: [true, false] id: 9)"),
      R"({"host":"h","line":-7,"ts":1490620016000,"user":"","color":"BLUE",)"
      R"("inner":{"a":1,"s":"x","r":[1,-2]},"inners":[{"a":2,"s":null,"r":[]},)"
      R"({"a":0,"s":"y","r":[]}],"counts":{"k":3},"name":null,"number":4,"both":null,"big":5,)"
      R"("deltas":[-1,1],"raw":"/w==","ratio":0.5,"flags":[true,false],"id":9})");
  EXPECT_EQ(reader.Read(""),
            R"({"host":"","line":0,"ts":null,"user":null,"color":"RED","inner":null,"inners":[],)"
            R"("counts":{},"name":null,"number":null,"both":null,"big":0,"deltas":[],"raw":"",)"
            R"("ratio":0,"flags":[],"id":0})");
}

TEST(ProtobufDecoderTest, SchemaMayNameSomeFieldsInAnyOrder) {
  Reader reader(SchemaOf({{"id", "int64"}, {"color", "int64"}, {"host", "string"}}));
  EXPECT_EQ(reader.ReadText(R"(host: "h" line: 5 color: GREEN inner { a: 1 } id: 3)"),
            R"({"id":3,"color":1,"host":"h"})");
}

TEST(ProtobufDecoderTest, FollowsTheRulesOfEvolution) {
  // A newer writer: a field more, another renamed, an enum value more.
  Oracle newer(DescriptorSetOf(R"(syntax = "proto3"; package t;
      enum Color { RED = 0; GREEN = 1; BLUE = 5; TEAL = 9; }
      message Inner { int64 a = 1; int64 more = 77; }
      message Event { string hostname = 1; int64 line = 2; Color color = 5; Inner inner = 6;
                      repeated string tags = 50; Inner extra = 51; })"),
               "t.Event");
  Reader reader(SchemaOf({{"host", "string"},
                          {"line", "int64"},
                          {"color", "string"},
                          {"inner", "struct{a: int64}?"},
                          {"user", "string?"},
                          {"big", "int64"}}));
  EXPECT_EQ(reader.Read(newer.Bytes(R"(hostname: "h" line: 1 color: TEAL inner { a: 2 more: 3 }
                                       tags: "a" tags: "b" extra { a: 1 })")),
            R"({"host":"h","line":1,"color":"9","inner":{"a":2},"user":null,"big":0})");
  // A writer that uses a number for another type.
  Oracle clash(DescriptorSetOf(R"(syntax = "proto3"; package t;
      message Event { string host = 1; string line = 2; })"),
               "t.Event");
  EXPECT_EQ(reader.Read(clash.Bytes(R"(host: "h" line: "x")")),
            "WEIR-2003: field 'line': expected int64, found the wire type of something else");
}

TEST(ProtobufDecoderTest, AbsenceIsNullDefaultOrAnError) {
  Reader strict(SchemaOf({{"user", "string"}, {"inner", "struct{a: int64}?"}}));
  EXPECT_EQ(strict.ReadText(R"(host: "h")"), "WEIR-2002: field 'user' is missing");
  constexpr char kOld[] = R"(syntax = "proto2"; package t;
      enum E { A = 1; B = 2; }
      message Old { required int64 id = 1; optional string s = 2 [default = "none"];
                    optional sint64 n = 3 [default = -5]; optional E e = 4 [default = B];
                    optional double d = 5 [default = 1.5]; optional int64 x = 6; })";
  Reader old(nullptr, kOld, "t.Old");
  EXPECT_EQ(old.ReadText("id: 1"), R"({"id":1,"s":"none","n":-5,"e":"B","d":1.5,"x":null})");
  EXPECT_EQ(old.Read(""), "WEIR-2002: field 'id' is missing");
  // A closed enum's unknown value is as good as none.
  EXPECT_EQ(old.Read(std::string("\x08\x01\x20\x09", 4)),
            R"({"id":1,"s":"none","n":-5,"e":"B","d":1.5,"x":null})");
}

TEST(ProtobufDecoderTest, OneofMessagesAndMapsFollowTheLastRecord) {
  Reader reader(SchemaOf({{"name", "string?"}, {"both", "struct{a: int64, r: list<int64>}?"}}));
  Oracle& o = reader.oracle;
  // A member that the schema does not name clears those it does.
  EXPECT_EQ(reader.Read(o.Bytes(R"(name: "n")") + o.Bytes("number: 1")),
            R"({"name":null,"both":null})");
  EXPECT_EQ(reader.Read(o.Bytes("both { a: 1 r: 1 }") + o.Bytes("both { r: 2 }")),
            R"({"name":null,"both":{"a":1,"r":[1,2]}})");
  EXPECT_EQ(
      reader.Read(o.Bytes("both { a: 1 }") + o.Bytes(R"(name: "n")") + o.Bytes("both { r: 2 }")),
      R"({"name":null,"both":{"a":0,"r":[2]}})");
  Reader map(SchemaOf({{"counts", "map<string, int64>"}}));
  EXPECT_EQ(map.Read(o.Bytes(R"(counts { key: "a" value: 1 })") +
                     o.Bytes(R"(counts { key: "b" value: 2 })") +
                     o.Bytes(R"(counts { key: "a" value: 3 })") + std::string("\x42\x00", 2)),
            R"({"counts":{"b":2,"a":3,"":0}})");
}

TEST(ProtobufDecoderTest, RefusesWhatNoColumnCanHold) {
  Reader reader(nullptr);
  const std::map<std::string, std::string> wrong = {
      {"big: 9223372036854775808",
       "WEIR-2003: field 'big': expected int64, found an unsigned integer above 2^63 - 1"},
      {R"(host: "a\000b")", "WEIR-2006: field 'host': NUL or broken UTF-8"},
      {"ts { seconds: 253402300800 }",
       "WEIR-2008: field 'ts': not a time between the years 1 and 9999"},
      {"ts { nanos: -1 }", "WEIR-2008: field 'ts': not a time between the years 1 and 9999"},
      {R"(inners { } inners { s: "\000" })", "WEIR-2006: field 'inners[1].s': NUL or broken UTF-8"},
  };
  for (const auto& [text, error] : wrong) EXPECT_EQ(reader.ReadText(text), error) << text;
  EXPECT_EQ(reader.Read("\x0a\x02\xc3\x28"), "WEIR-2006: field 'host': NUL or broken UTF-8");
  for (const std::string_view bytes :
       {"\x0a", "\x0a\x05x", "\x10", "\x07", "\x0c", "\x0b", "\xff"}) {
    EXPECT_TRUE(reader.Read(bytes).starts_with("WEIR-2001: ")) << bytes;
  }
  EXPECT_EQ(reader.Read(std::string("\0\0", 2)), "WEIR-2001: the bytes are no t.Event");
  EXPECT_TRUE(reader.Read(std::string(100, '\x93') + "\x01").starts_with("WEIR-20"));
}

TEST(ProtobufDecoderTest, Limits) {
  ProtobufDecoderOptions options;
  options.max_string_bytes = 10;
  options.max_record_bytes = 100;
  options.max_cells = 20;
  options.max_group_depth = 3;
  Reader reader(nullptr, kProto, "t.Event", options);
  EXPECT_EQ(reader.ReadText(R"(host: "12345678901")"),
            "WEIR-2005: field 'host': more than 10 bytes");
  EXPECT_EQ(reader.Read(std::string(101, 'x')), "WEIR-2005: more than 100 bytes");
  EXPECT_EQ(reader.ReadText("deltas: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]").substr(0, 5),
            R"({"hos)");
  EXPECT_EQ(reader.ReadText("deltas: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"),
            "WEIR-2005: field 'deltas': lists and maps of the record hold more than 20 values");
  // An empty message is two bytes, and four columns wide.
  EXPECT_EQ(reader.ReadText("inners{} inners{} inners{} inners{} inners{}").substr(0, 5),
            R"({"hos)");
  EXPECT_EQ(reader.ReadText("inners{} inners{} inners{} inners{} inners{} inners{}").substr(0, 9),
            "WEIR-2005");
  // Groups in a field that nobody knows (number 100).
  const std::string open = "\xa3\x06", close = "\xa4\x06";
  EXPECT_EQ(reader.Read(open + open + open + close + close + close).substr(0, 5), R"({"hos)");
  EXPECT_EQ(reader.Read(open + open + open + open + close + close + close + close),
            "WEIR-2004: groups nest deeper than 3 levels");
}

std::string ProblemOf(const std::string& field, const std::string& type,
                      FormatUse use = FormatUse::kRead) {
  const auto loaded = *ProtobufType::Load(DescriptorSetOf(kProto), "t.Event");
  std::vector<ProtobufType::Problem> problems;
  loaded->Compile(*SchemaOf({{field.c_str(), type.c_str()}}), use, &problems);
  if (problems.empty()) return "";
  EXPECT_EQ(problems[0].field, field);
  EXPECT_EQ(ErrorNumber(problems[0].status), static_cast<int>(ErrorCode::kPlanSchema));
  return std::string(ToStd(problems[0].status.message()));
}

TEST(ProtobufDecoderTest, PlanningComparesSchemaAndMessage) {
  EXPECT_EQ(ProblemOf("hots", "string"), "field 'hots': t.Event has no such field");
  EXPECT_EQ(ProblemOf("line", "string"),
            "field 'line': the schema says string, but the message has int64 t.Event.line = 2");
  EXPECT_EQ(
      ProblemOf("line", "list<int64>"),
      "field 'line': the schema says list<int64>, but the message has int64 t.Event.line = 2");
  EXPECT_EQ(ProblemOf("deltas", "int64"),
            "field 'deltas': the schema says int64, but the message has repeated sint32 "
            "t.Event.deltas = 13");
  EXPECT_EQ(ProblemOf("inner", "struct{a: int64, s: int64}?"),
            "field 'inner.s': the schema says int64, but the message has string t.Inner.s = 2");
  EXPECT_EQ(ProblemOf("counts", "map<string, string>"),
            "field 'counts.value': the schema says string, but the message has int64 "
            "t.Event.CountsEntry.value = 2");
  EXPECT_EQ(ProblemOf("ts", "int64").substr(0, 11), "field 'ts':");
  EXPECT_EQ(ProblemOf("ts", "timestamp_ms"), "");
  EXPECT_EQ(ProblemOf("line", "timestamp_ms"), "");
  // What could hold less than the rows is refused before anything is written.
  EXPECT_EQ(ProblemOf("user", "string?", FormatUse::kWrite), "");
  EXPECT_EQ(ProblemOf("host", "string?", FormatUse::kWrite),
            "field 'host': may be null, but string t.Event.host = 1 is never absent");
  EXPECT_NE(ProblemOf("color", "string", FormatUse::kWrite), "");
  EXPECT_NE(ProblemOf("big", "int64", FormatUse::kWrite), "");
  EXPECT_NE(ProblemOf("ratio", "double", FormatUse::kWrite), "");
}

TEST(ProtobufDecoderTest, SaysWhatIsWrongWithADescriptorSet) {
  EXPECT_EQ(ErrorNumber(ProtobufType::Load("nonsense", "t.Event").status()), 1014);
  EXPECT_EQ(ErrorNumber(ProtobufType::Load("", "t.Event").status()), 1014);
  const Status name = ProtobufType::Load(DescriptorSetOf(kProto), "t.Evnet").status();
  EXPECT_EQ(ErrorNumber(name), 1007);
  EXPECT_EQ(ErrorHint(name), "did you mean 't.Event'?");
  pb::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromString(DescriptorSetOf(kProto)));
  set.mutable_file()->DeleteSubrange(0, 1);
  const Status imports = ProtobufType::Load(set.SerializeAsString(), "t.Event").status();
  EXPECT_EQ(ErrorNumber(imports), 1014);
  EXPECT_NE(ErrorHint(imports).find("--include_imports"), std::string::npos);
}

class Errors : public PlanErrors {
 public:
  void Add(std::string_view option, const Status& status) override {
    all[std::string(option)] = FormatError(status);
  }
  std::map<std::string, std::string> all;
};

void Set(const std::string& name, const std::string& text, Options* options) {
  OptionValue value;
  value.text = text;
  options->Set(name, std::move(value));
}

TEST(ProtobufFormatTest, LinesAreBase64AndErrorsHaveAPlace) {
  const FormatType format = ProtobufFormat();
  Errors errors;
  Options options;
  Set("descriptor_set", "a.desc", &options);
  Set("message", "t.Event", &options);
  ASSERT_TRUE(options.FillDefaults(format.options).ok());
  FormatContext context;
  context.schema = SchemaOf({{"host", "string"}, {"line", "int64"}});
  context.options = &options;
  context.line_files = true;
  context.errors = &errors;
  context.read_file = [](const std::string&) { return DescriptorSetOf(kProto); };
  const auto decoder = *format.plan(context)->new_decoder();
  RecordBatch batch(context.schema);
  ASSERT_TRUE(decoder->Decode("CgFoEAU=\r", &batch).ok());
  batch.AppendMeta(0, {}, 0);
  EXPECT_EQ(ErrorNumber(decoder->Decode("CgFoEAU", &batch)), 2001);
  context.use = FormatUse::kWrite;
  std::string line;
  (*format.plan(context)->new_encoder())->Encode(batch, 0, &line);
  EXPECT_EQ(line, "CgFoEAU=");
  Set("encoding", "raw", &options);
  EXPECT_FALSE(format.plan(context).has_value());
  EXPECT_EQ(errors.all.begin()->first, "format.protobuf.encoding");
  context.line_files = false;
  context.use = FormatUse::kRead;
  ASSERT_TRUE((*format.plan(context)->new_decoder())->Decode("\x0a\x01h", &batch).ok());
  context.schema = SchemaOf({{"host", "int64"}});
  errors.all.clear();
  EXPECT_FALSE(format.plan(context).has_value());
  EXPECT_EQ(errors.all.begin()->first, "schema.host");
}

}  // namespace
}  // namespace weir
