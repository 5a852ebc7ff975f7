// Finds the rule that answers a row, at a cost that does not grow with the number of rules (D14).
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/rule.h"
#include "agent/signature.h"
#include "agent/string_map.h"
#include "engine/base/status.h"
#include "engine/expr/program.h"
#include "engine/model/record_batch.h"

namespace weir {

// Rules about one signature (exact, or a predicate that pins all of its fields) stand in a hash
// table by signature; other predicates in one by column and constant of an equality conjunct; those
// without any in a list that is bounded. Only rules of stage `full` answer, and rules whose id is
// switched off, which are found when no other rule answers: stage `disabled`. One thread.
class RuleIndex {
 public:
  static constexpr size_t kMaxUnindexed = 64;
  static constexpr size_t kMaxBucket = 64;  // rules under one signature or constant

  RuleIndex(SchemaPtr schema, Signature signature)
      : schema_(std::move(schema)), signature_(std::move(signature)) {}

  // kRuleInvalid if the predicate does not compile or the rule stands already, kRuleCap at a bound.
  Status Add(const Rule& rule);
  bool Remove(const std::string& rule_key);
  // Switches all versions of an id off or on, those that are added later as well.
  void Switch(const std::string& id, bool off);
  // What Add would answer, without adding.
  Status CheckRoom(const Rule& rule);

  // Replaces *out: for each of `rows` the rule that answers it, or nullptr. `signatures` has one
  // entry per row of the batch. Of several rules that with the lowest (origin time, id, version),
  // disabled ones last.
  void Match(const RecordBatch& batch, std::span<const uint32_t> rows,
             const std::vector<std::string_view>& signatures, std::vector<const Rule*>* out);

  size_t size() const { return rules_.size(); }
  size_t unindexed() const { return unindexed_.size(); }
  // Rows whose predicate failed to evaluate; they do not match.
  int64_t errors() const { return errors_; }

 private:
  struct Entry {
    Rule rule;
    std::unique_ptr<ExprProgram> residual;  // null: the bucket says it all
    std::vector<uint32_t> rows;             // scratch of Match: candidates ...
    std::vector<uint32_t> places;           // ... and their places in *out
  };
  using Bucket = std::vector<Entry*>;
  using Buckets = StringMap<Bucket>;
  struct Place {  // where a rule stands
    enum class Kind : uint8_t { kSignature, kColumn, kUnindexed };
    Kind kind = Kind::kUnindexed;
    int column = -1;
    std::string key;
  };

  StatusOr<std::unique_ptr<Entry>> Compile(const Rule& rule, Place* place);
  StatusOr<std::unique_ptr<Entry>> Prepare(const Rule& rule, Place* place);
  Status CheckPlace(const Place& place);
  void ChoosePlace(const ExprProgram& program, Place* place);
  Bucket* BucketOf(const Place& place, bool create);
  void DropBucket(const Place& place);
  void Consider(Entry* entry, const RecordBatch& batch, uint32_t row, uint32_t at,
                const Rule** best);
  void Collect(const RecordBatch& batch, uint32_t row, std::string_view signature, uint32_t at,
               const Rule** best);
  void EvaluateResiduals(const RecordBatch& batch, std::vector<const Rule*>* out);

  SchemaPtr schema_;
  Signature signature_;
  StringMap<std::pair<std::unique_ptr<Entry>, Place>> rules_;  // by rule key
  std::set<std::string> off_;                                  // ids
  Buckets by_signature_;
  std::vector<std::pair<int, Buckets>> by_column_;
  Bucket unindexed_;
  std::vector<Entry*> touched_;
  std::vector<EvalResult> results_;
  int64_t errors_ = 0;
};

// The limits that a rule's predicate must keep, wherever it comes from.
ExprOptions RuleExprOptions();

}  // namespace weir
