#ifndef DOPPIO_IMAGE_RECIPE_H_
#define DOPPIO_IMAGE_RECIPE_H_

// How a picture becomes the input of a net, and an output a picture again.
//
//   absl::StatusOr<ImageRecipe> recipe = ParseImageRecipe("imagenet");
//   absl::StatusOr<Tensor> data = ImageToTensor(*picture, *recipe);  // float [1,3,224,224]
//
// A recipe is a text: a word for a usual one, then settings that differ, separated by commas. A
// word alone, or settings alone, will do.
//
//   imagenet   red, green, blue in [0, 1], less mean 0.485:0.456:0.406, divided by std
//              0.229:0.224:0.225; shorter side 256, of which the middle 224 x 224 (torchvision)
//   caffe      blue, green, red in [0, 255], less mean 104:117:123; shorter side 256, of which the
//              middle 227 x 227 (AlexNet, SqueezeNet; other nets: caffe,size=224)
//   bgra       bytes of blue, green, red, alpha [1, H, W, 4], as style transfer nets have them
//
//   size=N or WxH   size of the input: of the middle that is cut out. WxH without `shorter`: the
//                   picture is stretched to it. Default: as large as the picture is
//   shorter=N       the picture is first resized so that its shorter side is N; default with
//                   size=N: N, or what the word says where that is more
//   order=rgb, bgr or gray
//   scale=S         S is a number or a fraction: 1/255
//   mean=M, std=D   for all channels, or one for each in the order of the net: 104:117:123
//   layout=nchw or nhwc
//
// What is fed is (pixel * scale - mean) / std, pixel being in [0, 255], as float [1, C, H, W] or
// [1, H, W, C]. Defaults: order rgb, scale 1, mean 0, std 1, nchw. `bgra` takes size and shorter
// alone.
//
// Threads: all functions may be called from many at once.

#include <string>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

struct ImageRecipe {
  enum class Order { kRgb, kBgr, kGray, kPackedBgra };

  Order order = Order::kRgb;
  bool is_nhwc = false;
  int64_t height = 0;  // of the input; 0: as the picture is
  int64_t width = 0;
  int64_t shorter = 0;  // of the resized picture; 0: stretched to height and width
  double scale = 1;
  double mean[3] = {0, 0, 0};  // in the order of the net's channels
  double std[3] = {1, 1, 1};
};

// InvalidArgument says which word or setting is wrong, and what there is.
absl::StatusOr<ImageRecipe> ParseImageRecipe(absl::string_view text);

// `picture` is uint8 [H, W, 3 or 4] (image.h). Alpha counts for `bgra` alone, where it is 255 if
// the picture has none. Shrinking averages over all pixels (a triangle filter, as torchvision's and
// Pillow's); the same picture always gives the same bits.
absl::StatusOr<Tensor> ImageToTensor(const Tensor& picture, const ImageRecipe& recipe);

// The way back: a float tensor [1, C, H, W] or [C, H, W] (or H, W, C) of one or three channels
// becomes a picture by the recipe backwards, cut off to [0, 255] and rounded (NaN: 0). Bytes
// [1, H, W, 4] are blue, green, red, alpha whatever the recipe says; bytes [H, W, 3 or 4] are a
// picture already. InvalidArgument for anything else.
absl::StatusOr<Tensor> TensorToImage(const Tensor& tensor, const ImageRecipe& recipe);

// `picture`, resized to `height` x `width` pixels as above.
absl::StatusOr<Tensor> ResizeImage(const Tensor& picture, int64_t height, int64_t width);

}  // namespace doppio

#endif  // DOPPIO_IMAGE_RECIPE_H_
