#include "engine/core/state_backend.h"

#include "engine/base/bytes.h"

namespace weir {
namespace {

// The first byte of a record is none or one of these. Anything else is refused: a reader must not
// skip what it cannot know.
constexpr uint8_t kErase = 1;
constexpr uint8_t kStamped = 2;

StateRecord ReadRecord(ByteReader* in) {
  StateRecord record;
  const uint8_t flags = in->Byte();
  if (flags > kStamped) in->Raw(UINT64_MAX);  // makes the reader fail
  record.op = (flags & kErase) != 0 ? StateRecord::Op::kErase : StateRecord::Op::kPut;
  record.group = in->BigEndian16();
  record.key = in->Bytes();
  record.sub = in->Bytes();
  if (record.op == StateRecord::Op::kErase) return record;
  if ((flags & kStamped) != 0) record.last_access_ms = in->Signed();
  record.value = in->Bytes();
  return record;
}

}  // namespace

void AppendStateRecord(const StateRecord& record, std::string* out) {
  const bool erase = record.op == StateRecord::Op::kErase;
  const bool stamped = !erase && record.last_access_ms != kNoTimestamp;
  out->push_back(static_cast<char>((erase ? kErase : 0) | (stamped ? kStamped : 0)));
  PutBigEndian16(out, record.group);
  PutBytes(out, record.key);
  PutBytes(out, record.sub);
  if (stamped) PutSigned(out, record.last_access_ms);
  if (!erase) PutBytes(out, record.value);
}

Status ForEachStateRecord(std::string_view bytes,
                          const std::function<Status(const StateRecord&)>& fn) {
  ByteReader in(bytes);
  while (!in.AtEnd()) {
    const size_t start = in.position();
    const StateRecord record = ReadRecord(&in);
    if (!in.ok()) {
      return Err(ErrorCode::kStateCorrupt,
                 "malformed state record at byte " + std::to_string(start));
    }
    WEIR_RETURN_IF_ERROR(fn(record));
  }
  return absl::OkStatus();
}

}  // namespace weir
