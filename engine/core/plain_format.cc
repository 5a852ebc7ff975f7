#include "engine/core/plain_format.h"

namespace weir {
namespace {

// Keeps the first problem.
class FirstError : public PlanErrors {
 public:
  void Add(std::string_view /*option*/, const Status& status) override { status_.Update(status); }
  const Status& status() const { return status_; }

 private:
  Status status_;
};

}  // namespace

StatusOr<std::function<StatusOr<std::unique_ptr<RecordDecoder>>()>> PlainDecoder(
    const FormatType& format, const SchemaPtr& schema) {
  FirstError errors;
  const Options none;
  FormatContext context;
  context.schema = schema;
  context.options = &none;
  context.errors = &errors;
  const auto plan = format.plan(context);
  WEIR_RETURN_IF_ERROR(errors.status());
  WEIR_CHECK(plan && plan->new_decoder, format.name);
  return plan->new_decoder;
}

}  // namespace weir
