#include "connectors/log/held_output.h"

#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"
#include "engine/base/fail_point.h"
#include "engine/base/hash.h"

namespace weir {
namespace {

constexpr char kPieceVersion = 2;

size_t BytesOf(const LogAppend& record) {
  return record.value.size() + record.key.size() + record.effect_id.size() + sizeof(LogAppend);
}

std::string Encode(const std::vector<LogAppend>& records) {
  std::string bytes(1, kPieceVersion);
  PutVarint(&bytes, records.size());
  for (const LogAppend& record : records) {
    PutBytes(&bytes, record.value);
    PutBytes(&bytes, record.key);
    PutBytes(&bytes, record.effect_id);
    PutSigned(&bytes, record.timestamp_ms);
    PutSigned(&bytes, record.origin.source);
    PutSigned(&bytes, record.origin.partition);
    PutSigned(&bytes, record.origin.offset);
    PutSigned(&bytes, record.emit);
  }
  return bytes;
}

bool Decode(std::string_view bytes, std::vector<LogAppend>* records) {
  ByteReader in(bytes);
  if (in.Byte() != kPieceVersion) return false;
  for (uint64_t n = in.Varint(); n > 0 && in.ok(); --n) {
    LogAppend record;
    record.value = in.Bytes();
    record.key = in.Bytes();
    record.effect_id = in.Bytes();
    record.timestamp_ms = in.Signed();
    record.origin.source = static_cast<uint32_t>(in.Signed());
    record.origin.partition = static_cast<decltype(record.origin.partition)>(in.Signed());
    record.origin.offset = in.Signed();
    record.emit = static_cast<uint32_t>(in.Signed());
    records->push_back(std::move(record));
  }
  return in.ok() && in.AtEnd();
}

std::string Prefix(const std::string& topic) { return absl::StrCat("held/", topic, "/"); }

}  // namespace

std::string HeldOutput::PieceName(int64_t n) const {
  return absl::StrCat(Prefix(topic_), subtask_, "/", n);
}

void HeldOutput::Add(std::vector<LogAppend> records) {
  for (LogAppend& record : records) {
    open_bytes_ += BytesOf(record);
    bytes_ += BytesOf(record);
    open_.push_back(std::move(record));
  }
}

void HeldOutput::Seal(int64_t n, SnapshotPart* part) {
  if (!open_.empty()) {
    size_t index = 0;
    for (LogAppend& record : open_) {
      // From here on its place in the checkpoint is its cause: it is the same after any restore.
      const std::string place = absl::StrCat(space_, "/", subtask_, "/", n, "/", index++);
      if (!record.effect_id.empty()) continue;
      PutFixed64(&record.effect_id, HashBytes(place, 0));
      PutFixed64(&record.effect_id, HashBytes(place, 1));
      record.effect_id = HexEncode(record.effect_id);
    }
    Segment& segment = sealed_[n];
    segment.piece = {PieceName(n), Encode(open_)};
    segment.records = std::exchange(open_, {});
    segment.bytes = std::exchange(open_bytes_, 0);
  }
  for (const StatePiece& piece : committed_) part->Add(piece);
  for (const auto& [id, segment] : sealed_) part->Add(segment.piece);
}

std::vector<LogAppend> HeldOutput::Commit(int64_t n) {
  std::vector<LogAppend> records = std::exchange(restored_, {});
  while (!sealed_.empty() && sealed_.begin()->first <= n) {
    Segment& segment = sealed_.begin()->second;
    std::move(segment.records.begin(), segment.records.end(), std::back_inserter(records));
    bytes_ -= segment.bytes;
    committed_.push_back(std::move(segment.piece));
    sealed_.erase(sealed_.begin());
  }
  return records;
}

void HeldOutput::Written(size_t segments) {
  committed_.erase(committed_.begin(), committed_.begin() + static_cast<ptrdiff_t>(segments));
  taken_ -= segments;
}

Status HeldOutput::Restore(const std::vector<StatePiece>& pieces, int parallelism) {
  for (const StatePiece& piece : pieces) {
    const std::string_view name = piece.name;
    if (!name.starts_with(Prefix(topic_))) continue;
    const std::string_view rest = name.substr(Prefix(topic_).size());
    int owner = -1;
    std::from_chars(rest.data(), rest.data() + rest.size(), owner);
    std::vector<LogAppend> records;
    if (owner < 0 || !Decode(piece.bytes, &records)) {
      return Err(ErrorCode::kStateCorrupt,
                 absl::StrCat("sink: piece ", piece.name, " is malformed"));
    }
    if (owner % parallelism != subtask_ || WEIR_PLANTED_BUG("held-lost")) continue;
    std::move(records.begin(), records.end(), std::back_inserter(restored_));
    committed_.push_back(piece);
  }
  return absl::OkStatus();
}

}  // namespace weir
