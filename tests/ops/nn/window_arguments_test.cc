#include "ops/nn/window_arguments.h"

#include "doppio/op_def.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Reads arguments and places a window.
class Placing {
 public:
  explicit Placing(WindowUse use = WindowUse::kConvolution) : use_(use) {
    def_ = CreateOperatorDef("Any", "", {}, {});
  }
  template <typename T>
  Placing& Arg(absl::string_view name, const T& value) {
    *def_.add_arg() = MakeArgument<T>(name, value);
    return *this;
  }
  Placing& Ints(absl::string_view name, std::vector<int64_t> values) { return Arg(name, values); }
  Placing& Order(absl::string_view order) { return Arg<std::string>("order", std::string(order)); }

  absl::StatusOr<Window> On(std::initializer_list<int64_t> x) {
    ArgumentReader reader(def_, nullptr);
    const WindowSettings settings = ReadWindowArguments(&reader, use_);
    EXPECT_EQ(settings.status, reader.status());
    const DimsView dims(x.begin(), x.size());
    return use_ == WindowUse::kTransposedConvolution ? PlaceTransposedWindow(settings, dims)
                                                     : PlaceWindow(settings, dims);
  }
  // The places, or nothing and a failure of the test.
  Dims OutOn(std::initializer_list<int64_t> x) {
    const absl::StatusOr<Window> window = On(x);
    EXPECT_TRUE(window.ok()) << window.status();
    return window.ok() ? window->out : Dims();
  }
  void ExpectError(std::initializer_list<int64_t> x, absl::string_view part) {
    const absl::StatusOr<Window> window = On(x);
    EXPECT_EQ(window.status().code(), absl::StatusCode::kInvalidArgument) << window.status();
    EXPECT_THAT(std::string(window.status().message()), HasSubstr(std::string(part)));
  }

 private:
  WindowUse use_;
  OperatorDef def_;
};

TEST(WindowTest, ReadsEveryFormOfTheArguments) {
  EXPECT_THAT(Placing().Arg("kernel", 3).Arg("stride", 2).Arg("pad", 1).OutOn({1, 1, 7, 9}),
              ElementsAre(4, 5));
  EXPECT_THAT(Placing()
                  .Ints("kernels", {3, 2})
                  .Ints("strides", {2, 1})
                  .Ints("pads", {1, 0, 0, 2})
                  .Ints("dilations", {1, 2})
                  .OutOn({1, 1, 7, 9}),
              ElementsAre(3, 9));
  EXPECT_THAT(Placing()
                  .Arg("kernel_h", 3)
                  .Arg("kernel_w", 2)
                  .Arg("stride_h", 1)
                  .Arg("stride_w", 3)
                  .Arg("pad_t", 1)
                  .Arg("pad_l", 0)
                  .Arg("pad_b", 2)
                  .Arg("pad_r", 1)
                  .Arg("dilation_h", 2)
                  .Arg("dilation_w", 1)
                  .OutOn({1, 1, 7, 9}),
              ElementsAre(6, 3));
}

TEST(WindowTest, IgnoresSetsOfArgumentsThatAreNotComplete) {
  EXPECT_THAT(Placing().Arg("kernel", 2).Arg("stride_h", 2).Arg("pad_t", 1).OutOn({1, 1, 4, 4}),
              ElementsAre(3, 3));
}

TEST(WindowTest, LetsOneNumberFillUpAList) {
  EXPECT_THAT(Placing().Ints("kernels", {3, 3}).Arg("kernel", 2).OutOn({1, 1, 4, 4}),
              ElementsAre(2, 2));
}

TEST(WindowTest, FindsTheSpatialDimensionsByTheOrder) {
  const absl::StatusOr<Window> window = Placing().Arg("kernel", 2).Order("NHWC").On({5, 4, 6, 3});
  ASSERT_TRUE(window.ok()) << window.status();
  EXPECT_THAT(window->in, ElementsAre(4, 6));
  EXPECT_EQ(window->channels, 3);
  EXPECT_EQ(window->batch, 5);
}

TEST(WindowTest, HasOneToThreeDimensions) {
  EXPECT_THAT(Placing().Ints("kernels", {3}).OutOn({1, 1, 7}), ElementsAre(5));
  EXPECT_THAT(Placing().Ints("kernels", {3, 2, 1}).Order("NHWC").OutOn({1, 7, 7, 7, 1}),
              ElementsAre(5, 6, 7));
  Placing().Arg("kernel", 3).ExpectError({1, 1, 7}, "has 2 dimensions, but X [1,1,7] has 1");
  Placing().Ints("kernels", {1, 1, 1, 1}).ExpectError({1, 1, 2, 2, 2, 2}, "1 to 3 spatial");
  Placing().Arg("kernel", 3).ExpectError({1, 1}, "1 to 3 spatial dimensions");
}

TEST(WindowTest, PadsNothingWhereLegacyPadSaysValid) {
  EXPECT_THAT(Placing().Arg("kernel", 3).Arg("stride", 2).Arg("legacy_pad", 1).OutOn({1, 1, 6, 7}),
              ElementsAre(2, 3));
  Placing()
      .Arg("kernel", 3)
      .Arg("legacy_pad", 1)
      .ExpectError({1, 1, 6, 2}, "larger than the image");
}

TEST(WindowTest, SplitsThePadsOfLegacyPadSameWithTheOddOneAtTheEnd) {
  const absl::StatusOr<Window> window =
      Placing().Arg("kernel", 4).Arg("stride", 2).Arg("legacy_pad", 2).On({1, 1, 6, 7});
  ASSERT_TRUE(window.ok()) << window.status();
  EXPECT_THAT(window->out, ElementsAre(3, 4));
  EXPECT_THAT(window->pad_head, ElementsAre(1, 1));
  EXPECT_THAT(window->pad_tail, ElementsAre(1, 2));
}

TEST(WindowTest, BeginsInsideOfTheImageWhereLegacyPadSameHasMoreStrideThanKernel) {
  const absl::StatusOr<Window> window =
      Placing().Arg("kernel", 1).Arg("stride", 4).Arg("legacy_pad", 2).On({1, 1, 7, 8});
  ASSERT_TRUE(window.ok()) << window.status();
  EXPECT_THAT(window->out, ElementsAre(2, 2));
  EXPECT_THAT(window->pad_head, ElementsAre(-1, -1));
  EXPECT_FALSE(window->IsOrdinary());
  EXPECT_FALSE(window->HasEmptyWindow());
}

TEST(WindowTest, RoundsUpAsCaffeDid) {
  const auto caffe = [](int kernel, int stride, int pad) {
    return Placing(WindowUse::kPool)
        .Arg("kernel", kernel)
        .Arg("stride", stride)
        .Arg("pad", pad)
        .Arg("legacy_pad", 3);
  };
  const absl::StatusOr<Window> window = caffe(3, 2, 0).On({1, 1, 112, 113});
  ASSERT_TRUE(window.ok()) << window.status();
  EXPECT_THAT(window->out, ElementsAre(56, 56));
  EXPECT_THAT(window->pad_tail, ElementsAre(1, 0));
  // The last window would begin behind the image.
  EXPECT_THAT(caffe(2, 2, 1).OutOn({1, 1, 3, 4}), ElementsAre(2, 3));
  // Without padding at the head it may, and is then a window on nothing.
  const absl::StatusOr<Window> empty = caffe(1, 3, 0).On({1, 1, 3, 1});
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_THAT(empty->out, ElementsAre(2, 1));
  EXPECT_TRUE(empty->HasEmptyWindow());
  EXPECT_THAT(caffe(3, 2, 0).OutOn({1, 1, 2, 2}), ElementsAre(1, 1));
  caffe(4, 2, 0).ExpectError({1, 1, 2, 2}, "larger than the image of 2");
}

TEST(WindowTest, CoversTheWholeImageInGlobalPooling) {
  const absl::StatusOr<Window> window =
      Placing(WindowUse::kPool).Arg("global_pooling", true).On({2, 3, 5, 4});
  ASSERT_TRUE(window.ok()) << window.status();
  EXPECT_THAT(window->out, ElementsAre(1, 1));
  EXPECT_THAT(window->kernel, ElementsAre(5, 4));
  Placing(WindowUse::kPool)
      .Arg("global_pooling", true)
      .Arg("kernel", 2)
      .Arg("stride", 2)
      .ExpectError({2, 3, 5, 4}, "pads must be 0, strides and dilations 1");
}

TEST(WindowTest, PlacesATransposedWindowOnItsOutput) {
  const auto transposed = [] { return Placing(WindowUse::kTransposedConvolution); };
  const absl::StatusOr<Window> window =
      transposed().Arg("kernel", 3).Arg("stride", 2).Arg("pad", 1).Arg("adj", 1).On({1, 2, 4, 5});
  ASSERT_TRUE(window.ok()) << window.status();
  EXPECT_THAT(window->in, ElementsAre(8, 10));
  EXPECT_THAT(window->out, ElementsAre(4, 5));
  EXPECT_THAT(window->pad_tail, ElementsAre(0, 0));
  transposed().Arg("kernel", 3).Arg("adj", 2).ExpectError({1, 2, 4, 5}, "must not exceed");
  transposed().Arg("kernel", 1).Arg("pad", 3).ExpectError({1, 2, 4, 5}, "leave nothing");
  transposed().Arg("kernel", 1).Arg("legacy_pad", 3).ExpectError({1, 2, 4, 5}, "no legacy_pad 3");
  transposed()
      .Arg("kernel", 3)
      .Arg("stride", 2147483647)
      .ExpectError({1, 2, 4, 5}, "more than 2^31 - 1 rows");
}

TEST(WindowTest, DilatesATransposedWindow) {
  const absl::StatusOr<Window> window = Placing(WindowUse::kTransposedConvolution)
                                            .Arg("kernel", 3)
                                            .Arg("dilation", 2)
                                            .Arg("pad", 1)
                                            .On({1, 2, 4, 5});
  ASSERT_TRUE(window.ok()) << window.status();
  EXPECT_THAT(window->in, ElementsAre(6, 7));
  EXPECT_THAT(window->dilation, ElementsAre(2, 2));
}

TEST(WindowTest, RejectsArgumentsThatMakeNoWindow) {
  const auto kernel = [] { return Placing().Arg("kernel", 2); };
  Placing().ExpectError({1, 1, 4, 4}, "size of the kernel is missing");
  Placing().Arg("kernel_h", 2).ExpectError({1, 1, 4, 4}, "size of the kernel is missing");
  Placing().Arg("kernel", 0).ExpectError({1, 1, 4, 4}, "kernel [0,0] has 0, below 1");
  kernel().Arg("stride", 0).ExpectError({1, 1, 4, 4}, "stride [0,0] has 0, below 1");
  kernel().Arg("dilation", 0).ExpectError({1, 1, 4, 4}, "dilation [0,0] has 0, below 1");
  kernel().Arg("pad", -1).ExpectError({1, 1, 4, 4}, "has -1, below 0");
  kernel().Arg("group", 0).ExpectError({1, 1, 4, 4}, "group is 0, must be positive");
  kernel().Ints("strides", {1}).ExpectError({1, 1, 4, 4}, "must have 2 for the kernel [2,2]");
  kernel().Ints("pads", {1, 1}).ExpectError({1, 1, 4, 4}, "must have 4 for the kernel [2,2]");
  kernel().Arg("legacy_pad", 4).ExpectError({1, 1, 4, 4}, "must be 0 to 3");
  kernel().Order("CHWN").ExpectError({1, 1, 4, 4}, "must be NCHW or NHWC");
  kernel().Arg("pad", 1).Arg("legacy_pad", 2).ExpectError({1, 1, 4, 4}, "none may be given");
  kernel().Arg("dilation", 2).Arg("legacy_pad", 2).ExpectError({1, 1, 4, 4}, "dilation 1 only");
  Placing(WindowUse::kPool)
      .Arg("kernel", 2)
      .Arg("dilation", 2)
      .ExpectError({1, 1, 4, 4}, "pools have no dilation");
  Placing(WindowUse::kPool)
      .Arg("kernel", 2)
      .Arg("pad", 2)
      .ExpectError({1, 1, 4, 4}, "must be smaller than the kernel [2,2]");
}

TEST(WindowTest, RejectsImagesThatNoWindowFits) {
  Placing().Arg("kernel", 5).ExpectError({1, 1, 4, 9}, "kernel of 5 (dilation included)");
  Placing().Arg("kernel", 2).ExpectError({1, 0, 4, 4}, "has 0 in dimension 1");
  Placing().Arg("kernel", 2).ExpectError({1, 1, 4, 0}, "has 0 in dimension 3");
  Placing().Arg("kernel", 2).ExpectError({0, 1, int64_t{1} << 40, 4}, "1 to 2^31 - 1");
  Placing()
      .Arg("kernel", 1)
      .Arg("pad", 2147483647)
      .ExpectError({1, 1, 1, 1}, "more than 2^31 - 1 rows");
}

}  // namespace
}  // namespace doppio
