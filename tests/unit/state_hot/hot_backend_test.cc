#include "state/hot/hot_backend.h"

#include <malloc.h>

#include "engine/base/sim_fail_points.h"
#include "gtest/gtest-spi.h"
#include "tests/unit/state_hot/backend_contract.h"
#include "tests/unit/state_hot/backend_model.h"
#include "tests/unit/state_hot/ttl_contract.h"

namespace weir {
namespace {

const BackendParam kHot{"hot", [](const Clock* clock) -> std::unique_ptr<StateBackend> {
                          return std::make_unique<HotStateBackend>(clock);
                        }};
std::string ParamName(const ::testing::TestParamInfo<BackendParam>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Backend, BackendContract, ::testing::Values(kHot), ParamName);
INSTANTIATE_TEST_SUITE_P(Backend, SealKinds, ::testing::Values(kHot), ParamName);
INSTANTIATE_TEST_SUITE_P(Backend, TtlContract, ::testing::Values(kHot), ParamName);

TEST(HotBackendModel, RandomOperations) {
  int64_t checkpoints = 0;
  int64_t aborted = 0;
  int64_t restores = 0;
  int64_t changes_during_seal = 0;
  int64_t expired = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    BackendModel model(kHot, seed);
    for (int i = 0; i < 10'000 && !::testing::Test::HasFailure(); ++i) model.Step();
    ASSERT_FALSE(::testing::Test::HasFailure());
    model.CompareAll();
    checkpoints += model.checkpoints;
    aborted += model.aborted;
    restores += model.restores;
    changes_during_seal += model.changes_during_seal;
    expired += model.expired_seen;
  }
  // A run that never got anywhere proves nothing.
  EXPECT_GT(checkpoints, 500);
  EXPECT_GT(aborted, 50);
  EXPECT_GT(restores, 100);
  EXPECT_GT(changes_during_seal, 10'000);
  EXPECT_GT(expired, 100);
}

// Fails as a test would, but is only counted.
bool ModelFails(uint64_t seed) {
  ::testing::TestPartResultArray failures;
  ::testing::ScopedFakeTestPartResultReporter reporter(
      ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
  BackendModel model(kHot, seed);
  for (int i = 0; i < 10'000 && failures.size() == 0; ++i) model.Step();
  return failures.size() > 0;
}

class PlantedBug : public ::testing::Test {
 protected:
  PlantedBug() { SetFailPoints(&points_); }
  ~PlantedBug() override { SetFailPoints(nullptr); }
  SimFailPoints points_{[] {}};
  SystemClock clock_;
  HotStateBackend backend_{&clock_};
};

TEST_F(PlantedBug, SealSkipsCow) {
  points_.PlantBug("seal-skips-cow");
  StateTable* table = *backend_.OpenTable(Describe<int64_t>("count"));
  PutInt(table, Key("a"), 1);
  backend_.Seal(1, false);
  PutInt(table, Key("a"), 2);
  EXPECT_THAT(Records(Finish(&backend_), "count"), ElementsAre("put a=2"));
}

TEST_F(PlantedBug, EraseNotInDelta) {
  points_.PlantBug("erase-not-in-delta");
  StateTable* table = *backend_.OpenTable(Describe<int64_t>("count"));
  PutInt(table, Key("a"), 1);
  SealAll(&backend_, 1);
  table->Erase(MakeStateKey(Key("a")));
  EXPECT_THAT(Records(SealAll(&backend_, 2), "count"), IsEmpty());
}

TEST_F(PlantedBug, TheModelFindsEach) {
  EXPECT_FALSE(ModelFails(1));
  for (const char* bug : {"seal-skips-cow", "erase-not-in-delta"}) {
    points_ = SimFailPoints([] {});
    points_.PlantBug(bug);
    EXPECT_TRUE(ModelFails(1)) << bug;
  }
}

TEST(HotBackend, SealTouchesNoEntry) {
  SystemClock clock;
  HotStateBackend backend(&clock);
  StateTable* table = *backend.OpenTable(Describe<int64_t>("count"));
  std::string key(8, '\0');
  for (uint64_t i = 0; i < 300'000; ++i) {
    std::memcpy(key.data(), &i, 8);
    PutInt(table, Key(key), 1);
  }
  const int64_t before = clock.MonoNs();
  backend.Seal(1, false);
  // Walking the entries takes milliseconds; the bound leaves room for a descheduled test.
  EXPECT_LT(clock.MonoNs() - before, 1'000'000);
  int64_t records = 0;
  for (const SealedTable& part : Finish(&backend).tables) {
    EXPECT_LT(part.bytes.size(), size_t{1} << 20) << "a part is bounded";
    records += part.records;
  }
  EXPECT_EQ(records, 300'000);
}

size_t HeapInUse() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(HotBackend, MemoryEstimateIsWithinAFifthOfTheHeap) {
  const size_t before = HeapInUse();
  SystemClock clock;
  HotStateBackend backend(&clock);
  StateTable* texts = *backend.OpenTable(Describe<std::string>("text"));
  StateTable* lists = *backend.OpenTable(Describe<std::vector<std::string>>("list"));
  for (int i = 0; i < 32 * 4095; ++i) {  // fills its slabs
    Put<std::string>(
        texts, Key("a key that is too long to stand in an entry, number " + std::to_string(i)), "",
        std::string(40, 'v'));
  }
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 100; ++i) {
      bool created;
      auto* list = static_cast<std::vector<std::string>*>(
          lists->FindOrCreate(MakeStateKey(Key(std::to_string(i))), &created));
      list->push_back(std::string(100, 'x'));
    }
  }
  SealAll(&backend, 1);
  const auto actual = static_cast<double>(HeapInUse() - before);
  const auto estimate = static_cast<double>(backend.memory_bytes());
  if (actual > 0) {  // the sanitizers' allocators do not tell
    EXPECT_NEAR(estimate / actual, 1.0, 0.2);
  }
  EXPECT_GT(estimate, 100 * 200 * 100);
}

}  // namespace
}  // namespace weir
