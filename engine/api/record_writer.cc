#include "engine/api/record_writer.h"

#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace weir::record_internal {
namespace {

// Sources are numbered from 0 in the plan; what is caused by no source has this bit.
constexpr uint32_t kNoSource = uint32_t{1} << 31;
constexpr uint32_t kLaterOutput = uint32_t{1} << 31;

// Names a timer for ever: (operator, key, namespace, time).
Origin TimerOrigin(const std::string& uid, const Timer& timer) {
  std::string name;
  PutBytes(&name, timer.key);
  PutBytes(&name, timer.space);
  PutBigEndian64(&name, static_cast<uint64_t>(timer.at_ms));
  if (timer.late != 0) PutBigEndian64(&name, timer.late);
  Origin origin;
  origin.source = kNoSource | static_cast<uint32_t>(HashBytes(uid) >> 33);
  origin.partition = timer.key_group;
  origin.offset = static_cast<int64_t>(HashBytes(name) >> 1);
  return origin;
}

}  // namespace

uint32_t CauseMarks::Next(const Origin& origin, uint32_t emit) {
  count_ = origin == origin_ && emit == emit_ ? count_ + 1 : 0;
  origin_ = origin;
  emit_ = emit;
  const bool again = writer_ > 0 || pass_ > 0;
  if (count_ == 0 && port_ == 0 && !again) return emit;
  const uint32_t parts[5] = {emit, count_, port_, writer_, pass_};
  const std::string_view bytes(reinterpret_cast<const char*>(parts),
                               again ? sizeof(parts) : 3 * sizeof(uint32_t));
  return kLaterOutput | static_cast<uint32_t>(HashBytes(bytes));
}

void CauseMarks::Append(const RecordBatch& from, size_t row, RecordBatch* to) {
  if (row < row_) ++pass_;
  row_ = row;
  to->AppendMeta(from, row);
  to->emit.back() = Next(from.origin[row], from.emit[row]);
}

void CauseMarks::Append(const Timer& timer, RecordBatch* to) {
  const bool event_time = timer.domain == TimeDomain::kEventTime;
  const Origin origin = TimerOrigin(context_->info().uid, timer);
  to->AppendMeta(event_time ? timer.at_ms : kNoTimestamp, origin, Next(origin, 0));
  to->key_group.push_back(timer.key_group);
  to->key_hash.push_back(HashBytes(timer.key));
}

}  // namespace weir::record_internal
