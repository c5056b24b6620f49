#include "doppio/npy.h"
#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/seed_tensors.h"
#include "tests/support/tensor_match.h"
#include "tests/support/tight_limits.h"

namespace doppio {
namespace {

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = SeedFiles({".npz"});
  std::vector<NamedTensor> all;
  for (const Tensor& tensor : SeedTensors()) {
    all.push_back({absl::StrCat("a", all.size()), tensor});
    const absl::StatusOr<std::string> one = FormatNpz({all.back()});
    if (one.ok()) {
      seeds.push_back(*one);
    } else {
      all.pop_back();
    }
  }
  seeds.push_back(*FormatNpz(all));
  return seeds;
}

void Try(absl::string_view bytes) {
  const absl::StatusOr<std::vector<NamedTensor>> arrays = ParseNpz(bytes, SmallLimits());
  if (!arrays.ok()) return;
  for (const NamedTensor& array : *arrays) Touch(array.tensor);
  const absl::StatusOr<std::string> written = FormatNpz(*arrays);
  if (!written.ok()) return;  // two of one name, or a string that is not UTF-8
  const absl::StatusOr<std::vector<NamedTensor>> read = ParseNpz(*written);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), arrays->size());
  for (size_t i = 0; i < arrays->size(); ++i) {
    EXPECT_EQ((*read)[i].name, (*arrays)[i].name);
    EXPECT_TRUE(TensorBitsEqual((*read)[i].tensor, (*arrays)[i].tensor));
  }
}

DOPPIO_FUZZ_TARGET(npz, Seeds, Try);

}  // namespace
}  // namespace doppio
