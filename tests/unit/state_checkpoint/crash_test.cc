// Power loss at every point of every operation of the store: what was announced as complete stays
// readable, and what is listed is whole (reliability.md I-21, I-22, I-24).
#include <optional>

#include "engine/base/sim_world.h"
#include "tests/unit/state_checkpoint/test_storage.h"

namespace weir {
namespace {

// What a process has been told by calls that returned OK while it lived.
struct Told {
  int64_t epoch = 0;
  std::vector<int64_t> complete;  // minus what Collect may have removed
  bool savepoint = false;
};

// Two epochs' worth of life. Ends early, as its process, when a call fails or the world crashes.
void Live(SimWorld* world, Told* told) {
  auto storage = NewFileCheckpointStorage(world->env(), "data", "job");
  const StatusOr<int64_t> epoch = storage->OpenEpoch();
  if (world->crashed()) return;
  ASSERT_TRUE(epoch.ok()) << epoch.status();
  ASSERT_GT(*epoch, told->epoch) << "an epoch came again";
  told->epoch = *epoch;
  const std::vector<int64_t> listed = *storage->List();
  int64_t id = listed.empty() ? 0 : listed.back();
  const std::string tag = std::to_string(*epoch);
  const StatusOr<SegmentRef> base = storage->WriteSegment(StateOf(id + 1, "base " + tag), "");
  for (int i = 0; i < 3 && !world->crashed(); ++i) {
    ++id;
    const StatusOr<SegmentRef> delta =
        storage->WriteSegment(StateOf(id, tag + " delta " + std::to_string(i)), "");
    if (!base.ok() || !delta.ok()) break;
    const Status published = storage->WriteManifest(ManifestOf(id, {*base, *delta}), "");
    if (world->crashed()) return;
    ASSERT_TRUE(published.ok()) << published;
    told->complete.push_back(id);
    // From here the oldest may be gone, from its first step on.
    if (told->complete.size() > 2) told->complete.erase(told->complete.begin());
    ASSERT_TRUE(storage->Collect(2, 0).ok() || world->crashed());
  }
  if (world->crashed() || told->savepoint) return;
  const std::string name = "sp-" + tag;
  const StatusOr<SegmentRef> own = storage->WriteSegment(StateOf(id, "savepoint"), name);
  if (!own.ok()) return;
  Manifest manifest = ManifestOf(id, {*own});
  manifest.savepoint = true;
  told->savepoint = storage->WriteManifest(manifest, name).ok() && !world->crashed();
}

void CheckStore(SimWorld* world, const Told& told) {
  auto storage = NewFileCheckpointStorage(world->env(), "data", "job");
  const StatusOr<std::vector<int64_t>> listed = storage->List();
  ASSERT_TRUE(listed.ok()) << listed.status();
  for (const int64_t id : *listed) {
    const StatusOr<Manifest> manifest = storage->ReadManifest(id);
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    const Status whole = storage->Verify(*manifest, "");
    ASSERT_TRUE(whole.ok()) << "checkpoint " << id << ": " << whole;
  }
  if (!told.complete.empty()) {
    ASSERT_THAT(*listed, ::testing::Contains(told.complete.back())) << "the newest is lost";
  }
  if (!told.savepoint) return;
  bool found = false;
  for (int64_t epoch = 1; epoch <= told.epoch; ++epoch) {
    const std::string name = "sp-" + std::to_string(epoch);
    const StatusOr<Manifest> manifest = storage->ReadSavepoint(name);
    if (manifest.ok()) found = found || storage->Verify(*manifest, name).ok();
  }
  ASSERT_TRUE(found) << "the savepoint is lost";
}

uint64_t PointsOfALife() {
  SimWorld world(1);
  Told told;
  Live(&world, &told);
  EXPECT_EQ(told.complete.size(), 2u);
  EXPECT_TRUE(told.savepoint);
  for (const char* point : {"segment.write.before", "segment.write.after", "manifest.rename.before",
                            "manifest.rename.after"}) {
    EXPECT_GT(world.points().counts().count(point), 0u) << point;
  }
  return world.points().total();
}

TEST(StoreCrash, AtEveryPointOfALife) {
  const uint64_t points = PointsOfALife();
  ASSERT_GT(points, 50u);
  for (uint64_t at = 1; at <= points; ++at) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE("crash at " + std::to_string(at) + ", seed " + std::to_string(seed));
      SimWorld world(seed);
      Told told;
      world.points().CrashAtHit(at);
      Live(&world, &told);
      ASSERT_TRUE(world.crashed());
      world.Crash();
      CheckStore(&world, told);
      // The next life goes on from there, and dies too.
      world.points().CrashAtHit(1 + (at * 7 + seed) % points);
      Live(&world, &told);
      if (world.crashed()) world.Crash();
      CheckStore(&world, told);
      if (HasFatalFailure()) return;
    }
  }
}

// The oracle can see: without syncing before the rename, some crash leaves a torn file.
TEST(StoreCrash, FindsFilesPublishedUnsynced) {
  bool found = false;
  for (uint64_t seed = 1; seed <= 200 && !found; ++seed) {
    SimWorld world(seed);
    world.points().PlantBug("B-82");
    Told told;
    Live(&world, &told);
    world.Crash();
    auto storage = NewFileCheckpointStorage(world.env(), "data", "job");
    const std::vector<int64_t> listed = *storage->List();
    for (const int64_t id : listed) {
      const StatusOr<Manifest> manifest = storage->ReadManifest(id);
      found = found || !manifest.ok() || !storage->Verify(*manifest, "").ok();
    }
  }
  EXPECT_TRUE(found);
}

TEST(StoreFaults, FailuresOfTheDiskAreReportedAndNeverAnnounced) {
  SimOptions options;
  options.faults.write_error = 0.02;
  options.faults.sync_error = 0.02;
  options.faults.no_space = 0.02;
  int failed = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimWorld world(seed, options);
    auto storage = NewFileCheckpointStorage(world.env(), "data", "job");
    std::optional<int64_t> complete;
    for (int64_t id = 1; id <= 5; ++id) {
      const StatusOr<SegmentRef> ref =
          storage->WriteSegment(StateOf(id, "content " + std::to_string(id)), "");
      if (ref.ok() && storage->WriteManifest(ManifestOf(id, {*ref}), "").ok()) complete = id;
      failed += complete != id;
    }
    world.Crash();
    world.fs().SetFaults({});
    if (!complete.has_value()) continue;
    storage = NewFileCheckpointStorage(world.env(), "data", "job");
    const StatusOr<Manifest> manifest = storage->ReadManifest(*complete);
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    ASSERT_TRUE(storage->Verify(*manifest, "").ok());
  }
  EXPECT_GT(failed, 20);
}

}  // namespace
}  // namespace weir
