#include "ops/image/picture_changes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "doppio/limits.h"
#include "doppio/shape.h"
#include "src/kernel/resize_area.h"

namespace doppio {
namespace {

int64_t Int(int64_t least, int64_t most, PictureRandom* random) {
  return std::uniform_int_distribution<int64_t>(least, most)(*random);
}

float Real(float least, float most, PictureRandom* random) {
  return std::uniform_real_distribution<float>(least, most)(*random);
}

PictureView PartOf(const PictureView& picture, const PictureBox& box) {
  return {picture.data + box.top * picture.row_stride + box.left * picture.channels, box.height,
          box.width, picture.channels, picture.row_stride};
}

bool IsIn(const PictureView& picture, const PictureBox& box) {
  return box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0 &&
         box.height <= picture.height - box.top && box.width <= picture.width - box.left;
}

// Of GoogLeNet: 8 % to 100 % of the area, sides 3:4 to 4:3. None where ten tries give none.
std::optional<PictureBox> RandomPart(const PictureView& picture, PictureRandom* random) {
  const auto area = static_cast<double>(picture.height * picture.width);
  for (int i = 0; i < 10; ++i) {
    const double part =
        std::ceil(std::uniform_real_distribution<double>(0.08, 1.0)(*random) * area);
    const double ratio = std::uniform_real_distribution<double>(3.0 / 4, 4.0 / 3)(*random);
    const auto height = static_cast<int64_t>(std::sqrt(part / ratio));
    const auto width = static_cast<int64_t>(std::sqrt(part * ratio));
    if (height < 1 || height > picture.height || width < 1 || width > picture.width) continue;
    const int64_t top = Int(0, picture.height - height, random);
    return PictureBox{top, Int(0, picture.width - width, random), height, width};
  }
  return std::nullopt;
}

struct Sides {
  int64_t height;
  int64_t width;
};

// The longer side in float, as in Caffe2.
int64_t LongerSide(int64_t longer, int64_t shorter, int64_t scale) {
  const float length =
      static_cast<float>(longer) * static_cast<float>(scale) / static_cast<float>(shorter);
  return std::max(static_cast<int64_t>(length), scale);
}

// What the picture is to be resized to, which may be what it is.
Sides SizeOf(const PictureView& picture, const PictureSettings& settings, PictureRandom* random) {
  int64_t scale = settings.scale > 0 ? settings.scale : settings.minsize;
  if (settings.random_scale.has_value()) {
    scale = Int(settings.random_scale->first, settings.random_scale->second, random);
  }
  Sides sides = {scale, scale};
  if (!settings.is_warped && picture.height > picture.width) {
    sides.height = LongerSide(picture.height, picture.width, scale);
  } else if (!settings.is_warped) {
    sides.width = LongerSide(picture.width, picture.height, scale);
  }
  const bool is_larger = sides.height > picture.height || sides.width > picture.width;
  if (settings.scale == 0 && !is_larger) return {picture.height, picture.width};
  return sides;
}

absl::Status Resize(PictureView* picture, const Sides& sides, std::vector<uint8_t>* memory) {
  if (sides.height == picture->height && sides.width == picture->width) return absl::OkStatus();
  // One of a single row, say, would become very long.
  const absl::StatusOr<int64_t> pixels = CheckedProduct(sides.height, sides.width);
  if (!pixels.ok() || *pixels > Limits().max_image_pixels) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a picture of ", picture->width, " x ", picture->height,
                     " pixels would become one of ", sides.width, " x ", sides.height));
  }
  const int64_t bytes = *pixels * picture->channels;
  memory->resize(static_cast<size_t>(bytes));
  ResizeArea(*picture, sides.height, sides.width, memory->data());
  *picture = {memory->data(), sides.height, sides.width, picture->channels,
              sides.width * picture->channels};
  return absl::OkStatus();
}

void CopyPixels(const PictureView& part, bool is_mirrored, uint8_t* out) {
  const int64_t channels = part.channels;
  const int64_t row = part.width * channels;
  for (int64_t y = 0; y < part.height; ++y, out += row) {
    const uint8_t* in = part.data + y * part.row_stride;
    if (!is_mirrored) {
      std::memcpy(out, in, static_cast<size_t>(row));
      continue;
    }
    for (int64_t x = 0; x < part.width; ++x) {
      std::memcpy(out + x * channels, in + row - (x + 1) * channels, static_cast<size_t>(channels));
    }
  }
}

// --- Colours of pixels blue, green, red. ---

float Luma(const float* pixel) { return pixel[0] * 0.114F + pixel[1] * 0.587F + pixel[2] * 0.299F; }

// A factor of each channel, and the rest from a gray one.
void Mix(float factor, float gray, float* pixel) {
  for (int c = 0; c < 3; ++c) pixel[c] = pixel[c] * factor + gray * (1.0F - factor);
}

void JitterColors(const PictureSettings& settings, int64_t pixels, PictureRandom* random,
                  float* values) {
  enum Kind { kSaturation, kBrightness, kContrast };
  Kind order[] = {kSaturation, kBrightness, kContrast};
  for (int i = 2; i > 0; --i) std::swap(order[i], order[Int(0, i, random)]);
  float* const end = values + 3 * pixels;
  for (const Kind kind : order) {
    const float range = kind == kSaturation   ? settings.saturation
                        : kind == kBrightness ? settings.brightness
                                              : settings.contrast;
    const float factor = range > 0 ? 1.0F + Real(-range, range, random) : 1.0F;
    if (kind == kBrightness) {
      for (float* value = values; value < end; ++value) *value *= factor;
    } else if (kind == kSaturation) {
      for (float* pixel = values; pixel < end; pixel += 3) Mix(factor, Luma(pixel), pixel);
    } else {
      double sum = 0;
      for (const float* pixel = values; pixel < end; pixel += 3) {
        sum += static_cast<double>(Luma(pixel));
      }
      const auto mean = static_cast<float>(sum / static_cast<double>(pixels));
      for (float* pixel = values; pixel < end; pixel += 3) Mix(factor, mean, pixel);
    }
  }
}

// What is known of the colours of ImageNet's pictures: red, green and blue by components.
void ChangeLighting(float deviation, int64_t pixels, PictureRandom* random, float* values) {
  constexpr float kComponents[3][3] = {{-144.7125F, 183.396F, 102.2295F},
                                       {-148.104F, -1.1475F, -207.57F},
                                       {-148.818F, -177.174F, 107.1765F}};
  constexpr float kSizes[3] = {0.2175F, 0.0188F, 0.0045F};
  std::normal_distribution<float> normal(0.0F, 1.0F);
  float factors[3];
  for (float& factor : factors) factor = deviation * normal(*random);
  for (int c = 0; c < 3; ++c) {
    float change = 0;
    for (int k = 0; k < 3; ++k) change += kComponents[2 - c][k] * kSizes[k] * factors[k];
    for (int64_t i = 0; i < pixels; ++i) values[3 * i + c] += change;
  }
}

}  // namespace

absl::Status CutPicture(const Tensor& picture, const std::optional<PictureBox>& box,
                        const PictureSettings& settings, PictureRandom* random, uint8_t* out) {
  PictureView view = {picture.data<uint8_t>(), picture.dim(0), picture.dim(1), picture.dim(2),
                      picture.numel() / picture.dim(0)};
  if (box.has_value() && IsIn(view, *box)) view = PartOf(view, *box);
  std::optional<PictureBox> part;
  if (settings.is_inception_cropped && !settings.is_test) part = RandomPart(view, random);
  std::vector<uint8_t> memory;
  const int64_t crop = settings.crop;
  if (part.has_value()) {
    view = PartOf(view, *part);
    DOPPIO_RETURN_IF_ERROR(Resize(&view, {crop, crop}, &memory));
  } else {
    DOPPIO_RETURN_IF_ERROR(Resize(&view, SizeOf(view, settings, random), &memory));
  }
  if (view.height < crop || view.width < crop) {
    return absl::InvalidArgumentError(absl::StrCat("a picture of ", view.width, " x ", view.height,
                                                   " pixels is smaller than crop, ", crop));
  }
  PictureBox cut = {(view.height - crop) / 2, (view.width - crop) / 2, crop, crop};
  if (!settings.is_test) {
    cut.left = Int(0, view.width - crop, random);
    cut.top = Int(0, view.height - crop, random);
  }
  const bool is_mirrored = settings.is_mirrored && !settings.is_test && Int(0, 1, random) == 1;
  CopyPixels(PartOf(view, cut), is_mirrored, out);
  return absl::OkStatus();
}

void ColorPicture(const uint8_t* pixels, int64_t channels, const PictureSettings& settings,
                  PictureRandom* random, float* out) {
  const int64_t count = settings.crop * settings.crop;
  for (int64_t i = 0; i < count * channels; ++i) out[i] = static_cast<float>(pixels[i]);
  if (channels == 3 && !settings.is_test) {
    if (settings.has_color_jitter) JitterColors(settings, count, random, out);
    if (settings.has_color_lighting) ChangeLighting(settings.lighting_std, count, random, out);
  }
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t c = 0; c < channels; ++c, ++out) {
      *out = (*out - settings.mean[c]) * settings.inverse_std[c];
    }
  }
}

}  // namespace doppio
