#include "doppio/file_access.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;

absl::Status Unreadable(const std::string& path, const std::error_code& error) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": cannot be looked at: ", error.message()));
}

// The absolute path without links, of a file that need not be there.
absl::StatusOr<fs::path> WithoutLinks(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path.empty() ? "." : path, error);
  if (error) return Unreadable(path, error);
  fs::path found = fs::weakly_canonical(absolute, error);
  if (error) return Unreadable(path, error);
  // The first part that is not there may be a link to what is not there yet.
  fs::path begin;
  for (const fs::path& part : found) {
    begin /= part;
    const fs::file_status status = fs::symlink_status(begin, error);
    if (status.type() == fs::file_type::not_found) break;
    if (error) return Unreadable(path, error);
    if (status.type() == fs::file_type::symlink) {
      return absl::PermissionDeniedError(
          absl::StrCat(path, ": ", begin.string(), " is a symbolic link that leads nowhere"));
    }
  }
  return found;
}

}  // namespace

absl::Status FileAccess::Check(const std::string& path) const {
  std::string allowed = "no file";
  // Behind a byte 0 the system reads no further.
  if (folder_.has_value() && path.find('\0') == std::string::npos) {
    DOPPIO_ASSIGN_OR_RETURN(const fs::path folder, WithoutLinks(*folder_));
    DOPPIO_ASSIGN_OR_RETURN(const fs::path file, WithoutLinks(path));
    const auto differs =
        std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first;
    // "a/b/" ends in an empty part.
    if (differs == folder.end() || differs->empty()) return absl::OkStatus();
    allowed = absl::StrCat("only files in the folder \"", *folder_, "\"");
  }
  return absl::PermissionDeniedError(
      absl::StrCat("\"", path, "\" may not be opened here, ", allowed, " may"));
}

}  // namespace doppio
