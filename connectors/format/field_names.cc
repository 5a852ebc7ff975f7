#include "connectors/format/field_names.h"

namespace weir {
namespace {

// Fields are unknown, named at random or long only in strange streams; they get no guess.
constexpr size_t kMaxGuesses = 64;
constexpr size_t kMaxGuessBytes = 64;

}  // namespace

FieldNames::FieldNames(const std::vector<Field>& fields) {
  for (size_t k = 0; k < fields.size(); ++k) {
    by_name_.emplace(fields[k].name, static_cast<int>(k));
  }
}

int FieldNames::Find(size_t position, std::string_view name, bool has_escapes) {
  const auto found = by_name_.find(name);
  const int field = found == by_name_.end() ? kUnknown : found->second;
  if (position < kMaxGuesses && name.size() <= kMaxGuessBytes && !has_escapes) {
    if (guesses_.size() <= position) guesses_.resize(position + 1);
    guesses_[position] = {std::string(name), field};
  }
  return field;
}

}  // namespace weir
