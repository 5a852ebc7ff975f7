// Random messages, and random damage to them: the decoder and libprotobuf must agree on what a
// record is and what it holds.
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "connectors/format/protobuf_decoder.h"
#include "connectors/format/protobuf_encoder.h"
#include "engine/model/value.h"
#include "tests/unit/connectors_format/protobuf_rig.h"

namespace weir {
namespace {

using testing::DescriptorSetOf;
using testing::Oracle;
namespace pb = google::protobuf;
using Pb = pb::FieldDescriptor;

constexpr int kRounds = 60'000;

constexpr char kProto[] = R"(
syntax = "proto3";
package t;
import "google/protobuf/timestamp.proto";
enum Color { RED = 0; GREEN = 1; BLUE = 5; MINUS = -1; }
message Leaf { double d = 1; bytes b = 2; optional bool o = 3; repeated string s = 4; }
message Inner { int64 a = 1; optional string s = 2; repeated int32 r = 3; Leaf leaf = 4;
                map<int64, string> m = 5; }
message All {
  bool b = 1; int32 i32 = 2; int64 i64 = 3; uint32 u32 = 4; uint64 u64 = 5; sint32 s32 = 6;
  sint64 s64 = 7; fixed32 f32 = 8; fixed64 f64 = 9; sfixed32 sf32 = 10; sfixed64 sf64 = 11;
  float fl = 12; double db = 13; string s = 14; bytes by = 15; Color color = 16;
  google.protobuf.Timestamp ts = 17; Inner inner = 18;
  optional int32 oi = 19; optional string os = 20; optional Color oc = 21;
  repeated bool rb = 22; repeated sint32 rs = 23; repeated int64 ru = 24 [packed = false];
  repeated double rd = 25; repeated string rstr = 26; repeated Color rc = 27;
  repeated Inner ri = 28; repeated google.protobuf.Timestamp rt = 29; repeated fixed64 rf = 30;
  map<string, int64> mi = 31; map<int32, Inner> mm = 32; map<bool, string> mb = 33;
  oneof what { string oa = 34; int64 ob = 35; fixed32 od = 36; }
  int64 far = 5000;
}
// What every row of its schema can be written to.
message Full {
  bool b = 3; int64 i64 = 1; sint64 s64 = 12; sfixed64 sf64 = 4; double db = 5; string s = 6;
  bytes by = 7; google.protobuf.Timestamp ts = 8; optional int64 oi = 9; optional string os = 10;
  Inner2 inner = 11; repeated sint64 rs = 2; repeated int64 ru = 13 [packed = false];
  repeated string rstr = 14; repeated Inner2 ri = 15; map<string, int64> mi = 16;
  map<int64, Inner2> mm = 2000;
  message Inner2 { int64 a = 2; optional bytes b = 1; repeated double r = 3; }
}
)";

using Random = std::mt19937_64;

uint64_t Number(Random* random) {
  const uint64_t v = (*random)();
  return v >> (*random)() % 64;  // of all lengths
}

std::string Text(Random* random, bool bytes) {
  std::string s;
  for (uint64_t n = (*random)() % 12; n > 0; --n) {
    if (bytes) {
      s.push_back(static_cast<char>((*random)()));
    } else if ((*random)() % 8 == 0) {
      s += "\xC3\xA9";
    } else {
      s.push_back(static_cast<char>('a' + (*random)() % 26));
    }
  }
  return s;
}

void Fill(Random* random, pb::Message* message, int depth);

void FillOne(Random* random, pb::Message* m, const Pb* f, int depth) {
  const pb::Reflection* r = m->GetReflection();
  const uint64_t n = Number(random);
  const bool many = f->is_repeated();
  switch (f->cpp_type()) {
    case Pb::CPPTYPE_INT32:
      return many ? r->AddInt32(m, f, int32_t(n)) : r->SetInt32(m, f, int32_t(n));
    case Pb::CPPTYPE_INT64:
      return many ? r->AddInt64(m, f, int64_t(n)) : r->SetInt64(m, f, int64_t(n));
    case Pb::CPPTYPE_UINT32:
      return many ? r->AddUInt32(m, f, uint32_t(n)) : r->SetUInt32(m, f, uint32_t(n));
    case Pb::CPPTYPE_UINT64:
      return many ? r->AddUInt64(m, f, n) : r->SetUInt64(m, f, n);
    case Pb::CPPTYPE_DOUBLE:
      return many ? r->AddDouble(m, f, double(n) / 7) : r->SetDouble(m, f, double(n) / 7);
    case Pb::CPPTYPE_FLOAT:
      return many ? r->AddFloat(m, f, float(n) / 7) : r->SetFloat(m, f, float(n) / 7);
    case Pb::CPPTYPE_BOOL:
      return many ? r->AddBool(m, f, n % 2) : r->SetBool(m, f, n % 2);
    case Pb::CPPTYPE_ENUM: {
      const int value = n % 4 == 0 ? int(n % 9) : f->enum_type()->value(n % 4)->number();
      return many ? r->AddEnumValue(m, f, value) : r->SetEnumValue(m, f, value);
    }
    case Pb::CPPTYPE_STRING: {
      const std::string s = Text(random, f->type() == Pb::TYPE_BYTES);
      return many ? r->AddString(m, f, s) : r->SetString(m, f, s);
    }
    case Pb::CPPTYPE_MESSAGE:
      if (depth < 4) Fill(random, many ? r->AddMessage(m, f) : r->MutableMessage(m, f), depth + 1);
  }
}

void Fill(Random* random, pb::Message* message, int depth) {
  const pb::Descriptor* type = message->GetDescriptor();
  if (type->full_name() == "google.protobuf.Timestamp") {
    const auto ms = static_cast<int64_t>(Number(random) % 100'000'000'000'000);
    message->GetReflection()->SetInt64(message, type->field(0), ms / 1000);
    message->GetReflection()->SetInt32(message, type->field(1), int(ms % 1000) * 1'000'000 + 7);
    return;
  }
  const bool entry = type->options().map_entry();
  for (int i = 0; i < type->field_count(); ++i) {
    const Pb* f = type->field(i);
    if (!entry && (*random)() % (depth == 0 ? 3 : 2) != 0) continue;
    for (uint64_t n = f->is_repeated() ? (*random)() % 4 : 1; n > 0; --n) {
      FillOne(random, message, f, depth);
    }
  }
}

// What the oracle holds, and whether the decoder refuses it on purpose.
struct Expected {
  Value value;
  bool refused = false;
};

void Read(const pb::Message& m, const std::vector<Field>& schema, Expected* out);

Value ReadOne(const pb::Message& m, const Pb* f, int i, const Type& type, Expected* out) {
  const pb::Reflection* r = m.GetReflection();
  const bool many = f->is_repeated();
  switch (f->cpp_type()) {
    case Pb::CPPTYPE_INT32:
      return Value::Int(many ? r->GetRepeatedInt32(m, f, i) : r->GetInt32(m, f));
    case Pb::CPPTYPE_INT64:
      return Value::Int(many ? r->GetRepeatedInt64(m, f, i) : r->GetInt64(m, f));
    case Pb::CPPTYPE_UINT32:
      return Value::Int(many ? r->GetRepeatedUInt32(m, f, i) : r->GetUInt32(m, f));
    case Pb::CPPTYPE_UINT64: {
      const uint64_t v = many ? r->GetRepeatedUInt64(m, f, i) : r->GetUInt64(m, f);
      out->refused |= v > INT64_MAX;
      return Value::Int(static_cast<int64_t>(v));
    }
    case Pb::CPPTYPE_DOUBLE:
      return Value::Double(many ? r->GetRepeatedDouble(m, f, i) : r->GetDouble(m, f));
    case Pb::CPPTYPE_FLOAT:
      return Value::Double(many ? r->GetRepeatedFloat(m, f, i) : r->GetFloat(m, f));
    case Pb::CPPTYPE_BOOL:
      return Value::Bool(many ? r->GetRepeatedBool(m, f, i) : r->GetBool(m, f));
    case Pb::CPPTYPE_ENUM: {
      const int v = many ? r->GetRepeatedEnumValue(m, f, i) : r->GetEnumValue(m, f);
      const auto* known = f->enum_type()->FindValueByNumber(v);
      return Value::String(known != nullptr ? known->name() : std::to_string(v));
    }
    case Pb::CPPTYPE_STRING: {
      std::string s = many ? r->GetRepeatedString(m, f, i) : r->GetString(m, f);
      if (f->type() == Pb::TYPE_BYTES) return Value::Bytes(s);
      out->refused |= s.find('\0') != std::string::npos;
      return Value::String(s);
    }
    case Pb::CPPTYPE_MESSAGE:
      break;
  }
  const pb::Message& inner = many ? r->GetRepeatedMessage(m, f, i) : r->GetMessage(m, f);
  if (type.kind != TypeKind::kTimestamp) {
    Expected sub;
    Read(inner, type.children, &sub);
    out->refused |= sub.refused;
    return sub.value;
  }
  const auto* t = inner.GetDescriptor();
  const int64_t seconds = inner.GetReflection()->GetInt64(inner, t->field(0));
  const int32_t nanos = inner.GetReflection()->GetInt32(inner, t->field(1));
  const auto& unknown = inner.GetReflection()->GetUnknownFields(inner);
  for (int k = 0; k < unknown.field_count(); ++k) out->refused |= unknown.field(k).number() <= 2;
  const bool in_range = seconds >= -62'135'596'800 && seconds <= 253'402'300'799 && nanos >= 0 &&
                        nanos < 1'000'000'000;
  out->refused |= !in_range;
  return Value::Timestamp(in_range ? seconds * 1000 + nanos / 1'000'000 : 0);
}

Value ReadField(const pb::Message& m, const Pb* f, const Field& field, Expected* out) {
  const pb::Reflection* r = m.GetReflection();
  if (!f->is_repeated()) {
    if (f->has_presence() && !r->HasField(m, f)) return Value::Null();
    return ReadOne(m, f, 0, field.type, out);
  }
  if (f->is_map()) {
    std::map<std::string, std::pair<Value, Value>> entries;
    for (int i = 0; i < r->FieldSize(m, f); ++i) {
      const pb::Message& entry = r->GetRepeatedMessage(m, f, i);
      const auto* type = entry.GetDescriptor();
      Value key = ReadOne(entry, type->field(0), 0, field.type.children[0].type, out);
      Value value = ReadOne(entry, type->field(1), 0, field.type.children[1].type, out);
      entries[key.ToJson()] = {key, value};
    }
    Value::Map map;
    for (auto& [text, entry] : entries) map.push_back(entry);
    return Value::MakeMap(map);
  }
  Value::List list;
  for (int i = 0; i < r->FieldSize(m, f); ++i) {
    list.push_back(ReadOne(m, f, i, field.type.children[0].type, out));
  }
  return Value::MakeList(list);
}

void Read(const pb::Message& m, const std::vector<Field>& schema, Expected* out) {
  const pb::Descriptor* type = m.GetDescriptor();
  Value::Map row;
  for (const Field& field : schema) {
    const Pb* f = type->FindFieldByName(field.name);
    row.emplace_back(Value::String(field.name), ReadField(m, f, field, out));
  }
  // A known number with another wire type: libprotobuf passes it on, the decoder refuses it.
  const auto& unknown = m.GetReflection()->GetUnknownFields(m);
  for (int i = 0; i < unknown.field_count(); ++i) {
    out->refused |= type->FindFieldByNumber(unknown.field(i).number()) != nullptr;
  }
  out->value = Value::MakeMap(row);
}

// As text, with the entries of maps in one order.
std::string Canonical(const Value& value) {
  if (value.kind() == Value::Kind::kList) {
    std::string text = "[";
    for (const Value& item : value.list()) text += Canonical(item) + ",";
    return text + "]";
  }
  if (value.kind() != Value::Kind::kMap) return value.ToJson();
  std::vector<std::string> entries;
  for (const auto& [k, v] : value.map()) entries.push_back(k.ToJson() + ":" + Canonical(v));
  std::sort(entries.begin(), entries.end());
  std::string text = "{";
  for (const std::string& entry : entries) text += entry + ",";
  return text + "}";
}

Value RowOf(const RecordBatch& batch) {
  Value::Map row;
  for (int i = 0; i < batch.width(); ++i) {
    row.emplace_back(Value::String(batch.schema()->field(i).name), GetValue(batch.column(i), 0));
  }
  return Value::MakeMap(row);
}

void Damage(Random* random, const std::string& other, std::string* bytes) {
  for (uint64_t n = (*random)() % 4; n > 0; --n) {
    const size_t at = bytes->empty() ? 0 : (*random)() % bytes->size();
    const size_t length = (*random)() % 6;
    switch ((*random)() % 6) {
      case 0:
        if (!bytes->empty()) (*bytes)[at] = static_cast<char>((*random)());
        break;
      case 1:
        if (!bytes->empty()) (*bytes)[at] ^= static_cast<char>(1 << (*random)() % 8);
        break;
      case 2:
        bytes->insert(at, Text(random, true).substr(0, length));
        break;
      case 3:
        bytes->erase(at, length);
        break;
      case 4:
        bytes->resize(at);
        break;
      default:
        bytes->insert(at, other.substr(0, (*random)() % (other.size() + 1)));
    }
  }
}

struct Pair {
  explicit Pair(const std::string& message)
      : oracle(DescriptorSetOf(kProto), message),
        type(*ProtobufType::Load(DescriptorSetOf(kProto), message)),
        schema(*type->Derive()) {
    std::vector<ProtobufType::Problem> problems;
    decoder = std::make_unique<ProtobufDecoder>(
        schema, type->Compile(*schema, FormatUse::kRead, &problems));
  }
  Oracle oracle;
  std::unique_ptr<ProtobufType> type;
  SchemaPtr schema;
  std::unique_ptr<ProtobufDecoder> decoder;
};

struct Counts {
  int good = 0, refused = 0, malformed = 0;
};

// Where the two may differ: what a later value replaced is gone from the oracle, but the decoder
// had looked at it.
bool MayDiffer(const Status& status, const std::string& bytes) {
  const std::string_view message = ToStd(status.message());
  const bool in_map =
      message.find("'m") != std::string_view::npos || message.find(".m[") != std::string_view::npos;
  const bool has_nul = bytes.find('\0') != std::string::npos;
  return in_map || (ErrorNumber(status) == 2006 && has_nul);
}

void Compare(Pair* pair, const std::string& bytes, Counts* counts) {
  const auto message = pair->oracle.New();
  const bool parsed = message->ParsePartialFromString(bytes);
  RecordBatch batch(pair->schema);
  const Status status = pair->decoder->Decode(bytes, &batch);
  if (!parsed) {
    ++counts->malformed;
    ASSERT_FALSE(status.ok()) << "libprotobuf refuses this";
    return;
  }
  Expected expected;
  Read(*message, pair->schema->fields(), &expected);
  if (expected.refused) {
    ++counts->refused;
    ASSERT_FALSE(status.ok()) << Canonical(expected.value);
    return;
  }
  if (!status.ok()) {
    ASSERT_TRUE(MayDiffer(status, bytes)) << FormatError(status);
    return;
  }
  ++counts->good;
  batch.AppendMeta(0, {}, 0);
  ASSERT_EQ(Canonical(RowOf(batch)), Canonical(expected.value));
}

TEST(ProtobufFuzzTest, AgreesWithLibprotobufOnGoodAndDamagedRecords) {
  const pb::LogSilencer quiet;  // libprotobuf prints each broken text
  Pair pair("t.All");
  Random random(20260711);
  Counts counts;
  std::string other;
  for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
    const auto message = pair.oracle.New();
    Fill(&random, message.get(), 0);
    std::string bytes = message->SerializeAsString();
    if (round % 8 != 0) Damage(&random, other, &bytes);
    SCOPED_TRACE(absl::StrCat("round ", round));
    Compare(&pair, bytes, &counts);
    other = std::move(bytes);
  }
  // Each of the three must have been tried in earnest.
  EXPECT_GT(counts.good, kRounds / 6);
  EXPECT_GT(counts.refused, kRounds / 100);
  EXPECT_GT(counts.malformed, kRounds / 6);
}

TEST(ProtobufFuzzTest, WritesWhatLibprotobufReads) {
  Pair pair("t.Full");
  std::vector<ProtobufType::Problem> problems;
  ProtobufEncoder encoder(pair.type->Compile(*pair.schema, FormatUse::kWrite, &problems));
  ASSERT_TRUE(problems.empty()) << FormatError(problems[0].status);
  Random random(7);
  for (int round = 0; round < kRounds / 10 && !HasFatalFailure(); ++round) {
    const auto message = pair.oracle.New();
    Fill(&random, message.get(), 0);
    RecordBatch batch(pair.schema);
    const Status status = pair.decoder->Decode(message->SerializeAsString(), &batch);
    ASSERT_TRUE(status.ok()) << FormatError(status);
    batch.AppendMeta(0, {}, 0);
    std::string bytes;
    encoder.Encode(batch, 0, &bytes);
    const auto back = pair.oracle.New();
    ASSERT_TRUE(back->ParseFromString(bytes));
    Expected expected;
    Read(*back, pair.schema->fields(), &expected);
    ASSERT_EQ(Canonical(RowOf(batch)), Canonical(expected.value));
    ASSERT_EQ(back->ByteSizeLong(), bytes.size());
  }
}

}  // namespace
}  // namespace weir
