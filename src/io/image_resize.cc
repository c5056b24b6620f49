#include <algorithm>
#include <cmath>
#include <vector>

#include "doppio/image_recipe.h"
#include "src/io/image_codec.h"

namespace doppio {
namespace {

// Of one place of the result: which places of the source count, and how much.
struct Window {
  int64_t begin;
  std::vector<float> weights;  // they add up to 1
};

// A triangle around each place's centre: as wide as two places of the source, or of the result
// where that is smaller than the source.
std::vector<Window> Triangles(int64_t count, int64_t source_count) {
  const double step = static_cast<double>(source_count) / static_cast<double>(count);
  const double radius = std::max(step, 1.0);
  std::vector<Window> windows(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * step;
    const auto from = static_cast<int64_t>(std::floor(centre - radius));
    const auto to = static_cast<int64_t>(std::ceil(centre + radius));
    Window& window = windows[static_cast<size_t>(i)];
    window.begin = std::clamp<int64_t>(from, 0, source_count - 1);
    double sum = 0;
    std::vector<double> weights;
    for (int64_t k = window.begin; k < std::min(to, source_count); ++k) {
      const double distance = std::abs(static_cast<double>(k) + 0.5 - centre) / radius;
      weights.push_back(std::max(0.0, 1 - distance));
      sum += weights.back();
    }
    for (double weight : weights) window.weights.push_back(static_cast<float>(weight / sum));
  }
  return windows;
}

uint8_t Rounded(float value) {
  return static_cast<uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f));
}

}  // namespace

absl::StatusOr<Tensor> ResizeImage(const Tensor& picture, int64_t height, int64_t width) {
  const int64_t sides =
      picture.rank() == 3 ? std::max({height, width, picture.dim(0), picture.dim(1)}) : 0;
  if (!picture.Is<uint8_t>() || picture.rank() != 3 || picture.numel() == 0 || height < 1 ||
      width < 1 || sides > io::kMaxPictureSide) {
    return absl::InvalidArgumentError(absl::StrCat("cannot resize ", picture.TypeAndShape(), " to ",
                                                   width, " x ", height, " pixels"));
  }
  const int64_t channels = picture.dim(2);
  const int64_t source_row = picture.dim(1) * channels;
  const int64_t row = width * channels;
  DOPPIO_ASSIGN_OR_RETURN(Tensor result,
                          Tensor::Create(DataType::kUInt8, {height, width, channels}));
  // Of the source's rows, made as wide as the result's.
  DOPPIO_ASSIGN_OR_RETURN(Tensor narrowed,
                          Tensor::Create(DataType::kFloat, {picture.dim(0), width, channels}));
  const std::vector<Window> columns = Triangles(width, picture.dim(1));
  for (int64_t y = 0; y < picture.dim(0); ++y) {
    const uint8_t* in = picture.data<uint8_t>() + y * source_row;
    float* out = narrowed.mutable_data<float>() + y * row;
    for (const Window& window : columns) {
      for (int64_t c = 0; c < channels; ++c) {
        float sum = 0;
        const uint8_t* pixel = in + window.begin * channels + c;
        for (float weight : window.weights) {
          sum += weight * static_cast<float>(*pixel);
          pixel += channels;
        }
        *out++ = sum;
      }
    }
  }
  std::vector<float> sums(static_cast<size_t>(row));
  uint8_t* out = result.mutable_data<uint8_t>();
  for (const Window& window : Triangles(height, picture.dim(0))) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    const float* in = narrowed.data<float>() + window.begin * row;
    for (float weight : window.weights) {
      for (float& sum : sums) sum += weight * *in++;
    }
    for (float sum : sums) *out++ = Rounded(sum);
  }
  return result;
}

}  // namespace doppio
