#include "connectors/dirlog/paths.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "engine/base/file_system.h"

namespace weir {
namespace {

constexpr std::string_view kValuesSuffix = ".ndjson";
constexpr std::string_view kMetaSuffix = ".meta";
constexpr size_t kMaxTopicBytes = 249;

bool IsTopicCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

PartitionPaths PathsOf(const std::string& root, const std::string& topic, int partition) {
  PartitionPaths paths;
  paths.name = absl::StrCat(topic, "/", partition);
  paths.dir = JoinPath(root, topic);
  const std::string stem = JoinPath(paths.dir, std::to_string(partition));
  paths.values = absl::StrCat(stem, ToAbsl(kValuesSuffix));
  paths.meta = absl::StrCat(stem, ToAbsl(kMetaSuffix));
  return paths;
}

Status CheckTopicName(std::string_view topic) {
  bool good = !topic.empty() && topic.size() <= kMaxTopicBytes && topic != "." && topic != "..";
  for (const char c : topic) good = good && IsTopicCharacter(c);
  if (good) return absl::OkStatus();
  return Err(
      ErrorCode::kConfigBadValue,
      absl::StrCat("topic name '", ToAbsl(topic.substr(0, kMaxTopicBytes)), "' is not valid"),
      "use 1 to 249 letters, digits, '.', '_' and '-'");
}

std::optional<int> PartitionOfFile(std::string_view name) {
  if (!name.ends_with(kValuesSuffix)) return std::nullopt;
  const std::string_view digits = name.substr(0, name.size() - kValuesSuffix.size());
  int partition = -1;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), partition);
  // "00" and "+0" are other files than partition 0's.
  if (error != std::errc() || partition < 0 || std::to_string(partition) != digits) {
    return std::nullopt;
  }
  return partition;
}

Status LogIoError(const Status& status, std::string_view where) {
  const int number = ErrorNumber(status);
  if (status.ok() || (number >= 3000 && number < 4000)) return status;
  return Err(ErrorCode::kLogIo, absl::StrCat(ToAbsl(where), ": ", status.message()));
}

}  // namespace weir
