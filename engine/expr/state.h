// What a row of a vector can be besides a value, and memory for values that an evaluation makes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace weir::expr {

enum class Err : uint8_t {
  kOk,
  kNull,  // never an error: stands here so that State's low byte is one of these
  kNoOverload,
  kIntegerOverflow,
  kDivideByZero,
  kModulusByZero,
  kNoSuchKey,
  kIndexRange,
  kRange,
  kConversion,
  kTimestampRange,
  kDurationRange,
  kTimeZone,
  kPattern,
  kTooLarge,
  kKeyType,
  kDuplicateKey,
  kResultType,
};
const char* ErrText(Err error);

// 0 = value, 1 = null, else an error: low byte = Err, the rest = number of the node that failed, by
// which the program finds the position in the text.
using State = uint32_t;
inline constexpr State kStateOk = 0;
inline constexpr State kStateNull = 1;
inline State ErrorState(Err error, int node_id) {
  return static_cast<State>(node_id) << 8 | static_cast<State>(error);
}
inline bool IsError(State s) { return s > kStateNull; }
inline Err ErrOf(State s) { return static_cast<Err>(s & 0xFF); }
inline int NodeOf(State s) { return static_cast<int>(s >> 8); }
// State of a strict function's arguments so far: the first error wins, then null.
inline State CombineStates(State a, State b) { return IsError(a) ? a : IsError(b) ? b : (a | b); }

// No string or list made by an expression may be larger: an expression from outside must not be
// able to double a value until memory ends.
inline constexpr size_t kMaxStringBytes = 1 << 20;
inline constexpr size_t kMaxListItems = 1 << 16;

// Bump memory for strings; kept between batches, so a warm program does not allocate.
class Arena {
 public:
  struct Mark {
    size_t block, used;
  };
  char* Allocate(size_t bytes);
  std::string_view Copy(std::string_view text);
  Mark GetMark() const { return {block_, used_}; }
  void Rewind(Mark mark);

 private:
  static constexpr size_t kBlockBytes = 64 * 1024;
  static constexpr size_t kKeptBytes = 4 * 1024 * 1024;
  struct Block {
    std::unique_ptr<char[]> data;
    size_t size;
  };
  std::vector<Block> blocks_;
  size_t block_ = 0;  // blocks_[block_] is the one in use
  size_t used_ = 0;
};

class Regex;

struct Scratch {
  Arena arena;
  std::shared_ptr<Regex> regex;  // the last one compiled for a pattern that is not constant
};

}  // namespace weir::expr
