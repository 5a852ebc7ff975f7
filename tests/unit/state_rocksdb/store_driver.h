// Does for one backend over a store what its task does (engine/runtime/task.cc), without threads:
// settles, spills when it is asked to, and keeps the segments of the chain.
#pragma once

#include <algorithm>
#include <utility>

#include "engine/base/status.h"
#include "engine/core/state_backend.h"

namespace weir {

class StoreDriver {
 public:
  explicit StoreDriver(StateBackend* backend) : backend_(backend) {}

  // After each batch. Returns whether it spilled.
  bool Settle() {
    backend_->Settle();
    const StateBackend::Spill spill = backend_->WantsSpill();
    if (spill == StateBackend::Spill::kNone) return false;
    Checkpoint(spill == StateBackend::Spill::kFull);
    backend_->Settle();
    return true;
  }
  void Checkpoint(bool full) {
    backend_->Seal(1, full);
    while (!backend_->WriteSlice(200'000)) {
    }
    SealedState sealed = backend_->TakeSealed();
    if (sealed.rest == nullptr) {
      Take(std::move(sealed));
      return;
    }
    bool first = true;
    for (bool more = true; more; first = false) {
      SealedState part;
      StatusOr<bool> next = sealed.rest->Next(&part);
      WEIR_CHECK(next.ok());
      more = *next;
      if (first) backend_->StoreDone();
      if (more) Take(std::move(part));
    }
  }
  int64_t records = 0;  // in all segments
  size_t bytes = 0;
  size_t largest = 0;

 private:
  void Take(SealedState part) {
    size_t size = 0;
    for (const SealedTable& table : part.tables) {
      records += table.records;
      size += table.bytes.size();
    }
    bytes += size;
    largest = std::max(largest, size);
  }

  StateBackend* backend_;
};

}  // namespace weir
