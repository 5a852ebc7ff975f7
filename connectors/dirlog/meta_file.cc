#include "connectors/dirlog/meta_file.h"

#include <algorithm>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace weir {
namespace {

constexpr size_t kHeadBytes = 8;            // length and checksum
constexpr size_t kMaxBodyBytes = 64 << 20;  // more can only be damage
constexpr size_t kBlockBytes = 256 << 10;

}  // namespace

void AppendMetaEntry(const MetaEntry& entry, std::string* out) {
  const size_t head = out->size();
  out->append(kHeadBytes, '\0');
  out->push_back(static_cast<char>(entry.kind));
  PutSigned(out, entry.offset);
  PutVarint(out, entry.begin);
  PutVarint(out, entry.length);
  PutFixed32(out, entry.crc);
  PutSigned(out, entry.timestamp_ms);
  PutSigned(out, entry.epoch);
  PutVarint(out, static_cast<uint64_t>(entry.offset - entry.durable));
  PutBytes(out, entry.effect_id);
  PutBytes(out, entry.key);
  const std::string_view body = std::string_view(*out).substr(head + kHeadBytes);
  const auto length = static_cast<uint32_t>(body.size());
  const uint32_t crc = Crc32c(body);
  std::memcpy(out->data() + head, &length, sizeof(length));
  std::memcpy(out->data() + head + sizeof(length), &crc, sizeof(crc));
}

StatusOr<bool> MetaCursor::Next(MetaEntry* entry) {
  StatusOr<bool> found = Parse(kMaxBodyBytes, entry);
  // What is not there or not sound now may be so later: look at the file again then.
  if (!found.ok() || !*found) buffer_.clear();
  return found;
}

StatusOr<bool> MetaCursor::Seek(MetaEntry* entry) {
  WEIR_ASSIGN_OR_RETURN(const uint64_t size, fs_->FileSize(path_));
  while (position_ + kHeadBytes < size) {
    ++position_;
    // What is no entry has any length: most are refused before a byte of their body is read.
    WEIR_ASSIGN_OR_RETURN(const bool found, Parse(kMaxSoughtBytes, entry));
    if (found) return true;
  }
  return false;
}

StatusOr<bool> MetaCursor::Parse(size_t max_body, MetaEntry* entry) {
  const size_t magic = position_ == 0 ? kMetaMagic.size() : 0;
  WEIR_ASSIGN_OR_RETURN(std::string_view bytes, Peek(magic + kHeadBytes));
  if (bytes.size() < magic + kHeadBytes) return false;
  if (magic > 0 && bytes.substr(0, magic) != kMetaMagic) return false;
  ByteReader head(bytes.substr(magic));
  const uint32_t length = head.Fixed32();
  const uint32_t crc = head.Fixed32();
  if (length > max_body) return false;
  const size_t total = magic + kHeadBytes + length;
  WEIR_ASSIGN_OR_RETURN(bytes, Peek(total));
  if (bytes.size() < total) return false;
  const std::string_view body = bytes.substr(magic + kHeadBytes, length);
  if (Crc32c(body) != crc) return false;
  ByteReader in(body);
  entry->kind = static_cast<MetaEntry::Kind>(in.Byte());
  entry->offset = in.Signed();
  entry->begin = in.Varint();
  entry->length = in.Varint();
  entry->crc = in.Fixed32();
  entry->timestamp_ms = in.Signed();
  entry->epoch = in.Signed();
  entry->durable = entry->offset - static_cast<int64_t>(in.Varint());
  entry->effect_id = in.Bytes();
  entry->key = in.Bytes();
  if (!in.ok() || !in.AtEnd()) return false;
  position_ += total;
  return true;
}

StatusOr<std::string_view> MetaCursor::Peek(size_t n) {
  const auto skip = static_cast<size_t>(position_ - buffer_at_);
  if (!buffer_.empty() && skip + n <= buffer_.size()) {
    return std::string_view(buffer_).substr(skip, n);
  }
  buffer_.clear();
  if (file_ == nullptr) {
    StatusOr<std::unique_ptr<RandomAccessFile>> file = fs_->OpenRead(path_);
    if (absl::IsNotFound(file.status())) return std::string_view();
    WEIR_RETURN_IF_ERROR(file.status());
    file_ = *std::move(file);
  }
  WEIR_RETURN_IF_ERROR(file_->Read(position_, std::max(n, kBlockBytes), &buffer_));
  buffer_at_ = position_;
  return std::string_view(buffer_).substr(0, n);
}

}  // namespace weir
