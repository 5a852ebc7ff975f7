#include "connectors/format/formats.h"

#include <utility>

#include "connectors/format/json_decoder.h"

namespace weir {
namespace {

class JsonFormatDecoder : public RecordDecoder {
 public:
  explicit JsonFormatDecoder(SchemaPtr schema) : decoder_(std::move(schema)) {}
  Status Decode(std::string_view bytes, RecordBatch* batch) override {
    return decoder_.Decode(bytes, batch);
  }

 private:
  JsonDecoder decoder_;
};

class RawDecoder : public RecordDecoder {
 public:
  Status Decode(std::string_view bytes, RecordBatch* batch) override {
    batch->column(0).AppendString(bytes);
    for (int i = 1; i < batch->width(); ++i) batch->column(i).AppendNull();
    return absl::OkStatus();
  }
};

StatusOr<std::unique_ptr<RecordDecoder>> NewRawDecoder(const SchemaPtr& schema) {
  const TypeKind kind = schema->size() > 0 ? schema->field(0).type.kind : TypeKind::kInt64;
  if (kind != TypeKind::kString && kind != TypeKind::kBytes) {
    return Err(ErrorCode::kPlanSchema, "format 'raw' needs a string or bytes field first");
  }
  for (int i = 1; i < schema->size(); ++i) {
    if (schema->field(i).nullable) continue;
    return Err(ErrorCode::kPlanSchema, "format 'raw' leaves '" + schema->field(i).name +
                                           "' null, but the schema does not allow that");
  }
  return std::unique_ptr<RecordDecoder>(std::make_unique<RawDecoder>());
}

}  // namespace

FormatType JsonFormat() {
  return {"json", "One JSON object a record; unknown fields are skipped.",
          [](const SchemaPtr& schema) -> StatusOr<std::unique_ptr<RecordDecoder>> {
            return std::unique_ptr<RecordDecoder>(std::make_unique<JsonFormatDecoder>(schema));
          }};
}

FormatType RawFormat() {
  return {"raw", "The whole record as text or bytes in the first field.", NewRawDecoder};
}

}  // namespace weir
