#include "dirlog_rig.h"

#include "connectors/dirlog/meta_file.h"
#include "connectors/dirlog/paths.h"
#include "engine/base/fail_point.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr LogReadOptions kWithMeta{1 << 20, false, true};

class WriterTest : public DirlogRig {};
INSTANTIATE_TEST_SUITE_P(Disks, WriterTest, ::testing::Bool(), DiskName);

TEST_P(WriterTest, WritesOneBareValuePerLine) {
  const auto writer = Writer();
  EXPECT_EQ(*writer->Append(Records({"{\"a\":1}", "{}"})), 0);
  EXPECT_EQ(*writer->Append(Records({"x"})), 2);
  EXPECT_EQ(*writer->Append({}), 3);
  EXPECT_EQ(*writer->EndOffset(), 3);
  ASSERT_TRUE(writer->Sync().ok());
  EXPECT_EQ(Contents(), "{\"a\":1}\n{}\nx\n");
  EXPECT_THAT(*log_->Partitions("t"), ElementsAre(0));
}

TEST_P(WriterTest, GoesOnWhereTheLastProcessEnded) {
  ASSERT_TRUE(Writer(1)->Append(Records({"a", "b"})).ok());
  NewLog();
  EXPECT_EQ(*Writer(2)->Append(Records({"c"})), 2);
  const ReadResult all = ReadAll({}, kWithMeta);
  EXPECT_THAT(all.values, ElementsAre("a", "b", "c"));
  EXPECT_THAT(all.effect_ids, ElementsAre("id-a", "id-b", "id-c"));
  EXPECT_THAT(all.epochs, ElementsAre(1, 1, 2));
}

TEST_P(WriterTest, GoesOnBehindAFileCopiedInByHand) {
  Put("x\ny\ntorn");
  EXPECT_EQ(*Writer(1)->Append(Records({"a"})), 2);
  EXPECT_EQ(Contents(), "x\ny\na\n");
  NewLog();
  EXPECT_EQ(*Writer(2)->EndOffset(), 3);
  EXPECT_THAT(ReadAll({}, kWithMeta).effect_ids, ElementsAre("", "", "id-a"));
}

TEST_P(WriterTest, RemovesATornLastLine) {
  ASSERT_TRUE(Writer(1)->Append(Records({"aa", "bb"})).ok());
  ASSERT_TRUE(fs_->Truncate(Path("0.ndjson"), 5).ok());  // "aa\nbb"
  NewLog();
  EXPECT_EQ(*Writer(2)->EndOffset(), 1);
  EXPECT_EQ(Contents(), "aa\n");
  EXPECT_EQ(*Writer(2)->Append(Records({"cc"})), 1);
  EXPECT_THAT(ReadAll({}, kWithMeta).effect_ids, ElementsAre("id-aa", "id-cc"));
}

TEST_P(WriterTest, DropsMetaWithoutValue) {
  ASSERT_TRUE(Writer(1)->Append(Records({"aa", "bb", "cc"})).ok());
  ASSERT_TRUE(fs_->Truncate(Path("0.ndjson"), 3).ok());
  NewLog();
  EXPECT_EQ(*Writer(2)->Append(Records({"bb2"})), 1);
  EXPECT_THAT(ReadAll({}, kWithMeta).effect_ids, ElementsAre("id-aa", "id-bb2"));
  NewLog();
  EXPECT_EQ(*Writer(3)->EndOffset(), 2);
}

TEST_P(WriterTest, DropsValuesThatMetaDoesNotVouchFor) {
  // After a power loss the values may be on disk and their meta not; they were never acknowledged.
  ASSERT_TRUE(Writer(1)->Append(Records({"aa"})).ok());
  Put("bb\ncc\n");
  NewLog();
  EXPECT_EQ(*Writer(2)->EndOffset(), 1);
  EXPECT_EQ(Contents(), "aa\n");
}

TEST_P(WriterTest, TornMetaTakesItsValuesAlong) {
  ASSERT_TRUE(Writer(1)->Append(Records({"aa", "bb", "cc"})).ok());
  ASSERT_TRUE(fs_->Truncate(Path("0.meta"), *fs_->FileSize(Path("0.meta")) - 1).ok());
  NewLog();
  EXPECT_EQ(*Writer(2)->EndOffset(), 2);
  EXPECT_EQ(Contents(), "aa\nbb\n");
}

TEST_P(WriterTest, AMissingMetaIsRebuilt) {
  ASSERT_TRUE(Writer(1)->Append(Records({"aa", "bb"})).ok());
  ASSERT_TRUE(fs_->Remove(Path("0.meta")).ok());
  NewLog();
  EXPECT_EQ(*Writer(2)->Append(Records({"cc"})), 2);
  EXPECT_THAT(ReadAll({}, kWithMeta).effect_ids, ElementsAre("", "", "id-cc"));
}

TEST_P(WriterTest, ValuesThatWereRemovedBeginANew) {
  ASSERT_TRUE(Writer(1)->Append(Records({"aa", "bb"})).ok());
  ASSERT_TRUE(fs_->Remove(Path("0.ndjson")).ok());
  NewLog();
  EXPECT_EQ(*Writer(2)->Append(Records({"cc"})), 0);
  EXPECT_THAT(ReadAll({}, kWithMeta).effect_ids, ElementsAre("id-cc"));
}

TEST_P(WriterTest, SyncedValuesThatHaveChangedAreAnError) {
  const auto writer = Writer(1);
  ASSERT_TRUE(writer->Append(Records({"aa", "bb"})).ok());
  ASSERT_TRUE(writer->Sync().ok());
  ASSERT_TRUE(writer->Append(Records({"cc"})).ok());
  ASSERT_TRUE(fs_->Remove(Path("0.ndjson")).ok());
  Put("aa\nXX\ncc\n");
  NewLog();
  EXPECT_EQ(ErrorNumber(log_->OpenWriter("t", 0, 2).status()), 3002);
  EXPECT_EQ(Contents(), "aa\nXX\ncc\n");  // untouched
}

TEST_P(WriterTest, DamagedMetaIsAnErrorAndCutsNothing) {
  for (int i = 0; i < 6; ++i) {
    const auto writer = Writer(1);
    ASSERT_TRUE(writer->Append(Records({"v" + std::to_string(i)})).ok());
    ASSERT_TRUE(writer->Sync().ok());
  }
  const std::string values = Contents(), meta = Contents("0.meta");
  for (size_t at : {meta.size() / 3, kMetaMagic.size() + 9, size_t{1}}) {  // the base; the magic
    NewLog();
    std::string damaged = meta;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    ASSERT_TRUE(fs_->WriteFileAtomic(Path("0.meta"), damaged).ok());
    const Status status = log_->OpenWriter("t", 0, 2).status();
    EXPECT_EQ(ErrorNumber(status), 3002) << at;
    EXPECT_NE(status.message().find(Path("0.meta")), std::string::npos) << status;
    EXPECT_NE(ErrorHint(status).find("remove it"), std::string::npos);
    EXPECT_EQ(Contents(), values);
    EXPECT_EQ(Contents("0.meta"), damaged);
  }
  std::string torn = meta;
  torn[meta.size() - 3] = static_cast<char>(torn[meta.size() - 3] ^ 1);
  ASSERT_TRUE(fs_->WriteFileAtomic(Path("0.meta"), torn).ok());
  EXPECT_EQ(*Writer(2)->EndOffset(), 5);  // of what was written last nobody knows
}

// All in one append, so no entry says that those before it were synced.
TEST_P(WriterTest, DamageFarFromTheEndIsNoTornTail) {
  const auto writer = Writer(1);
  std::vector<std::string> values;
  for (int i = 0; i < 300; ++i) values.push_back("v" + std::to_string(i));
  ASSERT_TRUE(writer->Append(Records(values)).ok());
  ASSERT_TRUE(writer->Sync().ok());
  const std::string before = Contents(), meta = Contents("0.meta");
  std::string damaged = meta;
  damaged[meta.size() / 3] = static_cast<char>(meta[meta.size() / 3] ^ 4);
  ASSERT_TRUE(fs_->WriteFileAtomic(Path("0.meta"), damaged).ok());
  NewLog();
  EXPECT_EQ(ErrorNumber(log_->OpenWriter("t", 0, 2).status()), 3002);
  EXPECT_EQ(Contents(), before);
}

TEST_P(WriterTest, RefusesNewlinesInValues) {
  const auto writer = Writer();
  EXPECT_EQ(ErrorNumber(writer->Append(Records({"a", "b\nc"})).status()), 3004);
  EXPECT_EQ(*writer->Append(Records({"d"})), 0);  // nothing of the refused append was written
  EXPECT_EQ(Contents(), "d\n");
}

TEST_P(WriterTest, OlderEpochsAreFenced) {
  const auto old = Writer(1);
  ASSERT_TRUE(old->Append(Records({"a"})).ok());
  const auto same = Writer(1);  // several tasks of one incarnation share the partition
  EXPECT_EQ(*same->Append(Records({"b"})), 1);
  const auto fresh = Writer(2);
  EXPECT_EQ(ErrorNumber(old->Append(Records({"x"})).status()), 3005);
  EXPECT_EQ(ErrorNumber(old->Sync()), 3005);
  EXPECT_EQ(ErrorNumber(old->EndOffset().status()), 3005);
  EXPECT_EQ(ErrorNumber(log_->OpenWriter("t", 0, 1).status()), 3005);
  EXPECT_EQ(*fresh->Append(Records({"c"})), 2);
  EXPECT_EQ(Contents(), "a\nb\nc\n");
  EXPECT_TRUE(Writer(1, 1) != nullptr);  // by partition
}

TEST_P(WriterTest, AnotherProcessIsKeptOut) {
  const auto writer = Writer(1);
  ASSERT_TRUE(writer->Append(Records({"a", "b"})).ok());
  const auto other = AnotherLog();
  const Status refused = other->OpenWriter("t", 1, 1).status();
  EXPECT_EQ(ErrorNumber(refused), 4006);
  EXPECT_NE(refused.message().find("topic t: "), std::string::npos) << refused;
  EXPECT_NE(refused.message().find(JoinPath(root_, "t")), std::string::npos) << refused;
  EXPECT_NE(ErrorHint(refused).find("topics of its own"), std::string::npos);
  EXPECT_EQ(ErrorNumber(other->PrepareTopic({"t", TopicSpec::Use::kOutput, 1})), 4006);
  EXPECT_EQ(ErrorNumber(other->DeleteTopic("t")), 4006);
  EXPECT_EQ(Contents(), "a\nb\n");
  EXPECT_THAT(ReadAll().values, ElementsAre("a", "b"));  // who reads needs no lock
  EXPECT_THAT(*other->Partitions("t"), ElementsAre(0));
  EXPECT_TRUE(other->OpenWriter("u", 0, 1).ok());
  log_.reset();
  EXPECT_EQ(ErrorNumber(writer->Append(Records({"c"})).status()), 3004);
  EXPECT_EQ(*other->OpenWriter("t", 0, 1).value()->EndOffset(), 2);
}

TEST_P(WriterTest, PreparingATopicLocksIt) {
  ASSERT_TRUE(log_->PrepareTopic({"t", TopicSpec::Use::kOutput, 1}).ok());
  EXPECT_THAT(*log_->Partitions("t"), IsEmpty());
  EXPECT_EQ(ErrorNumber(AnotherLog()->OpenWriter("t", 0, 1).status()), 4006);
  ASSERT_TRUE(log_->DeleteTopic("t").ok());
  EXPECT_TRUE(AnotherLog()->OpenWriter("t", 0, 1).ok());
}

TEST_P(WriterTest, DeleteTopicRemovesAllOfIt) {
  const auto writer = Writer(3);
  ASSERT_TRUE(writer->Append(Records({"a"})).ok());
  ASSERT_TRUE(log_->DeleteTopic("t").ok());
  EXPECT_THAT(*log_->Partitions("t"), IsEmpty());
  EXPECT_FALSE(writer->Append(Records({"b"})).ok());
  EXPECT_FALSE(fs_->Exists(JoinPath(root_, "t")));
  EXPECT_TRUE(log_->DeleteTopic("t").ok());
  EXPECT_EQ(*Writer(1)->Append(Records({"c"})), 0);  // a new topic, a new epoch
}

TEST_P(WriterTest, TopicNamesAreChecked) {
  for (const std::string bad : {"", ".", "..", "a/b", "../x", "a b", "a\n"}) {
    EXPECT_EQ(ErrorNumber(log_->Partitions(bad).status()), 1012) << bad;
    EXPECT_EQ(ErrorNumber(log_->OpenReader(bad, 0, {}).status()), 1012) << bad;
    EXPECT_EQ(ErrorNumber(log_->OpenWriter(bad, 0, 1).status()), 1012) << bad;
    EXPECT_EQ(ErrorNumber(log_->DeleteTopic(bad)), 1012) << bad;
  }
  EXPECT_EQ(ErrorNumber(CheckTopicName(std::string(250, 'a'))), 1012);
  EXPECT_TRUE(CheckTopicName("auth.raw_2-X").ok());
}

TEST_P(WriterTest, OnlyNumberedFilesArePartitions) {
  for (const char* name :
       {"2.ndjson", "10.ndjson", "0.ndjson", "00.ndjson", "-1.ndjson", "x.ndjson", "1.meta",
        "1.ndjson.tmp", "+3.ndjson", ".ndjson", "99999999999.ndjson"}) {
    Put("a\n", name);
  }
  EXPECT_THAT(*log_->Partitions("t"), ElementsAre(0, 2, 10));
}

TEST(DirectoryLogType, TakesItsFolderFromTheUrl) {
  TestEnv env;
  const LogType type = DirectoryLogType();
  EXPECT_EQ(type.scheme, "dir");
  const auto log = type.create(env.env(), "dir:/data/log", "job");
  ASSERT_TRUE(log.ok());
  ASSERT_TRUE((*log)->OpenWriter("t", 3, 1).ok());
  EXPECT_TRUE(env.fs.Exists("/data/log/t/3.ndjson"));
  EXPECT_EQ(ErrorNumber(type.create(env.env(), "dir:", "job").status()), 1012);
}

TEST(MetaFile, EntriesSurviveAndDamageIsSeen) {
  TestEnv env;
  std::string bytes(kMetaMagic);
  std::vector<size_t> ends;
  for (int i = 0; i < 100; ++i) {
    MetaEntry entry;
    entry.offset = i;
    entry.begin = static_cast<uint64_t>(i) * 1000;
    entry.length = static_cast<uint64_t>(i);
    entry.crc = 77;
    entry.timestamp_ms = -i;
    entry.epoch = 3;
    entry.durable = i / 2;
    const std::string id(static_cast<size_t>(i % 5), 'e'), key(static_cast<size_t>(i % 3), '\0');
    entry.effect_id = id;
    entry.key = key;
    AppendMetaEntry(entry, &bytes);
    ends.push_back(bytes.size());
  }
  const auto count = [&env](const std::string& contents) {
    EXPECT_TRUE(env.fs.WriteFileAtomic("/m", contents).ok());
    MetaCursor cursor(&env.fs, "/m");
    MetaEntry entry;
    int n = 0;
    while (*cursor.Next(&entry)) {
      EXPECT_EQ(entry.offset, n);
      EXPECT_EQ(entry.begin, static_cast<uint64_t>(n) * 1000);
      EXPECT_EQ(entry.timestamp_ms, -n);
      EXPECT_EQ(entry.durable, n / 2);
      EXPECT_EQ(entry.effect_id.size(), static_cast<size_t>(n % 5));
      EXPECT_EQ(entry.key.size(), static_cast<size_t>(n % 3));
      ++n;
    }
    return n;
  };
  EXPECT_EQ(count(bytes), 100);
  for (size_t cut = 0; cut < bytes.size(); cut += 13) {
    const auto whole = std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin();
    EXPECT_EQ(count(bytes.substr(0, cut)), whole) << cut;
  }
  for (size_t at = 0; at < bytes.size(); at += 11) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    EXPECT_EQ(count(damaged), std::upper_bound(ends.begin(), ends.end(), at) - ends.begin());
  }
}

}  // namespace
}  // namespace weir
