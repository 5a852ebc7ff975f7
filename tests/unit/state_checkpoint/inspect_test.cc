#include "state/checkpoint/inspect.h"

#include "tests/unit/state_checkpoint/test_storage.h"

namespace weir {
namespace {

using State = SnapshotReport::State;

class InspectTest : public StorageTest {
 protected:
  SnapshotInspector Inspector() { return {&env_.fs, "data", "job"}; }
  // Changes one byte in the middle of a file.
  void Damage(const std::string& path) {
    std::string text = env_.fs.ReadFile(path).value();
    text[text.size() / 2] ^= 1;
    ASSERT_TRUE(env_.fs.WriteFileAtomic(path, text).ok());
  }
};

TEST_F(InspectTest, ListsWhatThereIsWithSizes) {
  EXPECT_TRUE(Inspector().Checkpoints(false)->empty());
  EXPECT_TRUE(Inspector().Savepoints(false)->empty());
  const SegmentRef a = Write(1, "a"), b = Write(2, "b");
  ASSERT_TRUE(storage_->WriteManifest(ManifestOf(1, {a}), "").ok());
  ASSERT_TRUE(storage_->WriteManifest(ManifestOf(2, {a, b}), "").ok());
  const auto list = Inspector().Checkpoints(true).value();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].id, 2);
  EXPECT_EQ(list[1].files, 3);
  EXPECT_GT(list[1].bytes, a.bytes + b.bytes);
  EXPECT_EQ(list[1].state, State::kWhole);
  EXPECT_EQ(Inspector().Checkpoints(false).value()[0].state, State::kPresent);
}

TEST_F(InspectTest, NamesEveryDamagedFile) {
  const SegmentRef a = Write(1, "a", "sp"), b = Write(1, "b", "sp"), c = Write(1, "c", "sp");
  ASSERT_TRUE(storage_->WriteManifest(ManifestOf(1, {a, b, c}), "sp").ok());
  const std::string dir = std::string(kJobDir) + "/savepoints/sp";
  EXPECT_EQ(Inspector().Savepoint("sp", true)->state, State::kWhole);
  Damage(dir + "/" + a.sha256);
  ASSERT_TRUE(env_.fs.Remove(dir + "/" + c.sha256).ok());
  // A flipped bit is seen by who reads, a missing file by who looks.
  EXPECT_EQ(Inspector().Savepoint("sp", false)->damaged.size(), 1u);
  const SnapshotReport report = Inspector().Savepoint(dir + "/", true).value();
  EXPECT_EQ(report.state, State::kDamaged);
  EXPECT_EQ(report.name, "sp");
  ASSERT_EQ(report.damaged.size(), 2u);
  EXPECT_EQ(report.damaged[0].path, dir + "/" + a.sha256);
  EXPECT_NE(report.damaged[0].problem.find("WEIR-4002"), std::string::npos);
  EXPECT_EQ(report.damaged[1].path, dir + "/" + c.sha256);
}

TEST_F(InspectTest, AManifestThatCannotBeReadIsDamageToo) {
  ASSERT_TRUE(storage_->WriteManifest(ManifestOf(1, {Write(1, "a")}), "").ok());
  Damage(std::string(kJobDir) + "/chk-1/MANIFEST");
  const auto list = Inspector().Checkpoints(false).value();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].id, 1);
  EXPECT_EQ(list[0].state, State::kDamaged);
}

TEST_F(InspectTest, SaysWhatDoesNotExist) {
  EXPECT_EQ(NumberOf(Inspector().Savepoint("none", true).status()),
            static_cast<int>(ErrorCode::kStateNoCheckpoint));
}

}  // namespace
}  // namespace weir
