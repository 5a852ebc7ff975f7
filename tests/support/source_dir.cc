#include "tests/support/source_dir.h"

namespace weir {

std::string SourceDir() { return WEIR_SOURCE_DIR; }

}  // namespace weir
