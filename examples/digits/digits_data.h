#ifndef DOPPIO_EXAMPLES_DIGITS_DIGITS_DATA_H_
#define DOPPIO_EXAMPLES_DIGITS_DIGITS_DATA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "doppio/tensor.h"

namespace digits {

constexpr int kPixels = 64;

// Pictures of 8x8 pixels, from 0 (paper) to 1 (ink), and the digits that they show.
struct Examples {
  std::vector<float> pixels;  // kPixels for each picture
  std::vector<int32_t> labels;

  size_t size() const { return labels.size(); }
  void Add(const float* picture, int32_t label);
  // The examples of these numbers, as the blobs `data` [N,64] and `label` [N].
  absl::StatusOr<doppio::Tensor> Data(absl::Span<const size_t> which) const;
  absl::StatusOr<doppio::Tensor> Labels(absl::Span<const size_t> which) const;
};

struct Split {
  Examples train;
  Examples test;  // every fifth example of the file
};

// Reads lines of 64 values from 0 to 16 and a digit, separated by commas; gzip or plain text.
absl::StatusOr<Split> LoadDigits(const std::string& path);

}  // namespace digits

#endif  // DOPPIO_EXAMPLES_DIGITS_DIGITS_DATA_H_
