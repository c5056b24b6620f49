#ifndef DOPPIO_IO_TEXT_SCANNER_H_
#define DOPPIO_IO_TEXT_SCANNER_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace doppio {
namespace io {

// Cuts text protobufs and JSON into tokens; knows quotes, escapes and comments, and nothing of what
// the tokens mean. It accepts everything: errors are for the parsers to find.
class TextScanner {
 public:
  enum Kind { kIdentifier, kString, kOpen, kClose, kOther };

  struct Token {
    Kind kind;
    absl::string_view text;  // part of the input; strings with their quotes
    int depth;               // of brackets around it; an opening one counts itself in
    int braces;              // those of the depth that are { or <
  };

  explicit TextScanner(absl::string_view text) : text_(text) {}

  // False at the end.
  bool Next(Token* token);

 private:
  void SkipSpaceAndComments();

  absl::string_view text_;
  size_t pos_ = 0;
  int depth_ = 0;
  int braces_ = 0;
};

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_TEXT_SCANNER_H_
