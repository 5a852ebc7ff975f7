// weir: no codec for this state type; write WEIR_STATE(Type, version, fields...)
#include <weir/weir.h>
struct Session {
  int64_t count = 0;
};
weir::Status Open(weir::OperatorContext* context) {
  weir::ValueState<Session> state;
  return state.Open(context, "session");
}
