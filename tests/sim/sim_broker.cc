#include "sim_broker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"

namespace weir {
namespace {

SimBroker* the_broker = nullptr;  // a LogType holds no state

Status Gone() { return Err(ErrorCode::kLogIo, "the process is dead"); }

void End(SimBroker::Partition* p, bool commit) {
  if (p->open == 0) return;
  p->outcome[p->open] = commit;
  p->records.emplace_back();  // the control record
  p->open = 0;
  p->commit_in_flight = false;
}

class Writer : public LogWriter {
 public:
  Writer(SimBroker* broker, std::string topic, int partition, int64_t producer, int64_t epoch)
      : broker_(broker),
        topic_(std::move(topic)),
        partition_(partition),
        producer_(producer),
        epoch_(epoch) {}

  StatusOr<int64_t> Append(std::span<const LogAppend> records) override {
    WEIR_SIM_POINT("log.append.before");
    WEIR_ASSIGN_OR_RETURN(SimBroker::Partition * p, Usable());
    const auto first = static_cast<int64_t>(p->records.size());
    p->open = broker_->NextNumber();
    for (const LogAppend& record : records) p->records.push_back({record, epoch_, p->open});
    if (broker_->FaultNow()) {
      // The leader has changed: whoever was told to end the transaction has, or has not.
      const uint64_t what = broker_->random().Uniform(3);
      if (what < 2) End(p, what == 0);
      return Err(ErrorCode::kLogIo, absl::StrCat(topic_, "/", partition_, ": not leader"));
    }
    WEIR_SIM_POINT("log.append.meta");
    if (broker_->world()->crashed()) {
      p->commit_in_flight = broker_->random().OneIn(2);
      return Gone();
    }
    End(p, true);
    WEIR_SIM_POINT("log.append.after");
    return first;
  }
  Status Sync() override {
    WEIR_SIM_POINT("log.sync.before");
    return Usable().status();  // a committed transaction is durable
  }
  StatusOr<int64_t> EndOffset() override {
    WEIR_ASSIGN_OR_RETURN(SimBroker::Partition * p, Usable());
    return static_cast<int64_t>(p->records.size());
  }

 private:
  StatusOr<SimBroker::Partition*> Usable() {
    if (broker_->world()->crashed()) return Gone();
    SimBroker::Partition* p = broker_->Find(topic_, partition_, false);
    if (p == nullptr) return Err(ErrorCode::kLogMissing, topic_);
    if (p->producer != producer_) {
      return Err(ErrorCode::kLogFenced, absl::StrCat(topic_, "/", partition_, ": fenced"));
    }
    return p;
  }

  SimBroker* broker_;
  const std::string topic_;
  const int partition_;
  const int64_t producer_, epoch_;
};

class Reader : public LogReader {
 public:
  Reader(SimBroker* broker, std::string topic, int partition, LogPosition from)
      : broker_(broker), topic_(std::move(topic)), partition_(partition), at_(from) {}

  Status Read(const LogReadOptions& options, LogChunk* out) override {
    if (broker_->world()->crashed()) return Gone();
    SimBroker::Partition* p = broker_->Find(topic_, partition_, false);
    if (p == nullptr) return Err(ErrorCode::kLogMissing, topic_);
    const int64_t stable = LastStable(*p);
    *out = LogChunk();
    out->guards_records = true;
    if (at_.offset == LogPosition::kBegin) at_ = {p->begin, 0, 0};
    if (at_.offset == LogPosition::kEnd) {
      at_ = {stable, 0, 0};
      out->first = out->next = at_;
      return absl::OkStatus();
    }
    WEIR_RETURN_IF_ERROR(CheckPlace(*p));
    Fill(*p, stable, options.max_bytes, out);
    p->read_to = std::max(p->read_to, at_.offset);
    return absl::OkStatus();
  }

 private:
  Status CheckPlace(const SimBroker::Partition& p) {
    if (at_.offset < p.begin || at_.offset > p.end()) {
      return Err(ErrorCode::kLogTruncated,
                 absl::StrCat(topic_, "/", partition_, ": holds ", p.begin, " to ", p.end(),
                              ", but not ", at_.offset));
    }
    if (std::exchange(verified_, true) || at_.guard == 0 || at_.bytes < p.begin) {
      return absl::OkStatus();
    }
    const SimBroker::Record& record = p.records[static_cast<size_t>(at_.bytes)];
    const LogItem item{at_.bytes, record.data.value, record.data.timestamp_ms};
    const auto outcome = p.outcome.find(record.transaction);
    const bool there = outcome != p.outcome.end() && outcome->second;
    if (there && RecordGuardOf(item) == at_.guard) return absl::OkStatus();
    return Err(ErrorCode::kLogReplaced,
               absl::StrCat(topic_, "/", partition_, ": another record at ", at_.bytes));
  }
  static int64_t LastStable(const SimBroker::Partition& p) {
    for (size_t i = 0; i < p.records.size(); ++i) {
      if (p.open != 0 && p.records[i].transaction == p.open) return static_cast<int64_t>(i);
    }
    return static_cast<int64_t>(p.records.size());
  }
  // A fetch ends where the broker likes.
  void Fill(const SimBroker::Partition& p, int64_t stable, size_t max_bytes, LogChunk* out) {
    out->first = at_;
    std::vector<std::pair<size_t, size_t>> values, effects;
    std::vector<const SimBroker::Record*> found;
    const size_t limit = 1 + broker_->random().Uniform(200);
    int64_t offset = at_.offset;
    std::vector<int64_t> offsets;
    for (; offset < stable && found.size() < limit && out->buffer.size() < max_bytes; ++offset) {
      const SimBroker::Record& record = p.records[static_cast<size_t>(offset)];
      const auto outcome = p.outcome.find(record.transaction);
      if (record.transaction == 0 || outcome == p.outcome.end() || !outcome->second) continue;
      found.push_back(&record);
      offsets.push_back(offset);
      values.emplace_back(out->buffer.size(), record.data.value.size());
      out->buffer += record.data.value;
      effects.emplace_back(out->meta.size(), record.data.effect_id.size());
      out->meta += record.data.effect_id;
    }
    out->buffer.append(kLogReadPadding, '\0');
    for (size_t i = 0; i < found.size(); ++i) {
      LogItem item;
      item.offset = offsets[i];
      item.value = std::string_view(out->buffer).substr(values[i].first, values[i].second);
      item.effect_id = std::string_view(out->meta).substr(effects[i].first, effects[i].second);
      item.timestamp_ms = found[i]->data.timestamp_ms;
      item.epoch = found[i]->epoch;
      out->items.push_back(item);
    }
    at_.offset = offset;
    if (!out->items.empty()) {
      at_.bytes = out->items.back().offset;
      at_.guard = RecordGuardOf(out->items.back());
    }
    out->next = at_;
    out->at_end = offset >= stable;
    out->behind = stable - offset;
  }

  SimBroker* broker_;
  const std::string topic_;
  const int partition_;
  LogPosition at_;
  bool verified_ = false;
};

class Client : public LogClient {
 public:
  explicit Client(SimBroker* broker) : broker_(broker) {}

  StatusOr<std::vector<int>> Partitions(const std::string& topic) override {
    if (broker_->world()->crashed()) return Gone();
    std::vector<int> result;
    for (const auto& [key, p] : broker_->partitions()) {
      if (key.first == topic) result.push_back(key.second);
    }
    return result;
  }
  StatusOr<std::unique_ptr<LogReader>> OpenReader(const std::string& topic, int partition,
                                                  const LogPosition& from) override {
    return std::unique_ptr<LogReader>(std::make_unique<Reader>(broker_, topic, partition, from));
  }
  StatusOr<std::shared_ptr<LogWriter>> OpenWriter(const std::string& topic, int partition,
                                                  int64_t epoch) override {
    if (broker_->world()->crashed()) return Gone();
    SimBroker::Partition* p = broker_->Find(topic, partition, true);
    if (epoch < p->epoch) return Err(ErrorCode::kLogFenced, topic);
    // One producer an incarnation: several writers of it share the partition.
    if (epoch > p->epoch || p->producer == 0) {
      p->epoch = epoch;
      p->producer = broker_->NextNumber();
      End(p, p->commit_in_flight);
    }
    return std::make_shared<Writer>(broker_, topic, partition, p->producer, epoch);
  }
  Status DeleteTopic(const std::string& topic) override {
    std::erase_if(broker_->partitions(),
                  [&](const auto& entry) { return entry.first.first == topic; });
    return absl::OkStatus();
  }

 private:
  SimBroker* broker_;
};

}  // namespace

SimBroker::Partition* SimBroker::Find(const std::string& topic, int partition, bool create) {
  const auto it = partitions_.find({topic, partition});
  if (it != partitions_.end()) return &it->second;
  return create ? &partitions_[{topic, partition}] : nullptr;
}

void SimBroker::Truncate(Partition* p, int64_t end) {
  p->records.resize(static_cast<size_t>(end));
  p->begin = std::min(p->begin, end);
  // A transaction that loses its end is aborted: its producer is gone.
  p->open = 0;
  p->commit_in_flight = false;
  std::map<int64_t, bool> outcome;
  for (size_t i = 0; i + 1 < p->records.size(); ++i) {
    const int64_t transaction = p->records[i].transaction;
    if (transaction != 0 && p->records[i + 1].transaction == 0) {
      outcome[transaction] = p->outcome[transaction];
    }
  }
  p->outcome = std::move(outcome);
}

bool SimBroker::FaultNow() {
  if (faults_left_ == 0 || !random_.OneIn(25)) return false;
  --faults_left_;
  ++faults_;
  return true;
}

void SimBroker::Produce(const std::string& topic, int partition,
                        const std::vector<std::string>& lines) {
  Partition* p = Find(topic, partition, true);
  if (lines.empty()) return;
  p->open = NextNumber();
  for (const std::string& line : lines) {
    Record record;
    record.data.value = line;
    record.transaction = p->open;
    p->records.push_back(std::move(record));
  }
  End(p, true);
}

std::vector<std::string> SimBroker::Lines(const std::string& topic) const {
  std::vector<std::string> lines;
  for (const auto& [key, p] : partitions_) {
    if (key.first != topic) continue;
    for (const Record& record : p.records) {
      const auto outcome = p.outcome.find(record.transaction);
      if (outcome != p.outcome.end() && outcome->second) lines.push_back(record.data.value);
    }
  }
  return lines;
}

std::vector<std::string> SimBroker::Topics() const {
  std::vector<std::string> topics;
  for (const auto& [key, p] : partitions_) {
    if (topics.empty() || topics.back() != key.first) topics.push_back(key.first);
  }
  return topics;
}

LogType SimBroker::Type() {
  the_broker = this;
  return {"simkafka", "A simulated broker.",
          [](const Env&, const std::string&,
             const std::string&) -> StatusOr<std::unique_ptr<LogClient>> {
            return std::unique_ptr<LogClient>(std::make_unique<Client>(the_broker));
          }};
}

}  // namespace weir
