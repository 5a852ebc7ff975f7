// What a line of the main job's input costs: decode to columns, write back as JSON, key, encoded
// row. Reads /work/shared/data/ssh-auth/events.ndjson, or the file that WEIR_BENCH_EVENTS names.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/format/json_decoder.h"
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
