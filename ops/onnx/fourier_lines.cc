#include "ops/onnx/fourier_lines.h"

#include "src/kernel/fourier.h"

namespace doppio {

absl::Status FourierLines::Prepare(int64_t length, bool inverse) {
  if (length < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the length of a transform must be at least 1, but is ", length));
  }
  if (length == length_ && inverse == inverse_) return absl::OkStatus();
  length_ = 0;
  DOPPIO_RETURN_IF_ERROR(room_.Resize(DataType::kDouble, {4, length, 2}));
  FourierRoots(length, inverse, numbers());
  length_ = length;
  inverse_ = inverse;
  return absl::OkStatus();
}

const FourierLines::Complex* FourierLines::Transform() {
  Complex* const out = line() + length_;
  FourierTransform(numbers(), length_, inverse_, line(), out + length_, out);
  return out;
}

}  // namespace doppio
