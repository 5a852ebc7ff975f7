// weir: CreateOperator<Op>(args...): Op has no constructor for these arguments
#include <weir/weir.h>
class Counter : public weir::Operator {
 public:
  explicit Counter(int64_t limit) : limit_(limit) {}
  weir::Status Process(int, weir::RecordBatch) override { return absl::OkStatus(); }

 private:
  int64_t limit_;
};
auto create = weir::CreateOperator<Counter>("ten");
