#include "agent/event_view.h"

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"
#include "engine/base/hash.h"

namespace weir {

StatusOr<std::unique_ptr<EventView>> EventView::Create(const AgentLoopConfig& config) {
  auto view = std::make_unique<EventView>();
  WEIR_ASSIGN_OR_RETURN(view->signature_, Signature::Create(*config.input, config.signature));
  WEIR_ASSIGN_OR_RETURN(view->key_, KeySelector::Create(*config.input, config.key));
  view->same_key_ = config.key == config.signature;
  WEIR_ASSIGN_OR_RETURN(view->ids_, RequestIdMaker::Create(*config.input, config.job, config.uid,
                                                           config.secret, config.id));
  ExprOptions options;
  options.result = TypeKind::kBool;
  WEIR_ASSIGN_OR_RETURN(view->escalate_when_,
                        CompileExpr(config.escalate_when, *config.input, options));
  return view;
}

void EventView::Load(const RecordBatch& batch) {
  batch_ = &batch;
  signature_.Select(batch, &signatures_);
  if (same_key_) {
    // Only rows with a signature are looked up, and then these are the key's bytes.
    keys_ = signatures_;
  } else {
    key_.Select(batch, &keys_);
  }
  pass_.clear();
  failed_.clear();
  std::string error;
  escalate_when_->Filter(batch, &pass_, &failed_, &error);
  evaluation_errors_ += static_cast<int64_t>(failed_.size());
  novel_.assign(batch.rows(), false);
  for (const uint32_t row : pass_) novel_[row] = true;
}

std::string EventView::request_id(size_t row, int64_t now_ms) const {
  std::string id = ids_.Make(*batch_, row);
  if (WEIR_PLANTED_BUG("H-2")) id = HexEncode(Sha256(absl::StrCat(id, "@", now_ms)));
  return id;
}

}  // namespace weir
