#ifndef DOPPIO_TESTS_TABLE_LAST_WORDS_H_
#define DOPPIO_TESTS_TABLE_LAST_WORDS_H_

#include "absl/strings/string_view.h"

namespace doppio {

// What is under way, said on stderr if the process dies before the object does: by a signal, by the
// report of a sanitizer, or because it used more processor time than is allowed, which ends it.
//
//   LastWords words("case 12 of Expand", 20);
//
// One at a time.
class LastWords {
 public:
  LastWords(absl::string_view words, int seconds);
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;
};

}  // namespace doppio

#endif  // DOPPIO_TESTS_TABLE_LAST_WORDS_H_
