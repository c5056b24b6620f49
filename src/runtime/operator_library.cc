#include "doppio/operator_library.h"

#include <dlfcn.h>
#include <elf.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <mutex>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

// The dynamic linker maps segments without looking at the size of the file; what is missing would
// be a bus error.
bool HasAllSegments(absl::string_view bytes) {
  Elf64_Ehdr header;
  if (bytes.size() < sizeof(header)) return false;
  std::memcpy(&header, bytes.data(), sizeof(header));
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    const uint64_t offset = header.e_phoff + i * sizeof(segment);
    if (header.e_phoff > bytes.size() || offset + sizeof(segment) > bytes.size()) return false;
    std::memcpy(&segment, bytes.data() + offset, sizeof(segment));
    if (segment.p_offset > bytes.size() || segment.p_filesz > bytes.size() - segment.p_offset)
      return false;
  }
  return true;
}

absl::Status ReadLibrary(const std::string& path, std::string* bytes) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  bool is_read = file != nullptr;
  if (is_read) {
    char block[1 << 16];
    while (const size_t count = std::fread(block, 1, sizeof(block), file))
      bytes->append(block, count);
    is_read = std::ferror(file) == 0;
  }
  const int error = errno;
  if (file != nullptr) std::fclose(file);
  if (!is_read) {
    return absl::NotFoundError(absl::StrCat("can not read \"", path, "\": ", std::strerror(error)));
  }
  if (!absl::StartsWith(*bytes, absl::string_view(ELFMAG, SELFMAG))) {
    return absl::InvalidArgumentError(absl::StrCat("\"", path, "\" is no shared library"));
  }
  if (!HasAllSegments(*bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", path, "\" is damaged: it ends before its last segment"));
  }
  return absl::OkStatus();
}

// The version after the mark in the file, before anything of it is run.
absl::Status CheckVersion(const std::string& path) {
  std::string bytes;
  DOPPIO_RETURN_IF_ERROR(ReadLibrary(path, &bytes));
  const absl::string_view mark = DOPPIO_OPERATOR_LIBRARY_MARK;
  const size_t found = bytes.find(mark.data(), 0, mark.size());
  if (found == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", path,
                     "\" is no library of doppio operators: it lacks the line "
                     "DOPPIO_OPERATOR_LIBRARY();"));
  }
  const size_t begin = found + mark.size();
  const size_t end = bytes.find(';', begin);
  const std::string version = bytes.substr(begin, std::min<size_t>(end - begin, 32));
  if (version != DOPPIO_VERSION) {
    return absl::FailedPreconditionError(
        absl::StrCat("\"", path, "\" was built for doppio ", version,
                     ", but this is doppio " DOPPIO_VERSION
                     "; build it again with the headers of this version"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> LoadOperatorLibrary(const std::string& path) {
  DOPPIO_RETURN_IF_ERROR(CheckVersion(path));
  // What others load at the same time did not come with this one. Recursive: a library may load
  // one.
  static std::recursive_mutex& loading = *new std::recursive_mutex;
  const std::lock_guard<std::recursive_mutex> lock(loading);
  const std::vector<std::string> before = OperatorRegistry::Types();
  const size_t problems_before = RegistrationProblems().size();
  // A name without a slash would be looked for in the system's folders.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  if (dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("can not load \"", path, "\": ", dlerror()));
  }
  const std::vector<std::string> problems = RegistrationProblems();
  if (problems.size() > problems_before) {
    return absl::AlreadyExistsError(absl::StrCat(
        "\"", path,
        "\": ", absl::StrJoin(problems.begin() + problems_before, problems.end(), "; ")));
  }
  const std::vector<std::string> after = OperatorRegistry::Types();
  std::vector<std::string> added;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(added));
  return added;
}

}  // namespace doppio
