#include "engine/testing/local_runner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace weir {

LocalRunner::LocalRunner(uint64_t seed, SimOptions options) : world_(seed, std::move(options)) {}

LocalRunner::~LocalRunner() {
  if (job_ != nullptr) (void)Finish();
}

Status LocalRunner::Put(const std::string& topic, int partition,
                        const std::vector<std::string>& lines) {
  const std::string path = absl::StrCat(kLocalLog, "/", topic, "/", partition, ".ndjson");
  FileSystem* fs = world_.env().fs;
  if (fs->Exists(path)) WEIR_RETURN_IF_ERROR(fs->Remove(path));
  return Append(topic, partition, lines);
}

Status LocalRunner::Append(const std::string& topic, int partition,
                           const std::vector<std::string>& lines) {
  world_.points().Pause(true);
  Status status = WriteLines(topic, partition, lines);
  world_.points().Pause(false);
  return status;
}

Status LocalRunner::WriteLines(const std::string& topic, int partition,
                               const std::vector<std::string>& lines) {
  const std::string dir = absl::StrCat(kLocalLog, "/", topic);
  FileSystem* fs = world_.env().fs;
  WEIR_RETURN_IF_ERROR(fs->CreateDirs(dir));
  WEIR_ASSIGN_OR_RETURN(auto file, fs->OpenAppend(absl::StrCat(dir, "/", partition, ".ndjson")));
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
  WEIR_RETURN_IF_ERROR(file->Append(text));
  WEIR_RETURN_IF_ERROR(file->Sync());
  // Every directory on the way down: a crash must not take the input away.
  for (size_t slash = dir.find('/', 1); slash != std::string::npos;
       slash = dir.find('/', slash + 1)) {
    WEIR_RETURN_IF_ERROR(fs->SyncDir(dir.substr(0, slash)));
  }
  WEIR_RETURN_IF_ERROR(fs->SyncDir("/"));
  return fs->SyncDir(dir);
}

Status LocalRunner::Start(const PhysicalPlan& plan, const Registry& registry, JobOptions options) {
  options.slot_per_task = true;
  WEIR_ASSIGN_OR_RETURN(job_, Job::Create(plan, registry, world_.env(), options));
  job_->Start();
  return absl::OkStatus();
}

SimEnd LocalRunner::Run(uint64_t max_steps) {
  return world_.Run([this] { return job_->done(); }, max_steps);
}

Status LocalRunner::Finish() {
  Status status = job_->Stop();
  job_.reset();
  return status;
}

void LocalRunner::Crash() {
  world_.points().CrashNow();  // from here on nothing reaches the disk
  job_.reset();
  world_.Crash();
}

std::vector<std::string> LocalRunner::Lines(const std::string& topic) {
  return ReadLines(topic, false);
}

std::vector<std::string> LocalRunner::DurableLines(const std::string& topic) {
  return ReadLines(topic, true);
}

std::vector<std::string> LocalRunner::ReadLines(const std::string& topic, bool durable) {
  FileSystem* fs = world_.env().fs;
  const std::string dir = absl::StrCat(kLocalLog, "/", topic);
  std::vector<std::pair<int, std::string>> partitions;
  const auto names = fs->List(dir);
  if (!names.ok()) return {};
  for (const std::string& name : *names) {
    const size_t dot = name.rfind(".ndjson");
    if (dot == std::string::npos || dot + 7 != name.size()) continue;
    int partition;
    if (absl::SimpleAtoi(name.substr(0, dot), &partition)) partitions.emplace_back(partition, name);
  }
  std::sort(partitions.begin(), partitions.end());
  std::vector<std::string> lines;
  for (const auto& [partition, name] : partitions) {
    const std::string path = JoinPath(dir, name);
    const StatusOr<std::string> text =
        durable ? world_.fs().DurableContent(path) : fs->ReadFile(path);
    if (!text.ok() || text->empty()) continue;
    std::vector<std::string> parts = absl::StrSplit(*text, '\n');
    if (parts.back().empty()) parts.pop_back();
    lines.insert(lines.end(), parts.begin(), parts.end());
  }
  return lines;
}

std::vector<std::string> LocalRunner::Topics() {
  const auto names = world_.env().fs->List(kLocalLog);
  return names.ok() ? *names : std::vector<std::string>{};
}

}  // namespace weir
