// weir: unsupported field type in WEIR_RECORD; use bool, int64_t, double,
#include <weir/weir.h>
struct Reading {
  int64_t id;
  float celsius;
};
WEIR_RECORD(Reading, id, celsius);
const auto& schema = weir::RecordSchema<Reading>();
