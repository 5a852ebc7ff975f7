#include "spending_session.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace payments {
namespace {

constexpr int kSessions = 0, kSuspects = 1;  // ports, in the order of OperatorPlan::outputs

// [state]
// What is remembered per card. State owns its bytes: no views here.
struct OpenSession {
  int64_t payments = 0;
  double total = 0;
  int64_t from_ms = 0;
  int64_t until_ms = 0;
};
WEIR_STATE(OpenSession, 1, payments, total, from_ms, until_ms);
// [state]

// [operator]
class SpendingSession final : public weir::Operator {
 public:
  SpendingSession(weir::RecordReader<Transaction> in, int64_t gap_ms, double factor)
      : in_(std::move(in)), gap_ms_(gap_ms), factor_(factor) {}

  weir::Status Open(weir::OperatorContext* context, weir::Collector* out) override {
    WEIR_RETURN_IF_ERROR(weir::Operator::Open(context, out));
    return open_.Open(context, "open");
  }

  weir::Status Process(int /*input*/, weir::RecordBatch batch) override {
    weir::RecordWriter<Suspect> suspects(context(), out(), kSuspects);
    for (const auto& row : in_.Rows(batch)) {
      OpenSession& session = open_.Mutable(row.key());
      if (session.payments > 0) {
        const double mean = session.total / static_cast<double>(session.payments);
        if (row->amount > factor_ * mean) {
          suspects.Add(row, {row->id, row->card, row->amount, mean});
        }
      }
      Extend(row.key(), *row, &session);
    }
    return absl::OkStatus();
  }

  // The watermark has passed the end of the pause: nothing of this session is still to come.
  weir::Status OnTimer(const weir::Timer& timer) override {
    const OpenSession* session = open_.Get(timer.key_ref());
    if (session == nullptr) return absl::OkStatus();
    weir::RecordWriter<Session> sessions(context(), out(), kSessions);
    sessions.Add(timer, {timer.key, session->payments, session->total,
                         weir::Timestamp{session->from_ms}, weir::Timestamp{session->until_ms}});
    open_.Clear(timer.key_ref());
    return absl::OkStatus();
  }

 private:
  // A session has one timer, at the end of the pause after its last payment.
  void Extend(const weir::KeyRef& card, const Transaction& payment, OpenSession* session) {
    const int64_t at = payment.at.ms;
    if (session->payments == 0) {
      session->from_ms = session->until_ms = at;
    } else {
      Timers()->Delete(weir::TimeDomain::kEventTime, card, "", session->until_ms + gap_ms_);
    }
    session->payments += 1;
    session->total += payment.amount;
    session->from_ms = std::min(session->from_ms, at);
    session->until_ms = std::max(session->until_ms, at);
    Timers()->Register(weir::TimeDomain::kEventTime, card, "", session->until_ms + gap_ms_);
  }
  weir::TimerService* Timers() { return context()->timers(); }

  weir::RecordReader<Transaction> in_;
  int64_t gap_ms_;
  double factor_;
  weir::ValueState<OpenSession> open_;
};
// [operator]

// [plan]
std::optional<weir::OperatorPlan> Plan(const weir::OperatorPlanContext& context) {
  const std::vector<std::string> key = {"card"};
  const auto in = weir::BindInput<Transaction>(context, key);
  if (!in.has_value()) return std::nullopt;  // every misfit has been reported
  weir::OperatorPlan plan;
  plan.key = key;
  plan.outputs = {weir::OutputOf<Session>("", "until"), weir::OutputOf<Suspect>("suspects")};
  plan.create = weir::CreateOperator<SpendingSession>(*in, context.options->Int("gap"),
                                                      context.options->Double("factor"));
  plan.notes = {"state: one session per card that is spending"};
  return plan;
}
// [plan]

}  // namespace

// [type]
weir::OperatorType MakeSpendingSessionType() {
  weir::OptionDef gap;
  gap.name = "gap";
  gap.type = weir::OptionType::kDuration;
  gap.default_text = "30m";
  gap.doc = "A card that pays nothing for this long has ended its session.";
  gap.min = 1;
  weir::OptionDef factor;
  factor.name = "factor";
  factor.type = weir::OptionType::kDouble;
  factor.default_text = "10";
  factor.doc = "A payment above this multiple of the session's mean goes to 'suspects'.";
  factor.min = 1;

  weir::OperatorType type;
  type.name = "spending_session";
  type.doc = "Sums what a card spends until it pauses; keyed by card.";
  type.options = {gap, factor};
  type.plan = Plan;
  return type;
}
// [type]

}  // namespace payments
