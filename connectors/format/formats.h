// The formats as the registry knows them.
#pragma once

#include "engine/core/format.h"

namespace weir {

// One JSON object a record (json_decoder.h).
FormatType JsonFormat();
// One message a record, by a descriptor set (protobuf_type.h, protobuf_decoder.h).
FormatType ProtobufFormat();
// The whole record, unread, in the schema's first column (string or bytes); the rest is null.
// Control topics use it: their reader understands the records by itself.
FormatType RawFormat();

}  // namespace weir
