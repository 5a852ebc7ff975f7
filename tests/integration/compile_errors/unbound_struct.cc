// weir: this struct is not bound to a schema; write WEIR_RECORD(Type, fields...) behind it
#include <weir/weir.h>
struct Reading {
  int64_t id;
};
int64_t Sum(const weir::RecordBatch& batch) {
  int64_t sum = 0;
  for (const auto& row : weir::View<Reading>(batch)) sum += row->id;
  return sum;
}
