// Tells the operating system's files from any other.
#pragma once

#include "engine/base/file_system.h"

namespace weir {

// Whether `fs` is one of NewPosixFileSystem: a library that does its own I/O may then go to the
// files directly. On any other it must go through `fs`.
bool IsPosixFileSystem(const FileSystem& fs);

}  // namespace weir
