#include <algorithm>
#include <utility>

#include "agent/reason/request_context.h"
#include "agent/reason/tool.h"

namespace weir {

namespace {

bool IsNumber(const Value& value) {
  const Value::Kind kind = value.kind();
  return kind == Value::Kind::kInt || kind == Value::Kind::kUint || kind == Value::Kind::kDouble ||
         kind == Value::Kind::kBool;
}

bool Wanted(const Value& arguments, const Value& name) {
  const Value* fields = arguments.Get("fields");
  if (fields == nullptr || fields->kind() != Value::Kind::kList || fields->list().empty()) {
    return true;
  }
  const Value::List& list = fields->list();
  return std::find(list.begin(), list.end(), name) != list.end();
}

class RecentStats : public AgentTool {
 public:
  const std::string& name() const override { return name_; }
  const std::string& description() const override { return description_; }
  const std::string& parameters() const override { return parameters_; }

  void Call(const AgentRequest& request, const Value& arguments,
            std::function<void(StatusOr<std::string>)> done) override {
    const StatusOr<RequestContext> context = ParseContext(request);
    if (!context.ok()) return done(context.status());
    Value::Map stats;
    for (const Value* part : {&context->novelty, &context->event}) {
      for (const auto& [field, value] : part->map()) {
        const bool known = std::any_of(stats.begin(), stats.end(),
                                       [&name = field](const auto& s) { return s.first == name; });
        if (!known && IsNumber(value) && Wanted(arguments, field)) stats.emplace_back(field, value);
      }
    }
    done(Value::MakeMap({{Value::String("as_of_ms"), Value::Int(request.event_time_ms)},
                         {Value::String("signature"), context->signature},
                         {Value::String("stats"), Value::MakeMap(std::move(stats))}})
             .ToJson());
  }

 private:
  const std::string name_ = "recent_stats";
  const std::string description_ =
      "The numbers that the job has about this signature up to the event in question, such as "
      "counts within its windows.";
  const std::string parameters_ =
      R"({"type":"object","additionalProperties":false,"required":["fields"],"properties":)"
      R"({"fields":{"type":"array","items":{"type":"string"},)"
      R"("description":"names of the numbers; empty = all"}}})";
};

}  // namespace

std::shared_ptr<AgentTool> MakeRecentStatsTool() { return std::make_shared<RecentStats>(); }

}  // namespace weir
