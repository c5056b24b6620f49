#ifndef DOPPIO_TESTS_IO_TEST_FILES_H_
#define DOPPIO_TESTS_IO_TEST_FILES_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "doppio/dtype.h"
#include "doppio/status.h"
#include "tests/support/shared_dir.h"

namespace doppio {

// All files below a folder whose names end like this, sorted.
std::vector<std::string> FilesBelow(const std::string& folder, const std::string& ending);

// A fresh path in a folder of this test, which is removed when the program ends.
std::string TemporaryPath(const std::string& name);

std::string ReadWholeFile(const std::string& path);
void WriteWholeFile(const std::string& path, const std::string& bytes);

// Calls `use` with damaged versions of `bytes`: cut off at every place (at most `cuts` of them),
// and with a few bits flipped, `flips` times. The seed is fixed, and shown when a check in `use`
// fails.
void ForEachDamage(const std::string& bytes, int cuts, int flips,
                   const std::function<void(const std::string&)>& use);

// Names typed tests by their element type.
struct ElementTypeNames {
  template <typename T>
  static std::string GetName(int) {
    return std::string(DataTypeName(DataTypeOf<T>::value));
  }
};

MATCHER_P2(FailsWith, code, text,
           absl::StrCat("fails with code ", static_cast<int>(code), " and \"", text, "\"")) {
  const absl::Status& status = arg;
  *result_listener << status.ToString();
  return status.code() == code && status.message().find(text) != absl::string_view::npos;
}

}  // namespace doppio

#endif  // DOPPIO_TESTS_IO_TEST_FILES_H_
