// weir: CreateOperator<Op>: Op must derive publicly from weir::Operator
#include <weir/weir.h>
class Counter : weir::Operator {
 public:
  weir::Status Process(int, weir::RecordBatch) override { return absl::OkStatus(); }
};
auto create = weir::CreateOperator<Counter>();
