#include "connectors/dirlog/partition_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/hash.h"

namespace weir {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

}  // namespace

PartitionReader::PartitionReader(FileSystem* fs, PartitionPaths paths, const LogPosition& from,
                                 std::shared_ptr<DurableMark> durable)
    : fs_(fs),
      paths_(std::move(paths)),
      durable_(std::move(durable)),
      at_(from),
      meta_(fs, paths_.meta) {}

Status PartitionReader::Read(const LogReadOptions& options, LogChunk* out) {
  return LogIoError(ReadRecords(options, out), paths_.name);
}

Status PartitionReader::ReadRecords(const LogReadOptions& options, LogChunk* out) {
  out->items.clear();
  out->meta.clear();
  out->at_end = false;
  WEIR_RETURN_IF_ERROR(Open());
  if (at_.offset == LogPosition::kBegin) at_ = LogPosition();
  const bool only_position = at_.offset == LogPosition::kEnd || at_.offset == LogPosition::kAtTime;
  if (!positioned_) {
    if (at_.offset == LogPosition::kAtTime) {
      WEIR_ASSIGN_OR_RETURN(const int64_t offset, OffsetAtTime(at_.bytes));
      at_ = {offset, -1, 0};
    }
    // An offset without its place in the file is a position that was made by hand.
    const bool by_offset = at_.bytes < 0 || (at_.bytes == 0 && at_.offset > 0);
    if (at_.offset == LogPosition::kEnd) at_ = {INT64_MAX, -1, 0};
    if (only_position || by_offset) {
      WEIR_ASSIGN_OR_RETURN(at_, Find(at_.offset));
    }
    positioned_ = true;
  }
  WEIR_RETURN_IF_ERROR(Load(only_position ? 1 : std::max<size_t>(options.max_bytes, 1), out));
  out->first = at_;
  const std::string_view data = Loaded(*out);
  if (only_position) {
    // A position is all that was asked for.
  } else if (loaded_all_ || data.find('\n') != std::string_view::npos) {
    Split(options.take_unterminated && loaded_all_, out);
    out->at_end = loaded_all_;
  } else {
    searched_ = std::max<uint64_t>(searched_, data.size());
    WEIR_RETURN_IF_ERROR(ReadLong(options, out));
  }
  out->next = at_;
  if (options.with_meta) WEIR_RETURN_IF_ERROR(AddMeta(out));
  // Opened anew for the next look, so that a file that is exchanged meanwhile is noticed.
  if (out->items.empty()) file_.reset();
  return absl::OkStatus();
}

Status PartitionReader::Open() {
  if (file_ != nullptr) return absl::OkStatus();
  StatusOr<std::unique_ptr<RandomAccessFile>> file = fs_->OpenRead(paths_.values);
  if (absl::IsNotFound(file.status())) {
    return Err(ErrorCode::kLogMissing, absl::StrCat(paths_.name, ": no file ", paths_.values));
  }
  WEIR_RETURN_IF_ERROR(file.status());
  file_ = *std::move(file);
  return absl::OkStatus();
}

Status PartitionReader::ReadValues(uint64_t begin, size_t length, std::string* out) const {
  // Asked before the read: what is synced later may be seen later.
  const std::optional<uint64_t> durable =
      durable_->With([](const std::optional<uint64_t>* bytes) { return *bytes; });
  if (durable) length = std::min<uint64_t>(length, *durable - std::min(*durable, begin));
  return file_->Read(begin, length, out);
}

StatusOr<LogPosition> PartitionReader::Find(int64_t offset) {
  WEIR_ASSIGN_OR_RETURN(LogPosition at, NearestInMeta(offset));
  int64_t block_at = at.bytes;
  while (at.offset < offset) {
    WEIR_RETURN_IF_ERROR(ReadValues(static_cast<uint64_t>(block_at), kBlockBytes, &scratch_));
    if (scratch_.empty()) break;
    for (size_t newline = 0; at.offset < offset; ++newline) {
      newline = scratch_.find('\n', newline);
      if (newline == std::string::npos) break;
      ++at.offset;
      at.bytes = block_at + static_cast<int64_t>(newline) + 1;
    }
    block_at += static_cast<int64_t>(scratch_.size());
  }
  if (at.offset < offset && offset != INT64_MAX) {
    return Err(ErrorCode::kLogTruncated, absl::StrCat(paths_.name, ": holds ", at.offset,
                                                      " records, expected at least ", offset));
  }
  WEIR_ASSIGN_OR_RETURN(at.guard, GuardAt(at.bytes));
  return at;
}

// A record that was copied in by hand has no timestamp: as old as can be.
StatusOr<int64_t> PartitionReader::OffsetAtTime(int64_t timestamp_ms) {
  if (timestamp_ms <= 0) return 0;
  MetaCursor cursor(fs_, paths_.meta);
  MetaEntry entry;
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const bool found, cursor.Next(&entry));
    if (!found) return INT64_MAX;
    if (entry.kind == MetaEntry::Kind::kValue && entry.timestamp_ms >= timestamp_ms) {
      return entry.offset;
    }
  }
}

// The meta knows where records begin; a value that fits its entry proves that the two belong
// together.
StatusOr<LogPosition> PartitionReader::NearestInMeta(int64_t offset) {
  MetaCursor cursor(fs_, paths_.meta);
  MetaEntry entry;
  std::optional<MetaEntry> nearest;
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const bool found, cursor.Next(&entry));
    if (!found || entry.offset > offset) break;
    if (entry.kind != MetaEntry::Kind::kValue) continue;
    nearest = entry;
    if (entry.offset == offset) break;
  }
  if (!nearest) return LogPosition{0, 0, 0};
  WEIR_RETURN_IF_ERROR(ReadValues(nearest->begin, nearest->length + 1, &scratch_));
  const std::string_view line = scratch_;
  if (line.size() != nearest->length + 1 || !line.ends_with('\n') ||
      Crc32c(line.substr(0, nearest->length)) != nearest->crc) {
    return LogPosition{0, 0, 0};
  }
  return LogPosition{nearest->offset, static_cast<int64_t>(nearest->begin), 0};
}

Status PartitionReader::Load(size_t want, LogChunk* out) {
  size_t lead = std::min<size_t>(static_cast<size_t>(at_.bytes), kGuardBytes);
  const uint64_t begin = static_cast<uint64_t>(at_.bytes) - lead;
  WEIR_RETURN_IF_ERROR(ReadValues(begin, lead + want, &out->buffer));
  const size_t size = out->buffer.size();
  if (size < lead) {
    WEIR_ASSIGN_OR_RETURN(const uint64_t left, file_->Size());
    return Err(ErrorCode::kLogTruncated,
               absl::StrCat(paths_.name, ": ", left, " bytes, but ", at_.bytes,
                            " were read before (offset ", at_.offset, ")"));
  }
  loaded_all_ = size < lead + want;
  const std::string_view before = std::string_view(out->buffer).substr(0, lead);
  if (lead > 0 && at_.guard != 0 && GuardOf(before) != at_.guard) {
    return Err(ErrorCode::kLogReplaced,
               absl::StrCat(paths_.name, ": the bytes before ", at_.bytes, " (offset ", at_.offset,
                            ") are not those that were read before"));
  }
  // A last line was taken without its newline, and now the newline has come.
  if (lead > 0 && size > lead && before.back() != '\n' && out->buffer[lead] == '\n') {
    ++lead;
    MoveTo({at_.offset, at_.bytes + 1, GuardOf(std::string_view(out->buffer).substr(0, lead))});
  }
  out->lead = lead;
  out->buffer.append(kLogReadPadding, '\0');
  return absl::OkStatus();
}

std::string_view PartitionReader::Loaded(const LogChunk& chunk) const {
  const std::string_view all = chunk.buffer;
  return all.substr(chunk.lead, all.size() - chunk.lead - kLogReadPadding);
}

void PartitionReader::Split(bool take_rest, LogChunk* out) {
  const std::string_view data = Loaded(*out);
  size_t begin = 0;
  LogItem item{};
  item.offset = at_.offset;
  for (;;) {
    size_t end = data.find('\n', begin);
    const bool terminated = end != std::string_view::npos;
    if (!terminated && (!take_rest || begin == data.size())) break;
    if (!terminated) end = data.size();
    item.value = data.substr(begin, end - begin);
    out->items.push_back(item);
    ++item.offset;
    begin = terminated ? end + 1 : end;
  }
  if (begin == 0) return;
  const auto before = std::string_view(out->buffer).substr(0, out->lead + begin);
  MoveTo({item.offset, at_.bytes + static_cast<int64_t>(begin), GuardOf(before)});
}

Status PartitionReader::ReadLong(const LogReadOptions& options, LogChunk* out) {
  WEIR_ASSIGN_OR_RETURN(const std::optional<uint64_t> end, FindLineEnd());
  const bool terminated = end.has_value();
  out->at_end = !terminated;
  if (!terminated && !options.take_unterminated) return absl::OkStatus();
  const uint64_t length = terminated ? *end : searched_;
  if (length > kMaxRecordBytes) return ReadOversized(length, terminated, out);
  WEIR_RETURN_IF_ERROR(Load(length + (terminated ? 1 : 0), out));
  Split(!terminated, out);
  return absl::OkStatus();
}

Status PartitionReader::ReadOversized(uint64_t length, bool terminated, LogChunk* out) {
  WEIR_RETURN_IF_ERROR(Load(kOversizedPrefix, out));
  LogItem item{};
  item.offset = at_.offset;
  item.value = Loaded(*out);
  item.oversized = true;
  out->items.push_back(item);
  LogPosition next{at_.offset + 1, at_.bytes + static_cast<int64_t>(length), 0};
  if (terminated) ++next.bytes;
  WEIR_ASSIGN_OR_RETURN(next.guard, GuardAt(next.bytes));
  MoveTo(next);
  return absl::OkStatus();
}

StatusOr<std::optional<uint64_t>> PartitionReader::FindLineEnd() {
  for (;;) {
    WEIR_RETURN_IF_ERROR(
        ReadValues(static_cast<uint64_t>(at_.bytes) + searched_, kBlockBytes, &scratch_));
    if (scratch_.empty()) return std::optional<uint64_t>();
    const size_t newline = scratch_.find('\n');
    if (newline != std::string::npos) return std::optional<uint64_t>(searched_ + newline);
    searched_ += scratch_.size();
  }
}

StatusOr<uint64_t> PartitionReader::GuardAt(int64_t bytes) {
  if (bytes == 0) return 0;
  const auto length = std::min<int64_t>(bytes, kGuardBytes);
  WEIR_RETURN_IF_ERROR(
      ReadValues(static_cast<uint64_t>(bytes - length), static_cast<size_t>(length), &scratch_));
  return GuardOf(scratch_);
}

void PartitionReader::MoveTo(const LogPosition& position) {
  at_ = position;
  searched_ = 0;
}

Status PartitionReader::AddMeta(LogChunk* out) {
  effect_ids_.clear();
  out->meta.reserve(kLogReadPadding);  // on the heap: views survive a move of the chunk
  for (LogItem& item : out->items) {
    const size_t begin = out->meta.size();
    WEIR_RETURN_IF_ERROR(NextEntryFor(item.offset));
    if (has_entry_ && entry_.offset == item.offset && entry_.length == item.value.size() &&
        entry_.crc == Crc32c(item.value)) {
      item.timestamp_ms = entry_.timestamp_ms;
      item.epoch = entry_.epoch;
      out->meta.append(entry_.effect_id);
    }
    effect_ids_.emplace_back(begin, out->meta.size() - begin);
  }
  for (size_t i = 0; i < out->items.size(); ++i) {
    const auto [begin, length] = effect_ids_[i];
    out->items[i].effect_id = std::string_view(out->meta).substr(begin, length);
  }
  return absl::OkStatus();
}

Status PartitionReader::NextEntryFor(int64_t offset) {
  const auto wanted = [&] {
    return entry_.offset >= offset && entry_.kind == MetaEntry::Kind::kValue;
  };
  while (!has_entry_ || !wanted()) {
    WEIR_ASSIGN_OR_RETURN(has_entry_, meta_.Next(&entry_));
    if (!has_entry_) break;
  }
  return absl::OkStatus();
}

}  // namespace weir
