// Records that are lost on the simulated broker, behind or before what the job has read: the job
// must stop with the error that the real broker's client gives, and not go on as if nothing was
// missing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim_broker.h"

namespace weir {

struct Disaster {
  std::string name;
  bool running = false;  // strikes while the job runs
  int error = 0;         // what the job must end with
};

// What stood in the broker when a checkpoint of everything was complete.
class DisasterScene {
 public:
  explicit DisasterScene(SimBroker* broker) : broker_(broker) {}

  // What seed `seed` is about.
  static Disaster Draw(uint64_t seed);
  // The job has ended well, or all that stands there has been read.
  void Remember();
  // Lets it happen. What it needs may not be there (a partition that has been read, a rule); then
  // it becomes another one, and *disaster says so. `lines` are input that the job does not know.
  void Strike(Disaster* disaster, const std::vector<std::string>& lines);

 private:
  using Place = std::pair<std::string, int>;
  // The partitions with records that a disaster of this name may strike.
  std::vector<Place> Known(const std::string& name) const;
  void StrikeInput(Disaster* disaster, const Place& place, const std::vector<std::string>& lines);

  SimBroker* broker_;
  std::map<Place, int64_t> ends_;
};

}  // namespace weir
