#include "engine/runtime/output_edge.h"

#include <utility>

#include "engine/base/status.h"

namespace weir {

OutputEdge::OutputEdge(Partitioning partitioning, KeySelector key, int max_parallelism,
                       std::vector<Channel*> channels)
    : partitioning_(partitioning),
      key_(std::move(key)),
      max_parallelism_(max_parallelism),
      channels_(std::move(channels)),
      rows_(channels_.size()) {
  WEIR_CHECK(!channels_.empty(), "an edge without consumers");
  WEIR_CHECK(channels_.size() <= 256, "parallelism above 256 within one process");
  for (int kg = 0; kg < max_parallelism_; ++kg) {
    owner_of_group_.push_back(static_cast<uint8_t>(
        OwnerOf(static_cast<uint16_t>(kg), static_cast<int>(channels_.size()), max_parallelism_)));
  }
}

void OutputEdge::Emit(RecordBatch batch) {
  switch (partitioning_) {
    case Partitioning::kForward:
      channels_[0]->Push(StreamElement(std::move(batch)));
      return;
    case Partitioning::kKeyed:
      EmitKeyed(std::move(batch));
      return;
    case Partitioning::kRebalance:
      channels_[next_]->Push(StreamElement(std::move(batch)));
      next_ = (next_ + 1) % channels_.size();
      return;
    case Partitioning::kBroadcast:
      for (size_t i = 0; i + 1 < channels_.size(); ++i) {
        channels_[i]->Push(StreamElement(batch.Copy()));
      }
      channels_.back()->Push(StreamElement(std::move(batch)));
      return;
  }
}

void OutputEdge::EmitKeyed(RecordBatch batch) {
  key_.Assign(&batch, max_parallelism_);
  if (channels_.size() == 1) {
    channels_[0]->Push(StreamElement(std::move(batch)));
    return;
  }
  for (auto& rows : rows_) rows.clear();
  for (uint32_t i = 0; i < batch.rows(); ++i) {
    rows_[owner_of_group_[batch.key_group[i]]].push_back(i);
  }
  for (size_t c = 0; c < channels_.size(); ++c) {
    if (rows_[c].empty()) continue;
    if (rows_[c].size() == batch.rows()) {  // all rows go one way: no copy
      channels_[c]->Push(StreamElement(std::move(batch)));
      return;
    }
    RecordBatch part(batch.schema());
    part.Gather(batch, rows_[c]);
    channels_[c]->Push(StreamElement(std::move(part)));
  }
}

bool OutputEdge::Drain() {
  bool empty = true;
  for (Channel* c : channels_) empty &= c->Drain();
  return empty;
}

}  // namespace weir
