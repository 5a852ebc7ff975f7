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

class DirectoryLog : public LogClient {
 public:
  DirectoryLog(FileSystem* fs, std::string root) : fs_(fs), root_(std::move(root)) {}

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
    WEIR_RETURN_IF_ERROR(CheckTopicName(topic));
    const SharedFiles files = Find(topic, partition).files;
    WEIR_RETURN_IF_ERROR(files->With([&](PartitionFiles* f) { return f->Open(epoch); }));
    return NewPartitionWriter(files, epoch);
  }

  Status DeleteTopic(const std::string& topic) override {
    WEIR_RETURN_IF_ERROR(CheckTopicName(topic));
    open_.With([&](OpenPartitions* open) {
      auto it = open->lower_bound({topic, 0});
      while (it != open->end() && it->first.first == topic) {
        it->second.files->With([](PartitionFiles* files) { files->Delete(); });
        it = open->erase(it);
      }
    });
    WEIR_RETURN_IF_ERROR(LogIoError(fs_->RemoveAll(JoinPath(root_, topic)), topic));
    const Status synced = fs_->SyncDir(root_);
    return absl::IsNotFound(synced) ? absl::OkStatus() : LogIoError(synced, topic);
  }

 private:
  struct Partition {
    SharedFiles files;
    std::shared_ptr<DurableMark> durable;
  };
  using OpenPartitions = std::map<std::pair<std::string, int>, Partition>;

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
};

StatusOr<std::unique_ptr<LogClient>> CreateFromUrl(const Env& env, const std::string& url) {
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
