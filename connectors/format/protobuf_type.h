// A message type from a descriptor set (`protoc --descriptor_set_out --include_imports`), and how
// it fits a schema. The only part of the Protobuf format that sees descriptors: records are read
// and written by the table that it compiles.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/format/protobuf_plan.h"
#include "engine/base/status.h"
#include "engine/core/format.h"
#include "engine/model/types.h"

namespace weir {

// Immutable; thread-safe.
class ProtobufType {
 public:
  // kConfigFile if `descriptor_set` is none, kConfigUnknownName if it lacks the message.
  static StatusOr<std::unique_ptr<ProtobufType>> Load(std::string_view descriptor_set,
                                                      const std::string& message);
  virtual ~ProtobufType() = default;

  // All fields of the message in the order of its declaration: what has presence is nullable.
  // kPlanSchema for what no schema can say: groups, and messages that contain themselves.
  virtual StatusOr<SchemaPtr> Derive() const = 0;

  struct Problem {
    std::string field;  // of the schema, the outermost
    Status status;
  };
  // The table for a schema whose fields are found by their names, of any subset of the message's
  // fields. Writing is refused wherever a row could hold what the message cannot. Empty after
  // *problems got what does not fit.
  virtual std::shared_ptr<const WireMessage> Compile(const Schema& schema, FormatUse use,
                                                     std::vector<Problem>* problems) const = 0;
};

}  // namespace weir
