#include "tests/fuzz/database_bytes.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

void Try(absl::string_view bytes) {
  static const std::string& path = *new std::string(TemporaryPath("any.minidb"));
  WriteWholeFile(path, std::string(bytes));
  TryDatabase(path);
}

DOPPIO_FUZZ_TARGET(
    minidb, [] { return DatabaseSeeds("minidb"); }, Try);

}  // namespace
}  // namespace doppio
