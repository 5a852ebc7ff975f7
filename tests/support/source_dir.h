// Where the repository is, for tests and benches that read its files. One small library holds the
// path, so that no other object depends on it and the compiler cache serves every clone.
#pragma once

#include <string>

namespace weir {

std::string SourceDir();  // without a slash at the end

}  // namespace weir
