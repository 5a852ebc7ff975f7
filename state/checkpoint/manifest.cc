#include "state/checkpoint/manifest.h"

#include <limits>

#include "weir/checkpoint/v1/manifest.pb.h"

namespace weir {
namespace {

namespace v1 = ::weir::checkpoint::v1;

void ToProto(const SubtaskState& from, v1::Subtask* to) {
  to->set_subtask(from.subtask);
  for (const SegmentRef& segment : from.segments) {
    v1::Segment* out = to->add_segments();
    out->set_sha256(segment.sha256);
    out->set_bytes(segment.bytes);
    out->set_crc32c(segment.crc32c);
  }
  for (const StatePiece& piece : from.pieces) {
    v1::Piece* out = to->add_pieces();
    out->set_name(piece.name);
    out->set_bytes(piece.bytes);
  }
}

SubtaskState FromProto(const v1::Subtask& from) {
  SubtaskState to;
  to.subtask = from.subtask();
  for (const v1::Segment& segment : from.segments()) {
    to.segments.push_back({segment.sha256(), segment.bytes(), segment.crc32c()});
  }
  for (const v1::Piece& piece : from.pieces()) to.pieces.push_back({piece.name(), piece.bytes()});
  return to;
}

OperatorState FromProto(const v1::Operator& from) {
  OperatorState to;
  to.uid = from.uid();
  to.name = from.name();
  to.parallelism = from.parallelism();
  for (const v1::Subtask& subtask : from.subtasks()) to.subtasks.push_back(FromProto(subtask));
  return to;
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  v1::Manifest proto;
  proto.set_id(manifest.id);
  proto.set_epoch(manifest.epoch);
  proto.set_job(manifest.job);
  proto.set_created_ms(manifest.created_ms);
  proto.set_max_parallelism(manifest.max_parallelism);
  proto.set_key_hash(manifest.key_hash);
  proto.set_savepoint(manifest.savepoint);
  for (const OperatorState& op : manifest.operators) {
    v1::Operator* out = proto.add_operators();
    out->set_uid(op.uid);
    out->set_name(op.name);
    out->set_parallelism(op.parallelism);
    for (const SubtaskState& subtask : op.subtasks) ToProto(subtask, out->add_subtasks());
  }
  std::string file(kFrameBytes, '\0');
  WEIR_CHECK(proto.AppendToString(&file), "a manifest is larger than 2 GiB or not UTF-8");
  SealFrame(kManifestFormat, &file);
  return file;
}

StatusOr<Manifest> DecodeManifest(std::string_view file, const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const std::string_view content, OpenFrame(kManifestFormat, file, path));
  v1::Manifest proto;
  if (content.size() > std::numeric_limits<int>::max() ||
      !proto.ParseFromArray(content.data(), static_cast<int>(content.size()))) {
    return CorruptFile(path, "malformed manifest");
  }
  Manifest manifest;
  manifest.id = proto.id();
  manifest.epoch = proto.epoch();
  manifest.job = proto.job();
  manifest.created_ms = proto.created_ms();
  manifest.max_parallelism = proto.max_parallelism();
  manifest.key_hash = proto.key_hash();
  manifest.savepoint = proto.savepoint();
  for (const v1::Operator& op : proto.operators()) manifest.operators.push_back(FromProto(op));
  return manifest;
}

}  // namespace weir
