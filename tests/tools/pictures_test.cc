#include "doppio/image.h"
#include "doppio/tensor_io.h"
#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// A picture of one colour in, and the operators of a style net around nothing.
class PicturesTest : public CommandTest {
 protected:
  PicturesTest() {
    Tensor picture = *Tensor::Create(DataType::kUInt8, {30, 40, 3});
    for (int64_t i = 0; i < picture.numel(); ++i) {
      picture.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(100 + 50 * (i % 3));
    }
    EXPECT_TRUE(SavePng(picture, picture_).ok());
  }

  static NetDef StyleNet() {
    NetBuilder net("style");
    net.Op("PackedInt8BGRANHWCToNCHWCStylizerPreprocess", {"data", "mean"}, {"planes"},
           {MakeArgument<float>("noise_std", 0)});
    net.Op("BRGNCHWCToPackedInt8BGRAStylizerDeprocess", {"planes", "mean"}, {"styled"});
    return net.def();
  }

  const std::string picture_ = Path("cat.jpg");  // the content decides
  const std::string relu_ = Save("relu.pbtxt", ReluNet());
  const std::string style_ = Save("style.pbtxt", StyleNet());
  const std::string mean_ = Save("mean.npy", Tensor::Of<float>({3}, {100, 110, 120}));
};

TEST_F(PicturesTest, GoThroughAStyleNetWithoutARecipe) {
  const std::string out = Path("out.png");
  const CommandResult result = Doppio({"run", style_, "--feed", "data=" + picture_, "--feed",
                                       "mean=" + mean_, "--fetch", "styled=" + out});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "styled: uint8[1,30,40,4] -> " + out + "\n");
  const absl::StatusOr<Tensor> styled = LoadImage(out);
  ASSERT_TRUE(styled.ok()) << styled.status();
  EXPECT_EQ(styled->TypeAndShape(), "uint8[30,40,4]");
  EXPECT_THAT(styled->span<uint8_t>().subspan(0, 4), ElementsAre(100, 150, 200, 255));
}

TEST_F(PicturesTest, AreFedByARecipe) {
  const CommandResult result =
      Doppio({"run", relu_, "--feed", "X=" + picture_, "--image", "imagenet,size=24,shorter=24"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("Y: float[1,3,24,24], min 0, max 1.68"));
  const CommandResult caffe =
      Doppio({"run", relu_, "--feed", "X=" + picture_, "--image", "caffe,size=8"});
  EXPECT_THAT(caffe.out, HasSubstr("Y: float[1,3,8,8], min 0, max 96"));
}

TEST_F(PicturesTest, AreWrittenByTheRecipeBackwards) {
  const std::string out = Path("out.png");
  const CommandResult result = Doppio({"run", relu_, "--feed", "X=" + picture_, "--image",
                                       "order=bgr,scale=1/255", "--fetch", "Y=" + out});
  ASSERT_EQ(result.code, 0) << result.err;
  const absl::StatusOr<Tensor> picture = LoadImage(out);
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_THAT(picture->span<uint8_t>().subspan(0, 3), ElementsAre(100, 150, 200));
}

TEST_F(PicturesTest, NeedARecipeWhereTheNetDoesNotSayIt) {
  const CommandResult result = Doppio({"run", relu_, "--feed", "X=" + picture_});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("a picture needs a recipe: --image imagenet"));
}

TEST_F(PicturesTest, RejectRecipesAndFilesThatAreNone) {
  const CommandResult recipe =
      Doppio({"run", relu_, "--feed", "X=" + picture_, "--image", "imagenot"});
  EXPECT_EQ(recipe.code, 2);
  EXPECT_THAT(recipe.err, HasSubstr("no such recipe: \"imagenot\""));

  const std::string broken = Write("broken.png", Read(picture_).substr(0, 60));
  const CommandResult file = Doppio({"run", relu_, "--feed", "X=" + broken, "--image", "imagenet"});
  EXPECT_EQ(file.code, 1);
  EXPECT_THAT(file.err, AllOf(HasSubstr("broken.png"), HasSubstr("damaged PNG")));
}

TEST_F(PicturesTest, RejectTensorsAndNamesThatAreNoPictures) {
  const std::string x = Save("x.npy", Tensor::Of<float>({2}, {1, 2}));
  const CommandResult tensor =
      Doppio({"run", relu_, "--feed", "X=" + x, "--fetch", "Y=" + Path("y.png")});
  EXPECT_EQ(tensor.code, 1);
  EXPECT_THAT(tensor.err, HasSubstr("float[2] is no picture"));
  const CommandResult name =
      Doppio({"run", relu_, "--feed", "X=" + x, "--fetch", "Y=" + Path("y.jpg")});
  EXPECT_EQ(name.code, 2);
  EXPECT_THAT(name.err, HasSubstr("pictures are written as .png"));
}

class TopTest : public CommandTest {
 protected:
  CommandResult Top(absl::StatusOr<Tensor> scores, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"run", Save("net.pbtxt", ReluNet()), "--feed",
                                          "X=" + Save("x.npy", scores)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Doppio(arguments);
  }
};

TEST_F(TopTest, ShowsTheLargestScoresWithTheirLabels) {
  const std::string labels = Write("labels.txt", "tabby cat\ntoaster\r\nstrawberry\n");
  const CommandResult result =
      Top(Tensor::Of<float>({1, 3, 1, 1}, {0.25f, 0, 0.75f}), {"--top", "2", "--labels", labels});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out,
            "Y: float[1,3,1,1]\n"
            "  rank  class  label       score\n"
            "     1      2  strawberry   0.75\n"
            "     2      0  tabby cat    0.25\n");
}

TEST_F(TopTest, ShowsEveryRowOfABatchAndNoMoreThanThereIs) {
  const CommandResult result = Top(Tensor::Of<float>({2, 2}, {1, 2, 3, 3}), {"--top", "5"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out,
            "Y: float[2,2]\n"
            "  row  rank  class  score\n"
            "    0     1      1      2\n"
            "    0     2      0      1\n"
            "    1     1      0      3\n"
            "    1     2      1      3\n");
}

TEST_F(TopTest, WritesJson) {
  const CommandResult result = Top(Tensor::Of<float>({2}, {1, 2}), {"--top", "1", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"top\": ["), HasSubstr("\"class\": 1"),
                                HasSubstr("\"rank\": 1"), HasSubstr("\"score\": 2")));
}

TEST_F(TopTest, LeavesWhatIsNoClassificationAsItIs) {
  const CommandResult result = Top(Tensor::Of<float>({1, 1, 2, 2}, {1, 2, 3, 4}), {"--top", "3"});
  EXPECT_THAT(result.out, HasSubstr("Y: float[1,1,2,2], min 1, max 4"));
}

TEST_F(TopTest, RejectsLabelsOfOtherClasses) {
  const std::string labels = Write("labels.txt", "one\ntwo\n");
  const CommandResult result =
      Top(Tensor::Of<float>({3}, {1, 2, 3}), {"--top", "1", "--labels", labels});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("has 2 lines, but Y has 3 classes"));
}

TEST_F(TopTest, RejectsLabelsThatAreNotThereOrNotAskedFor) {
  const auto scores = Tensor::Of<float>({2}, {1, 2});
  EXPECT_EQ(Top(scores, {"--labels", Write("labels.txt", "a\nb\n")}).code, 2);
  EXPECT_THAT(Top(scores, {"--top", "1", "--labels", Path("nowhere")}).err,
              HasSubstr("no lines can be read"));
  EXPECT_EQ(Top(scores, {"--top", "0"}).code, 2);
}

}  // namespace
}  // namespace doppio
