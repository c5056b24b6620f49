#include "doppio/image_recipe.h"

#include <limits>

#include "tests/io/test_files.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

Tensor Flat(int64_t height, int64_t width, std::vector<uint8_t> pixel) {
  Tensor picture =
      *Tensor::Create(DataType::kUInt8, {height, width, static_cast<int64_t>(pixel.size())});
  for (int64_t i = 0; i < picture.numel(); ++i) {
    picture.mutable_data<uint8_t>()[i] = pixel[static_cast<size_t>(i) % pixel.size()];
  }
  return picture;
}

Tensor Cooked(const Tensor& picture, absl::string_view recipe) {
  const auto parsed = ParseImageRecipe(recipe);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  const auto tensor = ImageToTensor(picture, *parsed);
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  return tensor.ok() ? *tensor : Tensor();
}

TEST(ImageRecipeTest, KnowsTheUsualOnesByAWord) {
  const Tensor picture = Flat(300, 400, {255, 0, 51});
  const Tensor imagenet = Cooked(picture, "imagenet");
  ASSERT_EQ(imagenet.TypeAndShape(), "float[1,3,224,224]");
  constexpr int64_t kPlane = 224 * 224;
  EXPECT_FLOAT_EQ(imagenet.data<float>()[0], (1 - 0.485f) / 0.229f);
  EXPECT_FLOAT_EQ(imagenet.data<float>()[kPlane], -0.456f / 0.224f);
  EXPECT_FLOAT_EQ(imagenet.data<float>()[2 * kPlane], (0.2f - 0.406f) / 0.225f);

  const Tensor caffe = Cooked(picture, "caffe,size=224");
  ASSERT_EQ(caffe.TypeAndShape(), "float[1,3,224,224]");
  EXPECT_FLOAT_EQ(caffe.data<float>()[0], 51 - 104);
  EXPECT_FLOAT_EQ(caffe.data<float>()[kPlane], 0 - 117);
  EXPECT_FLOAT_EQ(caffe.data<float>()[2 * kPlane], 255 - 123);
  EXPECT_EQ(Cooked(picture, "caffe").TypeAndShape(), "float[1,3,227,227]");

  EXPECT_EQ(Cooked(picture, "bgra").TypeAndShape(), "uint8[1,300,400,4]");
  EXPECT_THAT(Cooked(Flat(1, 1, {1, 2, 3}), "bgra").span<uint8_t>(), ElementsAre(3, 2, 1, 255));
  EXPECT_THAT(Cooked(Flat(1, 1, {1, 2, 3, 4}), "bgra").span<uint8_t>(), ElementsAre(3, 2, 1, 4));
}

TEST(ImageRecipeTest, IsMadeOfSettings) {
  const Tensor picture = Flat(2, 1, {10, 20, 30});
  EXPECT_THAT(Cooked(picture, "order=bgr,layout=nhwc,scale=1/10,mean=1:2:3,std=2").span<float>(),
              ElementsAre(1, 0, -1, 1, 0, -1));
  const Tensor gray = Cooked(picture, "order=gray,size=2x3");
  EXPECT_EQ(gray.TypeAndShape(), "float[1,1,3,2]");
  EXPECT_THAT(gray.span<float>(), Each(testing::FloatNear(18.15f, 1e-4f)));
}

TEST(ImageRecipeTest, CutsOutTheMiddleOrStretches) {
  Tensor picture = Flat(2, 6, {0, 0, 0});
  for (int64_t i = 0; i < 36; ++i) picture.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i / 3);
  EXPECT_THAT(Cooked(picture, "size=2,order=gray").span<float>(), ElementsAre(2, 3, 8, 9));
  EXPECT_EQ(Cooked(picture, "size=3x4").TypeAndShape(), "float[1,3,4,3]");
  EXPECT_EQ(Cooked(picture, "size=3x2,shorter=4").TypeAndShape(), "float[1,3,2,3]");
  EXPECT_EQ(Cooked(picture, "shorter=4").TypeAndShape(), "float[1,3,4,12]");
  EXPECT_EQ(Cooked(picture, "bgra,shorter=1").TypeAndShape(), "uint8[1,1,3,4]");
}

TEST(ImageRecipeTest, AveragesOverAllPixelsWhenItShrinks) {
  // Stripes of one pixel become gray, and not one of the two colours.
  Tensor stripes = Flat(4, 64, {0, 0, 0});
  for (int64_t i = 0; i < stripes.numel(); ++i) {
    stripes.mutable_data<uint8_t>()[i] = i / 3 % 2 == 0 ? 0 : 255;
  }
  const auto small = ResizeImage(stripes, 2, 8);
  ASSERT_TRUE(small.ok()) << small.status();
  for (uint8_t value : small->span<uint8_t>().subspan(3, 18)) EXPECT_NEAR(value, 128, 3);
}

TEST(ImageRecipeTest, InterpolatesWhenItEnlarges) {
  Tensor pair = Flat(1, 2, {0, 0, 0});
  for (int64_t i = 3; i < 6; ++i) pair.mutable_data<uint8_t>()[i] = 100;
  const auto large = ResizeImage(pair, 1, 4);
  ASSERT_TRUE(large.ok()) << large.status();
  EXPECT_THAT(large->span<uint8_t>(), ElementsAre(0, 0, 0, 25, 25, 25, 75, 75, 75, 100, 100, 100));
}

TEST(ImageRecipeTest, GoesBackToAPicture) {
  const Tensor picture = Flat(2, 3, {200, 100, 7});
  for (const char* text : {"order=rgb", "order=bgr,mean=104:117:123", "scale=1/255,layout=nhwc",
                           "mean=0.4:0.5:0.6,std=0.2,scale=1/255", "bgra"}) {
    const auto recipe = ParseImageRecipe(text);
    const auto back = TensorToImage(*ImageToTensor(picture, *recipe), *recipe);
    ASSERT_TRUE(back.ok()) << back.status();
    if (back->dim(2) == 3) {
      EXPECT_TRUE(TensorBitsEqual(*back, picture)) << text;
    } else {
      EXPECT_TRUE(TensorBitsEqual(*back, Flat(2, 3, {200, 100, 7, 255}))) << text;
    }
  }
}

TEST(ImageRecipeTest, CutsOffWhatIsNoColourWhenItGoesBack) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto picture = TensorToImage(*Tensor::Of<float>({1, 1, 4}, {-3, 254.6f, 1e30f, nan}), {});
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_THAT(picture->span<uint8_t>(),
              ElementsAre(0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0));
}

TEST(ImageRecipeTest, RejectsWordsAndSettingsThatAreNone) {
  for (const char* text : {"",         "imagnet",   "imagenet,caffe", "size",       "size=0",
                           "size=-3",  "size=2x",   "size=9999999",   "shorter=x",  "order=cmyk",
                           "scale=",   "scale=1/0", "scale=0",        "scale=nan",  "scale=1/2/3",
                           "mean=1:2", "std=1:0:1", "layout=hwc",     "imagenet,,", "crop=3"}) {
    EXPECT_THAT(ParseImageRecipe(text).status(), FailsWith(kInvalid, "there are imagenet, caffe"))
        << text;
  }
}

TEST(ImageRecipeTest, RejectsSettingsThatDoNotGoTogether) {
  EXPECT_THAT(ParseImageRecipe("bgra,mean=3").status(), FailsWith(kInvalid, "bytes as they are"));
  EXPECT_THAT(ParseImageRecipe("size=300,shorter=256").status(),
              FailsWith(kInvalid, "can not be cut out"));
}

TEST(ImageRecipeTest, RejectsACutThatIsLargerThanThePicture) {
  const auto recipe = ParseImageRecipe("size=8x4,shorter=4");
  EXPECT_THAT(ImageToTensor(Flat(4, 4, {1, 2, 3}), *recipe).status(),
              FailsWith(kInvalid, "8 x 4 pixels can not be cut out"));
}

TEST(ImageRecipeTest, RejectsALineThatWouldBecomeHuge) {
  const auto recipe = ParseImageRecipe("size=1000");
  EXPECT_THAT(ImageToTensor(Flat(1, 1000000, {1, 2, 3}), *recipe).status(),
              FailsWith(absl::StatusCode::kResourceExhausted, "would become one of"));
}

TEST(ImageRecipeTest, RejectsTensorsThatAreNoPictures) {
  EXPECT_THAT(ImageToTensor(*Tensor::Of<float>({1, 1, 3}, {1, 2, 3}), {}).status(),
              FailsWith(kInvalid, "a picture is uint8"));
  for (const auto& tensor :
       {Tensor::Create(DataType::kFloat, {2, 3, 4, 4}), Tensor::Create(DataType::kFloat, {4, 4}),
        Tensor::Create(DataType::kFloat, {1, 2, 4, 4}), Tensor::Create(DataType::kFloat, {3, 0, 4}),
        Tensor::Create(DataType::kUInt8, {1, 4, 4, 3}),
        Tensor::Create(DataType::kDouble, {3, 4, 4})}) {
    EXPECT_THAT(TensorToImage(*tensor, {}).status(), FailsWith(kInvalid, "is no picture"));
  }
}

}  // namespace
}  // namespace doppio
