// Memory for slabs and indexes: aligned, and from 2 MiB on in huge pages, because random access to
// millions of entries otherwise pays more for address translation than for the data
// (reference/performance.md 2.0, 2.1).
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace weir {

struct FreePages {
  void operator()(char* at) const { std::free(at); }
};
using Pages = std::unique_ptr<char[], FreePages>;

// At least `bytes` bytes, aligned to 64, not initialised.
Pages AllocatePages(size_t bytes);

}  // namespace weir
