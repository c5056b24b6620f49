#ifndef DOPPIO_TOOLS_COMMAND_TABLE_H_
#define DOPPIO_TOOLS_COMMAND_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace doppio::tools {

// Text in columns. A column whose heading begins with '>' is aligned at the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  // As many cells as there are headings, or fewer.
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // Each line behind `indent`; without the headings when they are all empty.
  std::string ToString(absl::string_view indent = "") const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// "1 operator", "2 operators".
std::string Counted(int64_t count, absl::string_view noun);
// "512 B", "1.5 MiB".
std::string HumanBytes(int64_t bytes);
// "820 ns", "1.25 ms", "3.2 s".
std::string HumanSeconds(double seconds);
// The first line of `text`, cut to `width` characters with "..." where it is longer.
std::string Shortened(absl::string_view text, size_t width);
// Control characters as '?', so that a name from a file can not write to the terminal what it
// likes.
std::string Printable(absl::string_view text);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_TABLE_H_
