#include "agent/rule_index.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"

namespace weir {

namespace {

bool Better(const Rule& a, const Rule& b) {
  const bool a_off = a.stage == RuleStage::kDisabled, b_off = b.stage == RuleStage::kDisabled;
  return std::tie(a_off, a.origin.event_time_ms, a.id, a.version) <
         std::tie(b_off, b.origin.event_time_ms, b.id, b.version);
}

// The bytes of a constant that is compared with a column of this kind; false if the comparison is
// not plain equality of equal types.
bool ConstantKey(const Value& constant, TypeKind kind, std::string* out) {
  out->clear();
  switch (constant.kind()) {
    case Value::Kind::kString:
      *out = constant.string_value();
      return kind == TypeKind::kString;
    case Value::Kind::kInt:
      PutFixed64(out, static_cast<uint64_t>(constant.int_value()));
      return kind == TypeKind::kInt64;
    case Value::Kind::kTimestamp:
      PutFixed64(out, static_cast<uint64_t>(constant.int_value()));
      return kind == TypeKind::kTimestamp;
    case Value::Kind::kBool:
      PutFixed64(out, constant.bool_value() ? 1 : 0);
      return kind == TypeKind::kBool;
    default:
      return false;
  }
}

// The same bytes for a row. Integers are a view of the batch's own memory.
std::string_view ColumnKey(const Column& column, size_t row) {
  if (column.kind() == TypeKind::kString) return column.String(row);
  return {reinterpret_cast<const char*>(&column.ints()[row]), 8};
}

// True if the text is nothing but its equality conjuncts, so that equal values mean a match.
bool IsPlainConjunction(const ExprProgram& program, const Schema& schema) {
  std::string text;
  for (const EqualityConjunct& c : program.conjuncts()) {
    if (!text.empty()) text += " && ";
    text += EqualityText(schema.field(c.column).name, c.constant);
  }
  return text == program.text();
}

}  // namespace

ExprOptions RuleExprOptions() {
  ExprOptions options;
  options.result = TypeKind::kBool;
  options.max_cost = 2'000;
  options.max_length = 2'048;
  options.max_depth = 16;
  return options;
}

StatusOr<std::unique_ptr<RuleIndex::Entry>> RuleIndex::Compile(const Rule& rule, Place* place) {
  auto entry = std::make_unique<Entry>();
  entry->rule = rule;
  if (rule.predicate.empty()) {
    *place = {Place::Kind::kSignature, -1, rule.signature};
    return entry;
  }
  auto program = CompileExpr(rule.predicate, *schema_, RuleExprOptions());
  if (!program.ok()) {
    return Err(ErrorCode::kRuleInvalid, FormatError(program.status()));
  }
  ChoosePlace(**program, place);
  const bool whole = place->kind == Place::Kind::kSignature &&
                     (*program)->conjuncts().size() == signature_.fields().size() &&
                     IsPlainConjunction(**program, *schema_);
  if (!whole) entry->residual = *std::move(program);
  return entry;
}

void RuleIndex::ChoosePlace(const ExprProgram& program, Place* place) {
  std::vector<Value> pinned;
  for (const int column : signature_.columns()) {
    for (const EqualityConjunct& c : program.conjuncts()) {
      if (c.column != column) continue;
      pinned.push_back(c.constant);
      break;
    }
  }
  if (pinned.size() == signature_.columns().size()) {
    if (StatusOr<std::string> key = signature_.Encode(pinned); key.ok()) {
      *place = {Place::Kind::kSignature, -1, *std::move(key)};
      return;
    }
  }
  size_t smallest = SIZE_MAX;
  for (const EqualityConjunct& c : program.conjuncts()) {
    Place candidate{Place::Kind::kColumn, c.column, ""};
    if (!ConstantKey(c.constant, schema_->field(c.column).type.kind, &candidate.key)) continue;
    const Bucket* bucket = BucketOf(candidate, false);
    const size_t size = bucket == nullptr ? 0 : bucket->size();
    if (size < smallest) {
      smallest = size;
      *place = candidate;
    }
  }
}

RuleIndex::Bucket* RuleIndex::BucketOf(const Place& place, bool create) {
  if (place.kind == Place::Kind::kUnindexed) return &unindexed_;
  Buckets* buckets = &by_signature_;
  if (place.kind == Place::Kind::kColumn) {
    buckets = nullptr;
    for (auto& [column, map] : by_column_) {
      if (column == place.column) buckets = &map;
    }
    if (buckets == nullptr) {
      if (!create) return nullptr;
      buckets = &by_column_.emplace_back(place.column, Buckets()).second;
    }
  }
  if (create) return &(*buckets)[place.key];
  const auto it = buckets->find(place.key);
  return it == buckets->end() ? nullptr : &it->second;
}

Status RuleIndex::CheckPlace(const Place& place) {
  const Bucket* bucket = BucketOf(place, false);
  if (place.kind == Place::Kind::kUnindexed && unindexed_.size() >= kMaxUnindexed) {
    return Err(ErrorCode::kRuleCap, absl::StrCat("there are already ", kMaxUnindexed,
                                                 " rules without an equality condition"));
  }
  if (bucket != nullptr && bucket->size() >= kMaxBucket) {
    return Err(ErrorCode::kRuleCap,
               absl::StrCat("there are already ", kMaxBucket, " rules for the same values"));
  }
  return absl::OkStatus();
}

StatusOr<std::unique_ptr<RuleIndex::Entry>> RuleIndex::Prepare(const Rule& rule, Place* place) {
  if (rules_.count(RuleKey(rule)) != 0) {
    return Err(ErrorCode::kRuleInvalid, "this version of the rule stands already");
  }
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<Entry> entry, Compile(rule, place));
  WEIR_RETURN_IF_ERROR(CheckPlace(*place));
  return entry;
}

Status RuleIndex::CheckRoom(const Rule& rule) {
  Place place;
  return Prepare(rule, &place).status();
}

Status RuleIndex::Add(const Rule& rule) {
  Place place;
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<Entry> entry, Prepare(rule, &place));
  if (rule.stage == RuleStage::kFull) {
    BucketOf(place, true)->push_back(entry.get());
    if (off_.count(rule.id) != 0) entry->rule.stage = RuleStage::kDisabled;
  }
  rules_.emplace(RuleKey(rule), std::make_pair(std::move(entry), std::move(place)));
  return absl::OkStatus();
}

void RuleIndex::Switch(const std::string& id, bool off) {
  if (off ? !off_.insert(id).second : off_.erase(id) == 0) return;
  const RuleStage from = off ? RuleStage::kFull : RuleStage::kDisabled;
  const RuleStage to = off ? RuleStage::kDisabled : RuleStage::kFull;
  for (auto& [key, place] : rules_) {
    Rule& rule = place.first->rule;
    if (rule.id == id && rule.stage == from) rule.stage = to;
  }
}

void RuleIndex::DropBucket(const Place& place) {
  if (place.kind == Place::Kind::kSignature) by_signature_.erase(place.key);
  if (place.kind != Place::Kind::kColumn) return;
  for (auto& [column, buckets] : by_column_) {
    if (column == place.column) buckets.erase(place.key);
  }
  std::erase_if(by_column_, [](const auto& c) { return c.second.empty(); });
}

bool RuleIndex::Remove(const std::string& rule_key) {
  const auto it = rules_.find(rule_key);
  if (it == rules_.end()) return false;
  const Place& place = it->second.second;
  Bucket* bucket = BucketOf(place, false);
  if (bucket != nullptr) std::erase(*bucket, it->second.first.get());
  if (bucket != nullptr && bucket->empty()) DropBucket(place);
  rules_.erase(it);
  return true;
}

void RuleIndex::Consider(Entry* entry, const RecordBatch& batch, uint32_t row, uint32_t at,
                         const Rule** best) {
  if (!IsValidFor(entry->rule, batch, row)) return;
  if (entry->residual != nullptr) {
    // Evaluated later, once for all of the batch's rows.
    if (entry->rows.empty()) touched_.push_back(entry);
    entry->rows.push_back(row);
    entry->places.push_back(at);
  } else if (*best == nullptr || Better(entry->rule, **best)) {
    *best = &entry->rule;
  }
}

void RuleIndex::Collect(const RecordBatch& batch, uint32_t row, std::string_view signature,
                        uint32_t at, const Rule** best) {
  if (const auto it = by_signature_.find(signature); it != by_signature_.end()) {
    for (Entry* entry : it->second) Consider(entry, batch, row, at, best);
  }
  for (auto& [column, map] : by_column_) {
    if (batch.column(column).IsNull(row)) continue;
    const auto it = map.find(ColumnKey(batch.column(column), row));
    if (it == map.end()) continue;
    for (Entry* entry : it->second) Consider(entry, batch, row, at, best);
  }
  for (Entry* entry : unindexed_) Consider(entry, batch, row, at, best);
}

void RuleIndex::Match(const RecordBatch& batch, std::span<const uint32_t> rows,
                      const std::vector<std::string_view>& signatures,
                      std::vector<const Rule*>* out) {
  out->assign(rows.size(), nullptr);
  if (rules_.empty()) return;
  for (uint32_t at = 0; at < rows.size(); ++at) {
    const uint32_t row = rows[at];
    if (!Signature::Matchable(signatures[row])) continue;
    Collect(batch, row, signatures[row], at, &(*out)[at]);
  }
  EvaluateResiduals(batch, out);
}

void RuleIndex::EvaluateResiduals(const RecordBatch& batch, std::vector<const Rule*>* out) {
  for (Entry* entry : touched_) {
    entry->residual->Eval(batch, entry->rows, &results_);
    for (size_t i = 0; i < results_.size(); ++i) {
      if (!results_[i].error.empty()) ++errors_;
      const Value& value = results_[i].value;
      if (!results_[i].error.empty() || value.kind() != Value::Kind::kBool) continue;
      const Rule*& best = (*out)[entry->places[i]];
      if (value.bool_value() && (best == nullptr || Better(entry->rule, *best))) {
        best = &entry->rule;
      }
    }
    entry->rows.clear();
    entry->places.clear();
  }
  touched_.clear();
}

}  // namespace weir
