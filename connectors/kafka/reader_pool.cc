#include "connectors/kafka/reader_pool.h"

#include <algorithm>
#include <utility>

namespace weir::kafka {

StatusOr<Client> ReaderPool::Take() {
  Client idle;
  const int taken = state_.With([&](State* state) {
    if (!state->idle.empty()) {
      idle = std::move(state->idle.back());
      state->idle.pop_back();
    }
    return ++state->taken;
  });
  if (idle != nullptr) return idle;
  StatusOr<Client> made =
      NewConsumer(settings_, std::clamp(kBudgetKb / taken, kMinQueueKb, kMaxQueueKb));
  if (!made.ok()) Drop(nullptr);
  return made;
}

void ReaderPool::GiveBack(Client client) {
  const bool keep = state_.With([&](State* state) {
    --state->taken;
    if (state->idle.size() >= kMaxIdle) return false;
    state->idle.push_back(std::move(client));
    return true;
  });
  if (!keep) client.reset();  // outside of the lock: it waits for the client's threads
}

void ReaderPool::Drop(Client client) {
  state_.With([](State* state) { --state->taken; });
  client.reset();
}

}  // namespace weir::kafka
