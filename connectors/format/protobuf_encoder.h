// Rows as Protobuf records: fields in the order of their numbers, lists packed as the message says,
// map entries in the row's order. So the same row gives the same bytes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/format/protobuf_plan.h"
#include "engine/core/format.h"

namespace weir {

// What is null is absent. Of lists and maps, null and empty are the same. A message compiled for
// FormatUse::kWrite can hold every row of its schema. Not thread-safe.
class ProtobufEncoder : public RecordEncoder {
 public:
  explicit ProtobufEncoder(std::shared_ptr<const WireMessage> message);
  void Encode(const RecordBatch& batch, size_t row, std::string* out) override;

 private:
  // The order in which fields are written, for each message of the tree.
  struct Node {
    const WireMessage* message;
    std::vector<size_t> order;
    std::vector<std::unique_ptr<Node>> children;
  };
  static std::unique_ptr<Node> MakeNode(const WireMessage* message);
  void EncodeField(Node* node, size_t k, const Column& column, size_t row, std::string* out);
  void EncodeSingle(Node* node, size_t k, const Column& column, size_t row, bool always,
                    std::string* out);
  void EncodeMessage(Node* child, const Column& column, size_t row, std::string* out);

  const std::shared_ptr<const WireMessage> message_;
  const std::unique_ptr<Node> root_;
};

}  // namespace weir
