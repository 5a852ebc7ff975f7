#include "connectors/dirlog/directory_log.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connectors/dirlog/partition_reader.h"
#include "connectors/dirlog/partition_writer.h"
#include "connectors/dirlog/paths.h"

namespace weir {
namespace {

constexpr char kLockFile[] = "LOCK";  // in the folder of a topic that somebody writes

class DirectoryLog : public LogClient {
 public:
  DirectoryLog(FileSystem* fs, std::string root) : fs_(fs), root_(std::move(root)) {}
  // Writers may outlive this, but must not write once the locks are gone.
  ~DirectoryLog() override {
    open_.With([](OpenPartitions* open) {
      for (auto& [place, partition] : *open) {
        partition.files->With([](PartitionFiles* files) { files->Close(); });
      }
    });
  }

  StatusOr<std::vector<int>> Partitions(const std::string& topic) override {
    WEIR_RETURN_IF_ERROR(CheckTopicName(topic));
    std::vector<int> partitions;
    const StatusOr<std::vector<std::string>> names = fs_->List(JoinPath(root_, topic));
    if (absl::IsNotFound(names.status())) return partitions;
    if (!names.ok()) return LogIoError(names.status(), topic);
    for (const std::string& name : *names) {
      if (const std::optional<int> p = PartitionOfFile(name)) partitions.push_back(*p);
    }
    std::sort(partitions.begin(), partitions.end());
    return partitions;
  }

  StatusOr<std::unique_ptr<LogReader>> OpenReader(const std::string& topic, int partition,
                                                  const LogPosition& from) override {
    WEIR_RETURN_IF_ERROR(CheckTopicName(topic));
    return std::unique_ptr<LogReader>(std::make_unique<PartitionReader>(
        fs_, PathsOf(root_, topic, partition), from, Find(topic, partition).durable));
  }

  StatusOr<std::shared_ptr<LogWriter>> OpenWriter(const std::string& topic, int partition,
                                                  int64_t epoch) override {
    WEIR_RETURN_IF_ERROR(LockTopic(topic));
    const SharedFiles files = Find(topic, partition).files;
    WEIR_RETURN_IF_ERROR(files->With([&](PartitionFiles* f) { return f->Open(epoch); }));
    return NewPartitionWriter(files, epoch);
  }

  // Whom the topic is refused to should be told at once, not at the first record.
  Status PrepareTopic(const TopicSpec& spec) override { return LockTopic(spec.topic); }

  Status DeleteTopic(const std::string& topic) override {
    WEIR_RETURN_IF_ERROR(CheckTopicName(topic));
    if (!fs_->Exists(JoinPath(root_, topic))) return absl::OkStatus();
    WEIR_RETURN_IF_ERROR(LockTopic(topic));
    open_.With([&](OpenPartitions* open) {
      auto it = open->lower_bound({topic, 0});
      while (it != open->end() && it->first.first == topic) {
        it->second.files->With([](PartitionFiles* files) { files->Delete(); });
        it = open->erase(it);
      }
    });
    WEIR_RETURN_IF_ERROR(LogIoError(fs_->RemoveAll(JoinPath(root_, topic)), topic));
    locks_.With([&](Locks* locks) { locks->erase(topic); });  // its file is gone
    const Status synced = fs_->SyncDir(root_);
    return absl::IsNotFound(synced) ? absl::OkStatus() : LogIoError(synced, topic);
  }

 private:
  struct Partition {
    SharedFiles files;
    std::shared_ptr<DurableMark> durable;
  };
  using OpenPartitions = std::map<std::pair<std::string, int>, Partition>;
  using Locks = std::map<std::string, std::unique_ptr<FileLock>>;

  // Keeps other processes from writing the topic for as long as this client lives: the epochs fence
  // only within one client, and a recovery would cut off what another one has just written.
  Status LockTopic(const std::string& topic) {
    WEIR_RETURN_IF_ERROR(CheckTopicName(topic));
    const std::string folder = JoinPath(root_, topic);
    return locks_.With([&](Locks* locks) -> Status {
      if (locks->count(topic) != 0) return absl::OkStatus();
      WEIR_RETURN_IF_ERROR(LogIoError(fs_->CreateDirs(folder), topic));
      auto lock = fs_->Lock(JoinPath(folder, kLockFile));
      if (ErrorNumber(lock.status()) == static_cast<int>(ErrorCode::kStateLocked)) {
        return Err(
            ErrorCode::kStateLocked,
            absl::StrCat("topic ", topic, ": another process writes it (folder ", folder, ")"),
            "another job writes to this topic: give each job topics of its own");
      }
      if (!lock.ok()) return LogIoError(lock.status(), topic);
      locks->emplace(topic, *std::move(lock));
      return absl::OkStatus();
    });
  }

  Partition Find(const std::string& topic, int partition) {
    return open_.With([&](OpenPartitions* open) {
      Partition& found = (*open)[{topic, partition}];
      if (found.files == nullptr) {
        found.durable = std::make_shared<DurableMark>();
        found.files = std::make_shared<Guarded<PartitionFiles>>(
            PartitionFiles(fs_, PathsOf(root_, topic, partition), found.durable));
      }
      return found;
    });
  }

  FileSystem* fs_;
  std::string root_;
  Guarded<OpenPartitions> open_;
  Guarded<Locks> locks_;
};

StatusOr<std::unique_ptr<LogClient>> CreateFromUrl(const Env& env, const std::string& url,
                                                   const std::string& /*owner*/) {
  constexpr std::string_view kScheme = "dir:";
  if (!url.starts_with(kScheme) || url.size() == kScheme.size()) {
    return Err(ErrorCode::kConfigBadValue, absl::StrCat("log '", url, "' names no folder"),
               "write dir:PATH");
  }
  return NewDirectoryLog(env, url.substr(kScheme.size()));
}

}  // namespace

std::unique_ptr<LogClient> NewDirectoryLog(const Env& env, std::string root) {
  return std::make_unique<DirectoryLog>(env.fs, std::move(root));
}

LogType DirectoryLogType() {
  return {"dir", "Files in a folder: dir:PATH, one file of lines for each partition.",
          CreateFromUrl, /*line_files=*/true};
}

}  // namespace weir
