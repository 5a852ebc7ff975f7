#include "engine/core/state.h"

namespace weir::state_internal {
namespace {

[[noreturn]] void Fail() {
  CheckFailed(__FILE__, __LINE__, "open",
              "a state is used that was not opened: open it in the operator's Open");
}

class UnopenedTable : public StateTable {
 public:
  void* Find(const StateKey&) override { Fail(); }
  void* FindForWrite(const StateKey&) override { Fail(); }
  void* FindOrCreate(const StateKey&, bool*) override { Fail(); }
  bool Erase(const StateKey&) override { Fail(); }
  void Prefetch(std::span<const StateKey>) override { Fail(); }
  void ScanKey(const KeyRef&, const std::function<bool(std::string_view, const void*)>&) override {
    Fail();
  }
  void ScanAll(const std::function<bool(uint16_t, std::string_view, std::string_view,
                                        const void*)>&) override {
    Fail();
  }
  size_t size() const override { Fail(); }
  size_t memory_bytes() const override { Fail(); }
};

}  // namespace

StateTable* Unopened() {
  static UnopenedTable table;
  return &table;
}

}  // namespace weir::state_internal
