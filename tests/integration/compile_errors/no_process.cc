// weir: CreateOperator<Op>: Op lacks `Status Process(int input, weir::RecordBatch batch) override`
#include <weir/weir.h>
class Counter : public weir::Operator {
 public:
  weir::Status Process(weir::RecordBatch) { return absl::OkStatus(); }
};
auto create = weir::CreateOperator<Counter>();
