// How weirctl shows things: data on stdout as a table or as JSON, words on stderr.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace google::protobuf {
class Message;
}

namespace weir {

// Columns as wide as they must be; numbers to the right. The first row is the heading.
class CtlTable {
 public:
  explicit CtlTable(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string Render() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// One line. Integers are numbers (proto3's own JSON makes texts of them), enums their bare names,
// bytes hexadecimal; what is not set is left out, numbers and texts are always there.
std::string MessageToJson(const google::protobuf::Message& message);

std::string ShowBytes(int64_t bytes);  // "1.4 MiB"
std::string ShowNumber(int64_t n);     // "1,234,567"
std::string ShowDuration(int64_t ms);  // "3m 12s"
std::string ShowTime(int64_t ms);      // "2017-04-20 13:05:01", UTC; "-" for none
// As text on a terminal: no control characters; at most `max` bytes, with "..." behind.
std::string ShowText(const std::string& text, size_t max);

}  // namespace weir
