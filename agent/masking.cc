#include "agent/masking.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/model/value.h"

namespace weir {

namespace {

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

}  // namespace

StatusOr<MaskMode> Masking::ParseMode(std::string_view text) {
  if (text == "keep") return MaskMode::kKeep;
  if (text == "drop") return MaskMode::kDrop;
  if (text == "hmac") return MaskMode::kHmac;
  return Err(ErrorCode::kConfigBadValue,
             absl::StrCat("'", ToAbsl(text), "' is not one of keep, drop, hmac"));
}

StatusOr<Masking> Masking::Create(const Schema& schema, const Config& config) {
  Masking m;
  m.secret_ = config.secret;
  m.max_bytes_ = config.max_bytes;
  std::vector<MaskMode> modes(static_cast<size_t>(schema.size()), MaskMode::kDrop);
  for (const auto& [name, text] : config.modes) {
    const int column = schema.Find(name);
    if (column < 0) {
      return Err(ErrorCode::kPlanSchema, absl::StrCat("the input has no field '", name, "'"));
    }
    WEIR_ASSIGN_OR_RETURN(modes[static_cast<size_t>(column)], ParseMode(text));
  }
  const auto item = [&](int column) {
    return Item{schema.field(column).name, column, modes[static_cast<size_t>(column)]};
  };
  for (int c = 0; c < schema.size(); ++c) {
    if (modes[static_cast<size_t>(c)] != MaskMode::kDrop) m.event_.push_back(item(c));
  }
  for (const int c : config.novelty) {
    if (modes[static_cast<size_t>(c)] == MaskMode::kKeep) m.novelty_.push_back(item(c));
  }
  for (const std::string& name : config.signature) {
    const int column = schema.Find(name);
    if (column < 0) {
      return Err(ErrorCode::kPlanSchema, absl::StrCat("the input has no field '", name, "'"));
    }
    m.signature_.push_back(item(column));
  }
  return m;
}

std::string Masking::MaskedJson(const Item& item, const RecordBatch& batch, size_t row) const {
  const Column& column = batch.column(item.column);
  std::string json;
  AppendColumnJson(column, row, &json);
  if (item.mode == MaskMode::kKeep || column.IsNull(row)) return json;
  // The field's name is hashed too, so that equal values of two fields do not show as equal.
  std::string bytes;
  PutBytes(&bytes, item.name);
  PutBytes(&bytes, json);
  return absl::StrCat("\"hmac:", HexEncode(HmacSha256(secret_, bytes)).substr(0, 32), "\"");
}

std::vector<Masking::Part> Masking::Parts(const std::vector<Item>& items, const RecordBatch& batch,
                                          size_t row) const {
  std::vector<Part> parts;
  for (const Item& item : items) {
    if (item.mode == MaskMode::kDrop) continue;
    parts.push_back({Quoted(item.name), MaskedJson(item, batch, row)});
  }
  return parts;
}

size_t Masking::TrimLongest(std::vector<Part>* parts) {
  Part* longest = nullptr;
  for (Part& part : *parts) {
    if (!part.text.empty() && (longest == nullptr || part.text.size() >= longest->text.size())) {
      longest = &part;
    }
  }
  if (longest == nullptr) return 0;
  const size_t bytes = longest->name.size() + longest->text.size() + 2;  // ':' and ','
  longest->text.clear();
  return bytes;
}

std::string Masking::Context(const RecordBatch& batch, size_t row) const {
  // The first are trimmed first: without the statistics nobody can judge.
  std::vector<Part> groups[] = {Parts(event_, batch, row), Parts(signature_, batch, row),
                                Parts(novelty_, batch, row)};
  size_t bytes = 128;  // the frame, the time and the count of trimmed fields, rounded up
  for (const auto& group : groups) {
    for (const Part& part : group) bytes += part.name.size() + part.text.size() + 2;
  }
  int trimmed = 0;
  for (auto& group : groups) {
    while (bytes > max_bytes_) {
      const size_t saved = TrimLongest(&group);
      if (saved == 0) break;
      bytes -= saved;
      ++trimmed;
    }
  }
  const auto object = [](const std::vector<Part>& parts) {
    std::string out = "{";
    for (const Part& part : parts) {
      if (part.text.empty()) continue;
      if (out.size() > 1) out += ',';
      absl::StrAppend(&out, part.name, ":", part.text);
    }
    return out + "}";
  };
  std::string out =
      absl::StrCat("{\"event\":", object(groups[0]), ",\"signature\":", object(groups[1]),
                   ",\"novelty\":", object(groups[2]));
  if (batch.event_time[row] != kNoTimestamp) {
    absl::StrAppend(&out, ",\"event_time\":", batch.event_time[row]);
  }
  if (trimmed > 0) absl::StrAppend(&out, ",\"trimmed\":", trimmed);
  return out + "}";
}

std::string Masking::SignatureText(const RecordBatch& batch, size_t row) const {
  std::string out;
  for (const Item& item : signature_) {
    if (!out.empty()) out += ", ";
    absl::StrAppend(&out, item.name, "=");
    out += item.mode == MaskMode::kDrop ? "?" : MaskedJson(item, batch, row);
    if (out.size() > max_bytes_) return out.substr(0, max_bytes_);
  }
  return out;
}

}  // namespace weir
