// What keyed state remembers of decisions: their rows, so that a replayed event is answered again
// with the same bytes, and how long a decision without a rule stands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/core/codec.h"
#include "engine/core/state.h"

namespace weir {

struct KeyDecisions {
  int64_t seq = 0;        // of the last request
  int64_t decisions = 0;  // recorded ever
};
struct DecisionRecord {
  std::string request_id;
  std::string row;       // the event, encoded
  std::string decision;  // binary
};
// The last decision without a rule about one signature.
struct Standing {
  int64_t event_time_ms = 0;
  bool fail_safe = false;
};

template <>
struct Codec<KeyDecisions> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() { return "agent_loop.KeyDecisions"; }
  static void Encode(const KeyDecisions& v, std::string* out) {
    PutSigned(out, v.seq);
    PutSigned(out, v.decisions);
  }
  static bool Decode(ByteReader* in, KeyDecisions* v) {
    v->seq = in->Signed();
    v->decisions = in->Signed();
    return in->ok();
  }
  static size_t HeapBytes(const KeyDecisions&) { return 0; }
};

template <>
struct Codec<DecisionRecord> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() { return "agent_loop.DecisionRecord"; }
  static void Encode(const DecisionRecord& v, std::string* out) {
    PutBytes(out, v.request_id);
    PutBytes(out, v.row);
    PutBytes(out, v.decision);
  }
  static bool Decode(ByteReader* in, DecisionRecord* v) {
    v->request_id = in->Bytes();
    v->row = in->Bytes();
    v->decision = in->Bytes();
    return in->ok();
  }
  static size_t HeapBytes(const DecisionRecord& v) {
    return v.request_id.capacity() + v.row.capacity() + v.decision.capacity();
  }
};

template <>
struct Codec<Standing> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() { return "agent_loop.Standing"; }
  static void Encode(const Standing& v, std::string* out) {
    PutSigned(out, v.event_time_ms);
    PutVarint(out, v.fail_safe ? 1 : 0);
  }
  static bool Decode(ByteReader* in, Standing* v) {
    v->event_time_ms = in->Signed();
    v->fail_safe = in->Varint() != 0;
    return in->ok();
  }
  static size_t HeapBytes(const Standing&) { return 0; }
};

class DecisionRecords {
 public:
  // Entries leave `ttl_ms` of processing time after they were written: redelivery happens in it.
  Status Open(StateOpener* opener, int64_t ttl_ms);

  // The number of the key's next request, from 1.
  int64_t NextSeq(const KeyRef& key) { return ++keys_.Mutable(key).seq; }
  // Did this key ever have a decision? One look-up for the keys that never had.
  bool Any(const KeyRef& key) {
    if (keys_.table()->size() == 0) return false;
    const KeyDecisions* d = keys_.Get(key);
    return d != nullptr && d->decisions > 0;
  }
  // By the event's fingerprint; the caller compares the request id.
  const DecisionRecord* Find(const KeyRef& key, uint64_t fingerprint) {
    return records_.Get(key, static_cast<int64_t>(fingerprint));
  }
  // By request id: looks at all of the key's records.
  bool Contains(const KeyRef& key, const std::string& request_id);
  // The first record of an event stays.
  void Put(const KeyRef& key, uint64_t fingerprint, DecisionRecord record);

  const Standing* FindStanding(const KeyRef& key, std::string_view signature);
  void SetStanding(const KeyRef& key, std::string_view signature, const Standing& standing);
  // Highest version of a rule that the key's recorded decisions carry; 0 if none does.
  int64_t HighestVersion(const KeyRef& key, const std::string& rule_id);

 private:
  ValueState<KeyDecisions> keys_;
  MapState<int64_t, DecisionRecord> records_;
  MapState<int64_t, Standing> standing_;  // by hash of the signature
};

}  // namespace weir
