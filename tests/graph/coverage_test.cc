#include "doppio/coverage.h"

#include <gmock/gmock.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

TEST(CoverageTest, WhatOtherNamesStandForIsThere) {
  for (const OtherName& other : OtherNames()) {
    EXPECT_THAT(WhatIsKnownOf(other.name), testing::HasSubstr(std::string(other.here)));
    for (const absl::string_view word : absl::StrSplit(other.here, absl::ByAnyChar(" ,"))) {
      if (word.empty() || !absl::ascii_isupper(word[0])) continue;
      EXPECT_TRUE(OperatorRegistry::Has(word)) << other.name << ": " << word;
    }
  }
}

}  // namespace
}  // namespace doppio
