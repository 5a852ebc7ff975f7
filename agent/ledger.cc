#include "agent/ledger.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"
#include "engine/base/hash.h"
#include "engine/core/operator.h"
#include "engine/core/state.h"
#include "engine/model/key.h"

namespace weir {
namespace {

constexpr int kFirst = 0, kDuplicates = 1;

struct LedgerConfig {
  KeySelector id;
  // Key and id together. An entry is addressed by them as one key of its own and not as a map entry
  // under the row's key: nothing scans a key's ids, and the null key may have millions.
  KeySelector address;
  bool id_nullable = false;  // a row may have no id at all
  StateTtl ttl;
};

class IdempotencyLedger : public Operator {
 public:
  explicit IdempotencyLedger(LedgerConfig config) : config_(std::move(config)) {}

  Status Open(OperatorContext* context, Collector* out) override {
    const auto counter = [&](const char* name) {
      return context->metrics()->GetCounter(name, context->labels());
    };
    hits_ = counter("weir_ledger_hits_total");
    misses_ = counter("weir_ledger_misses_total");
    expired_ = counter("weir_ledger_expired_total");
    StateOptions options{config_.ttl};
    // The ledger forgets sooner than its input can repeat itself (reliability.md H-20).
    if (WEIR_PLANTED_BUG("H-20")) options.ttl.ms = 1;
    ValueState<uint8_t> seen;
    WEIR_RETURN_IF_ERROR(seen.Open(context, "seen", options));
    table_ = seen.table();
    entries_ = static_cast<int64_t>(table_->size());
    return Operator::Open(context, out);
  }

  Status Process(int /*input*/, RecordBatch batch) override {
    WEIR_SIM_POINT("ledger.write.before");
    LoadAddresses(batch);
    table_->Prefetch(addresses_);
    first_.clear();
    repeats_.clear();
    for (uint32_t row = 0; row < addresses_.size(); ++row) {
      (IsFirst(batch, row) ? first_ : repeats_).push_back(row);
    }
    Count();
    WEIR_SIM_POINT("ledger.write.after");
    Forward(std::move(batch));
    return absl::OkStatus();
  }

 private:
  void LoadAddresses(const RecordBatch& batch) {
    config_.address.Select(batch, &bytes_);
    addresses_.resize(batch.rows());
    for (size_t i = 0; i < addresses_.size(); ++i) {
      addresses_[i] = MakeStateKey({batch.key_group[i], HashBytes(bytes_[i]), bytes_[i]});
    }
  }

  bool IsFirst(const RecordBatch& batch, uint32_t row) {
    if (config_.id_nullable && config_.id.IsNull(batch, row)) return true;
    // Looking first keeps a repeat from touching the entry: its age stands, and it is not written
    // to the next checkpoint again.
    if (table_->Find(addresses_[row]) != nullptr) return false;
    bool created;
    table_->FindOrCreate(addresses_[row], &created);
    ++entries_;
    return true;
  }

  void Count() {
    hits_->Add(static_cast<int64_t>(repeats_.size()));
    misses_->Add(static_cast<int64_t>(first_.size()));
    // Entries that were made and are not there any more: only the TTL removes any.
    const auto left = static_cast<int64_t>(table_->size());
    expired_->Add(entries_ - left);
    entries_ = left;
  }

  void Forward(RecordBatch batch) {
    if (repeats_.empty()) {
      out()->Emit(kFirst, std::move(batch));
      return;
    }
    RecordBatch repeats(batch.schema());
    repeats.Gather(batch, repeats_);
    out()->Emit(kDuplicates, std::move(repeats));
    if (first_.empty()) return;
    RecordBatch first(batch.schema());
    first.Gather(batch, first_);
    out()->Emit(kFirst, std::move(first));
  }

  LedgerConfig config_;
  StateTable* table_ = nullptr;
  int64_t entries_ = 0;  // of the table, after the last batch
  std::vector<std::string_view> bytes_;
  std::vector<StateKey> addresses_;
  std::vector<uint32_t> first_, repeats_;
  Counter* hits_ = nullptr;
  Counter* misses_ = nullptr;
  Counter* expired_ = nullptr;
};

// Fields named by both stand once.
std::vector<std::string> AddressFields(const Options& options) {
  std::vector<std::string> fields = options.List("key");
  for (const std::string& field : options.List("id")) {
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) fields.push_back(field);
  }
  return fields;
}

// Reports every problem before it gives up, so that a file's errors come all at once.
bool CheckFields(const OperatorPlanContext& context) {
  bool ok = true;
  for (const char* option : {"key", "id"}) {
    const std::vector<std::string>& fields = context.options->List(option);
    Status status = KeySelector::Create(*context.inputs[0].schema, fields).status();
    if (fields.empty()) status = Err(ErrorCode::kPlanKey, absl::StrCat(option, " names no field"));
    if (status.ok()) continue;
    context.errors->Add(option, status);
    ok = false;
  }
  return ok;
}

StatusOr<LedgerConfig> MakeConfig(const Options& options, const Schema& schema) {
  LedgerConfig config;
  WEIR_ASSIGN_OR_RETURN(config.id, KeySelector::Create(schema, options.List("id")));
  WEIR_ASSIGN_OR_RETURN(config.address, KeySelector::Create(schema, AddressFields(options)));
  config.id_nullable = true;
  for (const int c : config.id.columns()) config.id_nullable &= schema.field(c).nullable;
  config.ttl.ms = options.Int("ttl");
  config.ttl.domain = options.String("ttl_domain") == "event" ? StateTtl::Domain::kEventTime
                                                              : StateTtl::Domain::kProcessingTime;
  return config;
}

std::optional<OperatorPlan> PlanLedger(const OperatorPlanContext& context) {
  if (!CheckFields(context)) return std::nullopt;
  const PlanInput& input = context.inputs[0];
  StatusOr<LedgerConfig> config = MakeConfig(*context.options, *input.schema);
  if (!config.ok()) {
    context.errors->Add("", config.status());
    return std::nullopt;
  }
  OperatorPlan plan;
  plan.outputs = {{"", input.schema, input.event_time_field},
                  {"duplicates", input.schema, input.event_time_field}};
  plan.key = context.options->List("key");
  plan.notes = {absl::StrCat("remembers every id for ", FormatDuration(config->ttl.ms), " of ",
                             context.options->String("ttl_domain"),
                             " time: a repeat that comes later passes as new")};
  plan.create = [config = *config]() -> StatusOr<std::unique_ptr<Operator>> {
    return std::make_unique<IdempotencyLedger>(config);
  };
  return plan;
}

std::vector<OptionDef> LedgerOptions() {
  OptionDef key;
  key.name = "key";
  key.type = OptionType::kStringList;
  key.required = true;
  key.doc =
      "Field or fields by which rows are distributed; the same id must always have the same key.";
  OptionDef id;
  id.name = "id";
  id.type = OptionType::kStringList;
  id.required = true;
  id.doc = "Field or fields that together identify an event; rows where all are null always pass.";
  OptionDef ttl;
  ttl.name = "ttl";
  ttl.type = OptionType::kDuration;
  ttl.default_text = "24h";
  ttl.min = 1;
  ttl.doc =
      "How long an id is remembered after its first occurrence; at least as long as the "
      "input may be sent again.";
  OptionDef domain;
  domain.name = "ttl_domain";
  domain.default_text = "processing";
  domain.allowed = {"processing", "event"};
  domain.doc = "Which time ttl counts: redelivery happens in processing time.";
  return {key, id, ttl, domain};
}

}  // namespace

OperatorType MakeIdempotencyLedgerType() {
  OperatorType type;
  type.name = "idempotency_ledger";
  type.doc = "Lets pass the first row of every id and leads repeats to 'duplicates'.";
  type.options = LedgerOptions();
  type.plan = PlanLedger;
  return type;
}

}  // namespace weir
