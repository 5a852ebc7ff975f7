#include "engine/core/registry.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

template <typename T>
Status AddTo(std::map<std::string, T, std::less<>>* map, const char* what, std::string name,
             T type) {
  if (name.empty()) {
    return Err(ErrorCode::kInternal, absl::StrCat("a registered ", what, " has no name"));
  }
  const auto [it, added] = map->emplace(std::move(name), std::move(type));
  if (added) return absl::OkStatus();
  return Err(ErrorCode::kConfigDuplicate,
             absl::StrCat("the ", what, " '", it->first, "' is registered twice"),
             "every name may be given once, in registrations.cc or in your main");
}

template <typename T>
const T* FindIn(const std::map<std::string, T, std::less<>>& map, std::string_view name) {
  const auto it = map.find(name);
  return it == map.end() ? nullptr : &it->second;
}

template <typename T>
std::vector<std::string> NamesOf(const std::map<std::string, T, std::less<>>& map) {
  std::vector<std::string> names;
  names.reserve(map.size());
  for (const auto& [name, type] : map) names.push_back(name);
  return names;
}

}  // namespace

Status Registry::AddOperator(OperatorType type) {
  std::string name = type.name;
  return AddTo(&operators_, "operator type", std::move(name), std::move(type));
}
Status Registry::AddFormat(FormatType type) {
  std::string name = type.name;
  return AddTo(&formats_, "format", std::move(name), std::move(type));
}
Status Registry::AddLog(LogType type) {
  std::string name = type.scheme;
  return AddTo(&logs_, "log scheme", std::move(name), std::move(type));
}
Status Registry::AddStateBackend(StateBackendType type) {
  std::string name = type.name;
  return AddTo(&backends_, "state backend", std::move(name), std::move(type));
}
Status Registry::AddAgentChannel(AgentChannelType type) {
  std::string name = type.scheme;
  return AddTo(&channels_, "agent channel", std::move(name), std::move(type));
}

Status Registry::AddMemo(MemoType type) {
  std::string name = type.scheme;
  return AddTo(&memos_, "memo scheme", std::move(name), std::move(type));
}
Status Registry::AddHttpClient(HttpClientType type) {
  if (http_.create != nullptr) {
    return Err(ErrorCode::kConfigDuplicate, absl::StrCat("there is an HTTP client: ", http_.name));
  }
  http_ = std::move(type);
  return absl::OkStatus();
}

const OperatorType* Registry::FindOperator(std::string_view name) const {
  return FindIn(operators_, name);
}
const FormatType* Registry::FindFormat(std::string_view name) const {
  return FindIn(formats_, name);
}
const LogType* Registry::FindLog(std::string_view scheme) const { return FindIn(logs_, scheme); }
const StateBackendType* Registry::FindStateBackend(std::string_view name) const {
  return FindIn(backends_, name);
}
const AgentChannelType* Registry::FindAgentChannel(std::string_view scheme) const {
  return FindIn(channels_, scheme);
}
const MemoType* Registry::FindMemo(std::string_view scheme) const { return FindIn(memos_, scheme); }
std::vector<std::string> Registry::OperatorNames() const { return NamesOf(operators_); }
std::vector<std::string> Registry::FormatNames() const { return NamesOf(formats_); }
std::vector<std::string> Registry::LogSchemes() const { return NamesOf(logs_); }
std::vector<std::string> Registry::StateBackendNames() const { return NamesOf(backends_); }
std::vector<std::string> Registry::MemoSchemes() const { return NamesOf(memos_); }

}  // namespace weir
