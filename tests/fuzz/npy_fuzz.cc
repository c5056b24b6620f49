#include "doppio/npy.h"
#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/seed_tensors.h"
#include "tests/support/tensor_match.h"
#include "tests/support/tight_limits.h"

namespace doppio {
namespace {

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = SeedFiles({".npy"});
  for (const Tensor& tensor : SeedTensors()) {
    const absl::StatusOr<std::string> bytes = FormatNpy(tensor);
    if (bytes.ok()) seeds.push_back(*bytes);
  }
  for (const char* head : {"'descr': '>f4', 'fortran_order': True, 'shape': (2, 2), ",
                           "'descr': '|S3', 'fortran_order': False, 'shape': (2,), ",
                           "'descr': '<U2', 'fortran_order': True, 'shape': (1, 2), "}) {
    const std::string header = absl::StrCat("{", head, "}\n");
    seeds.push_back(absl::StrCat(absl::string_view("\x93NUMPY\x01\x00", 8),
                                 std::string(1, static_cast<char>(header.size())),
                                 std::string(1, '\0'), header, std::string(16, 'a')));
  }
  return seeds;
}

void Try(absl::string_view bytes) {
  const absl::StatusOr<Tensor> tensor = ParseNpy(bytes, SmallLimits());
  if (!tensor.ok()) return;
  Touch(*tensor);
  const absl::StatusOr<std::string> written = FormatNpy(*tensor);
  if (!written.ok()) return;  // a string that is not UTF-8
  const absl::StatusOr<Tensor> read = ParseNpy(*written);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(TensorBitsEqual(*read, *tensor));
}

DOPPIO_FUZZ_TARGET(npy, Seeds, Try);

}  // namespace
}  // namespace doppio
