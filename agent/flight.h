// Single-flight: one pending request per signature, and those who wait for its answer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "agent/string_map.h"

namespace weir {

struct Flight {
  enum class State : uint8_t {
    kAsking,     // the request is open
    kAwaitRule,  // decided; its rule is not yet applied here
    kReleasing,  // waiters are being evaluated again, in order
  };
  std::string signature;
  int64_t leader = 0;  // sequence of the request
  State state = State::kAsking;
  std::string rule_key;         // kAwaitRule
  std::deque<int64_t> waiters;  // sequences, in order of arrival
};

// Bounded per signature and in total. A flight's address is stable until it is closed.
class FlightTable {
 public:
  FlightTable(size_t max_per_signature, size_t max_total)
      : max_per_signature_(max_per_signature), max_total_(max_total) {}

  // nullptr if nothing is in flight for the signature.
  Flight* Find(std::string_view signature) {
    if (flights_.empty()) return nullptr;  // the usual case costs no hash
    const auto it = flights_.find(signature);
    return it == flights_.end() ? nullptr : &it->second;
  }
  // The flight of a signature that has none yet.
  Flight* Open(std::string_view signature, int64_t leader) {
    Flight& flight = flights_[std::string(signature)];
    flight.signature = signature;
    flight.leader = leader;
    return &flight;
  }
  bool HasRoom(const Flight& flight) const {
    return flight.waiters.size() < max_per_signature_ && waiting_ < max_total_;
  }
  // Whoever checked HasRoom; restored waiters are taken whatever the bound is now.
  void AddWaiter(Flight* flight, int64_t sequence) {
    flight->waiters.push_back(sequence);
    Grown(*flight);
  }
  // A waiter that was taken out but must go on waiting at its place.
  void PutBack(Flight* flight, int64_t sequence) {
    flight->waiters.push_front(sequence);
    Grown(*flight);
  }
  int64_t TakeWaiter(Flight* flight) {
    const int64_t sequence = flight->waiters.front();
    if (flight->waiters.size() == std::max<size_t>(1, max_per_signature_)) --full_;
    flight->waiters.pop_front();
    --waiting_;
    return sequence;
  }
  void Close(Flight* flight) {
    waiting_ -= flight->waiters.size();
    if (!flight->waiters.empty() && flight->waiters.size() >= max_per_signature_) --full_;
    const std::string signature = flight->signature;
    flights_.erase(signature);
  }

  size_t size() const { return flights_.size(); }
  size_t waiting() const { return waiting_; }
  // Some flight has no room: whoever can hold its input back does so.
  bool full() const { return full_ > 0 || (waiting_ > 0 && waiting_ >= max_total_); }

 private:
  void Grown(const Flight& flight) {
    ++waiting_;
    if (flight.waiters.size() == std::max<size_t>(1, max_per_signature_)) ++full_;
  }

  size_t max_per_signature_, max_total_;
  StringMap<Flight> flights_;
  size_t waiting_ = 0;
  size_t full_ = 0;  // flights at or above max_per_signature_
};

}  // namespace weir
