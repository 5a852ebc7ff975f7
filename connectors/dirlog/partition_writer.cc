#include "connectors/dirlog/partition_writer.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connectors/dirlog/meta_file.h"
#include "engine/base/fail_point.h"
#include "engine/base/hash.h"

namespace weir {
namespace {

class PartitionWriter : public LogWriter {
 public:
  PartitionWriter(SharedFiles files, int64_t epoch) : files_(std::move(files)), epoch_(epoch) {}

  StatusOr<int64_t> Append(std::span<const LogAppend> records) override {
    WEIR_SIM_POINT("log.append.before");
    StatusOr<int64_t> first =
        files_->With([&](PartitionFiles* files) { return files->Append(epoch_, records); });
    WEIR_SIM_POINT("log.append.after");
    return first;
  }
  Status Sync() override {
    WEIR_SIM_POINT("log.sync.before");
    Status status = files_->With([&](PartitionFiles* files) { return files->Sync(epoch_); });
    WEIR_SIM_POINT("log.sync.after");
    return status;
  }
  StatusOr<int64_t> EndOffset() override {
    return files_->With([&](PartitionFiles* files) { return files->EndOffset(epoch_); });
  }

 private:
  SharedFiles files_;
  int64_t epoch_;
};

}  // namespace

std::shared_ptr<LogWriter> NewPartitionWriter(SharedFiles files, int64_t epoch) {
  return std::make_shared<PartitionWriter>(std::move(files), epoch);
}

Status PartitionFiles::Open(int64_t epoch) {
  if (epoch < epoch_) return Usable(epoch);
  if (values_ == nullptr || !broken_.ok()) {
    Status status = Recover(epoch);
    if (!status.ok()) {
      values_.reset();
      meta_.reset();
      return LogIoError(status, paths_.name);
    }
  }
  epoch_ = epoch;
  return absl::OkStatus();
}

Status PartitionFiles::Recover(int64_t epoch) {
  values_.reset();
  meta_.reset();
  WEIR_RETURN_IF_ERROR(CreateDirs());
  if (durable_known_) {
    // After a failed sync the page cache may show bytes that the disk has lost, and the next sync
    // would call them safe (fsync reports an error once): go back to what was synced before.
    for (const auto& [path, size] : {std::pair(paths_.values, durable_.value_bytes),
                                     std::pair(paths_.meta, durable_.meta_bytes)}) {
      const StatusOr<uint64_t> now = fs_->FileSize(path);
      if (now.ok() && *now > size) WEIR_RETURN_IF_ERROR(fs_->Truncate(path, size));
    }
  }
  WEIR_ASSIGN_OR_RETURN(end_, RecoverPartition(fs_, paths_, epoch));
  WEIR_ASSIGN_OR_RETURN(values_, fs_->OpenAppend(paths_.values));
  WEIR_ASSIGN_OR_RETURN(meta_, fs_->OpenAppend(paths_.meta));
  WEIR_RETURN_IF_ERROR(fs_->SyncDir(paths_.dir));
  broken_ = absl::OkStatus();
  // The process before this one may have died without a sync; from here on all of it counts.
  return SyncFiles();
}

Status PartitionFiles::CreateDirs() {
  std::vector<std::string> created;
  for (std::string dir = paths_.dir; !dir.empty() && !fs_->Exists(dir); dir = ParentPath(dir)) {
    created.push_back(dir);
    if (ParentPath(dir) == dir) break;
  }
  WEIR_RETURN_IF_ERROR(fs_->CreateDirs(paths_.dir));
  for (const std::string& dir : created) WEIR_RETURN_IF_ERROR(fs_->SyncDir(ParentPath(dir)));
  return absl::OkStatus();
}

Status PartitionFiles::Usable(int64_t epoch) const {
  if (epoch < epoch_) {
    return Err(ErrorCode::kLogFenced, absl::StrCat(paths_.name, ": epoch ", epoch,
                                                   " writes, but epoch ", epoch_, " owns it"));
  }
  return broken_;
}

StatusOr<int64_t> PartitionFiles::Append(int64_t epoch, std::span<const LogAppend> records) {
  WEIR_RETURN_IF_ERROR(Usable(epoch));
  WEIR_RETURN_IF_ERROR(Encode(epoch, records));
  if (Status status = Write(); !status.ok()) {
    broken_ = LogIoError(status, paths_.name);
    return broken_;
  }
  const int64_t first = end_.end_offset;
  end_.end_offset += static_cast<int64_t>(records.size());
  end_.value_bytes += value_scratch_.size();
  end_.meta_bytes += meta_scratch_.size();
  return first;
}

Status PartitionFiles::Encode(int64_t epoch, std::span<const LogAppend> records) {
  value_scratch_.clear();
  meta_scratch_.clear();
  MetaEntry entry;
  entry.offset = end_.end_offset;
  entry.epoch = epoch;
  entry.durable = durable_.end_offset;
  for (const LogAppend& record : records) {
    if (record.value.find('\n') != std::string::npos) {
      return Err(ErrorCode::kLogIo,
                 absl::StrCat(paths_.name, ": a value holds a newline; this is a bug"));
    }
    entry.begin = end_.value_bytes + value_scratch_.size();
    entry.length = record.value.size();
    entry.crc = Crc32c(record.value);
    entry.timestamp_ms = record.timestamp_ms;
    entry.effect_id = record.effect_id;
    entry.key = record.key;
    AppendMetaEntry(entry, &meta_scratch_);
    value_scratch_.append(record.value);
    value_scratch_.push_back('\n');
    ++entry.offset;
  }
  return absl::OkStatus();
}

Status PartitionFiles::Write() {
  if (meta_scratch_.empty()) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(meta_->Append(meta_scratch_));
  WEIR_SIM_POINT("log.append.meta");  // a crash here leaves meta without values
  return values_->Append(value_scratch_);
}

Status PartitionFiles::Sync(int64_t epoch) {
  WEIR_RETURN_IF_ERROR(Usable(epoch));
  if (durable_.end_offset == end_.end_offset) return absl::OkStatus();
  if (Status status = SyncFiles(); !status.ok()) {
    broken_ = LogIoError(status, paths_.name);
    return broken_;
  }
  return absl::OkStatus();
}

Status PartitionFiles::SyncFiles() {
  // A value counts when both are on disk: without its meta the next recovery cuts it off.
  WEIR_RETURN_IF_ERROR(meta_->Sync());
  WEIR_RETURN_IF_ERROR(values_->Sync());
  durable_ = end_;
  durable_known_ = true;
  mark_->With([this](std::optional<uint64_t>* bytes) { *bytes = durable_.value_bytes; });
  return absl::OkStatus();
}

StatusOr<int64_t> PartitionFiles::EndOffset(int64_t epoch) {
  WEIR_RETURN_IF_ERROR(Usable(epoch));
  return end_.end_offset;
}

void PartitionFiles::Delete() {
  values_.reset();
  meta_.reset();
  durable_known_ = false;
  mark_->With([](std::optional<uint64_t>* bytes) { bytes->reset(); });
  broken_ = Err(ErrorCode::kLogMissing, absl::StrCat(paths_.name, ": the topic was deleted"));
}

void PartitionFiles::Close() {
  values_.reset();
  meta_.reset();
  if (broken_.ok()) {
    broken_ = Err(ErrorCode::kLogIo, absl::StrCat(paths_.name, ": the log was closed"));
  }
}

}  // namespace weir
