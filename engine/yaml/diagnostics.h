// The problems of one topology, each with its place, printed as a compiler prints them:
//
//   job.yaml:14:18: error[WEIR-1004]: expected an integer, found 'four'
//      14 |   parallelism: four
//         |                ^~~~
//     hint: write a whole number from 1 to 32768
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"
#include "engine/core/options.h"

namespace weir {

struct YamlNode;

struct Diagnostic {
  bool is_error = true;
  int number = 0;   // WEIR-nnnn
  SourceMark mark;  // line 0 = the file as a whole; line -n = the n-th override, from 1
  std::string message;
  std::string hint;
};

class Diagnostics {
 public:
  Diagnostics() = default;
  Diagnostics(std::string file, std::string_view text) { SetSource(std::move(file), text); }
  void SetSource(std::string file, std::string_view text);
  // Texts of the `--set a.b=c` options, as given.
  void SetOverrides(std::vector<std::string> overrides) { overrides_ = std::move(overrides); }

  void Error(SourceMark mark, ErrorCode code, std::string message, std::string hint = {});
  void Warning(SourceMark mark, ErrorCode code, std::string message, std::string hint = {});
  // A status made by Err. The text of a secret node is taken out of the message.
  void Error(SourceMark mark, const Status& status);
  void Error(const YamlNode& at, const Status& status);

  int errors() const { return errors_; }
  int warnings() const { return static_cast<int>(entries_.size()) - errors_; }
  bool ok() const { return errors_ == 0; }
  // By position; overrides last.
  std::vector<Diagnostic> Sorted() const;
  // The whole report with its closing line ("2 errors"); "" when there is nothing to say.
  std::string Render() const;
  // One per line, without source: "job.yaml:14:18: error[WEIR-1004]: ...".
  std::string RenderShort() const;
  // The first error by position, with its place in the message; OK without errors.
  Status ToStatus() const;

  const std::string& file() const { return file_; }
  // The line's text, "" out of range.
  std::string_view Line(int line) const;

 private:
  void Add(Diagnostic entry);
  std::string Head(const Diagnostic& entry) const;
  std::string Excerpt(const SourceMark& mark) const;
  std::string Place(const SourceMark& mark) const;

  std::string file_ = "topology";
  std::vector<std::string> lines_;
  std::vector<std::string> overrides_;
  std::vector<Diagnostic> entries_;
  int errors_ = 0;
};

}  // namespace weir
