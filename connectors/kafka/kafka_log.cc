#include "connectors/kafka/kafka_log.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connectors/kafka/admin.h"
#include "connectors/kafka/partition_reader.h"
#include "connectors/kafka/topic_producer.h"
#include "engine/base/log.h"

namespace weir {
namespace {

using kafka::Admin;
using kafka::TopicInfo;
using kafka::TopicProducer;

constexpr int kGoodReplication = 3;

class KafkaWriter : public LogWriter {
 public:
  KafkaWriter(std::shared_ptr<TopicProducer> producer, std::shared_ptr<Admin> admin,
              std::string topic, int partition)
      : producer_(std::move(producer)),
        admin_(std::move(admin)),
        topic_(std::move(topic)),
        partition_(partition) {}

  StatusOr<int64_t> Append(std::span<const LogAppend> records) override {
    if (records.empty()) return EndOffset();
    return producer_->Append(partition_, records);
  }
  // An append that has returned is committed.
  Status Sync() override { return producer_->Usable(); }
  StatusOr<int64_t> EndOffset() override {
    WEIR_RETURN_IF_ERROR(producer_->Usable());
    WEIR_ASSIGN_OR_RETURN(const kafka::Bounds bounds, admin_->BoundsOf(topic_, partition_));
    // What has just been committed may not be visible for a moment.
    return std::max(bounds.end, producer_->AppendedEnd(partition_));
  }

 private:
  std::shared_ptr<TopicProducer> producer_;
  std::shared_ptr<Admin> admin_;
  const std::string topic_;
  const int partition_;
};

class KafkaLog : public LogClient {
 public:
  KafkaLog(kafka::Settings settings, const Clock* clock, std::shared_ptr<Admin> admin)
      : settings_(settings),
        parts_{clock, std::move(admin), std::make_shared<kafka::ReaderPool>(std::move(settings))} {}
  // Writers and readers may outlive this; producers must not: they own what the next one wants.
  ~KafkaLog() override {
    open_.With([](Producers* open) {
      for (auto& [topic, producer] : *open) {
        if (producer != nullptr) producer->Close(Closed(topic));
      }
    });
  }

  StatusOr<std::vector<int>> Partitions(const std::string& topic) override {
    WEIR_ASSIGN_OR_RETURN(const TopicInfo info, parts_.admin->Describe(topic));
    std::vector<int> partitions(static_cast<size_t>(info.partitions));
    for (int p = 0; p < info.partitions; ++p) partitions[static_cast<size_t>(p)] = p;
    return partitions;
  }

  StatusOr<std::unique_ptr<LogReader>> OpenReader(const std::string& topic, int partition,
                                                  const LogPosition& from) override {
    return std::unique_ptr<LogReader>(
        std::make_unique<kafka::PartitionReader>(parts_, topic, partition, from));
  }

  StatusOr<std::shared_ptr<LogWriter>> OpenWriter(const std::string& topic, int partition,
                                                  int64_t epoch) override {
    WEIR_RETURN_IF_ERROR(EnsurePartition(topic, partition));
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<TopicProducer> producer, ProducerOf(topic, epoch));
    return std::shared_ptr<LogWriter>(
        std::make_shared<KafkaWriter>(std::move(producer), parts_.admin, topic, partition));
  }

  Status PrepareTopic(const TopicSpec& spec) override {
    WEIR_ASSIGN_OR_RETURN(TopicInfo info, parts_.admin->Describe(spec.topic));
    if (info.partitions == 0) {
      WEIR_RETURN_IF_ERROR(parts_.admin->Create(spec));
      WEIR_ASSIGN_OR_RETURN(info, parts_.admin->Describe(spec.topic));
    } else if (info.partitions < spec.partitions) {
      WEIR_RETURN_IF_ERROR(parts_.admin->Grow(spec.topic, spec.partitions));
    }
    WEIR_ASSIGN_OR_RETURN(const auto settings, parts_.admin->SettingsOf(spec.topic));
    return CheckSettings(spec, info, settings);
  }

  size_t max_record_bytes() const override {
    constexpr int kAround = 4096;  // for the key and headers
    return static_cast<size_t>(settings_.max_record_bytes - kAround);
  }

  Status DeleteTopic(const std::string& topic) override {
    open_.With([&](Producers* open) {
      const auto it = open->find(topic);
      if (it == open->end()) return;
      if (it->second != nullptr)
        it->second->Close(
            Err(ErrorCode::kLogMissing, absl::StrCat(topic, ": the topic was deleted")));
      open->erase(it);
    });
    return parts_.admin->Delete(topic);
  }

 private:
  using Producers = std::map<std::string, std::shared_ptr<TopicProducer>>;
  using TopicSettings = std::map<std::string, std::string>;

  static Status Closed(const std::string& topic) {
    return Err(ErrorCode::kLogIo, absl::StrCat(topic, ": the log was closed"));
  }

  Status EnsurePartition(const std::string& topic, int partition) {
    WEIR_ASSIGN_OR_RETURN(const TopicInfo info, parts_.admin->Describe(topic));
    if (partition < info.partitions) return absl::OkStatus();
    // In steps that double: a topic with one partition for each key group grows seven times, not
    // 128 times.
    const int wanted = static_cast<int>(std::bit_ceil(static_cast<unsigned>(partition) + 1));
    if (info.partitions > 0) return parts_.admin->Grow(topic, wanted);
    return parts_.admin->Create({topic, TopicSpec::Use::kOutput, partition + 1});
  }

  StatusOr<std::shared_ptr<TopicProducer>> ProducerOf(const std::string& topic, int64_t epoch) {
    // Other topics wait meanwhile, which does no harm: a job takes them one after the other.
    return open_.With([&](Producers* open) -> StatusOr<std::shared_ptr<TopicProducer>> {
      std::shared_ptr<TopicProducer>& producer = (*open)[topic];
      if (producer != nullptr && producer->epoch() > epoch) {
        return Err(ErrorCode::kLogFenced,
                   absl::StrCat(topic, ": epoch ", epoch, " writes, but epoch ", producer->epoch(),
                                " owns it"));
      }
      if (producer != nullptr && producer->epoch() == epoch && producer->Usable().ok()) {
        return producer;
      }
      if (producer != nullptr) {
        producer->Close(
            Err(ErrorCode::kLogFenced, absl::StrCat(topic, ": epoch ", epoch, " owns it now")));
      }
      WEIR_ASSIGN_OR_RETURN(producer, TopicProducer::Open(settings_, parts_.clock, topic, epoch));
      return producer;
    });
  }

  static std::string Setting(const TopicSettings& settings, const std::string& name) {
    const auto it = settings.find(name);
    return it == settings.end() ? std::string() : it->second;
  }

  // Refused: what would lose records that are read again. Warned of: what only a second fault turns
  // into a loss. README.md has the table.
  Status CheckSettings(const TopicSpec& spec, const TopicInfo& info,
                       const TopicSettings& settings) {
    const auto refuse = [&](const std::string& name, const char* wanted) {
      return Err(
          ErrorCode::kConfigBadValue,
          absl::StrCat("topic ", spec.topic, ": ", name, " is ", Setting(settings, name)),
          absl::StrCat("set it to ", wanted, " (kafka-configs --alter), or delete the topic"));
    };
    const bool internal = spec.use == TopicSpec::Use::kInternal;
    if (Setting(settings, "cleanup.policy").find("compact") != std::string::npos) {
      return refuse("cleanup.policy", "delete");
    }
    for (const char* name : {"retention.ms", "retention.bytes"}) {
      if (internal && Setting(settings, name) != "-1") return refuse(name, "-1");
    }
    if (Setting(settings, "unclean.leader.election.enable") == "true") {
      return refuse("unclean.leader.election.enable", "false");
    }
    Warn(spec, info, settings);
    return absl::OkStatus();
  }

  void Warn(const TopicSpec& spec, const TopicInfo& info, const TopicSettings& settings) {
    const std::string min_insync = Setting(settings, "min.insync.replicas");
    std::string weak;
    if (info.replication > 0 && info.replication < kGoodReplication) {
      weak = absl::StrCat("its replication factor is ", info.replication);
    } else if (min_insync == "1") {
      weak = "its min.insync.replicas is 1";
    }
    // One line, not one for each topic of a cluster that is small on purpose.
    if (weak.empty() || warned_.With([](bool* warned) { return std::exchange(*warned, true); })) {
      return;
    }
    LogInfo("kafka", absl::StrCat("topic ", spec.topic, ": ", weak, ", so one lost disk of the ",
                                  info.brokers, " broker(s) can lose acknowledged records"));
  }

  const kafka::Settings settings_;
  const kafka::ReaderParts parts_;
  Guarded<Producers> open_;
  Guarded<bool> warned_;
};

StatusOr<std::unique_ptr<LogClient>> CreateFromUrl(const Env& env, const std::string& url,
                                                   const std::string& owner) {
  WEIR_ASSIGN_OR_RETURN(const kafka::Settings settings, kafka::ParseUrl(env, url, owner));
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<Admin> admin, Admin::Open(settings, env.clock));
  return std::unique_ptr<LogClient>(std::make_unique<KafkaLog>(settings, env.clock, admin));
}

}  // namespace

LogType KafkaLogType() {
  return {"kafka", "Apache Kafka: kafka://host:port[,host:port][?name=value&...].", CreateFromUrl};
}

}  // namespace weir
