// What the agent loop must know about the rows of a batch: key, signature, identity, novelty.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_loop_config.h"
#include "agent/request_id.h"
#include "agent/signature.h"
#include "engine/core/state_backend.h"
#include "engine/expr/program.h"
#include "engine/model/key.h"

namespace weir {

// Looks at one batch at a time; what it gives is valid until the batch changes or the next Load.
class EventView {
 public:
  static StatusOr<std::unique_ptr<EventView>> Create(const AgentLoopConfig& config);

  // The batch must have its key columns filled.
  void Load(const RecordBatch& batch);
  const std::vector<std::string_view>& signatures() const { return signatures_; }
  KeyRef key(size_t row) const {
    return KeyRef{batch_->key_group[row], batch_->key_hash[row], keys_[row]};
  }
  std::string request_id(size_t row, int64_t now_ms) const;
  uint64_t fingerprint(size_t row) const { return ids_.Fingerprint(*batch_, row); }
  // True if escalate_when is. An error counts as false.
  bool novel(size_t row) const { return novel_[row]; }
  int64_t evaluation_errors() const { return evaluation_errors_; }  // ever

  const Signature& signature() const { return signature_; }

 private:
  Signature signature_;
  KeySelector key_;
  bool same_key_ = false;  // key and signature are the same fields
  RequestIdMaker ids_;
  std::unique_ptr<ExprProgram> escalate_when_;

  const RecordBatch* batch_ = nullptr;
  std::vector<std::string_view> signatures_, keys_;
  std::vector<bool> novel_;
  std::vector<uint32_t> pass_, failed_;
  int64_t evaluation_errors_ = 0;
};

}  // namespace weir
