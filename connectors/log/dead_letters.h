// What becomes of records that cannot be read (reliability I-29).
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/status.h"
#include "engine/core/log_client.h"
#include "engine/model/record_batch.h"

namespace weir {

// Port 1 of a source: {topic, partition, offset, error, reason, field?, raw?, raw_base64?, ts?,
// hint?, truncated?}.
// `error` is "WEIR-2001". `raw` holds the original bytes if they are UTF-8 without NUL, else
// `raw_base64` does. `ts` is the event time that the partition had reached before the record, null
// before any: the clock's time would differ at each replay, and so would the output's bytes.
// `truncated` is true if only the record's beginning is here, because the log gave no more or takes
// no more: it cannot be put back.
const SchemaPtr& DeadLetterSchema();

struct DeadLetterPlace {
  std::string_view topic;
  uint32_t source;
  int32_t partition;
  int64_t reached_ms;  // kNoTimestamp = none
};
void AppendDeadLetter(const DeadLetterPlace& place, const LogItem& item, const Status& error,
                      RecordBatch* batch);

// For a log that takes no larger records than this: cuts the original bytes of dead letters until
// their JSON fits, marks them `truncated` and says so in `reason`. Other batches stay as they are.
RecordBatch BoundDeadLetters(size_t max_bytes, RecordBatch batch);

// UTF-8 as RFC 3629 has it, and no NUL.
bool IsPlainText(std::string_view bytes);
std::string Base64(std::string_view bytes);

}  // namespace weir
