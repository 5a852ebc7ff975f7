// Memory for slabs and indexes, aligned to cache lines. Large blocks come untouched from the
// kernel, so that a big table pays for its pages one by one, as it uses them. Huge pages were
// measured: they gain at most a tenth on random access at 1,000,000 keys, but a first touch then
// costs up to 6 ms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "engine/base/status.h"

namespace weir {

// gcc 12 takes a function that only prefetches for one without effect and drops its calls; the
// empty asm is an effect.
inline void PrefetchLine(const void* at) {
  __builtin_prefetch(at);
  asm volatile("");
}

class Pages {
 public:
  Pages() = default;
  // `zeroed` costs nothing for blocks that are large and new.
  Pages(size_t bytes, bool zeroed) {
    constexpr size_t kLine = 64;
    const size_t room = bytes + kLine - 1;
    memory_.reset(zeroed ? std::calloc(room, 1) : std::malloc(room));
    WEIR_CHECK(memory_ != nullptr, "out of memory");
    const auto address = reinterpret_cast<uintptr_t>(memory_.get());
    at_ = static_cast<char*>(memory_.get()) + (kLine - address % kLine) % kLine;
  }
  char* get() const { return at_; }  // null if default constructed

 private:
  struct Free {
    void operator()(void* at) const { std::free(at); }
  };
  std::unique_ptr<void, Free> memory_;
  char* at_ = nullptr;
};

}  // namespace weir
