#include "agent/decision_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"

namespace weir {

namespace {
constexpr std::string_view kPiecePrefix = "declog/";
}  // namespace

struct DecisionLog::Found {
  Status status;
  std::vector<int> partitions;
};

DecisionLog::DecisionLog(Config config) : config_(std::move(config)) {}
DecisionLog::~DecisionLog() = default;

DecisionLog::Partition* DecisionLog::At(int partition) {
  Partition& p = partitions_[partition];
  if (p.lazy == nullptr) {
    p.lazy =
        std::make_shared<LazyLogWriter>(config_.client, config_.topic, partition, config_.epoch);
    p.writer = std::make_unique<AsyncLogWriter>(config_.io, config_.mail, p.lazy);
  }
  return &p;
}

Status DecisionLog::Restore(const std::vector<StatePiece>& pieces) {
  for (const StatePiece& piece : pieces) {
    if (piece.name.rfind(kPiecePrefix, 0) != 0) continue;
    int partition = 0;
    LogPosition position;
    if (!absl::SimpleAtoi(piece.name.substr(kPiecePrefix.size()), &partition) || partition < 0 ||
        partition > UINT16_MAX || !DecodePosition(piece.bytes, &position)) {
      return Err(ErrorCode::kStateCorrupt,
                 absl::StrCat("a decision log's position is malformed: ", piece.name));
    }
    if (config_.groups.Contains(static_cast<uint16_t>(partition))) At(partition)->next = position;
  }
  return absl::OkStatus();
}

void DecisionLog::Start(std::function<void()> ready) {
  on_ready_ = std::move(ready);
  // Partitions that the checkpoint knows must be there; a missing one shows when it is read.
  std::map<int, std::shared_ptr<LazyLogWriter>> own;
  std::vector<int> expected;
  for (int p = config_.groups.begin; p < config_.groups.end; ++p) own[p] = At(p)->lazy;
  for (const auto& [p, partition] : partitions_) {
    if (partition.next.offset > 0) expected.push_back(p);
  }
  config_.io->Submit([this, own = std::move(own), expected = std::move(expected),
                      client = config_.client, topic = config_.topic, mail = config_.mail] {
    auto found = std::make_shared<Found>();
    StatusOr<std::vector<int>> all = client->Partitions(topic);
    found->status = all.status();
    found->partitions = expected;
    if (all.ok()) {
      for (const int p : *all) {
        if (own.count(p) == 0) continue;
        found->partitions.push_back(p);
        // Opening fences: nobody else appends behind what is about to be read. What an incarnation
        // in this process wrote and did not live to sync must not be believed before it is.
        if (found->status.ok()) found->status = own.at(p)->Sync();
      }
    }
    mail.Post([this, found] { OnFound(*found); });
  });
}

void DecisionLog::OnFound(const Found& found) {
  if (!found.status.ok()) return config_.fail(found.status);
  to_read_ = found.partitions;
  std::sort(to_read_.begin(), to_read_.end(), std::greater<>());
  to_read_.erase(std::unique(to_read_.begin(), to_read_.end()), to_read_.end());
  ReadNext();
}

void DecisionLog::ReadNext() {
  if (to_read_.empty()) {
    reader_.reset();
    ready_ = true;
    return on_ready_();
  }
  const int partition = to_read_.back();
  reader_ = std::make_unique<AsyncLogReader>(
      config_.io, config_.mail,
      [client = config_.client, topic = config_.topic, partition, from = At(partition)->next] {
        return client->OpenReader(topic, partition, from);
      },
      [this](const Status& status) { OnRead(status); });
  reader_->Start(LogReadOptions());
}

void DecisionLog::OnRead(const Status& status) {
  if (!status.ok()) return config_.fail(status);
  reader_->Take(&chunk_);
  const int partition = to_read_.back();
  const Status taken = Take(partition, chunk_);
  if (!taken.ok()) return config_.fail(taken);
  if (!chunk_.at_end) {
    reader_->Start(LogReadOptions());
    return;
  }
  to_read_.pop_back();
  // The reader must not die inside its own callback.
  config_.mail.Post([this] { ReadNext(); });
}

Status DecisionLog::Take(int partition, const LogChunk& chunk) {
  Partition* p = At(partition);
  for (size_t i = 0; i < chunk.items.size(); ++i) {
    const LogItem& item = chunk.items[i];
    StatusOr<Decision> decision = DecisionFromLine(item.value);
    if (!decision.ok()) {
      return Err(ErrorCode::kStateCorrupt,
                 absl::StrCat(config_.topic, "/", partition, " offset ", item.offset, ": ",
                              FormatError(decision.status())));
    }
    if (config_.recorded(static_cast<uint16_t>(partition), *decision)) continue;
    const std::string id = decision->request_id;
    // The first one wins: emplace leaves what is there.
    if (known_.emplace(id, Known{*std::move(decision), partition, item.offset}).second) {
      p->unrecorded.emplace(item.offset, PositionAt(chunk, i));
    }
  }
  p->next = chunk.next;
  return absl::OkStatus();
}

const Decision* DecisionLog::Find(const std::string& request_id) const {
  const auto it = known_.find(request_id);
  return it == known_.end() ? nullptr : &it->second.decision;
}

void DecisionLog::Forget(const std::string& request_id) {
  const auto it = known_.find(request_id);
  if (it == known_.end()) return;
  partitions_[it->second.partition].unrecorded.erase(it->second.offset);
  known_.erase(it);
}

void DecisionLog::Append(uint16_t group, const Decision& decision, std::function<void()> durable) {
  WEIR_SIM_POINT("decision.append.before");
  Partition* p = At(group);
  LogAppend record;
  record.value = DecisionToLine(decision);
  record.key = decision.request_id;
  record.effect_id = decision.request_id;
  record.timestamp_ms = decision.event_time_ms;
  ++appending_;
  auto first = std::make_shared<int64_t>(-1);
  std::vector<LogAppend> records;
  records.push_back(std::move(record));
  p->writer->Append(std::move(records), [first](StatusOr<int64_t> offset) {
    if (offset.ok()) *first = *offset;
  });
  p->writer->Sync([this, p, first, done = std::move(durable)](const Status& status) {
    --appending_;
    if (!status.ok()) return config_.fail(status);
    WEIR_SIM_POINT("decision.append.after");
    p->next = LogPosition{*first + 1, -1, 0};
    done();
  });
}

void DecisionLog::Snapshot(SnapshotPart* part) const {
  for (const auto& [number, p] : partitions_) {
    const LogPosition& position = p.unrecorded.empty() ? p.next : p.unrecorded.begin()->second;
    StatePiece piece;
    piece.name = absl::StrCat(ToAbsl(kPiecePrefix), number);
    EncodePosition(position, &piece.bytes);
    if (position.offset > 0) part->Add(std::move(piece));
  }
}

}  // namespace weir
