// What every backend promises about time to live (mission E-S2). A part of the contract suite.
#pragma once

#include <string>

#include "tests/unit/state_hot/backend_contract.h"

namespace weir {

class TtlContract : public BackendContract {
 protected:
  static constexpr int64_t kTtl = 100;
  static StateTtl Ttl(StateTtl::Domain domain = StateTtl::Domain::kProcessingTime,
                      bool on_read = false) {
    return {domain, kTtl, on_read};
  }
  // Both domains at once, so that one test serves both.
  void At(int64_t ms) { backend_->SetTime(ms, ms); }
};

TEST_P(TtlContract, ExpiresAtExactlyTheEnd) {
  for (const auto domain : {StateTtl::Domain::kEventTime, StateTtl::Domain::kProcessingTime}) {
    Reset();
    At(1000);
    StateTable* table = OpenInt("t", Ttl(domain));
    PutInt(table, Key("a"), 5);
    At(1000 + kTtl - 1);
    EXPECT_EQ(GetInt(table, Key("a")), "5");
    for (const int64_t now : {1000 + kTtl, 1000 + kTtl + 1}) {
      At(now);
      EXPECT_EQ(GetInt(table, Key("a")), "-");
      EXPECT_EQ(table->FindForWrite(MakeStateKey(Key("a"))), nullptr);
      EXPECT_THAT(SubKeys(table, Key("a")), IsEmpty());
      table->ScanAll([](uint16_t, std::string_view, std::string_view, const void*) {
        ADD_FAILURE() << "an expired entry is visible";
        return true;
      });
    }
    bool created = false;
    EXPECT_EQ(*static_cast<int64_t*>(table->FindOrCreate(MakeStateKey(Key("a")), &created)), 0)
        << "a new life, not the old value";
    EXPECT_TRUE(created);
  }
}

TEST_P(TtlContract, DomainsAreIndependent) {
  backend_->SetTime(1000, 1000);
  StateTable* event = OpenInt("e", Ttl(StateTtl::Domain::kEventTime));
  StateTable* processing = OpenInt("p", Ttl(StateTtl::Domain::kProcessingTime));
  PutInt(event, Key("a"), 1);
  PutInt(processing, Key("a"), 1);
  backend_->SetTime(5000, 1000);
  EXPECT_EQ(GetInt(event, Key("a")), "1");
  EXPECT_EQ(GetInt(processing, Key("a")), "-");
  backend_->SetTime(5000, INT64_MAX);
  EXPECT_EQ(GetInt(event, Key("a")), "-") << "the end of event time";
}

TEST_P(TtlContract, WritesRefreshReadsDoNot) {
  At(0);
  StateTable* table = OpenInt("t", Ttl());
  PutInt(table, Key("written"), 1);
  PutInt(table, Key("read"), 1);
  At(50);
  EXPECT_NE(table->FindForWrite(MakeStateKey(Key("written"))), nullptr);
  EXPECT_EQ(GetInt(table, Key("read")), "1");
  EXPECT_THAT(SubKeys(table, Key("read")), ElementsAre(""));
  At(100);
  EXPECT_EQ(GetInt(table, Key("written")), "1");
  EXPECT_EQ(GetInt(table, Key("read")), "-");
}

TEST_P(TtlContract, ReadsRefreshOnRequestAndThatIsAChange) {
  At(0);
  StateTable* table = OpenInt("t", Ttl(StateTtl::Domain::kProcessingTime, true));
  for (const char* key : {"found", "scanned", "none"}) PutInt(table, Key(key), 1, "s");
  SealAll(backend_.get(), 1);
  At(50);
  GetInt(table, Key("found"), "s");
  SubKeys(table, Key("scanned"));
  EXPECT_THAT(Records(SealAll(backend_.get(), 2), "t"),
              UnorderedElementsAre("put found/s=1", "put scanned/s=1"));
  At(100);
  EXPECT_EQ(GetInt(table, Key("found"), "s"), "1");
  EXPECT_EQ(GetInt(table, Key("scanned"), "s"), "1");
  EXPECT_EQ(GetInt(table, Key("none"), "s"), "-");
}

TEST_P(TtlContract, EntriesOfOneKeyExpireForThemselves) {
  At(0);
  StateTable* table = OpenInt("t", Ttl());
  PutInt(table, Key("k"), 1, "a");
  At(60);
  PutInt(table, Key("k"), 1, "b");
  At(100);
  EXPECT_THAT(SubKeys(table, Key("k")), ElementsAre("b"));
}

TEST_P(TtlContract, ErasingAnExpiredEntryRemovesNothingVisible) {
  At(0);
  StateTable* table = OpenInt("t", Ttl());
  PutInt(table, Key("a"), 1);
  SealAll(backend_.get(), 1);
  At(100);
  EXPECT_FALSE(table->Erase(MakeStateKey(Key("a"))));
  EXPECT_EQ(table->size(), 0u);
  EXPECT_THAT(Records(SealAll(backend_.get(), 2), "t"), ElementsAre("erase a"));
}

TEST_P(TtlContract, ReclaimsPhysicallyInBoundedStepsAndTellsTheCheckpoint) {
  At(0);
  StateTable* table = OpenInt("t", Ttl());
  constexpr size_t kEntries = 5000;
  for (size_t i = 0; i < kEntries; ++i) PutInt(table, Key("k" + std::to_string(i)), 1);
  SealAll(backend_.get(), 1);
  EXPECT_EQ(backend_->ReclaimExpired(), 0u);
  At(100);
  PutInt(table, Key("k7"), 2);
  const size_t first = backend_->ReclaimExpired();
  EXPECT_LT(first, kEntries / 2) << "bounded";
  size_t removed = first;
  for (int i = 0; i < 1000; ++i) removed += backend_->ReclaimExpired();
  // k7 was expired when it was written again: that was its own end and a new beginning.
  EXPECT_EQ(removed, kEntries - 1);
  EXPECT_EQ(table->size(), 1u);
  EXPECT_EQ(Records(SealAll(backend_.get(), 2), "t").size(), kEntries + 1);
}

TEST_P(TtlContract, ReclaimDuringASealKeepsTheSealedValue) {
  At(0);
  StateTable* table = OpenInt("t", Ttl());
  PutInt(table, Key("a"), 1);
  backend_->Seal(1, false);
  At(100);
  EXPECT_EQ(backend_->ReclaimExpired(), 1u);
  EXPECT_THAT(Records(Finish(backend_.get()), "t"), ElementsAre("put a=1"));
  EXPECT_THAT(Records(SealAll(backend_.get(), 2), "t"), ElementsAre("erase a"));
}

TEST_P(TtlContract, RestoredEntriesKeepTheirLastAccess) {
  At(1000);
  PutInt(OpenInt("t", Ttl()), Key("a"), 1);
  At(1050);
  const SealedState sealed = SealAll(backend_.get(), 1);
  Reset();
  RestoreInto(backend_.get(), sealed);
  StateTable* table = OpenInt("t", Ttl());
  At(1099);
  EXPECT_EQ(GetInt(table, Key("a")), "1");
  At(1100);
  EXPECT_EQ(GetInt(table, Key("a")), "-") << "time that the job was down counts";
}

TEST_P(TtlContract, NewlyEnabledItStartsAtTheFirstAccess) {
  At(1000);
  for (const char* key : {"read", "written", "untouched"}) PutInt(OpenInt(key), Key("a"), 1);
  const SealedState sealed = SealAll(backend_.get(), 1);
  Reset();
  RestoreInto(backend_.get(), sealed);
  StateTable* read = OpenInt("read", Ttl());
  StateTable* written = OpenInt("written", Ttl());
  StateTable* untouched = OpenInt("untouched", Ttl());
  At(9000);
  EXPECT_EQ(backend_->ReclaimExpired() + backend_->ReclaimExpired() + backend_->ReclaimExpired(),
            0u);
  EXPECT_EQ(GetInt(read, Key("a")), "1");
  PutInt(written, Key("a"), 2);
  At(9099);
  EXPECT_EQ(GetInt(read, Key("a")), "1");
  EXPECT_EQ(GetInt(written, Key("a")), "2");
  At(9100);
  EXPECT_EQ(GetInt(read, Key("a")), "-");
  EXPECT_EQ(GetInt(written, Key("a")), "-");
  EXPECT_EQ(GetInt(untouched, Key("a")), "1");
}

TEST_P(TtlContract, DisabledAgainNothingExpires) {
  At(1000);
  PutInt(OpenInt("t", Ttl()), Key("a"), 1);
  const SealedState sealed = SealAll(backend_.get(), 1);
  Reset();
  RestoreInto(backend_.get(), sealed);
  StateTable* table = OpenInt("t");
  At(1'000'000);
  EXPECT_EQ(GetInt(table, Key("a")), "1");
}

TEST_P(TtlContract, EventTimeBeginsWithTheFirstWatermark) {
  backend_->SetTime(1000, kNoTimestamp);
  StateTable* table = OpenInt("t", Ttl(StateTtl::Domain::kEventTime));
  PutInt(table, Key("a"), 1);
  EXPECT_EQ(GetInt(table, Key("a")), "1");
  backend_->SetTime(1000, 500);
  EXPECT_EQ(GetInt(table, Key("a")), "1") << "the first watermark is its first access";
  backend_->SetTime(1000, 599);
  EXPECT_EQ(GetInt(table, Key("a")), "1");
  backend_->SetTime(1000, 600);
  EXPECT_EQ(GetInt(table, Key("a")), "-");
  EXPECT_EQ(backend_->ReclaimExpired(), 1u);
}

TEST_P(TtlContract, ExtremeTimesDoNotOverflow) {
  At(INT64_MAX - 5);
  StateTable* table = OpenInt("t", Ttl());
  PutInt(table, Key("a"), 1);
  At(INT64_MAX);
  EXPECT_EQ(GetInt(table, Key("a")), "1");
}

}  // namespace weir
