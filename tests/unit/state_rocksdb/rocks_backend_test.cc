// RocksDB below the hot tier passes what the memory backend passes, with so little memory that
// entries come and go all the time.
#include "engine/base/sim_file_system.h"
#include "tests/unit/state_hot/backend_contract.h"
#include "tests/unit/state_hot/backend_model.h"
#include "tests/unit/state_hot/ttl_contract.h"
#include "tests/unit/state_rocksdb/rocks_rig.h"

namespace weir {
namespace {

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
// gets short. On real files, with RocksDB's threads, every fourth: creating and removing thousands
// of files takes most of their time.
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
    SimFileSystem simulated(seed);
    FileSystem* fs = seed % 4 == 0 ? nullptr : &simulated;
    const auto make = [&](const Clock* clock) {
      return MakeRocks(clock, hot_bytes, seed % 3 == 0, fs);
    };
    BackendModel model({"rocks", make, true}, seed);
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
