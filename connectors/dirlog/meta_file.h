// The side file of a partition: what is known about its values beside their bytes.
//
// Layout: 8 bytes of magic and version, then entries of [length u32][crc32c u32][body]. The first
// entry is the base: values before it were there before this log wrote any. Every value after it
// has an entry, written before the value. So a value without one was never synced, and an entry
// without a value is of no meaning.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/file_system.h"
#include "engine/base/status.h"

namespace weir {

struct MetaEntry {
  enum class Kind : uint8_t { kBase = 0, kValue = 1 };
  Kind kind = Kind::kValue;
  int64_t offset = 0;
  uint64_t begin = 0;   // where the value stands in the values' file
  uint64_t length = 0;  // without its newline
  uint32_t crc = 0;     // crc32c of the value
  int64_t timestamp_ms = 0;
  int64_t epoch = 0;
  int64_t durable = 0;  // records before this offset were synced when the entry was written
  std::string_view effect_id;
  std::string_view key;

  uint64_t end() const { return kind == Kind::kBase ? begin : begin + length + 1; }
};

inline constexpr std::string_view kMetaMagic{"WEIRLOG\x01", 8};

void AppendMetaEntry(const MetaEntry& entry, std::string* out);

// Reads entries one after the other; a file that is missing, or has grown since, is fine.
class MetaCursor {
 public:
  MetaCursor(FileSystem* fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  // The next whole, sound entry; false if there is none (yet). Views live until the next call.
  StatusOr<bool> Next(MetaEntry* entry);
  // After Next gave false: the first sound entry behind the unsound place, false if there is none.
  // An entry of more than kMaxSoughtBytes is not found.
  StatusOr<bool> Seek(MetaEntry* entry);
  // Where the last entry that Next gave ends; 0 before any.
  uint64_t position() const { return position_; }

 private:
  static constexpr size_t kMaxSoughtBytes = size_t{64} << 10;

  StatusOr<bool> Parse(size_t max_body, MetaEntry* entry);
  // Makes `n` bytes from the position on available, or as many as there are.
  StatusOr<std::string_view> Peek(size_t n);

  FileSystem* fs_;
  std::string path_;
  std::unique_ptr<RandomAccessFile> file_;
  uint64_t position_ = 0;
  std::string buffer_;
  uint64_t buffer_at_ = 0;  // of the buffer's first byte in the file
};

}  // namespace weir
