// The order-keeping part of an asynchronous operator (DESIGN D12): which results may leave now, and
// which watermark outputs may see. Knows nothing of what an entry holds; entries are named by
// ascending sequence numbers. Pure logic, one thread.
//
//   queue.Add(seq, key_hash, watermark);      // before the question is sent
//   queue.Complete(seq);                      // the answer is there, first one only
//   queue.TakeReady(&ready);                  // emit these, in this order
//   EmitWatermark(queue.OutputWatermark(watermark));
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>

namespace weir {

enum class AsyncOrder : uint8_t {
  kGlobal,  // results leave in the order of their entries
  kKey,     // ... within a key; keys do not wait for each other
  kNone,    // results leave as they come
};

class AsyncQueue {
 public:
  explicit AsyncQueue(AsyncOrder order) : order_(order) {}

  // `sequence` must be above every one before. `watermark` is the input's at this moment. Keys
  // whose hashes meet merely wait for each other.
  void Add(int64_t sequence, uint64_t key_hash, int64_t watermark);
  // False, and nothing happens, if the entry is unknown, complete or gone: a result counts once.
  bool Complete(int64_t sequence);
  // Replaces *out with the entries that may be emitted now, in order; they leave the queue.
  void TakeReady(std::vector<int64_t>* out);

  // Would a result for this key that is known now have to wait for others?
  bool MustQueue(uint64_t key_hash) const;
  // What outputs may see of the input's watermark: no result may follow a watermark that is later
  // than the one its entry saw.
  int64_t OutputWatermark(int64_t input_watermark) const;

  // Entries that have not become ready.
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  bool Contains(int64_t sequence) const { return entries_.count(sequence) != 0; }

 private:
  struct Entry {
    uint64_t key_hash;
    int64_t watermark;
    bool done = false;
  };
  using Entries = std::map<int64_t, Entry>;

  void TakeHeads(uint64_t key_hash);
  void MakeReady(Entries::iterator entry);

  AsyncOrder order_;
  Entries entries_;
  std::map<int64_t, size_t> watermarks_;  // of the entries; equal ones are counted
  std::unordered_map<uint64_t, std::deque<int64_t>> keys_;  // kKey only
  struct Ready {
    int64_t sequence;
    int64_t watermark;  // counted until the result is taken
  };
  std::vector<Ready> ready_;
};

}  // namespace weir
