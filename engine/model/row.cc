// Layout: fixed64 schema fingerprint; signed event time; varint source, signed partition, signed
// offset; varint emit; then the visible columns like the fields of one struct.
//   struct: bitmap of fields that are not null (1 bit each, low bit first), then their values
//   list, map: varint count, per child column a bitmap of its items, then their values
//   int64, timestamp: zigzag varint   bool: 1 byte   double: fixed64   string, bytes, json: length
//   and bytes
// Equal rows have equal bytes.
#include "engine/model/row.h"

#include "engine/base/bytes.h"

namespace weir {
namespace {

void EncodeValue(const Column& column, size_t i, std::string* out);

// `valid(k)` for k in [0, count), packed.
template <typename F>
void EncodeBitmap(size_t count, F valid, std::string* out) {
  for (size_t base = 0; base < count; base += 8) {
    uint8_t byte = 0;
    for (size_t k = base; k < count && k < base + 8; ++k) {
      if (valid(k)) byte |= static_cast<uint8_t>(1u << (k - base));
    }
    out->push_back(static_cast<char>(byte));
  }
}

void EncodeItems(const Column& child, size_t begin, size_t end, std::string* out) {
  EncodeBitmap(
      end - begin, [&](size_t k) { return !child.IsNull(begin + k); }, out);
  for (size_t i = begin; i < end; ++i) {
    if (!child.IsNull(i)) EncodeValue(child, i, out);
  }
}

void EncodeValue(const Column& column, size_t i, std::string* out) {
  switch (column.kind()) {
    case TypeKind::kBool:
      out->push_back(column.Bool(i) ? 1 : 0);
      break;
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
      PutSigned(out, column.Int(i));
      break;
    case TypeKind::kDouble: {
      uint64_t bits;
      const double v = column.Double(i);
      std::memcpy(&bits, &v, sizeof bits);
      PutFixed64(out, bits);
      break;
    }
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kJson:
      PutBytes(out, column.String(i));
      break;
    case TypeKind::kList:
    case TypeKind::kMap:
      PutVarint(out, column.ListEnd(i) - column.ListBegin(i));
      for (size_t k = 0; k < column.child_count(); ++k) {
        EncodeItems(column.child(k), column.ListBegin(i), column.ListEnd(i), out);
      }
      break;
    case TypeKind::kStruct:
      EncodeBitmap(
          column.child_count(), [&](size_t k) { return !column.child(k).IsNull(i); }, out);
      for (size_t k = 0; k < column.child_count(); ++k) {
        if (!column.child(k).IsNull(i)) EncodeValue(column.child(k), i, out);
      }
      break;
  }
}

bool DecodeValue(ByteReader* in, Column* column);

bool Valid(std::string_view bitmap, size_t k) {
  return (static_cast<uint8_t>(bitmap[k / 8]) >> (k & 7) & 1) != 0;
}

// Bits beyond `count` must be zero, or one row would have several encodings.
bool DecodeBitmap(ByteReader* in, size_t count, std::string_view* bitmap) {
  *bitmap = in->Raw((count + 7) / 8);
  if (!in->ok()) return false;
  return count % 8 == 0 || static_cast<uint8_t>(bitmap->back()) >> (count % 8) == 0;
}

bool DecodeItems(ByteReader* in, size_t count, Column* child) {
  std::string_view bitmap;
  if (!DecodeBitmap(in, count, &bitmap)) return false;
  for (size_t k = 0; k < count; ++k) {
    if (!Valid(bitmap, k)) {
      child->AppendNull();
    } else if (!DecodeValue(in, child)) {
      return false;
    }
  }
  return true;
}

bool DecodeList(ByteReader* in, Column* column) {
  const uint64_t count = in->Varint();
  // Every item costs at least one bit, so a hostile count cannot cost memory.
  if (!in->ok() || count / 8 > in->rest().size()) return false;
  for (size_t k = 0; k < column->child_count(); ++k) {
    if (!DecodeItems(in, count, &column->child(k))) return false;
  }
  column->FinishList();
  return true;
}

bool DecodeStruct(ByteReader* in, Column* column) {
  std::string_view bitmap;
  if (!DecodeBitmap(in, column->child_count(), &bitmap)) return false;
  for (size_t k = 0; k < column->child_count(); ++k) {
    if (!Valid(bitmap, k)) {
      column->child(k).AppendNull();
    } else if (!DecodeValue(in, &column->child(k))) {
      return false;
    }
  }
  column->FinishStruct();
  return true;
}

bool DecodeValue(ByteReader* in, Column* column) {
  switch (column->kind()) {
    case TypeKind::kBool: {
      const uint8_t v = in->Byte();
      column->AppendBool(v != 0);
      return in->ok() && v <= 1;
    }
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
      column->AppendInt(in->Signed());
      return in->ok();
    case TypeKind::kDouble: {
      const uint64_t bits = in->Fixed64();
      double v;
      std::memcpy(&v, &bits, sizeof v);
      column->AppendDouble(v);
      return in->ok();
    }
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kJson:
      column->AppendString(in->Bytes());
      return in->ok();
    case TypeKind::kList:
    case TypeKind::kMap:
      return DecodeList(in, column);
    case TypeKind::kStruct:
      return DecodeStruct(in, column);
  }
  return false;
}

bool DecodeColumns(ByteReader* in, RecordBatch* batch) {
  const auto width = static_cast<size_t>(batch->width());
  std::string_view bitmap;
  if (!DecodeBitmap(in, width, &bitmap)) return false;
  for (size_t c = 0; c < width; ++c) {
    Column& column = batch->column(static_cast<int>(c));
    if (!Valid(bitmap, c)) {
      column.AppendNull();
    } else if (!DecodeValue(in, &column)) {
      return false;
    }
  }
  return in->AtEnd();
}

}  // namespace

void EncodeRow(const RecordBatch& batch, size_t i, std::string* out) {
  PutFixed64(out, batch.schema()->fingerprint());
  PutSigned(out, batch.event_time[i]);
  const Origin& origin = batch.origin[i];
  PutVarint(out, origin.source);
  PutSigned(out, origin.partition);
  PutSigned(out, origin.offset);
  PutVarint(out, batch.emit[i]);
  const auto width = static_cast<size_t>(batch.width());
  const auto column = [&](size_t c) -> const Column& { return batch.column(static_cast<int>(c)); };
  EncodeBitmap(
      width, [&](size_t c) { return !column(c).IsNull(i); }, out);
  for (size_t c = 0; c < width; ++c) {
    if (!column(c).IsNull(i)) EncodeValue(column(c), i, out);
  }
}

Status DecodeRow(std::string_view bytes, RecordBatch* batch) {
  ByteReader in(bytes);
  const uint64_t fingerprint = in.Fixed64();
  if (in.ok() && fingerprint != batch->schema()->fingerprint()) {
    return Err(ErrorCode::kStateIncompatible, "a row was encoded with another schema");
  }
  const int64_t event_time = in.Signed();
  const uint64_t source = in.Varint();
  const int64_t partition = in.Signed();
  const int64_t offset = in.Signed();
  const uint64_t emit = in.Varint();
  const bool fits = source <= UINT32_MAX && emit <= UINT32_MAX && partition >= INT32_MIN &&
                    partition <= INT32_MAX;
  const size_t rows = batch->rows();
  if (!in.ok() || !fits || !DecodeColumns(&in, batch)) {
    batch->TruncateColumns(rows);
    return Err(ErrorCode::kStateCorrupt, "a row's bytes are malformed");
  }
  batch->AppendMeta(event_time,
                    Origin{static_cast<uint32_t>(source), static_cast<int32_t>(partition), offset},
                    static_cast<uint32_t>(emit));
  return absl::OkStatus();
}

}  // namespace weir
