#include "connectors/format/protobuf_decoder.h"

#include <bit>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "connectors/format/protobuf_wire.h"
#include "connectors/format/text.h"

namespace weir {
namespace {

constexpr int64_t kMinSeconds = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr int64_t kMaxSeconds = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr int32_t kMaxNanos = 999'999'999;

enum class Fault : uint8_t {
  kNone,
  kMalformed,
  kTooDeep,
  kTooLarge,
  kTooMany,
  kMissing,
  kWireType,
  kOverflow,
  kText,
  kTime
};

int64_t ZigZag(uint64_t n) { return static_cast<int64_t>(n >> 1) ^ -static_cast<int64_t>(n & 1); }

bool IsUnsigned64(WireCodec codec) {
  return codec == WireCodec::kUInt64 || codec == WireCodec::kFixed64;
}

// From the wire's bits to the column's: an int64, or the bits of a double.
uint64_t Convert(WireCodec codec, uint64_t raw) {
  switch (codec) {
    case WireCodec::kInt32:
    case WireCodec::kSFixed32:
    case WireCodec::kEnumNumber:
    case WireCodec::kEnumName:
      return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(raw)));
    case WireCodec::kUInt32:
    case WireCodec::kFixed32:
      return static_cast<uint32_t>(raw);
    case WireCodec::kSInt32:
      return static_cast<uint64_t>(ZigZag(static_cast<uint32_t>(raw)));
    case WireCodec::kSInt64:
      return static_cast<uint64_t>(ZigZag(raw));
    case WireCodec::kBool:
      return raw != 0 ? 1 : 0;
    case WireCodec::kFloat:
      return std::bit_cast<uint64_t>(
          static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(raw))));
    default:
      return raw;
  }
}

// Where the columns of a message's fields are.
class Columns {
 public:
  explicit Columns(RecordBatch* batch) : batch_(batch) {}
  explicit Columns(Column* parent) : parent_(parent) {}
  Column* at(int k) const {
    return batch_ != nullptr ? &batch_->column(k) : &parent_->child(static_cast<size_t>(k));
  }

 private:
  RecordBatch* batch_ = nullptr;
  Column* parent_ = nullptr;
};

// What was found of one field of the message that is being read.
struct Slot {
  bool set = false;
  uint64_t bits = 0;  // of lists: items so far
  std::string_view bytes;
  std::vector<std::string_view> parts;  // of messages and maps
};

// A message's table with room for one message of it.
struct Node {
  explicit Node(const WireMessage* m) : message(m), slots(m->fields.size()) {
    for (const WireField& field : m->fields) {
      children.push_back(field.message != nullptr && field.column >= 0
                             ? std::make_unique<Node>(field.message.get())
                             : nullptr);
    }
  }
  const WireMessage* message;
  std::vector<Slot> slots;
  std::vector<std::unique_ptr<Node>> children;
};

}  // namespace

// A message is read in two steps. The first walks the bytes and notes the last value of each single
// field; items of lists go to their column at once. The second appends the single fields in the
// schema's order and closes the lists. The pieces of a message inside of a message are read in the
// second step, when it is known that all of them count.
class ProtobufDecoder::Impl {
 public:
  Impl(SchemaPtr schema, std::shared_ptr<const WireMessage> message,
       const ProtobufDecoderOptions& options)
      : schema_(std::move(schema)),
        message_(std::move(message)),
        options_(options),
        root_(message_.get()) {}

  Status Decode(std::string_view bytes, RecordBatch* batch) {
    WEIR_CHECK(batch->schema() == schema_ || *batch->schema() == *schema_);
    const size_t rows = batch->width() > 0 ? batch->column(0).size() : 0;
    cells_ = 0;
    const bool fits = bytes.size() <= options_.max_record_bytes || Fail(Fault::kTooLarge);
    if (fits && ReadMessage(&root_, {&bytes, 1}, Columns(batch))) return absl::OkStatus();
    batch->TruncateColumns(rows);
    return Explain();
  }

 private:
  bool Fail(Fault fault, const WireField* field = nullptr) {
    fault_ = fault;
    field_ = field;
    path_.clear();
    return false;
  }
  bool FailAt(Fault fault, const WireField& field) {
    Fail(fault, &field);
    path_ = "." + field.name;
    return false;
  }
  // Names the field in which something failed.
  bool In(const WireField& field, bool ok) {
    if (!ok) path_ = absl::StrCat(".", field.name, path_);
    return ok;
  }
  bool InItem(const WireField& field, uint64_t item, bool ok) {
    if (!ok) path_ = absl::StrCat(".", field.name, "[", item, "]", path_);
    return ok;
  }

  bool ReadMessage(Node* node, std::span<const std::string_view> parts, Columns columns) {
    for (Slot& slot : node->slots) {
      slot.set = false;
      slot.bits = 0;
      slot.parts.clear();
    }
    for (const std::string_view part : parts) {
      if (!Walk(node, part, columns)) return false;
    }
    const auto count = static_cast<size_t>(node->message->columns);
    for (size_t k = 0; k < count; ++k) {
      if (!AppendField(node, k, columns.at(static_cast<int>(k)))) return false;
    }
    return true;
  }

  bool Walk(Node* node, std::string_view bytes, Columns columns) {
    WireReader in(bytes);
    uint32_t tag;
    while (!in.AtEnd()) {
      if (!in.Tag(&tag)) return Fail(Fault::kMalformed);
      const int k = node->message->Find(tag >> 3);
      if (k < 0) {
        if (!Skip(&in, tag)) return false;
        continue;
      }
      const WireField& field = node->message->fields[static_cast<size_t>(k)];
      Slot* slot = &node->slots[static_cast<size_t>(k)];
      if ((tag & 7) != field.wire || field.column < 0) [[unlikely]] {
        if (!TakeUnusual(node, field, slot, tag, &in, columns)) return false;
      } else if (field.wire == kWireBytes) {
        if (!TakeBytes(node, static_cast<size_t>(k), &in, columns)) return false;
      } else {
        uint64_t raw;
        if (!in.Scalar(field.wire, &raw)) return FailAt(Fault::kMalformed, field);
        if (!TakeScalar(node, field, slot, raw, columns)) return false;
      }
    }
    return true;
  }

  bool Skip(WireReader* in, uint32_t tag) {
    bool too_deep = false;
    if (in->Skip(tag, options_.max_group_depth, &too_deep)) return true;
    return Fail(too_deep ? Fault::kTooDeep : Fault::kMalformed);
  }

  // Packed items, a wire type that the field does not have, or a field that is not kept.
  bool TakeUnusual(Node* node, const WireField& field, Slot* slot, uint32_t tag, WireReader* in,
                   Columns columns) {
    const bool packed = field.repeated && field.wire != kWireBytes && (tag & 7) == kWireBytes;
    if (!packed) {
      if (!Skip(in, tag)) return false;
      if (field.column >= 0) return FailAt(Fault::kWireType, field);
      if ((tag & 7) == field.wire) ClearOneof(node, field);
      return true;
    }
    std::string_view bytes;
    if (!in->Bytes(&bytes)) return FailAt(Fault::kMalformed, field);
    WireReader items(bytes);
    while (!items.AtEnd()) {
      uint64_t raw;
      if (!items.Scalar(field.wire, &raw)) return FailAt(Fault::kMalformed, field);
      if (!TakeScalar(node, field, slot, raw, columns)) return false;
    }
    return true;
  }

  bool TakeScalar(Node* node, const WireField& field, Slot* slot, uint64_t raw, Columns columns) {
    const uint64_t bits = Convert(field.codec, raw);
    const bool is_enum =
        field.codec == WireCodec::kEnumName || field.codec == WireCodec::kEnumNumber;
    if (is_enum && field.enum_names->closed) [[unlikely]] {
      if (!field.enum_names->by_number.contains(static_cast<int32_t>(bits))) return true;
    }
    if (!field.repeated) {
      if (field.oneof >= 0) ClearOneof(node, field);
      slot->bits = bits;
      slot->set = true;
      return true;
    }
    if (!CountCells(field)) return false;
    Column* items = &columns.at(field.column)->child(0);
    return InItem(field, slot->bits++, AppendScalar(field, bits, items));
  }

  bool TakeBytes(Node* node, size_t k, WireReader* in, Columns columns) {
    const WireField& field = node->message->fields[k];
    Slot& slot = node->slots[k];
    std::string_view bytes;
    if (!in->Bytes(&bytes)) return FailAt(Fault::kMalformed, field);
    const bool text = field.codec == WireCodec::kString;
    if (text || field.codec == WireCodec::kBytes) {
      if (bytes.size() > options_.max_string_bytes) return FailAt(Fault::kTooLarge, field);
      if (text && !IsRecordText(bytes)) return FailAt(Fault::kText, field);
    }
    if (field.repeated) {
      if (!CountCells(field)) return false;
      if (field.codec == WireCodec::kMap) {
        slot.parts.push_back(bytes);
        return true;
      }
      Column* items = &columns.at(field.column)->child(0);
      return InItem(field, slot.bits++,
                    AppendBytes(field, node->children[k].get(), {&bytes, 1}, items));
    }
    if (field.oneof >= 0) ClearOneof(node, field);
    slot.set = true;
    if (text || field.codec == WireCodec::kBytes) {
      slot.bytes = bytes;
    } else {
      slot.parts.push_back(bytes);
    }
    return true;
  }

  // The members of a oneof that are set when another one comes.
  static void ClearOneof(Node* node, const WireField& field) {
    for (size_t k = 0; k < node->slots.size(); ++k) {
      const WireField& other = node->message->fields[k];
      if (other.oneof != field.oneof || other.number == field.number) continue;
      node->slots[k].set = false;
      node->slots[k].parts.clear();
    }
  }

  bool CountCells(const WireField& field) {
    cells_ += field.item_cells;
    return cells_ <= options_.max_cells || FailAt(Fault::kTooMany, field);
  }

  bool AppendField(Node* node, size_t k, Column* column) {
    const WireField& field = node->message->fields[k];
    const Slot& slot = node->slots[k];
    if (field.codec == WireCodec::kMap) {
      return In(field, AppendMap(node->children[k].get(), slot.parts, column));
    }
    if (field.repeated) {
      column->FinishList();
      return true;
    }
    if (!slot.set) return AppendAbsent(field, node->children[k].get(), column);
    if (field.codec == WireCodec::kString || field.codec == WireCodec::kBytes) {
      column->AppendString(slot.bytes);
      return true;
    }
    if (field.wire == kWireBytes) {
      return In(field, AppendBytes(field, node->children[k].get(), slot.parts, column));
    }
    return In(field, AppendScalar(field, slot.bits, column));
  }

  bool AppendAbsent(const WireField& field, Node* child, Column* column) {
    if (field.required || (field.presence && !field.has_default && !field.nullable)) {
      return FailAt(Fault::kMissing, field);
    }
    if (field.presence && !field.has_default) {
      column->AppendNull();
      return true;
    }
    if (field.codec == WireCodec::kString || field.codec == WireCodec::kBytes) {
      column->AppendString(field.default_text);
      return true;
    }
    if (field.wire == kWireBytes) return In(field, AppendBytes(field, child, {}, column));
    return In(field, AppendScalar(field, field.default_bits, column));
  }

  bool AppendScalar(const WireField& field, uint64_t bits, Column* column) {
    switch (field.codec) {
      case WireCodec::kFloat:
      case WireCodec::kDouble:
        column->AppendDouble(std::bit_cast<double>(bits));
        return true;
      case WireCodec::kEnumName: {
        const auto number = static_cast<int32_t>(bits);
        const auto it = field.enum_names->by_number.find(number);
        column->AppendString(it != field.enum_names->by_number.end()
                                 ? std::string_view(it->second)
                                 : std::string_view(absl::StrCat(number)));
        return true;
      }
      default:
        if (IsUnsigned64(field.codec) && bits > INT64_MAX) return Fail(Fault::kOverflow, &field);
        column->AppendInt(static_cast<int64_t>(bits));
        return true;
    }
  }

  // `parts` are the pieces of one message, or the one piece of a string or bytes.
  bool AppendBytes(const WireField& field, Node* child, std::span<const std::string_view> parts,
                   Column* column) {
    if (field.codec == WireCodec::kMessage) {
      if (!ReadMessage(child, parts, Columns(column))) return false;
      column->FinishStruct();
      return true;
    }
    if (field.codec == WireCodec::kTimestamp) return AppendTimestamp(field, parts, column);
    column->AppendString(parts[0]);
    return true;
  }

  bool AppendTimestamp(const WireField& field, std::span<const std::string_view> parts,
                       Column* column) {
    uint64_t seconds = 0, nanos = 0;
    for (const std::string_view part : parts) {
      WireReader in(part);
      uint32_t tag;
      while (!in.AtEnd()) {
        if (!in.Tag(&tag)) return Fail(Fault::kMalformed, &field);
        const bool known = (tag & 7) == kWireVarint && (tag >> 3 == 1 || tag >> 3 == 2);
        if (!known) {
          if (!Skip(&in, tag)) return false;
          if (tag >> 3 <= 2) return Fail(Fault::kWireType, &field);
        } else if (!in.Varint(tag >> 3 == 1 ? &seconds : &nanos)) {
          return Fail(Fault::kMalformed, &field);
        }
      }
    }
    const auto whole = static_cast<int64_t>(seconds);
    const auto rest = static_cast<int32_t>(nanos);
    if (whole < kMinSeconds || whole > kMaxSeconds || rest < 0 || rest > kMaxNanos) {
      return Fail(Fault::kTime, &field);
    }
    column->AppendInt(whole * 1000 + rest / 1'000'000);
    return true;
  }

  // Of entries with the same key the last one counts.
  bool AppendMap(Node* entry, const std::vector<std::string_view>& parts, Column* column) {
    const size_t begin = column->child(0).size();
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!AppendEntry(entry, parts[i], i, column)) return false;
    }
    if (parts.size() > 1) {
      const std::vector<size_t> last = LastOfKeys(column->child(0), begin);
      if (last.size() < parts.size()) {
        column->child(0).Truncate(begin);
        column->child(1).Truncate(begin);
        for (const size_t i : last) AppendEntry(entry, parts[i], i, column);
      }
    }
    column->FinishList();
    return true;
  }

  bool AppendEntry(Node* entry, std::string_view part, size_t i, Column* column) {
    if (ReadMessage(entry, {&part, 1}, Columns(column))) return true;
    path_ = absl::StrCat("[", i, "]", path_);
    return false;
  }

  // The entries, counted from `begin`, that no later one replaces; ascending.
  static std::vector<size_t> LastOfKeys(const Column& keys, size_t begin) {
    std::vector<size_t> last;
    absl::flat_hash_set<std::string_view> texts;
    absl::flat_hash_set<int64_t> numbers;
    const bool text = keys.kind() == TypeKind::kString || keys.kind() == TypeKind::kBytes;
    for (size_t i = keys.size(); i-- > begin;) {
      const bool is_new =
          text ? texts.insert(keys.String(i)).second : numbers.insert(keys.Int(i)).second;
      if (is_new) last.push_back(i - begin);
    }
    return {last.rbegin(), last.rend()};
  }

  Status Explain() const {
    const std::string field = path_.empty() ? "" : absl::StrCat("field '", path_.substr(1), "': ");
    const std::string expected = field_ != nullptr ? field_->expected : "";
    switch (fault_) {
      case Fault::kTooDeep:
        return Err(ErrorCode::kRecordTooDeep,
                   absl::StrCat("groups nest deeper than ", options_.max_group_depth, " levels"));
      case Fault::kTooLarge:
        return Err(ErrorCode::kRecordTooLarge,
                   path_.empty()
                       ? absl::StrCat("more than ", options_.max_record_bytes, " bytes")
                       : absl::StrCat(field, "more than ", options_.max_string_bytes, " bytes"));
      case Fault::kTooMany:
        return Err(ErrorCode::kRecordTooLarge,
                   absl::StrCat(field, "lists and maps of the record hold more than ",
                                options_.max_cells, " values"));
      case Fault::kMissing:
        return Err(ErrorCode::kRecordMissingField,
                   absl::StrCat("field '", path_.substr(1), "' is missing"),
                   "end its type with '?' in the schema if it may be absent");
      case Fault::kWireType:
        return Err(
            ErrorCode::kRecordWrongType,
            absl::StrCat(field, "expected ", expected, ", found the wire type of something else"),
            "its number was used for another type: compare the descriptor set with that of "
            "the writer");
      case Fault::kOverflow:
        return Err(ErrorCode::kRecordWrongType,
                   absl::StrCat(field, "expected ", expected,
                                ", found an unsigned integer above 2^63 - 1"));
      case Fault::kText:
        return Err(ErrorCode::kRecordBadText, absl::StrCat(field, "NUL or broken UTF-8"));
      case Fault::kTime:
        return Err(ErrorCode::kRecordBadTime,
                   absl::StrCat(field, "not a time between the years 1 and 9999"));
      case Fault::kNone:
      case Fault::kMalformed:
        break;
    }
    return Err(ErrorCode::kRecordNotJson, absl::StrCat(field, "the bytes are no ", message_->name));
  }

  const SchemaPtr schema_;
  const std::shared_ptr<const WireMessage> message_;
  const ProtobufDecoderOptions options_;
  Node root_;
  int64_t cells_ = 0;
  Fault fault_ = Fault::kNone;
  const WireField* field_ = nullptr;
  std::string path_;
};

ProtobufDecoder::ProtobufDecoder(SchemaPtr schema, std::shared_ptr<const WireMessage> message,
                                 const ProtobufDecoderOptions& options)
    : impl_(std::make_unique<Impl>(std::move(schema), std::move(message), options)) {}
ProtobufDecoder::~ProtobufDecoder() = default;

Status ProtobufDecoder::Decode(std::string_view bytes, RecordBatch* batch) {
  return impl_->Decode(bytes, batch);
}

}  // namespace weir
