// What is read of a library of operators before it is loaded: whether it is whole, and its version.
// A library of this version is not tried, since loading one runs what is in it.

#include <elf.h>

#include <cstring>

#include "absl/strings/match.h"
#include "doppio/operator_library.h"
#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

constexpr absl::string_view kMark = DOPPIO_OPERATOR_LIBRARY_MARK;

std::vector<std::string> Seeds() {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_phoff = sizeof(header);
  header.e_phnum = 1;
  Elf64_Phdr segment = {};
  segment.p_filesz = 8;
  const std::string head(reinterpret_cast<const char*>(&header), sizeof(header));
  const std::string whole =
      head + std::string(reinterpret_cast<const char*>(&segment), sizeof(segment));
  return {head,
          whole,
          absl::StrCat(whole, kMark, "9.9.9;"),
          absl::StrCat(whole, kMark, "9.9.9"),
          absl::StrCat(whole, kMark, std::string(50, '9'), ";"),
          absl::StrCat(whole, kMark),
          absl::StrCat("#!/bin/sh\n", kMark, "9.9.9;")};
}

void Try(absl::string_view bytes) {
  if (absl::StrContains(bytes, absl::StrCat(kMark, DOPPIO_VERSION, ";"))) return;
  static const std::string& path = *new std::string(TemporaryPath("library.so"));
  WriteWholeFile(path, std::string(bytes));
  EXPECT_FALSE(LoadOperatorLibrary(path).ok());
}

DOPPIO_FUZZ_TARGET(operator_library, Seeds, Try);

}  // namespace
}  // namespace doppio
