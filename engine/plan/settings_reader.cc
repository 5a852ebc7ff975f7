#include "engine/plan/settings_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/plan/listen.h"
#include "engine/plan/topology.h"
#include "engine/yaml/diagnostics.h"
#include "engine/yaml/table_reader.h"

namespace weir {
namespace {

constexpr size_t kMaxNameLength = 100;

bool IsJobName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

}  // namespace

void SettingsReader::Read(const YamlNode& root, bool job_is_misspelled, JobSettings* job) {
  ReadVersion(root);
  ReadJob(root, job_is_misspelled, job);
  ReadLog(root, job);
  ReadState(root, &job->state);
  ReadCheckpoints(root, &job->checkpoints);
  ReadAdmin(root, &job->admin);
  ReadTelemetry(root, &job->telemetry);
}

void SettingsReader::Error(SourceMark mark, ErrorCode code, std::string message, std::string hint) {
  diagnostics_->Error(mark, code, std::move(message), std::move(hint));
}

void SettingsReader::ReadVersion(const YamlNode& root) {
  const YamlNode* version = root.Find("weir");
  if (version == nullptr) {
    Error(root.mark, ErrorCode::kConfigVersion, "the topology does not say its version",
          "begin the file with 'weir: 1'");
  } else if (version->text != "1" && !version->broken) {
    Error(version->mark, ErrorCode::kConfigVersion,
          absl::StrCat("expected version 1, found ", version->Describe()),
          "this build reads 'weir: 1' only");
  }
}

// The section's options; with a required key missing or a value wrong, those of an empty section.
std::optional<Options> SettingsReader::ReadSection(const YamlNode& root, std::string_view name) {
  const auto& sections = TopologySections();
  const auto it = std::find_if(sections.begin(), sections.end(),
                               [name](const SectionDefs& s) { return s.name == name; });
  static const YamlNode kEmpty;
  const YamlNode* node = root.Find(name);
  return ReadTable(node != nullptr ? *node : kEmpty, it->options, absl::StrCat("in ", ToAbsl(name)),
                   {}, diagnostics_);
}

void SettingsReader::ReadJob(const YamlNode& root, bool job_is_misspelled, JobSettings* job) {
  const YamlNode* node = root.Find("job");
  if (node == nullptr) {
    if (job_is_misspelled) return;
    return Error(root.mark, ErrorCode::kConfigMissingKey, "missing required key 'job' at the top",
                 "for example  job: { name: my-job, parallelism: 2 }");
  }
  const auto options = ReadSection(root, "job");
  const YamlNode* name = ScalarAt(*node, "name");
  if (name != nullptr && !IsJobName(name->text)) {
    Error(name->mark, ErrorCode::kConfigBadValue,
          absl::StrCat("expected a name of lower-case letters, digits and '-', found ",
                       name->Describe()),
          "it names folders and metrics, for example ssh-guard");
  }
  if (!options) return;
  job->name = options->String("name");
  job->parallelism = static_cast<int>(options->Int("parallelism"));
  job->max_parallelism = static_cast<int>(options->Int("max_parallelism"));
  job->id_key = options->Has("id_key") ? options->String("id_key") : "weir-job:" + job->name;
  parallelism_mark_ = options->MarkOf("parallelism");
  CheckParallelism(job->parallelism, job->max_parallelism, parallelism_mark_);
}

// A text that can be looked at, whatever else is wrong around it.
const YamlNode* SettingsReader::ScalarAt(const YamlNode& table, std::string_view key) {
  const YamlNode* node = table.IsMapping() ? table.Find(key) : nullptr;
  return node != nullptr && node->IsScalar() && !node->broken ? node : nullptr;
}

void SettingsReader::CheckParallelism(int64_t parallelism, int64_t max_parallelism,
                                      SourceMark mark) {
  if (parallelism <= max_parallelism) return;
  Error(mark, ErrorCode::kPlanParallelism,
        absl::StrCat("parallelism ", parallelism, " is above max_parallelism ", max_parallelism),
        "max_parallelism is the number of key groups, fixed for the life of the job's state");
}

void SettingsReader::ReadLog(const YamlNode& root, JobSettings* job) {
  const auto log = ReadKey(root, OptionDef{.name = "log"}, "at the top", {}, diagnostics_);
  if (!log) return;
  job->log = log->text;
  CheckLogUrl(*root.Find("log"));
}

void SettingsReader::CheckLogUrl(const YamlNode& node) {
  const size_t colon = node.text.find(':');
  if (colon == std::string::npos) {
    return Error(node.mark, ErrorCode::kConfigBadValue,
                 absl::StrCat("expected the URL of a log, found ", node.Describe()),
                 "for example dir:./data/log");
  }
  const std::string scheme = node.text.substr(0, colon);
  if (registry_.FindLog(scheme) != nullptr) return;
  Error(node.mark, ErrorCode::kConfigUnknownType,
        absl::StrCat("no log has the scheme '", scheme, "'"),
        SuggestName(scheme, registry_.LogSchemes(), "known schemes"));
}

void SettingsReader::ReadState(const YamlNode& root, StateSettings* state) {
  const auto options = ReadSection(root, "state");
  const YamlNode* section = root.Find("state");
  if (section != nullptr) CheckBackend(ScalarAt(*section, "backend"));
  if (!options) return;
  state->backend = options->String("backend");
  state->dir = options->String("dir");
  state->hot_bytes = options->Int("hot_bytes");
}

void SettingsReader::CheckBackend(const YamlNode* backend) {
  if (backend == nullptr || registry_.FindStateBackend(backend->text) != nullptr) return;
  Error(backend->mark, ErrorCode::kConfigUnknownType,
        absl::StrCat("there is no state backend '", backend->text, "'"),
        SuggestName(backend->text, registry_.StateBackendNames(), "known backends"));
}

void SettingsReader::ReadCheckpoints(const YamlNode& root, CheckpointSettings* checkpoints) {
  const auto options = ReadSection(root, "checkpoints");
  const YamlNode* section = root.Find("checkpoints");
  if (section != nullptr) CheckStorage(ScalarAt(*section, "storage"));
  if (!options) return;
  checkpoints->interval_ms = options->Int("interval");
  checkpoints->storage = options->String("storage");
  checkpoints->retain = static_cast<int>(options->Int("retain"));
  checkpoints->timeout_ms = options->Int("timeout");
  if (options->Has("every_records")) checkpoints->every_records = options->Int("every_records");
}

void SettingsReader::ReadAdmin(const YamlNode& root, AdminSettings* admin) {
  const auto options = ReadSection(root, "admin");
  const YamlNode* section = root.Find("admin");
  const YamlNode* listen = section != nullptr ? ScalarAt(*section, "listen") : nullptr;
  if (listen != nullptr && listen->text != "off" && listen->text.find(':') == std::string::npos) {
    Error(listen->mark, ErrorCode::kConfigBadValue,
          absl::StrCat("expected host:port or off, found ", listen->Describe()),
          "for example 127.0.0.1:7070");
  }
  if (!options) return;
  admin->listen = options->String("listen") == "off" ? "" : options->String("listen");
  if (options->Has("token_file")) admin->token_file = options->String("token_file");
}

void SettingsReader::ReadTelemetry(const YamlNode& root, TelemetrySettings* telemetry) {
  const auto options = ReadSection(root, "telemetry");
  if (!options) return;
  if (options->Has("address_file")) telemetry->address_file = options->String("address_file");
  const std::string& listen = options->String("listen");
  if (listen == "off") return;
  if (!SplitListen(listen, &telemetry->host, &telemetry->port)) {
    return Error(options->MarkOf("listen"), ErrorCode::kConfigBadValue,
                 absl::StrCat("expected host:port or off, found '", listen, "'"),
                 "for example 127.0.0.1:9464, or [::1]:9464");
  }
  if (IsLoopbackHost(telemetry->host) || options->Bool("allow_remote")) return;
  Error(options->MarkOf("listen"), ErrorCode::kConfigBadValue,
        absl::StrCat("'", telemetry->host, "' can be reached from other machines"),
        "the endpoint asks nobody for a password; say allow_remote: true if that is meant, or "
        "listen at 127.0.0.1");
}

void SettingsReader::CheckStorage(const YamlNode* storage) {
  constexpr std::string_view kScheme = "file:";
  if (storage == nullptr ||
      (storage->text.starts_with(kScheme) && storage->text.size() > kScheme.size())) {
    return;
  }
  Error(storage->mark, ErrorCode::kConfigBadValue,
        absl::StrCat("expected a URL that begins with 'file:', found ", storage->Describe()),
        "for example file:./data/checkpoints");
}

}  // namespace weir
