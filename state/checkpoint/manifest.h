// The manifest file: a weir.checkpoint.v1.Manifest in a frame.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/status.h"
#include "engine/core/checkpoint_storage.h"
#include "state/checkpoint/framing.h"

namespace weir {

inline constexpr FrameFormat kManifestFormat{"WEIRMAN\n", 1, "manifest"};

std::string EncodeManifest(const Manifest& manifest);
// kStateCorrupt or kStateVersion, naming `path`.
StatusOr<Manifest> DecodeManifest(std::string_view file, const std::string& path);

}  // namespace weir
