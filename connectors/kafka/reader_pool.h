// Consumers to read with. Each serves one reader at a time; one that has been given back is
// connected already, which makes reading many partitions one after the other quick.
#pragma once

#include <memory>
#include <vector>

#include "connectors/kafka/settings.h"
#include "engine/base/guarded.h"

namespace weir::kafka {

class ReaderPool {
 public:
  // What all partitions of a client may hold prefetched. Few readers get the most that is of use
  // to one, later ones a share of the whole, but always kMinQueueKb.
  static constexpr int kBudgetKb = 256 << 10;
  static constexpr size_t kMaxIdle = 2;

  explicit ReaderPool(Settings settings) : settings_(std::move(settings)) {}
  StatusOr<Client> Take();
  void GiveBack(Client client);
  // One that is of no more use.
  void Drop(Client client);

 private:
  struct State {
    std::vector<Client> idle;
    int taken = 0;
  };
  const Settings settings_;
  Guarded<State> state_;
};

}  // namespace weir::kafka
