// The text of recipes.

#include "doppio/image_recipe.h"

#include <cmath>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace doppio {
namespace {

constexpr int64_t kMostPixels = 1 << 20;  // of a side

ImageRecipe ImageNet() {
  ImageRecipe recipe;
  recipe.height = recipe.width = 224;
  recipe.shorter = 256;
  recipe.scale = 1.0 / 255;
  const double mean[] = {0.485, 0.456, 0.406};
  const double std[] = {0.229, 0.224, 0.225};
  for (int c = 0; c < 3; ++c) {
    recipe.mean[c] = mean[c];
    recipe.std[c] = std[c];
  }
  return recipe;
}

ImageRecipe Caffe() {
  ImageRecipe recipe;
  recipe.order = ImageRecipe::Order::kBgr;
  recipe.height = recipe.width = 227;
  recipe.shorter = 256;
  const double mean[] = {104, 117, 123};
  for (int c = 0; c < 3; ++c) recipe.mean[c] = mean[c];
  return recipe;
}

ImageRecipe Bgra() {
  ImageRecipe recipe;
  recipe.order = ImageRecipe::Order::kPackedBgra;
  return recipe;
}

// "0.5", or "1/255".
bool ParseNumber(absl::string_view text, double* number) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  double divisor = 1;
  if (parts.size() > 2 || !absl::SimpleAtod(parts[0], number)) return false;
  if (parts.size() == 2 && !absl::SimpleAtod(parts[1], &divisor)) return false;
  *number /= divisor;
  return std::isfinite(*number);
}

bool ParsePixels(absl::string_view text, int64_t* pixels) {
  return absl::SimpleAtoi(text, pixels) && *pixels >= 1 && *pixels <= kMostPixels;
}

// One number for all channels, or one for each.
bool ParseChannels(absl::string_view text, double (&channels)[3]) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  if (parts.size() != 1 && parts.size() != 3) return false;
  for (size_t c = 0; c < 3; ++c) {
    if (!ParseNumber(parts.size() == 1 ? parts[0] : parts[c], &channels[c])) return false;
  }
  return true;
}

class Parser {
 public:
  absl::Status Parse(absl::string_view text) {
    bool is_first = true;
    for (absl::string_view part : absl::StrSplit(text, ',')) {
      const std::pair<absl::string_view, absl::string_view> setting =
          absl::StrSplit(part, absl::MaxSplits('=', 1));
      const bool has_value = part.size() > setting.first.size();
      const bool good = has_value ? Set(setting.first, setting.second) : is_first && Name(part);
      if (!good) {
        return absl::InvalidArgumentError(absl::StrCat(
            "image recipe \"", text,
            "\": ", has_value ? "no such setting: " : "no such recipe: ", "\"", part,
            "\"; there are imagenet, caffe and bgra, then size=N or WxH, shorter=N, order=rgb, bgr "
            "or gray, scale=S, mean=M or A:B:C, std likewise, layout=nchw or nhwc"));
      }
      is_first = false;
    }
    return Finish(text);
  }

  const ImageRecipe& recipe() const { return recipe_; }

 private:
  bool Name(absl::string_view name) {
    if (name == "imagenet") {
      recipe_ = ImageNet();
    } else if (name == "caffe") {
      recipe_ = Caffe();
    } else if (name == "bgra") {
      recipe_ = Bgra();
    } else {
      return false;
    }
    return true;
  }

  bool Set(absl::string_view name, absl::string_view value) {
    if (name == "size") return SetSize(value);
    if (name == "shorter") {
      has_shorter_ = true;
      return ParsePixels(value, &recipe_.shorter);
    }
    has_numbers_ = true;
    if (name == "order") return SetOrder(value);
    if (name == "scale") return ParseNumber(value, &recipe_.scale) && recipe_.scale != 0;
    if (name == "mean") return ParseChannels(value, recipe_.mean);
    if (name == "std") {
      return ParseChannels(value, recipe_.std) && recipe_.std[0] != 0 && recipe_.std[1] != 0 &&
             recipe_.std[2] != 0;
    }
    if (name == "layout" && (value == "nchw" || value == "nhwc")) {
      recipe_.is_nhwc = value == "nhwc";
      return true;
    }
    return false;
  }

  bool SetSize(absl::string_view value) {
    const std::pair<absl::string_view, absl::string_view> sides =
        absl::StrSplit(value, absl::MaxSplits('x', 1));
    is_square_ = value.size() == sides.first.size();
    has_size_ = true;
    return ParsePixels(sides.first, &recipe_.width) &&
           ParsePixels(is_square_ ? sides.first : sides.second, &recipe_.height);
  }

  bool SetOrder(absl::string_view value) {
    using Order = ImageRecipe::Order;
    recipe_.order = value == "rgb" ? Order::kRgb : value == "bgr" ? Order::kBgr : Order::kGray;
    return value == "rgb" || value == "bgr" || value == "gray";
  }

  absl::Status Finish(absl::string_view text) {
    if (recipe_.order == ImageRecipe::Order::kPackedBgra && has_numbers_) {
      return absl::InvalidArgumentError(
          absl::StrCat("image recipe \"", text,
                       "\": bgra feeds bytes as they are; only size and shorter go "
                       "with it"));
    }
    // A size of the command's own: the usual shorter side is that of the usual size.
    if (has_size_ && !has_shorter_) {
      const int64_t usual = recipe_.shorter;
      if (!is_square_) {
        recipe_.shorter = 0;
      } else if (usual < recipe_.width) {
        recipe_.shorter = recipe_.width;
      }
    }
    if (recipe_.shorter > 0 && recipe_.width > 0 &&
        std::min(recipe_.width, recipe_.height) > recipe_.shorter) {
      return absl::InvalidArgumentError(
          absl::StrCat("image recipe \"", text, "\": ", recipe_.width, " x ", recipe_.height,
                       " can not be cut out of a picture whose shorter side is ", recipe_.shorter));
    }
    return absl::OkStatus();
  }

  ImageRecipe recipe_;
  bool has_size_ = false;
  bool has_shorter_ = false;
  bool is_square_ = false;
  bool has_numbers_ = false;
};

}  // namespace

absl::StatusOr<ImageRecipe> ParseImageRecipe(absl::string_view text) {
  Parser parser;
  DOPPIO_RETURN_IF_ERROR(parser.Parse(text));
  return parser.recipe();
}

}  // namespace doppio
