#include "disaster.h"

#include <algorithm>

namespace weir {
namespace {

constexpr int kTruncated = static_cast<int>(ErrorCode::kLogTruncated);
constexpr int kReplaced = static_cast<int>(ErrorCode::kLogReplaced);

// Behind the last record before `end` that is no control record: a reader has checked that one.
int64_t LastRecord(const SimBroker::Partition& p, int64_t end) {
  while (end > 0 && p.records[static_cast<size_t>(end - 1)].transaction == 0) --end;
  return end - 1;
}

}  // namespace

Disaster DisasterScene::Draw(uint64_t seed) {
  static const Disaster all[] = {
      {"retention", false, kTruncated},         {"truncation", false, kTruncated},
      {"recreated shorter", false, kTruncated}, {"recreated longer", false, kReplaced},
      {"output lost", false, kTruncated},       {"rules lost", false, kTruncated},
      {"decisions lost", false, kTruncated},    {"retention", true, kTruncated},
      {"truncation", true, kTruncated},
  };
  return all[seed % std::size(all)];
}

void DisasterScene::Remember() {
  for (const auto& [place, p] : broker_->partitions()) ends_[place] = p.end();
}

std::vector<DisasterScene::Place> DisasterScene::Known(const std::string& name) const {
  std::vector<Place> found;
  for (const auto& [place, end] : ends_) {
    const bool input = place.first == "auth.raw", internal = place.first[0] == '_';
    const bool wanted = name == "output lost"      ? !input && !internal
                        : name == "rules lost"     ? internal && place.first.ends_with(".rules")
                        : name == "decisions lost" ? internal && place.first.ends_with(".decisions")
                                                   : input;
    if (wanted && end > 0) found.push_back(place);
  }
  return found;
}

void DisasterScene::Strike(Disaster* disaster, const std::vector<std::string>& lines) {
  const bool input = !disaster->name.ends_with("lost");
  std::vector<Place> places = Known(disaster->name);
  if (places.empty()) {
    *disaster = {"truncation", false, kTruncated};
    places = Known(disaster->name);
    return StrikeInput(disaster, places[broker_->random().Uniform(places.size())], lines);
  }
  const Place place = places[broker_->random().Uniform(places.size())];
  if (input) return StrikeInput(disaster, place, lines);
  SimBroker::Partition* p = broker_->Find(place.first, place.second, false);
  const bool internal = place.first[0] == '_';
  const auto last = static_cast<uint64_t>(LastRecord(*p, ends_[place]));
  SimBroker::Truncate(p, internal ? 0 : static_cast<int64_t>(broker_->random().Uniform(last + 1)));
}

void DisasterScene::StrikeInput(Disaster* disaster, const Place& place,
                                const std::vector<std::string>& lines) {
  SimBroker::Partition* p = broker_->Find(place.first, place.second, false);
  Random& random = broker_->random();
  if (disaster->name == "retention") {
    // At least one record goes that nobody has read.
    broker_->Produce(place.first, place.second, lines);
    const int64_t lost = std::max(p->read_to, ends_[place]) + 1;
    SimBroker::Expire(
        p, lost + static_cast<int64_t>(random.Uniform(static_cast<uint64_t>(p->end() - lost + 1))));
    return;
  }
  const int64_t known = ends_[place];
  if (disaster->name == "truncation") {
    // The last record that was read goes, too.
    SimBroker::Truncate(
        p, static_cast<int64_t>(random.Uniform(static_cast<uint64_t>(LastRecord(*p, known) + 1))));
    return;
  }
  SimBroker::Truncate(p, 0);
  if (disaster->name == "recreated shorter") return;
  while (p->end() <= std::max(known, p->read_to))
    broker_->Produce(place.first, place.second, lines);
}

}  // namespace weir
