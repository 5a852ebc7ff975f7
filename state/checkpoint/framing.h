// What stands around the content of every file of the checkpoint store (DESIGN D18):
//
//   magic (8) | version u32 | length u64 | CRC32C u32 of all before it and the content | content
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/status.h"

namespace weir {

struct FrameFormat {
  std::string_view magic;  // 8 bytes
  uint32_t version;        // the one written, and the newest one read
  const char* what;        // "segment", for messages
};

// Puts the frame round content that begins at byte kFrameBytes of *file; returns the CRC.
inline constexpr size_t kFrameBytes = 24;
uint32_t SealFrame(const FrameFormat& format, std::string* file);

// The content, a view into `file`. Any change of any byte, and any other length, is kStateCorrupt;
// a whole file of a newer version is kStateVersion. Both name `path`.
StatusOr<std::string_view> OpenFrame(const FrameFormat& format, std::string_view file,
                                     const std::string& path, uint32_t* crc = nullptr);

// "<path>: <what is wrong>" as kStateCorrupt.
Status CorruptFile(const std::string& path, const std::string& problem);

}  // namespace weir
