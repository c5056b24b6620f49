#include "tests/fuzz/database_bytes.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

void Try(absl::string_view bytes) {
  static const std::string& path = *new std::string(TemporaryPath("leveldb"));
  UnpackFolder(bytes, path);
  TryDatabase(path);
}

DOPPIO_FUZZ_TARGET(
    leveldb, [] { return DatabaseSeeds("leveldb"); }, Try);

}  // namespace
}  // namespace doppio
