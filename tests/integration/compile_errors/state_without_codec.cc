// no codec for this type: specialise weir::Codec<T>
#include <weir/weir.h>
struct Session {
  int64_t count = 0;
};
weir::Status Open(weir::OperatorContext* context) {
  weir::ValueState<Session> state;
  return state.Open(context, "session");
}
