#include "state/checkpoint/segment.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"

namespace weir {
namespace {

// One encoded record with its sort key. Eight bytes of the key are kept beside it: most comparisons
// of a sort then follow no pointer, and none decodes the record again.
struct RawRecord {
  uint64_t prefix = 0;  // of the key, behind what all keys of its group have in common
  std::string_view key, sub;
  std::string_view bytes;
};

using Parts = std::vector<const SealedTable*>;

bool SameTable(const SealedTable& a, const SealedTable& b) {
  return a.name == b.name && a.version == b.version && a.type_name == b.type_name &&
         a.broadcast == b.broadcast;
}

// A backend may hand over one table in several parts.
std::vector<Parts> GroupParts(const SealedState& state) {
  std::vector<Parts> groups;
  for (const SealedTable& table : state.tables) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Parts& parts) {
      return SameTable(*parts.front(), table);
    });
    if (same == groups.end()) {
      groups.push_back({&table});
    } else {
      same->push_back(&table);
    }
  }
  return groups;
}

uint64_t PrefixAt(std::string_view key, size_t at) {
  char bytes[8] = {};
  const size_t n = key.size() > at ? std::min<size_t>(8, key.size() - at) : 0;
  if (n > 0) std::memcpy(bytes, key.data() + at, n);
  return ByteReader({bytes, 8}).BigEndian64();
}

size_t CommonPrefix(std::string_view a, std::string_view b, size_t limit) {
  size_t n = std::min({a.size(), b.size(), limit});
  size_t i = 0;
  while (i < n && a[i] == b[i]) ++i;
  return i;
}

bool Before(const RawRecord& a, const RawRecord& b) {
  if (a.prefix != b.prefix) return a.prefix < b.prefix;
  const int order = a.key.compare(b.key);
  return order != 0 ? order < 0 : a.sub < b.sub;
}

using Groups = std::vector<std::vector<RawRecord>>;  // by key group

Status CollectRecords(const Parts& parts, Groups* out) {
  for (const SealedTable* part : parts) {
    const char* at = part->bytes.data();
    WEIR_RETURN_IF_ERROR(ForEachStateRecord(part->bytes, [&](const StateRecord& record) {
      const std::string_view last =
          record.op == StateRecord::Op::kErase ? record.sub : record.value;
      const char* end = last.data() + last.size();
      if (record.group >= out->size()) out->resize(size_t{record.group} + 1);
      (*out)[record.group].push_back(
          {0, record.key, record.sub, {at, static_cast<size_t>(end - at)}});
      at = end;
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

// Group by group: a group's records fit into a cache, and their keys often begin alike.
void Sort(std::vector<RawRecord>* records) {
  if (records->empty()) return;
  const std::string_view first = records->front().key;
  size_t common = first.size();
  for (const RawRecord& r : *records) common = CommonPrefix(first, r.key, common);
  for (RawRecord& r : *records) r.prefix = PrefixAt(r.key, common);
  std::stable_sort(records->begin(), records->end(), Before);
}

Status AppendTable(const Parts& parts, std::string* out) {
  Groups groups;
  WEIR_RETURN_IF_ERROR(CollectRecords(parts, &groups));
  const SealedTable& table = *parts.front();
  PutBytes(out, table.name);
  PutFixed32(out, table.version);
  PutBytes(out, table.type_name);
  out->push_back(table.broadcast ? 1 : 0);
  uint64_t count = 0, length = 0;
  for (std::vector<RawRecord>& records : groups) {
    Sort(&records);
    count += records.size();
    for (const RawRecord& record : records) length += record.bytes.size();
  }
  PutFixed64(out, count);
  PutFixed64(out, length);
  for (const std::vector<RawRecord>& records : groups) {
    for (const RawRecord& record : records) out->append(record.bytes);
  }
  return absl::OkStatus();
}

struct TableHeader {
  SealedTable table;
  std::string_view records;
};

TableHeader ReadTable(ByteReader* in) {
  TableHeader header;
  header.table.name = std::string(in->Bytes());
  header.table.version = in->Fixed32();
  header.table.type_name = std::string(in->Bytes());
  header.table.broadcast = in->Byte() != 0;
  header.table.records = static_cast<int64_t>(in->Fixed64());
  header.records = in->Raw(in->Fixed64());
  return header;
}

}  // namespace

StatusOr<std::string> EncodeSegment(const SealedState& state, uint32_t* crc) {
  size_t bytes = 256;
  for (const SealedTable& table : state.tables) bytes += table.bytes.size() + 64;
  std::string file;
  file.reserve(bytes);
  file.resize(kFrameBytes);
  file.push_back(state.full ? 1 : 0);
  const std::vector<Parts> tables = GroupParts(state);
  PutFixed32(&file, static_cast<uint32_t>(tables.size()));
  for (const Parts& parts : tables) WEIR_RETURN_IF_ERROR(AppendTable(parts, &file));
  *crc = SealFrame(kSegmentFormat, &file);
  return file;
}

Status ForEachSegmentRecord(
    std::string_view content, const std::string& path,
    const std::function<Status(const SealedTable&, const StateRecord&)>& fn) {
  ByteReader in(content);
  in.Byte();  // full or delta: what to do with it is the manifest's business
  const uint32_t tables = in.Fixed32();
  for (uint32_t i = 0; i < tables && in.ok(); ++i) {
    const TableHeader header = ReadTable(&in);
    if (!in.ok()) break;
    int64_t count = 0;
    const Status status = ForEachStateRecord(header.records, [&](const StateRecord& record) {
      ++count;
      return fn(header.table, record);
    });
    if (!status.ok())
      return Annotate(status, absl::StrCat(path, ": table '", header.table.name, "'"));
    if (count != header.table.records) {
      return CorruptFile(path, absl::StrCat("table '", header.table.name, "' has ", count,
                                            " records, its header says ", header.table.records));
    }
  }
  if (!in.ok() || !in.AtEnd()) return CorruptFile(path, "malformed segment");
  return absl::OkStatus();
}

}  // namespace weir
