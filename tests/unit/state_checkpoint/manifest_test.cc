#include "state/checkpoint/manifest.h"

#include "tests/unit/state_checkpoint/test_storage.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

Manifest Sample() {
  Manifest m =
      ManifestOf(12, {{std::string(64, 'a'), 100, 0xDEADBEEF}, {std::string(64, 'b'), 5, 1}});
  m.epoch = 3;
  m.max_parallelism = 64;
  m.key_hash = "murmur2/1";
  m.savepoint = true;
  m.operators[0].parallelism = 2;
  m.operators[0].subtasks.push_back({1, {}, {{"offset", std::string("\0\xFF", 2)}, {"\xFE", ""}}});
  m.operators.push_back({"uid-2", "", 1, {}});
  return m;
}

TEST(Manifest, RoundTrips) {
  const StatusOr<Manifest> read = DecodeManifest(EncodeManifest(Sample()), "f");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->id, 12);
  EXPECT_EQ(read->epoch, 3);
  EXPECT_EQ(read->job, "job");
  EXPECT_EQ(read->created_ms, 1012);
  EXPECT_EQ(read->max_parallelism, 64);
  EXPECT_EQ(read->key_hash, "murmur2/1");
  EXPECT_TRUE(read->savepoint);
  ASSERT_EQ(read->operators.size(), 2u);
  const OperatorState& op = read->operators[0];
  EXPECT_EQ(op.uid, "uid-1");
  EXPECT_EQ(op.parallelism, 2);
  ASSERT_EQ(op.subtasks.size(), 2u);
  ASSERT_EQ(op.subtasks[0].segments.size(), 2u);
  EXPECT_EQ(op.subtasks[0].segments[0].sha256, std::string(64, 'a'));
  EXPECT_EQ(op.subtasks[0].segments[0].crc32c, 0xDEADBEEF);
  EXPECT_EQ(op.subtasks[0].segments[1].bytes, 5);
  EXPECT_EQ(op.subtasks[1].subtask, 1);
  ASSERT_EQ(op.subtasks[1].pieces.size(), 2u);
  EXPECT_EQ(op.subtasks[1].pieces[0].bytes, std::string("\0\xFF", 2));
  EXPECT_EQ(op.subtasks[1].pieces[1].name, "\xFE");
  // The same bytes again: nothing was lost on the way.
  EXPECT_EQ(EncodeManifest(*read), EncodeManifest(Sample()));
}

TEST(Manifest, EveryChangeOfAByteAndEveryTruncationIsFound) {
  const std::string file = EncodeManifest(Sample());
  for (size_t i = 0; i < file.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = file;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const Status status = DecodeManifest(flipped, "the/file").status();
      ASSERT_EQ(NumberOf(status), kCorrupt) << "byte " << i << " bit " << bit;
      ASSERT_THAT(std::string(status.message()), HasSubstr("the/file"));
    }
    ASSERT_EQ(NumberOf(DecodeManifest(file.substr(0, i), "f").status()), kCorrupt) << i;
  }
}

TEST(Manifest, NewerVersionIsNotCorruption) {
  std::string file = EncodeManifest(Sample());
  FrameFormat newer = kManifestFormat;
  newer.version = 7;
  SealFrame(newer, &file);
  EXPECT_EQ(NumberOf(DecodeManifest(file, "f").status()),
            static_cast<int>(ErrorCode::kStateVersion));
}

TEST(Manifest, SegmentIsNoManifest) {
  std::string file = EncodeManifest(Sample());
  SealFrame({"WEIRSEG\n", 1, "segment"}, &file);
  EXPECT_EQ(NumberOf(DecodeManifest(file, "f").status()), kCorrupt);
}

}  // namespace
}  // namespace weir
