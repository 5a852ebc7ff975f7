// JSON lines into record batches, safe against anything a line may hold (DESIGN section 6,
// `format: json`, `on_error: dead_letter`).
//
//   JsonDecoder decoder(schema, {});
//   if (Status s = decoder.Decode(line, &batch); s.ok()) batch.AppendMeta(...);
//   else  ...dead letter with ErrorNumber(s)
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"

namespace weir {

struct JsonDecoderOptions {
  int max_depth = 64;                         // lists and objects; the record itself is 1
  size_t max_string_bytes = size_t{1} << 20;  // of any string or name in the line, as written
  size_t max_record_bytes = size_t{8} << 20;
};

// Accepted: one JSON object, space (also '\r') around it. Fields that the schema does not name are
// checked but not kept. bool, string, list, struct (object), map (object; keys other than strings
// are read from their text) as one expects; int64 and timestamp_ms (ms since 1970) are numbers
// without fraction and exponent; double is any number that a double can hold, or "NaN",
// "Infinity", "-Infinity", as RowToJson writes them; bytes are base64; json is any value but null,
// kept as written but without line breaks. null and absence are the same, and allowed for nullable
// fields only.
//
// A field of the schema, or a map's key, that stands twice is refused: other readers of the line
// may have taken the other value.
//
// Not thread-safe; reuse it, it owns buffers and learns the order of fields.
class JsonDecoder {
 public:
  explicit JsonDecoder(SchemaPtr schema, const JsonDecoderOptions& options = {});
  ~JsonDecoder();

  // Appends the visible columns of one row to `batch` (of the decoder's schema). On error the batch
  // is unchanged: kRecordNotJson, kRecordMissingField, kRecordWrongType, kRecordTooDeep,
  // kRecordTooLarge, kRecordBadText (NUL, broken UTF-8, lone surrogates). Messages name the field
  // and never contain values. `line` needs no padding and is not copied.
  Status Decode(std::string_view line, RecordBatch* batch);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
