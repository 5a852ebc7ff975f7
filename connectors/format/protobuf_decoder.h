// Protobuf records into record batches, safe against anything a record may hold. A walk over the
// wire format by the compiled table: no message object is built.
//
//   ProtobufDecoder decoder(schema, type->Compile(*schema, FormatUse::kRead, &problems));
//   if (Status s = decoder.Decode(bytes, &batch); s.ok()) batch.AppendMeta(...);
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "connectors/format/protobuf_plan.h"
#include "engine/base/status.h"
#include "engine/core/format.h"
#include "engine/model/record_batch.h"

namespace weir {

struct ProtobufDecoderOptions {
  int max_group_depth =
      64;  // of groups in fields that are skipped; messages: as deep as the schema
  size_t max_string_bytes = size_t{1} << 20;  // of one string or bytes
  size_t max_record_bytes = size_t{8} << 20;
  // Values that the items of lists and maps of one record add to columns: two bytes can be a whole
  // empty message.
  int64_t max_cells = int64_t{4} << 20;
};

// Accepts what libprotobuf accepts, with the same values (the last of several wins, messages in
// several pieces are merged, lists are read packed or not), but for this:
//   - a field of the schema with a wire type that its declared type does not have is an error, not
//     an unknown field
//   - text must be UTF-8 without NUL, in proto2 too; unsigned integers must fit an int64; a
//     Timestamp must lie in the years 1 to 9999
//   - what is absent and has presence is null, or an error if the schema does not allow that
//   - fields that the schema does not name are stepped over, not looked into
//   - limits as above
// Values of an enum that its descriptor does not know become their number as text.
//
// Not thread-safe; reuse it.
class ProtobufDecoder : public RecordDecoder {
 public:
  ProtobufDecoder(SchemaPtr schema, std::shared_ptr<const WireMessage> message,
                  const ProtobufDecoderOptions& options = {});
  ~ProtobufDecoder() override;

  // On error the batch is unchanged: kRecordNotJson (no Protobuf), kRecordMissingField,
  // kRecordWrongType, kRecordTooDeep, kRecordTooLarge, kRecordBadText, kRecordBadTime. `bytes`
  // needs no padding.
  Status Decode(std::string_view bytes, RecordBatch* batch) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
