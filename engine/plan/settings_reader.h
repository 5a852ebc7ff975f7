// The part of a topology that is about the job as a whole: version, job, log, state, checkpoints.
#pragma once

#include <optional>
#include <string_view>

#include "engine/core/registry.h"
#include "engine/plan/settings.h"
#include "engine/yaml/yaml.h"

namespace weir {

class Diagnostics;

class SettingsReader {
 public:
  SettingsReader(const Registry& registry, Diagnostics* diagnostics)
      : registry_(registry), diagnostics_(diagnostics) {}

  // Reads the sections of `root` (a mapping) into *job; what is wrong keeps its default.
  // `job_is_misspelled`: an unknown key was meant to be `job`.
  void Read(const YamlNode& root, bool job_is_misspelled, JobSettings* job);
  SourceMark parallelism_mark() const { return parallelism_mark_; }

  void CheckLogUrl(const YamlNode& node);
  void CheckParallelism(int64_t parallelism, int64_t max_parallelism, SourceMark mark);
  // The text under `key` if it can be looked at, whatever else is wrong around it; or nullptr.
  static const YamlNode* ScalarAt(const YamlNode& table, std::string_view key);

 private:
  void Error(SourceMark mark, ErrorCode code, std::string message, std::string hint = {});
  // nullopt after an error; an absent section is an empty one.
  std::optional<Options> ReadSection(const YamlNode& root, std::string_view name);
  void ReadVersion(const YamlNode& root);
  void ReadJob(const YamlNode& root, bool job_is_misspelled, JobSettings* job);
  void ReadLog(const YamlNode& root, JobSettings* job);
  void ReadState(const YamlNode& root, StateSettings* state);
  void ReadAdmin(const YamlNode& root, AdminSettings* admin);
  void ReadCheckpoints(const YamlNode& root, CheckpointSettings* checkpoints);
  void CheckBackend(const YamlNode* backend);
  void CheckStorage(const YamlNode* storage);

  const Registry& registry_;
  Diagnostics* diagnostics_;
  SourceMark parallelism_mark_;
};

}  // namespace weir
