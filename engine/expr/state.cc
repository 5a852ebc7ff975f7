#include "engine/expr/state.h"

#include <algorithm>
#include <cstring>

namespace weir::expr {

const char* ErrText(Err error) {
  switch (error) {
    case Err::kOk:
      return "";
    case Err::kNull:
      return "null";
    case Err::kNoOverload:
      return "no such overload";
    case Err::kIntegerOverflow:
      return "integer overflow";
    case Err::kDivideByZero:
      return "division by zero";
    case Err::kModulusByZero:
      return "modulus by zero";
    case Err::kNoSuchKey:
      return "no such key";
    case Err::kIndexRange:
      return "index out of range";
    case Err::kRange:
      return "value out of range";
    case Err::kConversion:
      return "text cannot be converted";
    case Err::kTimestampRange:
      return "timestamp out of range";
    case Err::kDurationRange:
      return "duration out of range";
    case Err::kTimeZone:
      return "time zone is not UTC or a fixed offset such as '+02:00'";
    case Err::kPattern:
      return "invalid regular expression";
    case Err::kTooLarge:
      return "string or list too large";
    case Err::kKeyType:
      return "unsupported map key type";
    case Err::kDuplicateKey:
      return "duplicate map key";
    case Err::kResultType:
      return "result has another type than required";
  }
  return "unknown error";
}

char* Arena::Allocate(size_t bytes) {
  while (block_ < blocks_.size() && blocks_[block_].size - used_ < bytes) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const size_t size = std::max(bytes, kBlockBytes);
    blocks_.push_back({std::make_unique<char[]>(size), size});
    used_ = 0;
  }
  char* out = blocks_[block_].data.get() + used_;
  used_ += bytes;
  return out;
}

std::string_view Arena::Copy(std::string_view text) {
  char* to = Allocate(text.size());
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void Arena::Rewind(Mark mark) {
  block_ = mark.block;
  used_ = mark.used;
  if (block_ != 0 || used_ != 0) return;
  // One unusual batch must not hold its memory for ever.
  size_t kept = 0;
  size_t blocks = 0;
  while (blocks < blocks_.size() && kept + blocks_[blocks].size <= kKeptBytes) {
    kept += blocks_[blocks++].size;
  }
  blocks_.resize(blocks);
}

}  // namespace weir::expr
