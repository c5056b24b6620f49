#include "tools/command/pictures.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "doppio/image.h"
#include "doppio/image_recipe.h"
#include "doppio/model_io.h"
#include "doppio/proto_io.h"

namespace doppio::tools {
namespace {

// The operator whose input 0 is a picture as `bgra` makes it.
constexpr char kPictureOperator[] = "PackedInt8BGRANHWCToNCHWCStylizerPreprocess";

bool TakesPicturesAsTheyAre(const NetDef& net, const std::string& blob) {
  for (const OperatorDef& op : net.op()) {
    if (op.type() == kPictureOperator && op.input_size() > 0 && op.input(0) == blob) return true;
  }
  return false;
}

bool TakesPicturesAsTheyAre(const std::string& net_path, const std::string& blob) {
  const absl::StatusOr<NetDef> net = LoadNet(net_path);
  if (net.ok()) return TakesPicturesAsTheyAre(*net, blob);
  const absl::StatusOr<MetaNetDef> meta = LoadMetaNetDef(net_path);
  if (!meta.ok()) return false;  // who runs it will say why
  for (const NetsMap& entry : meta->nets()) {
    if (TakesPicturesAsTheyAre(entry.value(), blob)) return true;
  }
  return false;
}

absl::StatusOr<ImageRecipe> Recipe(const std::string& text) {
  absl::StatusOr<ImageRecipe> recipe = ParseImageRecipe(text);
  if (!recipe.ok()) return UsageError(absl::StrCat("--image: ", recipe.status().message()));
  return recipe;
}

}  // namespace

void AddImageOption(Options* options, std::string* recipe) {
  options->AddText(
      "--image", recipe, "RECIPE",
      "how fed pictures (PNG, JPEG) become tensors, and fetched tensors pictures: imagenet, "
      "caffe or bgra, then settings such as size=227, shorter=256, order=bgr, scale=1/255, "
      "mean=104:117:123, std=58, layout=nhwc, all separated by commas. Values are (pixel * "
      "scale - mean) / std. Not needed for style transfer nets");
}

bool IsPictureFile(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  char start[16] = {};
  file.read(start, sizeof(start));
  const FileKind kind =
      DescribeBytes(absl::string_view(start, static_cast<size_t>(file.gcount()))).kind;
  return kind == FileKind::kPng || kind == FileKind::kJpeg;
}

absl::StatusOr<Tensor> LoadPicture(const std::string& path, const std::string& recipe,
                                   const std::string& net, const std::string& blob) {
  std::string text = recipe;
  if (text.empty()) {
    if (!TakesPicturesAsTheyAre(net, blob)) {
      return UsageError(
          "a picture needs a recipe: --image imagenet, say, or --image size=227,mean=128 "
          "(--help has more)");
    }
    text = "bgra";
  }
  DOPPIO_ASSIGN_OR_RETURN(const ImageRecipe parsed, Recipe(text));
  DOPPIO_ASSIGN_OR_RETURN(const Tensor picture, LoadImage(path));
  return ImageToTensor(picture, parsed);
}

bool IsPicturePath(const std::string& path) {
  for (const char* ending : {".png", ".jpg", ".jpeg"}) {
    if (absl::EndsWithIgnoreCase(path, ending)) return true;
  }
  return false;
}

absl::Status SavePicture(const Tensor& tensor, const std::string& path, const std::string& recipe) {
  if (!absl::EndsWithIgnoreCase(path, ".png")) {
    return UsageError(absl::StrCat(path, ": pictures are written as .png"));
  }
  ImageRecipe parsed;
  if (!recipe.empty()) {
    DOPPIO_ASSIGN_OR_RETURN(parsed, Recipe(recipe));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Tensor picture, TensorToImage(tensor, parsed));
  return SavePng(picture, path);
}

}  // namespace doppio::tools
