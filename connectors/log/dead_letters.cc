#include "connectors/log/dead_letters.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/model/value.h"

namespace weir {
namespace {

enum DeadLetterColumn {
  kTopic,
  kPartition,
  kOffset,
  kError,
  kReason,
  kField,
  kRaw,
  kRawBase64,
  kTs,
  kHint,
  kTruncated
};

Type Of(TypeKind kind) {
  Type type;
  type.kind = kind;
  return type;
}

// The field that a decoder's error is about (see format.h), or "".
std::string_view FieldOf(std::string_view reason) {
  constexpr std::string_view kPrefix = "field '";
  if (!reason.starts_with(kPrefix)) return {};
  reason.remove_prefix(kPrefix.size());
  return reason.substr(0, reason.find('\''));
}

// Length of the sequence that `lead` begins, and the range of its second byte; 0 if none does.
struct Utf8Lead {
  int length;
  uint8_t low, high;
};
Utf8Lead ReadLead(uint8_t lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};  // no surrogates
  if (lead >= 0xE1 && lead <= 0xEF) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

bool HoldsDeadLetters(const RecordBatch& batch) {
  const SchemaPtr& wanted = DeadLetterSchema();
  if (batch.width() != wanted->size()) return false;
  for (int i = 0; i < wanted->size(); ++i) {
    if (batch.schema()->field(i).name != wanted->field(i).name) return false;
    if (batch.schema()->field(i).type.kind != wanted->field(i).type.kind) return false;
  }
  return true;
}

size_t JsonBytes(const RecordBatch& batch, size_t row) {
  std::string json;
  RowToJson(batch, row, &json);
  return json.size();
}

// How many bytes of `text` to keep so that they take up to `budget` in JSON.
size_t FittingText(std::string_view text, size_t budget) {
  size_t keep = std::min(text.size(), budget);
  for (std::string json; keep > 0; keep -= keep / 8 + 1, json.clear()) {
    AppendJsonString(text.substr(0, keep), &json);
    if (json.size() <= budget) break;
  }
  while (keep > 0 && keep < text.size() && (static_cast<uint8_t>(text[keep]) & 0xC0) == 0x80) {
    --keep;
  }
  return keep;
}

void AppendBounded(const RecordBatch& from, size_t row, size_t max_bytes, RecordBatch* batch) {
  constexpr size_t kReserved = 256;  // for what the reason says more
  const bool plain = !from.column(kRaw).IsNull(row);
  const int column = plain ? kRaw : kRawBase64;
  const std::string_view bytes = from.column(column).String(row);
  std::string json;
  AppendJsonString(bytes, &json);
  const size_t others = JsonBytes(from, row) - json.size() + kReserved;
  const size_t budget = max_bytes - std::min(max_bytes, others);
  const size_t keep = plain ? FittingText(bytes, budget) : std::min(bytes.size(), budget) / 4 * 4;
  const auto padding = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '='));
  const size_t size = plain ? bytes.size() : bytes.size() / 4 * 3 - padding;
  const size_t kept = plain ? keep : keep / 4 * 3;
  for (int i = 0; i < from.width(); ++i) {
    if (i == column) {
      batch->column(i).AppendString(bytes.substr(0, keep));
    } else if (i == kReason) {
      batch->column(i).AppendString(absl::StrCat(ToAbsl(from.column(i).String(row)), " (the first ",
                                                 kept, " of the record's ", size,
                                                 " bytes are kept: the log takes no more)"));
    } else if (i == kTruncated) {
      batch->column(i).AppendBool(true);
    } else {
      batch->column(i).AppendFrom(from.column(i), row);
    }
  }
  batch->AppendMeta(from, row);
}

}  // namespace

RecordBatch BoundDeadLetters(size_t max_bytes, RecordBatch batch) {
  if (!HoldsDeadLetters(batch)) return batch;
  const auto fits = [&](size_t row) {
    const bool empty = batch.column(kRaw).IsNull(row) && batch.column(kRawBase64).IsNull(row);
    return empty || JsonBytes(batch, row) <= max_bytes;
  };
  size_t row = 0;
  while (row < batch.rows() && fits(row)) ++row;
  if (row == batch.rows()) return batch;
  RecordBatch bounded(batch.schema());
  for (row = 0; row < batch.rows(); ++row) {
    if (fits(row)) {
      bounded.AppendRow(batch, row);
    } else {
      AppendBounded(batch, row, max_bytes, &bounded);
    }
  }
  return bounded;
}

const SchemaPtr& DeadLetterSchema() {
  static const SchemaPtr schema = MakeSchema({{"topic", Of(TypeKind::kString), false},
                                              {"partition", Of(TypeKind::kInt64), false},
                                              {"offset", Of(TypeKind::kInt64), false},
                                              {"error", Of(TypeKind::kString), false},
                                              {"reason", Of(TypeKind::kString), false},
                                              {"field", Of(TypeKind::kString), true},
                                              {"raw", Of(TypeKind::kString), true},
                                              {"raw_base64", Of(TypeKind::kString), true},
                                              {"ts", Of(TypeKind::kTimestamp), true},
                                              {"hint", Of(TypeKind::kString), true},
                                              {"truncated", Of(TypeKind::kBool), true}});
  return schema;
}

void AppendDeadLetter(const DeadLetterPlace& place, const LogItem& item, const Status& error,
                      RecordBatch* batch) {
  const std::string_view reason = ToStd(error.message());
  batch->column(kTopic).AppendString(place.topic);
  batch->column(kPartition).AppendInt(place.partition);
  batch->column(kOffset).AppendInt(item.offset);
  batch->column(kError).AppendString(absl::StrCat("WEIR-", ErrorNumber(error)));
  batch->column(kReason).AppendString(IsPlainText(reason) ? reason : "broken text");
  const std::string_view field = FieldOf(reason);
  if (field.empty() || !IsPlainText(field)) {
    batch->column(kField).AppendNull();
  } else {
    batch->column(kField).AppendString(field);
  }
  if (IsPlainText(item.value)) {
    batch->column(kRaw).AppendString(item.value);
    batch->column(kRawBase64).AppendNull();
  } else {
    batch->column(kRaw).AppendNull();
    batch->column(kRawBase64).AppendString(Base64(item.value));
  }
  if (place.reached_ms == kNoTimestamp) {
    batch->column(kTs).AppendNull();
  } else {
    batch->column(kTs).AppendInt(place.reached_ms);
  }
  const std::string hint = ErrorHint(error);
  if (hint.empty() || !IsPlainText(hint)) {
    batch->column(kHint).AppendNull();
  } else {
    batch->column(kHint).AppendString(hint);
  }
  if (item.oversized) {
    batch->column(kTruncated).AppendBool(true);
  } else {
    batch->column(kTruncated).AppendNull();
  }
  batch->AppendMeta(kNoTimestamp, Origin{place.source, place.partition, item.offset}, 0);
}

bool IsPlainText(std::string_view bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    const auto lead = static_cast<uint8_t>(bytes[i]);
    if (lead == 0) return false;
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const Utf8Lead sequence = ReadLead(lead);
    const auto length = static_cast<size_t>(sequence.length);
    if (length == 0 || bytes.size() - i < length) return false;
    const auto second = static_cast<uint8_t>(bytes[i + 1]);
    if (second < sequence.low || second > sequence.high) return false;
    for (size_t k = 2; k < length; ++k) {
      if ((static_cast<uint8_t>(bytes[i + k]) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

std::string Base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) {
      word = word << 8 | (k < n ? static_cast<uint8_t>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      out.push_back(k <= n ? kDigits[word >> (18 - 6 * k) & 63] : '=');
    }
  }
  return out;
}

}  // namespace weir
