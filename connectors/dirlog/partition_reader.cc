#include "connectors/dirlog/partition_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/hash.h"

namespace weir {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

}  // namespace

PartitionReader::PartitionReader(FileSystem* fs, PartitionPaths paths, const LogPosition& from)
    : fs_(fs), paths_(std::move(paths)), at_(from) {}

Status PartitionReader::Read(const LogReadOptions& options, LogChunk* out) {
  return LogIoError(ReadRecords(options, out), paths_.name);
}

Status PartitionReader::ReadRecords(const LogReadOptions& options, LogChunk* out) {
  out->items.clear();
  out->meta.clear();
  out->lead = 0;
  out->at_end = false;
  WEIR_RETURN_IF_ERROR(Open());
  if (!positioned_) {
    const bool to_end = at_.offset == LogPosition::kEnd;
    // An offset without its place in the file: a position made by hand.
    const bool by_offset = at_.bytes < 0 || (at_.bytes == 0 && at_.offset > 0);
    if (to_end) WEIR_RETURN_IF_ERROR(Seek(std::nullopt));
    if (!to_end && by_offset) WEIR_RETURN_IF_ERROR(Seek(at_.offset));
    positioned_ = true;
    if (to_end) {
      out->first = out->next = at_;
      return absl::OkStatus();
    }
  }
  const size_t want = std::max<size_t>(options.max_bytes, 1);
  WEIR_RETURN_IF_ERROR(Load(want, out));
  const std::string_view data = std::string_view(out->buffer).substr(out->lead);
  if (loaded_all_ || data.find('\n') != std::string_view::npos) {
    WEIR_RETURN_IF_ERROR(Split(options.take_unterminated && loaded_all_, out));
    out->at_end = loaded_all_;
  } else {
    searched_ = std::max<uint64_t>(searched_, data.size());
    WEIR_RETURN_IF_ERROR(ReadLong(options, out));
  }
  out->buffer.append(kLogReadPadding, '\0');
  for (LogItem& item : out->items) {  // the padding may have moved the buffer
    item.value = {out->buffer.data() + (item.value.data() - data.data()) + 0, item.value.size()};
  }
  if (options.with_meta) WEIR_RETURN_IF_ERROR(AddMeta(out));
  // Opened anew for the next look: a file that was exchanged meanwhile is then seen.
  if (out->items.empty()) file_.reset();
  return absl::OkStatus();
}
