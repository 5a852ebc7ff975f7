// RocksDB below the hot tier passes what the memory backend passes, with so little memory that
// entries come and go all the time.
#include <unistd.h>

#include <filesystem>

#include "state/hot/hot_backend.h"
#include "state/rocksdb/rocks_store.h"
#include "tests/unit/state_hot/backend_contract.h"
#include "tests/unit/state_hot/backend_model.h"
#include "tests/unit/state_hot/ttl_contract.h"

namespace weir {
namespace {

class TempDir {
 public:
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_ =
      std::filesystem::temp_directory_path() / ("weir-rocks-" + std::to_string(getpid()));
};
std::string TestDir() {
  static const TempDir dir;
  return dir.path();
}

std::unique_ptr<StateBackend> MakeRocks(const Clock* clock, size_t hot_bytes, bool from_start) {
  static int64_t name = 0;
  RocksStoreOptions options;
  options.dir = TestDir();
  options.epoch = 1;
  options.name = "op." + std::to_string(++name);
  options.cache_bytes = 1 << 20;
  StatusOr<std::unique_ptr<StateStore>> store = NewRocksStore(options);
  WEIR_CHECK(store.ok());
  HotStoreOptions hot;
  hot.store = std::move(*store);
  hot.hot_bytes = hot_bytes;
  hot.from_start = from_start;
  return std::make_unique<HotStateBackend>(clock, std::move(hot));
}

const BackendParam kTiny{"tiny", [](const Clock* clock) { return MakeRocks(clock, 4096, true); },
                         true};
const BackendParam kLarge{
    "large", [](const Clock* clock) { return MakeRocks(clock, 64 << 20, false); }, true};
std::string ParamName(const ::testing::TestParamInfo<BackendParam>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Rocks, BackendContract, ::testing::Values(kTiny, kLarge), ParamName);
INSTANTIATE_TEST_SUITE_P(Rocks, SealKinds, ::testing::Values(kTiny, kLarge), ParamName);
INSTANTIATE_TEST_SUITE_P(Rocks, TtlContract, ::testing::Values(kTiny, kLarge), ParamName);

// Memory for a few dozen entries, or for a part of the state; in use from the start, or when memory
// gets short.
TEST(RocksBackendModel, RandomOperations) {
  int64_t checkpoints = 0;
  int64_t aborted = 0;
  int64_t restores = 0;
  int64_t changes_during_seal = 0;
  int64_t expired = 0;
  int64_t spills = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const size_t hot_bytes = size_t{4096} << (seed % 7);
    BackendModel model(
        {"rocks", [&](const Clock* clock) { return MakeRocks(clock, hot_bytes, seed % 3 == 0); },
         true},
        seed);
    for (int i = 0; i < 10'000 && !::testing::Test::HasFailure(); ++i) model.Step();
    ASSERT_FALSE(::testing::Test::HasFailure());
    model.CompareAll();
    checkpoints += model.checkpoints;
    aborted += model.aborted;
    restores += model.restores;
    changes_during_seal += model.changes_during_seal;
    expired += model.expired_seen;
    spills += model.spills;
  }
  // A run that never got anywhere proves nothing.
  EXPECT_GT(checkpoints, 500);
  EXPECT_GT(aborted, 50);
  EXPECT_GT(restores, 100);
  EXPECT_GT(changes_during_seal, 10'000);
  EXPECT_GT(expired, 100);
  EXPECT_GT(spills, 1000);
}

}  // namespace
}  // namespace weir
