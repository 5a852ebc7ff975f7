#include "engine/core/log_client.h"

#include <algorithm>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace weir {

void EncodePosition(const LogPosition& p, std::string* out) {
  PutSigned(out, p.offset);
  PutSigned(out, p.bytes);
  PutFixed64(out, p.guard);
}

bool DecodePosition(std::string_view bytes, LogPosition* p) {
  ByteReader in(bytes);
  p->offset = in.Signed();
  p->bytes = in.Signed();
  p->guard = in.Fixed64();
  return in.ok() && in.AtEnd();
}

uint64_t GuardOf(std::string_view bytes_before) {
  const size_t n = std::min(bytes_before.size(), kGuardBytes);
  return std::max<uint64_t>(1, HashBytes(bytes_before.substr(bytes_before.size() - n)));
}

uint64_t RecordGuardOf(const LogItem& before) {
  const size_t n = std::min(before.value.size(), kGuardBytes);
  std::string place;
  PutSigned(&place, before.offset);
  PutSigned(&place, before.timestamp_ms);
  return std::max<uint64_t>(
      1, HashBytes(before.value.substr(before.value.size() - n), HashBytes(place)));
}

LogPosition PositionAt(const LogChunk& chunk, size_t i) {
  if (i >= chunk.items.size()) return chunk.next;
  if (i == 0) return chunk.first;
  if (chunk.guards_records) {
    return {chunk.items[i].offset, chunk.items[i - 1].offset, RecordGuardOf(chunk.items[i - 1])};
  }
  LogPosition at{chunk.items[i].offset, chunk.first.bytes, chunk.first.guard};
  if (chunk.next.bytes <= chunk.first.bytes) return at;  // the log does not count in bytes
  const auto begin = static_cast<size_t>(chunk.items[i].value.data() - chunk.buffer.data());
  at.bytes = chunk.first.bytes + static_cast<int64_t>(begin - chunk.lead);
  at.guard = GuardOf(std::string_view(chunk.buffer).substr(0, begin));
  return at;
}

Status LogClient::PrepareTopic(const TopicSpec& /*spec*/) { return absl::OkStatus(); }

}  // namespace weir
