#include "engine/model/key.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace weir {
namespace {

constexpr uint32_t kNullLength = 0xFFFFFFFF;

bool IsKeyKind(TypeKind kind) {
  return kind == TypeKind::kString || kind == TypeKind::kInt64 || kind == TypeKind::kTimestamp ||
         kind == TypeKind::kBool;
}

std::array<char, 8> BigEndian(int64_t v) {
  std::array<char, 8> bytes;
  for (size_t k = 0; k < 8; ++k) {
    bytes[k] = static_cast<char>(static_cast<uint64_t>(v) >> (56 - 8 * k));
  }
  return bytes;
}

// The canonical bytes of one integer, timestamp (8 bytes) or bool (1 byte).
void AppendScalar(const Column& column, size_t i, std::string* out) {
  if (column.kind() == TypeKind::kBool) {
    out->push_back(column.Bool(i) ? 1 : 0);
  } else {
    const std::array<char, 8> bytes = BigEndian(column.Int(i));
    out->append(bytes.data(), bytes.size());
  }
}

// One part of a composite key.
void AppendPart(const Column& column, size_t i, std::string* out) {
  if (column.IsNull(i)) return PutBigEndian32(out, kNullLength);
  if (column.kind() == TypeKind::kString) {
    const std::string_view text = column.String(i);
    PutBigEndian32(out, static_cast<uint32_t>(text.size()));
    out->append(text);
    return;
  }
  PutBigEndian32(out, column.kind() == TypeKind::kBool ? 1 : 8);
  AppendScalar(column, i, out);
}

}  // namespace

uint16_t KeyGroupFor(std::string_view canonical_key, int max_parallelism) {
  WEIR_CHECK(max_parallelism >= 1 && max_parallelism <= kMaxMaxParallelism);
  if (canonical_key == kNullKeyBytes) return kNullKeyGroup;
  const auto positive = static_cast<uint32_t>(Murmur2(canonical_key)) & 0x7FFFFFFFu;
  return static_cast<uint16_t>(positive % static_cast<uint32_t>(max_parallelism));
}

KeyGroupRange RangeOf(int subtask, int parallelism, int max_parallelism) {
  WEIR_CHECK(subtask >= 0 && subtask < parallelism && parallelism <= max_parallelism);
  // The inverse of OwnerOf: the first group kg with kg * p / max_p >= subtask.
  const auto first = [&](int64_t s) {
    return static_cast<uint16_t>((s * max_parallelism + parallelism - 1) / parallelism);
  };
  return {first(subtask), first(subtask + 1)};
}

StatusOr<KeySelector> KeySelector::Create(const Schema& schema,
                                          const std::vector<std::string>& fields) {
  KeySelector selector;
  for (const std::string& name : fields) {
    const int column = schema.Find(name);
    if (column < 0) {
      return Err(ErrorCode::kPlanKey, absl::StrCat("key field '", name, "' does not exist"),
                 absl::StrCat("the input has ", schema.ToString()));
    }
    if (std::count(selector.columns_.begin(), selector.columns_.end(), column) > 0) {
      return Err(ErrorCode::kPlanKey, absl::StrCat("key field '", name, "' stands twice"));
    }
    const Type& type = schema.field(column).type;
    if (!IsKeyKind(type.kind)) {
      return Err(ErrorCode::kPlanKey,
                 absl::StrCat("key field '", name, "' has type ", type.ToString()),
                 "a key is made of string, int64, timestamp_ms or bool fields");
    }
    selector.columns_.push_back(column);
  }
  return selector;
}

bool KeySelector::IsNull(const RecordBatch& batch, size_t i) const {
  return std::all_of(columns_.begin(), columns_.end(),
                     [&](int c) { return batch.column(c).IsNull(i); });
}

void KeySelector::Select(const RecordBatch& batch, std::vector<std::string_view>* keys) {
  WEIR_CHECK(!columns_.empty(), "a key selector without fields");
  keys->resize(batch.rows());
  if (columns_.size() > 1) return SelectComposite(batch, keys);
  const Column& column = batch.column(columns_[0]);
  if (column.kind() != TypeKind::kString) return SelectIntegers(column, keys);
  for (size_t i = 0; i < keys->size(); ++i) {
    (*keys)[i] = column.IsNull(i) ? kNullKeyBytes : column.String(i);
  }
}

void KeySelector::SelectIntegers(const Column& column, std::vector<std::string_view>* keys) {
  const size_t width = column.kind() == TypeKind::kBool ? 1 : 8;
  scratch_.clear();
  for (size_t i = 0; i < keys->size(); ++i) AppendScalar(column, i, &scratch_);
  const std::string_view all = scratch_;
  for (size_t i = 0; i < keys->size(); ++i) {
    (*keys)[i] = column.IsNull(i) ? kNullKeyBytes : all.substr(i * width, width);
  }
}

void KeySelector::SelectComposite(const RecordBatch& batch, std::vector<std::string_view>* keys) {
  scratch_.clear();
  ends_.clear();
  for (size_t i = 0; i < keys->size(); ++i) {
    for (const int c : columns_) AppendPart(batch.column(c), i, &scratch_);
    ends_.push_back(scratch_.size());
  }
  // Only now, because the string moved while it grew.
  const std::string_view all = scratch_;
  size_t begin = 0;
  for (size_t i = 0; i < keys->size(); ++i) {
    (*keys)[i] = IsNull(batch, i) ? kNullKeyBytes : all.substr(begin, ends_[i] - begin);
    begin = ends_[i];
  }
}

void KeySelector::Assign(RecordBatch* batch, int max_parallelism) {
  Select(*batch, &keys_);
  batch->key_group.resize(keys_.size());
  batch->key_hash.resize(keys_.size());
  for (size_t i = 0; i < keys_.size(); ++i) {
    batch->key_group[i] = KeyGroupFor(keys_[i], max_parallelism);
    batch->key_hash[i] = HashBytes(keys_[i]);
  }
  keys_.clear();  // views must not outlive the batch
}

}  // namespace weir
