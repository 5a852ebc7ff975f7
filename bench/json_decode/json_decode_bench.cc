// What a line of the main job's input costs: decode to columns (from JSON, and the same events from
// Protobuf), write back as JSON or Protobuf, key, encoded row. Reads
// /work/shared/data/ssh-auth/events.ndjson, or the file that WEIR_BENCH_EVENTS names.
#include <benchmark/benchmark.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/format/json_decoder.h"
#include "connectors/format/protobuf_decoder.h"
#include "connectors/format/protobuf_encoder.h"
#include "connectors/format/protobuf_type.h"
#include "engine/model/key.h"
#include "engine/model/row.h"
#include "engine/model/value.h"

namespace weir {
namespace {

constexpr size_t kRows = 1024;

struct Events {
  Events() {
    const char* path = std::getenv("WEIR_BENCH_EVENTS");
    std::ifstream file(path != nullptr ? path : "/work/shared/data/ssh-auth/events.ndjson");
    text.assign(std::istreambuf_iterator<char>(file), {});
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      lines.push_back(std::string_view(text).substr(begin, end - begin));
      if (end == std::string::npos) break;
      begin = end + 1;
    }
    WEIR_CHECK(!lines.empty(), "no events to decode");
  }
  std::string text;
  std::vector<std::string_view> lines;
};

const Events& AllEvents() {
  static const Events events;
  return events;
}

// The schema of DESIGN section 6.
SchemaPtr AuthSchema() {
  std::vector<Field> fields;
  const std::pair<const char*, const char*> types[] = {
      {"host", "string"},  {"line", "int64"},  {"ts", "timestamp_ms"}, {"src_ip", "string?"},
      {"user", "string?"}, {"kind", "string"}, {"message", "string"}};
  for (const auto& [name, type] : types) fields.push_back(*ParseFieldType(name, type));
  return MakeSchema(std::move(fields));
}

// Decodes kRows lines from `*next` on, round and round.
void Fill(JsonDecoder* decoder, size_t* next, RecordBatch* batch) {
  const std::vector<std::string_view>& lines = AllEvents().lines;
  batch->Clear();
  for (size_t k = 0; k < kRows; ++k) {
    const Status status = decoder->Decode(lines[(*next)++ % lines.size()], batch);
    WEIR_CHECK(status.ok(), FormatError(status));
    batch->AppendMeta(0, Origin{0, 0, static_cast<int64_t>(k)}, 0);
  }
}

void CountRows(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRows));
}

void BM_Decode(benchmark::State& state) {
  const SchemaPtr schema = AuthSchema();
  JsonDecoder decoder(schema);
  RecordBatch batch(schema);
  size_t next = 0;
  for (auto _ : state) Fill(&decoder, &next, &batch);
  CountRows(state);
}
BENCHMARK(BM_Decode);

// The schema above as a message, its events as records of it.
class ProtobufEvents {
 public:
  ProtobufEvents() : schema_(AuthSchema()) {
    constexpr char kFile[] = R"(file { name: "ssh.proto" package: "ssh" syntax: "proto3"
      message_type { name: "Event" oneof_decl { name: "_src_ip" } oneof_decl { name: "_user" }
        field { name: "host" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
        field { name: "line" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL }
        field { name: "ts" number: 3 type: TYPE_INT64 label: LABEL_OPTIONAL }
        field { name: "src_ip" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL
                proto3_optional: true oneof_index: 0 }
        field { name: "user" number: 5 type: TYPE_STRING label: LABEL_OPTIONAL
                proto3_optional: true oneof_index: 1 }
        field { name: "kind" number: 6 type: TYPE_STRING label: LABEL_OPTIONAL }
        field { name: "message" number: 7 type: TYPE_STRING label: LABEL_OPTIONAL } } })";
    WEIR_CHECK(google::protobuf::TextFormat::ParseFromString(kFile, &set_));
    const auto type = *ProtobufType::Load(set_.SerializeAsString(), "ssh.Event");
    std::vector<ProtobufType::Problem> problems;
    read_ = type->Compile(*schema_, FormatUse::kRead, &problems);
    write_ = type->Compile(*schema_, FormatUse::kWrite, &problems);
    WEIR_CHECK(problems.empty());
    JsonDecoder decoder(schema_);
    ProtobufEncoder encoder(write_);
    for (const std::string_view line : AllEvents().lines) {
      RecordBatch batch(schema_);
      WEIR_CHECK(decoder.Decode(line, &batch).ok());
      encoder.Encode(batch, 0, &records_.emplace_back());
    }
  }
  const google::protobuf::FileDescriptorSet& set() const { return set_; }
  const SchemaPtr& schema() const { return schema_; }
  const std::shared_ptr<const WireMessage>& read() const { return read_; }
  const std::shared_ptr<const WireMessage>& write() const { return write_; }
  const std::vector<std::string>& records() const { return records_; }

 private:
  google::protobuf::FileDescriptorSet set_;
  SchemaPtr schema_;
  std::shared_ptr<const WireMessage> read_, write_;
  std::vector<std::string> records_;
};

const ProtobufEvents& AllProtobufEvents() {
  static const ProtobufEvents events;
  return events;
}

void FillProtobuf(ProtobufDecoder* decoder, size_t* next, RecordBatch* batch) {
  const std::vector<std::string>& records = AllProtobufEvents().records();
  batch->Clear();
  for (size_t k = 0; k < kRows; ++k) {
    const Status status = decoder->Decode(records[(*next)++ % records.size()], batch);
    WEIR_CHECK(status.ok(), FormatError(status));
    batch->AppendMeta(0, Origin{0, 0, static_cast<int64_t>(k)}, 0);
  }
}

void BM_DecodeProtobuf(benchmark::State& state) {
  const ProtobufEvents& events = AllProtobufEvents();
  ProtobufDecoder decoder(events.schema(), events.read());
  RecordBatch batch(events.schema());
  size_t next = 0;
  for (auto _ : state) FillProtobuf(&decoder, &next, &batch);
  CountRows(state);
}
BENCHMARK(BM_DecodeProtobuf);

// What libprotobuf's reflection needs only to parse them, without any column.
void BM_ParseDynamicMessage(benchmark::State& state) {
  const ProtobufEvents& events = AllProtobufEvents();
  google::protobuf::DescriptorPool pool;
  for (const auto& file : events.set().file()) pool.BuildFile(file);
  google::protobuf::DynamicMessageFactory factory(&pool);
  const std::unique_ptr<google::protobuf::Message> message(
      factory.GetPrototype(pool.FindMessageTypeByName("ssh.Event"))->New());
  size_t next = 0;
  for (auto _ : state) {
    for (size_t k = 0; k < kRows; ++k) {
      WEIR_CHECK(message->ParseFromString(events.records()[next++ % events.records().size()]));
    }
  }
  CountRows(state);
}
BENCHMARK(BM_ParseDynamicMessage);

void BM_RowToProtobuf(benchmark::State& state) {
  const ProtobufEvents& events = AllProtobufEvents();
  ProtobufDecoder decoder(events.schema(), events.read());
  ProtobufEncoder encoder(events.write());
  RecordBatch batch(events.schema());
  size_t next = 0;
  FillProtobuf(&decoder, &next, &batch);
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (size_t i = 0; i < batch.rows(); ++i) encoder.Encode(batch, i, &out);
    benchmark::DoNotOptimize(out.data());
  }
  CountRows(state);
}
BENCHMARK(BM_RowToProtobuf);

void BM_RowToJson(benchmark::State& state) {
  JsonDecoder decoder(AuthSchema());
  RecordBatch batch(AuthSchema());
  size_t next = 0;
  Fill(&decoder, &next, &batch);
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (size_t i = 0; i < batch.rows(); ++i) RowToJson(batch, i, &out);
    benchmark::DoNotOptimize(out.data());
  }
  CountRows(state);
}
BENCHMARK(BM_RowToJson);

void BM_EncodeRow(benchmark::State& state) {
  JsonDecoder decoder(AuthSchema());
  RecordBatch batch(AuthSchema());
  size_t next = 0;
  Fill(&decoder, &next, &batch);
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (size_t i = 0; i < batch.rows(); ++i) EncodeRow(batch, i, &out);
    benchmark::DoNotOptimize(out.data());
  }
  CountRows(state);
}
BENCHMARK(BM_EncodeRow);

void BM_AssignKey(benchmark::State& state) {
  JsonDecoder decoder(AuthSchema());
  RecordBatch batch(AuthSchema());
  size_t next = 0;
  Fill(&decoder, &next, &batch);
  const char* field = state.range(0) == 0 ? "kind" : "line";
  KeySelector selector = *KeySelector::Create(*batch.schema(), {field});
  for (auto _ : state) selector.Assign(&batch, 128);
  CountRows(state);
}
BENCHMARK(BM_AssignKey)->Arg(0)->Arg(1);

void BM_GatherEveryOther(benchmark::State& state) {
  JsonDecoder decoder(AuthSchema());
  RecordBatch batch(AuthSchema()), out(AuthSchema());
  size_t next = 0;
  Fill(&decoder, &next, &batch);
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < batch.rows(); i += 2) rows.push_back(i);
  for (auto _ : state) {
    out.Clear();
    out.Gather(batch, rows);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(rows.size()));
}
BENCHMARK(BM_GatherEveryOther);

}  // namespace
}  // namespace weir
