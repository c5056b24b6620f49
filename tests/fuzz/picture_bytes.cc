#include "tests/fuzz/picture_bytes.h"

#include "doppio/image.h"
#include "doppio/image_recipe.h"
#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/tensor_match.h"
#include "tests/support/tight_limits.h"

namespace doppio {

void TryPictureBytes(absl::string_view bytes) {
  const absl::StatusOr<Tensor> picture = ParseImage(bytes, SmallLimits());
  if (!picture.ok()) return;
  Touch(*picture);
  const absl::StatusOr<std::string> written = FormatPng(*picture);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_TRUE(TensorBitsEqual(*ParseImage(*written), *picture));
  const absl::StatusOr<Tensor> input = ImageToTensor(*picture, *ParseImageRecipe("size=7x5"));
  if (input.ok()) Touch(*input);
}

}  // namespace doppio
