// Formats without options, for who has no topology to plan them with.
#pragma once

#include <functional>
#include <memory>

#include "engine/core/format.h"

namespace weir {

// Makes decoders of a format that needs no options: control topics, plans made in code, tests.
StatusOr<std::function<StatusOr<std::unique_ptr<RecordDecoder>>()>> PlainDecoder(
    const FormatType& format, const SchemaPtr& schema);

}  // namespace weir
