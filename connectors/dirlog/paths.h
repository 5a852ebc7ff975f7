// Where the directory log keeps things (DESIGN section 6, "The directory log").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/status.h"

namespace weir {

struct PartitionPaths {
  std::string name;    // "auth.raw/0", for messages
  std::string dir;     // <root>/<topic>
  std::string values;  // <root>/<topic>/<partition>.ndjson
  std::string meta;    // <root>/<topic>/<partition>.meta
};

// `topic` has passed CheckTopicName.
PartitionPaths PathsOf(const std::string& root, const std::string& topic, int partition);

// Kafka's rule, so that a topology may change its log: 1 to 249 of [A-Za-z0-9._-], not "." or "..".
Status CheckTopicName(std::string_view topic);

// The partition whose values the file `name` holds, if it is one: "0.ndjson", "12.ndjson".
std::optional<int> PartitionOfFile(std::string_view name);

// An error of the file system as an error of the log; errors of the log stay as they are.
Status LogIoError(const Status& status, std::string_view where);

}  // namespace weir
