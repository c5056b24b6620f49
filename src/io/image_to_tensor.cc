#include <algorithm>
#include <cmath>
#include <cstring>

#include "doppio/image_recipe.h"

namespace doppio {
namespace {

using Order = ImageRecipe::Order;

bool IsPicture(const Tensor& tensor) {
  return tensor.Is<uint8_t>() && tensor.rank() == 3 && (tensor.dim(2) == 3 || tensor.dim(2) == 4) &&
         tensor.numel() > 0;
}

// The middle of a picture that is at least as large. Halves of a pixel are rounded as Python does.
absl::StatusOr<Tensor> CutOut(const Tensor& picture, int64_t height, int64_t width) {
  const auto middle = [](int64_t rest) { return (rest + rest / 2 % 2) / 2; };
  const int64_t top = middle(picture.dim(0) - height);
  const int64_t left = middle(picture.dim(1) - width);
  const int64_t channels = picture.dim(2);
  DOPPIO_ASSIGN_OR_RETURN(Tensor result,
                          Tensor::Create(DataType::kUInt8, {height, width, channels}));
  const int64_t row = width * channels;
  for (int64_t y = 0; y < height; ++y) {
    std::memcpy(result.mutable_data<uint8_t>() + y * row,
                picture.data<uint8_t>() + ((top + y) * picture.dim(1) + left) * channels,
                static_cast<size_t>(row));
  }
  return result;
}

absl::StatusOr<Tensor> Sized(const Tensor& picture, const ImageRecipe& recipe) {
  int64_t height = picture.dim(0);
  int64_t width = picture.dim(1);
  if (recipe.shorter > 0) {
    int64_t& shorter = height < width ? height : width;
    int64_t& longer = height < width ? width : height;
    longer = static_cast<int64_t>(static_cast<double>(recipe.shorter) *
                                  static_cast<double>(longer) / static_cast<double>(shorter));
    shorter = recipe.shorter;
  } else if (recipe.width > 0) {
    height = recipe.height;
    width = recipe.width;
  }
  Tensor result = picture;
  if (height != picture.dim(0) || width != picture.dim(1)) {
    // A picture of one row, say, would become very long.
    if (static_cast<double>(height) * static_cast<double>(width) >
        static_cast<double>(Limits().max_image_pixels)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("a picture of ", picture.dim(1), " x ", picture.dim(0),
                       " pixels would become one of ", width, " x ", height));
    }
    DOPPIO_ASSIGN_OR_RETURN(result, ResizeImage(picture, height, width));
  }
  if (recipe.width == 0 || (recipe.height == height && recipe.width == width)) return result;
  if (recipe.height > height || recipe.width > width) {
    return absl::InvalidArgumentError(absl::StrCat(recipe.width, " x ", recipe.height,
                                                   " pixels can not be cut out of a picture ",
                                                   "that is resized to ", width, " x ", height));
  }
  return CutOut(result, recipe.height, recipe.width);
}

absl::StatusOr<Tensor> Packed(const Tensor& picture) {
  const int64_t channels = picture.dim(2);
  DOPPIO_ASSIGN_OR_RETURN(Tensor result,
                          Tensor::Create(DataType::kUInt8, {1, picture.dim(0), picture.dim(1), 4}));
  const uint8_t* in = picture.data<uint8_t>();
  uint8_t* out = result.mutable_data<uint8_t>();
  for (int64_t i = 0; i < picture.numel(); i += channels, in += channels, out += 4) {
    out[0] = in[2];
    out[1] = in[1];
    out[2] = in[0];
    out[3] = channels == 4 ? in[3] : 255;
  }
  return result;
}

// The pixel's channel c in the order of the net.
double ChannelOf(const uint8_t* pixel, Order order, int64_t c) {
  if (order == Order::kRgb) return pixel[c];
  if (order == Order::kBgr) return pixel[2 - c];
  return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];  // luma, ITU-R BT.601
}

uint8_t ToByte(double value) {
  if (!(value > 0)) return 0;
  return static_cast<uint8_t>(std::min(value + 0.5, 255.0));
}

absl::StatusOr<Tensor> PackedToPicture(const Tensor& packed) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor result,
                          Tensor::Create(DataType::kUInt8, {packed.dim(1), packed.dim(2), 4}));
  const uint8_t* in = packed.data<uint8_t>();
  uint8_t* out = result.mutable_data<uint8_t>();
  for (int64_t i = 0; i < packed.numel(); i += 4) {
    out[i] = in[i + 2];
    out[i + 1] = in[i + 1];
    out[i + 2] = in[i];
    out[i + 3] = in[i + 3];
  }
  return result;
}

}  // namespace

absl::StatusOr<Tensor> ImageToTensor(const Tensor& picture, const ImageRecipe& recipe) {
  if (!IsPicture(picture)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a picture is uint8 [height, width, 3 or 4], but this is ", picture.TypeAndShape()));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Tensor sized, Sized(picture, recipe));
  if (recipe.order == Order::kPackedBgra) return Packed(sized);
  const int64_t height = sized.dim(0);
  const int64_t width = sized.dim(1);
  const int64_t channels = recipe.order == Order::kGray ? 1 : 3;
  const Dims dims =
      recipe.is_nhwc ? Dims{1, height, width, channels} : Dims{1, channels, height, width};
  DOPPIO_ASSIGN_OR_RETURN(Tensor result, Tensor::Create(DataType::kFloat, dims));
  const int64_t pixels = height * width;
  for (int64_t c = 0; c < channels; ++c) {
    const uint8_t* in = sized.data<uint8_t>();
    float* out = result.mutable_data<float>() + (recipe.is_nhwc ? c : c * pixels);
    const int64_t stride = recipe.is_nhwc ? channels : 1;
    for (int64_t i = 0; i < pixels; ++i) {
      const double value = ChannelOf(in + i * sized.dim(2), recipe.order, c);
      out[i * stride] = static_cast<float>((value * recipe.scale - recipe.mean[c]) / recipe.std[c]);
    }
  }
  return result;
}

absl::StatusOr<Tensor> TensorToImage(const Tensor& tensor, const ImageRecipe& recipe) {
  if (IsPicture(tensor)) return tensor;
  const bool is_one = tensor.rank() == 4 && tensor.dim(0) == 1 && tensor.numel() > 0;
  if (tensor.Is<uint8_t>() && is_one && tensor.dim(3) == 4) return PackedToPicture(tensor);
  const bool is_image =
      tensor.Is<float>() && (is_one || (tensor.rank() == 3 && tensor.numel() > 0));
  const int first = tensor.rank() - 3;
  const int64_t channels = is_image ? tensor.dim(recipe.is_nhwc ? first + 2 : first) : 0;
  if (channels != 1 && channels != 3) {
    return absl::InvalidArgumentError(absl::StrCat(
        tensor.TypeAndShape(), " is no picture: it must be float ",
        recipe.is_nhwc ? "[1,H,W,C] or [H,W,C]" : "[1,C,H,W] or [C,H,W]",
        " of 1 or 3 channels, uint8 [1,H,W,4] (blue, green, red, alpha) or uint8 [H,W,3 or 4]"));
  }
  const int64_t height = tensor.dim(recipe.is_nhwc ? first : first + 1);
  const int64_t width = tensor.dim(recipe.is_nhwc ? first + 1 : first + 2);
  DOPPIO_ASSIGN_OR_RETURN(Tensor result, Tensor::Create(DataType::kUInt8, {height, width, 3}));
  const int64_t pixels = height * width;
  uint8_t* out = result.mutable_data<uint8_t>();
  for (int64_t c = 0; c < 3; ++c) {
    const int64_t from = channels == 1 ? 0 : recipe.order == Order::kBgr ? 2 - c : c;
    const float* in = tensor.data<float>() + (recipe.is_nhwc ? from : from * pixels);
    const int64_t stride = recipe.is_nhwc ? channels : 1;
    for (int64_t i = 0; i < pixels; ++i) {
      const double value = in[i * stride];
      out[i * 3 + c] = ToByte((value * recipe.std[from] + recipe.mean[from]) / recipe.scale);
    }
  }
  return result;
}

}  // namespace doppio
