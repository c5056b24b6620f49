#include "tests/fuzz/database_bytes.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

void Try(absl::string_view bytes) {
  static const std::string& path = *new std::string(TemporaryPath("lmdb"));
  UnpackFolder(bytes, path);
  TryDatabase(path);
}

DOPPIO_FUZZ_TARGET(
    lmdb, [] { return DatabaseSeeds("lmdb"); }, Try);

}  // namespace
}  // namespace doppio
