#include "connectors/format/protobuf_encoder.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "connectors/format/protobuf_wire.h"

namespace weir {
namespace {

void PutFixed64(uint64_t bits, std::string* out) {
  char bytes[8];
  std::memcpy(bytes, &bits, 8);
  out->append(bytes, 8);
}

void PutPrefixed(uint32_t number, std::string_view bytes, std::string* out) {
  PutWireTag(number, kWireBytes, out);
  PutWireVarint(bytes.size(), out);
  out->append(bytes);
}

// Seconds are rounded down, so that nanos are never negative.
void PutTimestamp(int64_t ms, std::string* out) {
  int64_t seconds = ms / 1000, rest = ms % 1000;
  if (rest < 0) rest += 1000, --seconds;
  if (seconds != 0) {
    PutWireTag(1, kWireVarint, out);
    PutWireVarint(static_cast<uint64_t>(seconds), out);
  }
  if (rest != 0) {
    PutWireTag(2, kWireVarint, out);
    PutWireVarint(static_cast<uint64_t>(rest) * 1'000'000, out);
  }
}

uint64_t BitsOf(const WireField& field, const Column& column, size_t row) {
  if (field.codec == WireCodec::kDouble) return std::bit_cast<uint64_t>(column.Double(row));
  const int64_t v = column.Int(row);
  if (field.codec != WireCodec::kSInt64) return static_cast<uint64_t>(v);
  return static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63);
}

void PutScalar(const WireField& field, uint64_t bits, std::string* out) {
  if (field.wire == kWireVarint) {
    PutWireVarint(bits, out);
  } else {
    PutFixed64(bits, out);
  }
}

}  // namespace

std::unique_ptr<ProtobufEncoder::Node> ProtobufEncoder::MakeNode(const WireMessage* message) {
  auto node = std::make_unique<Node>();
  node->message = message;
  node->order.resize(message->fields.size());
  std::iota(node->order.begin(), node->order.end(), 0);
  std::sort(node->order.begin(), node->order.end(), [message](size_t a, size_t b) {
    return message->fields[a].number < message->fields[b].number;
  });
  for (const WireField& field : message->fields) {
    node->children.push_back(field.message != nullptr ? MakeNode(field.message.get()) : nullptr);
  }
  return node;
}

ProtobufEncoder::ProtobufEncoder(std::shared_ptr<const WireMessage> message)
    : message_(std::move(message)), root_(MakeNode(message_.get())) {}

void ProtobufEncoder::Encode(const RecordBatch& batch, size_t row, std::string* out) {
  for (const size_t k : root_->order)
    EncodeField(root_.get(), k, batch.column(static_cast<int>(k)), row, out);
}

void ProtobufEncoder::EncodeMessage(Node* child, const Column& column, size_t row,
                                    std::string* out) {
  for (const size_t k : child->order) EncodeField(child, k, column.child(k), row, out);
}

void ProtobufEncoder::EncodeField(Node* node, size_t k, const Column& column, size_t row,
                                  std::string* out) {
  const WireField& field = node->message->fields[k];
  if (column.IsNull(row)) return;
  if (!field.repeated) return EncodeSingle(node, k, column, row, field.presence, out);
  const size_t begin = column.ListBegin(row), end = column.ListEnd(row);
  if (begin == end) return;
  if (field.codec == WireCodec::kMap) {
    Node* entry = node->children[k].get();
    std::string bytes;
    for (size_t i = begin; i < end; ++i) {
      bytes.clear();
      for (size_t part = 0; part < 2; ++part) {
        EncodeSingle(entry, part, column.child(part), i, true, &bytes);
      }
      PutPrefixed(field.number, bytes, out);
    }
    return;
  }
  const Column& items = column.child(0);
  if (!field.packed) {
    for (size_t i = begin; i < end; ++i) EncodeSingle(node, k, items, i, true, out);
    return;
  }
  std::string packed;
  for (size_t i = begin; i < end; ++i) PutScalar(field, BitsOf(field, items, i), &packed);
  PutPrefixed(field.number, packed, out);
}

// `always`: zero is written too.
void ProtobufEncoder::EncodeSingle(Node* node, size_t k, const Column& column, size_t row,
                                   bool always, std::string* out) {
  const WireField& field = node->message->fields[k];
  if (field.wire != kWireBytes) {
    const uint64_t bits = BitsOf(field, column, row);
    if (bits == 0 && !always) return;
    PutWireTag(field.number, field.wire, out);
    return PutScalar(field, bits, out);
  }
  if (field.codec == WireCodec::kString || field.codec == WireCodec::kBytes) {
    const std::string_view bytes = column.String(row);
    if (!bytes.empty() || always) PutPrefixed(field.number, bytes, out);
    return;
  }
  std::string inner;
  if (field.codec == WireCodec::kTimestamp) {
    PutTimestamp(column.Int(row), &inner);
  } else {
    EncodeMessage(node->children[k].get(), column, row, &inner);
  }
  PutPrefixed(field.number, inner, out);
}

}  // namespace weir
