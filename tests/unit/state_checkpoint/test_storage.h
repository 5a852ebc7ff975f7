// What tests of the checkpoint store share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/testing_env.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "state/checkpoint/file_checkpoint_storage.h"

namespace weir {

inline constexpr char kJobDir[] = "data/job";

inline void AppendPut(std::string* bytes, uint16_t group, std::string_view key,
                      std::string_view value, std::string_view sub = {}) {
  AppendStateRecord({StateRecord::Op::kPut, group, key, sub, kNoTimestamp, value}, bytes);
}
inline void AppendErase(std::string* bytes, uint16_t group, std::string_view key,
                        std::string_view sub = {}) {
  AppendStateRecord({StateRecord::Op::kErase, group, key, sub, kNoTimestamp, {}}, bytes);
}

// A state whose content depends on `text` alone.
inline SealedState StateOf(int64_t checkpoint, const std::string& text) {
  SealedTable table;
  table.name = "count";
  table.type_name = "string";
  AppendPut(&table.bytes, 3, "key", text);
  table.records = 1;
  SealedState state;
  state.epoch = checkpoint;
  state.full = true;
  state.tables.push_back(table);
  return state;
}

inline Manifest ManifestOf(int64_t id, std::vector<SegmentRef> segments) {
  Manifest manifest;
  manifest.id = id;
  manifest.epoch = 1;
  manifest.job = "job";
  manifest.created_ms = 1000 + id;
  manifest.operators.push_back({"uid-1", "count", 1, {{0, std::move(segments), {}}}});
  return manifest;
}

inline int NumberOf(const Status& status) { return ErrorNumber(status); }
inline constexpr int kCorrupt = static_cast<int>(ErrorCode::kStateCorrupt);

class StorageTest : public ::testing::Test {
 protected:
  StorageTest() { Reopen(); }
  // As a new process would: what the old one had in memory is gone.
  void Reopen() {
    storage_.reset();
    storage_ = NewFileCheckpointStorage(env_.env(), "data", "job");
  }
  SegmentRef Write(int64_t checkpoint, const std::string& text, const std::string& savepoint = {}) {
    StatusOr<SegmentRef> ref = storage_->WriteSegment(StateOf(checkpoint, text), savepoint);
    EXPECT_TRUE(ref.ok()) << ref.status();
    return ref.ok() ? *ref : SegmentRef();
  }
  void Publish(int64_t id, std::vector<SegmentRef> segments, const std::string& savepoint = {}) {
    Manifest manifest = ManifestOf(id, std::move(segments));
    manifest.savepoint = !savepoint.empty();
    const Status status = storage_->WriteManifest(manifest, savepoint);
    EXPECT_TRUE(status.ok()) << status;
  }
  // The values of a segment's records.
  StatusOr<std::vector<std::string>> Read(const SegmentRef& ref,
                                          const std::string& savepoint = {}) {
    std::vector<std::string> values;
    WEIR_RETURN_IF_ERROR(
        storage_->ReadSegment(ref, savepoint, [&](const SealedTable&, const StateRecord& record) {
          values.emplace_back(record.value);
          return absl::OkStatus();
        }));
    return values;
  }
  std::string SharedPath(const SegmentRef& ref) {
    return JoinPath(JoinPath(kJobDir, "shared"), ref.sha256);
  }
  std::vector<std::string> Shared() {
    return env_.fs.List(JoinPath(kJobDir, "shared")).value_or(std::vector<std::string>{});
  }
  void Overwrite(const std::string& path, const std::string& data) {
    ASSERT_TRUE(env_.fs.WriteFileAtomic(path, data).ok());
  }

  TestEnv env_;
  std::unique_ptr<CheckpointStorage> storage_;
};

}  // namespace weir
