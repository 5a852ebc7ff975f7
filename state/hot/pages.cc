#include "state/hot/pages.h"

#include <sys/mman.h>

#include "engine/base/status.h"

namespace weir {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

Pages AllocatePages(size_t bytes) {
  const size_t align = bytes >= kHugePage ? kHugePage : kLine;
  const size_t rounded = (bytes + align - 1) / align * align;
  Pages pages(static_cast<char*>(std::aligned_alloc(align, rounded)));
  WEIR_CHECK(pages != nullptr, "out of memory");
  // Only advice: without huge pages everything works, more slowly.
  if (align == kHugePage) (void)::madvise(pages.get(), rounded, MADV_HUGEPAGE);
  return pages;
}

}  // namespace weir
