// A directory log on the simulated disk or in a real temporary folder.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/dirlog/directory_log.h"
#include "engine/base/testing_env.h"

namespace weir {

inline std::vector<LogAppend> Records(const std::vector<std::string>& values) {
  std::vector<LogAppend> records;
  for (const std::string& v : values) records.push_back({v, "k" + v, "id-" + v, 42});
  return records;
}

// Values read, and what else matters of the read.
struct ReadResult {
  std::vector<std::string> values;
  std::vector<std::string> effect_ids;
  std::vector<int64_t> epochs;
  LogPosition next;
  int error = 0;
};

class DirlogRig : public ::testing::TestWithParam<bool> {
 protected:
  DirlogRig() {
    if (GetParam()) {
      std::string folder = ::testing::TempDir() + "/dirlogXXXXXX";
      root_ = JoinPath(mkdtemp(folder.data()), "log");
      posix_ = NewPosixFileSystem();
    }
    fs_ = GetParam() ? posix_.get() : &test_env_.fs;
    NewLog();
  }
  ~DirlogRig() override {
    if (GetParam()) (void)fs_->RemoveAll(ParentPath(root_));
  }

  // What a new process would have.
  void NewLog() { log_ = AnotherLog(); }
  std::unique_ptr<LogClient> AnotherLog() {
    Env env = test_env_.env();
    env.fs = fs_;
    return NewDirectoryLog(env, root_);
  }
  std::string Path(const std::string& name) const { return JoinPath(JoinPath(root_, "t"), name); }
  // Appends bytes as a stranger would.
  void Put(const std::string& bytes, const std::string& name = "0.ndjson") {
    ASSERT_TRUE(fs_->CreateDirs(JoinPath(root_, "t")).ok());
    const auto file = fs_->OpenAppend(Path(name));
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Append(bytes).ok());
  }
  std::string Contents(const std::string& name = "0.ndjson") {
    return fs_->ReadFile(Path(name)).value_or("missing");
  }
  std::shared_ptr<LogWriter> Writer(int64_t epoch = 1, int partition = 0) {
    auto writer = log_->OpenWriter("t", partition, epoch);
    EXPECT_TRUE(writer.ok()) << writer.status();
    return writer.ok() ? *writer : nullptr;
  }
  // Of another process: sees what is written before it is synced.
  std::unique_ptr<LogReader> Reader(const LogPosition& from = {}) {
    return AnotherLog()->OpenReader("t", 0, from).value();
  }
  // Reads to the end, in chunks of `max_bytes`.
  ReadResult ReadOn(LogReader* reader, LogReadOptions options = {}) {
    ReadResult result;
    LogChunk chunk;
    do {
      if (const Status s = reader->Read(options, &chunk); !s.ok()) {
        result.error = ErrorNumber(s);
        return result;
      }
      for (const LogItem& item : chunk.items) {
        result.values.emplace_back(item.value);
        result.effect_ids.emplace_back(item.effect_id);
        result.epochs.push_back(item.epoch);
      }
      result.next = chunk.next;
    } while (!chunk.at_end);
    return result;
  }
  ReadResult ReadAll(const LogPosition& from = {}, const LogReadOptions& options = {}) {
    return ReadOn(Reader(from).get(), options);
  }

  TestEnv test_env_;
  std::unique_ptr<FileSystem> posix_;
  FileSystem* fs_;
  std::string root_ = "/log";
  std::unique_ptr<LogClient> log_;
};

inline std::string DiskName(const ::testing::TestParamInfo<bool>& info) {
  return info.param ? "Real" : "Simulated";
}

}  // namespace weir
