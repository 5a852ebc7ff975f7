#include "state/checkpoint/framing.h"

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace weir {
namespace {

constexpr size_t kCrcAt = 20;

uint32_t FrameCrc(std::string_view file) {
  return Crc32c(file.substr(kFrameBytes), Crc32c(file.substr(0, kCrcAt)));
}

}  // namespace

Status CorruptFile(const std::string& path, const std::string& problem) {
  return Err(ErrorCode::kStateCorrupt, absl::StrCat(path, ": ", problem),
             "restore from another checkpoint or savepoint");
}

uint32_t SealFrame(const FrameFormat& format, std::string* file) {
  WEIR_CHECK(format.magic.size() == 8 && file->size() >= kFrameBytes);
  std::string header(format.magic);
  PutFixed32(&header, format.version);
  PutFixed64(&header, file->size() - kFrameBytes);
  file->replace(0, header.size(), header);
  const uint32_t crc = FrameCrc(*file);
  header.clear();
  PutFixed32(&header, crc);
  file->replace(kCrcAt, header.size(), header);
  return crc;
}

StatusOr<std::string_view> OpenFrame(const FrameFormat& format, std::string_view file,
                                     const std::string& path, uint32_t* crc) {
  if (file.size() < kFrameBytes) {
    return CorruptFile(path, absl::StrCat("torn ", format.what, ": ", file.size(), " bytes"));
  }
  if (file.substr(0, format.magic.size()) != format.magic) {
    return CorruptFile(path, absl::StrCat("not a ", format.what, " file"));
  }
  ByteReader header(file.substr(format.magic.size()));
  const uint32_t version = header.Fixed32();
  const uint64_t length = header.Fixed64();
  const uint32_t stored_crc = header.Fixed32();
  // The checksum comes first: a flipped bit in the version must not pass for a newer format.
  if (FrameCrc(file) != stored_crc) {
    return CorruptFile(path, absl::StrCat("checksum of the ", format.what, " does not match"));
  }
  if (length != file.size() - kFrameBytes) {
    return CorruptFile(path, absl::StrCat("length of the ", format.what, " does not match"));
  }
  if (version == 0 || version > format.version) {
    return Err(ErrorCode::kStateVersion,
               absl::StrCat(path, ": ", format.what, " format version ", version,
                            ", this program reads up to ", format.version),
               "use a program version at least as new as the one that wrote it");
  }
  if (crc != nullptr) *crc = stored_crc;
  return file.substr(kFrameBytes);
}

}  // namespace weir
