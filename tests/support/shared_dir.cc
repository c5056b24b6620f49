#include "tests/support/shared_dir.h"

#include <cstdlib>
#include <filesystem>

namespace doppio {

std::string SharedDir() {
  std::error_code error;
  const char* given = std::getenv("DOPPIO_SHARED");
  const std::filesystem::path path = given != nullptr && given[0] != '\0'
                                         ? std::filesystem::path(given)
                                         : std::filesystem::path(DOPPIO_SOURCE_DIR) / "../shared";
  if (!std::filesystem::is_directory(path, error)) return "";
  const std::filesystem::path canonical = std::filesystem::canonical(path, error);
  return error ? "" : canonical.string();
}

}  // namespace doppio
