#include "connectors/dirlog/recovery.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connectors/dirlog/meta_file.h"
#include "engine/base/hash.h"
#include "engine/base/log.h"

namespace weir {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

struct Line {
  uint64_t begin = 0;
  uint64_t length = 0;
  uint32_t crc = 0;
};

// Walks over the lines of a file without keeping them.
class LineScanner {
 public:
  LineScanner(const RandomAccessFile* file, uint64_t begin) : file_(file), position_(begin) {}
  // False at the end of the file; a rest without newline is no line.
  StatusOr<bool> Next(Line* line) {
    *line = Line{position_, 0, 0};
    for (;;) {
      const std::string_view rest = std::string_view(block_).substr(used_);
      const size_t newline = rest.find('\n');
      const std::string_view part = rest.substr(0, newline);
      line->crc = Crc32c(part, line->crc);
      line->length += part.size();
      used_ += part.size();
      if (newline != std::string_view::npos) {
        ++used_;
        position_ += line->length + 1;
        return true;
      }
      WEIR_RETURN_IF_ERROR(file_->Read(position_ + line->length, kBlockBytes, &block_));
      used_ = 0;
      if (block_.empty()) return false;
    }
  }
  // Where the next line begins.
  uint64_t position() const { return position_; }

 private:
  const RandomAccessFile* file_;
  uint64_t position_;
  std::string block_;
  size_t used_ = 0;
};

// The entries whose values were not known to be durable when the last entry was written, and before
// them one that was: the anchor from which the values are checked.
struct MetaTail {
  struct Item {
    MetaEntry::Kind kind;
    int64_t offset;
    uint64_t begin;
    uint64_t length;
    uint32_t crc;
    uint64_t meta_end;
    uint64_t end() const { return kind == MetaEntry::Kind::kBase ? begin : begin + length + 1; }
    int64_t next_offset() const { return kind == MetaEntry::Kind::kBase ? offset : offset + 1; }
  };
  std::vector<Item> items;
  int64_t durable = 0;
};

void DropBeforeAnchor(MetaTail* tail) {
  size_t anchor = 0;
  while (anchor + 1 < tail->items.size() && tail->items[anchor + 1].offset < tail->durable) {
    ++anchor;
  }
  tail->items.erase(tail->items.begin(), tail->items.begin() + static_cast<ptrdiff_t>(anchor));
}

// An entry that is not sound is a torn tail, which was never acknowledged, unless what follows it
// says otherwise: then bytes have rotted, and cutting there would lose what was acknowledged.
Status CheckTorn(FileSystem* fs, const PartitionPaths& paths, const MetaTail& tail,
                 MetaCursor* cursor) {
  // A power loss leaves a beginning of what was not synced, and anything in its last block.
  constexpr uint64_t kTornBytes = 4096;
  const StatusOr<uint64_t> size = fs->FileSize(paths.meta);
  if (absl::IsNotFound(size.status())) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(size.status());
  const uint64_t at = cursor->position();
  MetaEntry later;
  WEIR_ASSIGN_OR_RETURN(const bool found, cursor->Seek(&later));
  if (!found) return absl::OkStatus();
  const int64_t missing = tail.items.empty() ? -1 : tail.items.back().next_offset();
  // The base is written in one step, and was durable before the first value.
  if (later.durable <= missing && at + kTornBytes >= *size) return absl::OkStatus();
  return Err(ErrorCode::kLogReplaced,
             absl::StrCat(paths.name, ": ", paths.meta, " is damaged at byte ", at,
                          ", and whole behind it: records that were acknowledged lack their entry"),
             absl::StrCat("restore ", paths.meta, " from a copy; or remove it: every line of ",
                          paths.values,
                          " stays a record, but outputs since the last checkpoint "
                          "may then repeat"));
}

StatusOr<MetaTail> ReadMetaTail(FileSystem* fs, const PartitionPaths& paths) {
  constexpr size_t kTrimEvery = 4096;  // bounds the memory without moving items at each entry
  MetaTail tail;
  MetaCursor cursor(fs, paths.meta);
  MetaEntry entry;
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const bool found, cursor.Next(&entry));
    if (!found) {
      WEIR_RETURN_IF_ERROR(CheckTorn(fs, paths, tail, &cursor));
      break;
    }
    const bool is_base = entry.kind == MetaEntry::Kind::kBase;
    if (is_base != tail.items.empty()) break;  // a base stands at the beginning and nowhere else
    tail.items.push_back(
        {entry.kind, entry.offset, entry.begin, entry.length, entry.crc, cursor.position()});
    tail.durable = std::max(tail.durable, entry.durable);
    if (tail.items.size() % kTrimEvery == 0) DropBeforeAnchor(&tail);
  }
  DropBeforeAnchor(&tail);
  return tail;
}

Status CutTo(FileSystem* fs, const std::string& path, uint64_t size, bool expected) {
  StatusOr<uint64_t> now = fs->FileSize(path);
  if (absl::IsNotFound(now.status())) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(now.status());
  if (*now <= size) return absl::OkStatus();
  const std::string message =
      absl::StrCat("cut off ", *now - size, " bytes of ", path, " that were never acknowledged");
  if (expected) {
    LogDebug("dirlog", message);
  } else {
    LogWarning("dirlog", message);
  }
  return fs->Truncate(path, size);
}

// For a partition without (usable) meta: everything that is there stays, meta begins behind it.
StatusOr<RecoveredPartition> Rebuild(FileSystem* fs, const PartitionPaths& paths, int64_t epoch) {
  RecoveredPartition result;
  StatusOr<std::unique_ptr<RandomAccessFile>> file = fs->OpenRead(paths.values);
  if (file.ok()) {
    LineScanner lines(file->get(), 0);
    for (Line line;;) {
      WEIR_ASSIGN_OR_RETURN(const bool found, lines.Next(&line));
      if (!found) break;
      ++result.end_offset;
    }
    result.value_bytes = lines.position();
  } else if (!absl::IsNotFound(file.status())) {
    return file.status();
  }
  WEIR_RETURN_IF_ERROR(CutTo(fs, paths.values, result.value_bytes, false));
  MetaEntry base;
  base.kind = MetaEntry::Kind::kBase;
  base.offset = base.durable = result.end_offset;
  base.begin = result.value_bytes;
  base.epoch = epoch;
  std::string bytes(kMetaMagic);
  AppendMetaEntry(base, &bytes);
  // Durable before the first value: from here on a value without meta is one that was not synced.
  WEIR_RETURN_IF_ERROR(fs->WriteFileAtomic(paths.meta, bytes));
  result.meta_bytes = bytes.size();
  return result;
}

// Compares values with their meta from the anchor on, and gives the last place where both agree.
StatusOr<RecoveredPartition> Agree(const RandomAccessFile& file, const MetaTail& tail,
                                   const PartitionPaths& paths) {
  const MetaTail::Item& anchor = tail.items.front();
  RecoveredPartition agreed{anchor.offset, anchor.begin, anchor.meta_end};
  LineScanner lines(&file, anchor.begin);
  for (const MetaTail::Item& item : tail.items) {
    if (item.offset != agreed.end_offset || item.begin != agreed.value_bytes) break;
    if (item.kind == MetaEntry::Kind::kValue) {
      Line line;
      WEIR_ASSIGN_OR_RETURN(const bool found, lines.Next(&line));
      const bool same = found && line.length == item.length && line.crc == item.crc;
      if (!same && item.offset < tail.durable) {
        return Err(ErrorCode::kLogReplaced,
                   absl::StrCat(paths.name, ": the record at offset ", item.offset,
                                " has changed since it was written"),
                   absl::StrCat("if this was on purpose, remove ", paths.meta));
      }
      if (!same) break;
    }
    agreed = {item.next_offset(), item.end(), item.meta_end};
  }
  return agreed;
}

}  // namespace

StatusOr<RecoveredPartition> RecoverPartition(FileSystem* fs, const PartitionPaths& paths,
                                              int64_t epoch) {
  WEIR_ASSIGN_OR_RETURN(const MetaTail tail, ReadMetaTail(fs, paths));
  if (tail.items.empty()) return Rebuild(fs, paths, epoch);
  StatusOr<std::unique_ptr<RandomAccessFile>> file = fs->OpenRead(paths.values);
  if (!file.ok() && !absl::IsNotFound(file.status())) return file.status();
  uint64_t size = 0;
  if (file.ok()) {
    WEIR_ASSIGN_OR_RETURN(size, (*file)->Size());
  }
  // Shorter than what was durable: someone has exchanged the values, the meta says nothing of them.
  if (size < tail.items.front().end()) return Rebuild(fs, paths, epoch);
  RecoveredPartition agreed{tail.items.front().offset, 0, tail.items.front().meta_end};
  if (file.ok()) {
    WEIR_ASSIGN_OR_RETURN(agreed, Agree(**file, tail, paths));
  }
  WEIR_RETURN_IF_ERROR(CutTo(fs, paths.values, agreed.value_bytes, false));
  WEIR_RETURN_IF_ERROR(CutTo(fs, paths.meta, agreed.meta_bytes, true));
  return agreed;
}

}  // namespace weir
