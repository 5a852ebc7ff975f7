#include "agent/request_id.h"

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace weir {

namespace {

constexpr uint32_t kNullLength = 0xFFFFFFFF;  // no part has this length: null differs from ""

void PutPart(std::string* out, std::string_view bytes) {
  PutBigEndian32(out, static_cast<uint32_t>(bytes.size()));
  out->append(bytes);
}

void PutInt(std::string* out, int64_t v) {
  PutBigEndian32(out, 8);
  PutBigEndian64(out, static_cast<uint64_t>(v));
}

bool IsCanonical(TypeKind kind) {
  return kind == TypeKind::kString || kind == TypeKind::kInt64 || kind == TypeKind::kTimestamp ||
         kind == TypeKind::kBool || kind == TypeKind::kBytes;
}

}  // namespace

StatusOr<RequestIdMaker> RequestIdMaker::Create(const Schema& schema, std::string job,
                                                std::string uid, std::string secret,
                                                const std::vector<std::string>& id_fields) {
  RequestIdMaker maker;
  PutPart(&maker.prefix_, job);
  PutPart(&maker.prefix_, uid);
  maker.secret_ = std::move(secret);
  for (const std::string& name : id_fields) {
    const int column = schema.Find(name);
    if (column < 0) {
      return Err(ErrorCode::kPlanSchema, absl::StrCat("the input has no field '", name, "'"));
    }
    const Type& type = schema.field(column).type;
    if (!IsCanonical(type.kind)) {
      return Err(ErrorCode::kPlanSchema, absl::StrCat("'", name, "' of type ", type.ToString(),
                                                      " cannot be part of an event's id"));
    }
    maker.columns_.push_back(column);
  }
  return maker;
}

void RequestIdMaker::AppendIdentity(const RecordBatch& batch, size_t row, std::string* out) const {
  if (columns_.empty()) {
    // The emit index keeps several rows of one root record apart.
    const Origin& origin = batch.origin[row];
    PutPart(out, "origin");
    PutInt(out, origin.source);
    PutInt(out, origin.partition);
    PutInt(out, origin.offset);
    PutInt(out, batch.emit[row]);
    return;
  }
  PutPart(out, "id");
  for (const int c : columns_) {
    const Column& column = batch.column(c);
    if (column.IsNull(row)) {
      PutBigEndian32(out, kNullLength);
    } else if (column.kind() == TypeKind::kString || column.kind() == TypeKind::kBytes) {
      PutPart(out, column.String(row));
    } else {
      PutInt(out, column.Int(row));
    }
  }
}

std::string RequestIdMaker::Make(const RecordBatch& batch, size_t row) const {
  std::string bytes = prefix_;
  AppendIdentity(batch, row, &bytes);
  return HexEncode(HmacSha256(secret_, bytes));
}

uint64_t RequestIdMaker::Fingerprint(const RecordBatch& batch, size_t row) const {
  std::string bytes;
  AppendIdentity(batch, row, &bytes);
  return HashBytes(bytes);
}

}  // namespace weir
