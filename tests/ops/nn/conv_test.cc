#include <numeric>
#include <random>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// 1, 2, 3, ...
absl::StatusOr<Tensor> Counting(DimsView dims) {
  std::vector<float> values(static_cast<size_t>(*NumElements(dims)));
  std::iota(values.begin(), values.end(), 1.0f);
  return Tensor::FromSpan<float>(dims, values);
}

absl::StatusOr<Tensor> Ones(DimsView dims) {
  return Tensor::FromSpan<float>(dims,
                                 std::vector<float>(static_cast<size_t>(*NumElements(dims)), 1.0f));
}

Tensor Random(DimsView dims, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> real(-1, 1);
  std::vector<float> values(static_cast<size_t>(*NumElements(dims)));
  for (float& value : values) value = real(generator);
  return *Tensor::FromSpan<float>(dims, values);
}

TEST(ConvTest, SlidesTheFilterOverTheImage) {
  OpTester("Conv")
      .Input("X", Counting({1, 1, 3, 3}))
      .Input("W", Tensor::Of<float>({1, 1, 2, 2}, {1, 0, 0, -1}))
      .Input("b", Tensor::Of<float>({1}, {10}))
      .Arg("kernel", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {6, 6, 6, 6}));
}

TEST(ConvTest, NeedsNoBias) {
  OpTester("Conv")
      .Input("X", Counting({1, 2, 1, 2}))
      .Input("W", Tensor::Of<float>({1, 2, 1, 1}, {1, 10}))
      .Arg("kernel", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 2}, {31, 42}));
}

// Several blocks of rows and of columns, and one channel more than is computed at once.
TEST(ConvTest, GivesForThinGroupsWhatItGivesInDouble) {
  for (const int64_t inputs : {1, 2, 3}) {
    const Tensor x = Random({2, 2 * inputs, 40, 700}, 1);
    const Tensor w = Random({6, inputs, 3, 5}, 2);
    const Tensor b = Random({6}, 3);
    const auto run = [&](DataType type) {
      OpTester tester("Conv");
      tester.Input("X", ConvertTensor(x, type)).Input("W", ConvertTensor(w, type));
      tester.Input("b", ConvertTensor(b, type)).Arg("group", 2).Outputs({"Y"});
      tester.Arg("kernels", std::vector<int64_t>{3, 5}).Arg("strides", std::vector<int64_t>{2, 1});
      tester.Arg("pads", std::vector<int64_t>{2, 1, 0, 3})
          .Arg("dilations", std::vector<int64_t>{2, 3});
      EXPECT_TRUE(tester.Run().ok());
      return *ConvertTensor(tester.Output(0), DataType::kFloat);
    };
    EXPECT_TRUE(TensorNear(run(DataType::kFloat), run(DataType::kDouble), 1e-5)) << inputs;
  }
}

TEST(ConvTest, PadsEachSideByItself) {
  OpTester("Conv")
      .Input("X", Tensor::Of<float>({1, 1, 1, 2}, {1, 2}))
      .Input("W", Tensor::Of<float>({1, 1, 1, 2}, {1, 10}))
      .Arg("kernels", std::vector<int64_t>{1, 2})
      .Arg("pads", std::vector<int64_t>{0, 1, 1, 2})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 4}, {10, 21, 2, 0, 0, 0, 0, 0}));
}

TEST(ConvTest, ReadsFiltersOfNhwcWithChannelsLast) {
  OpTester("Conv")
      .Input("X", Tensor::Of<float>({1, 1, 2, 2}, {1, 2, 3, 4}))
      .Input("W", Tensor::Of<float>({1, 1, 2, 2}, {1, 10, 100, 1000}))
      .Arg("kernels", std::vector<int64_t>{1, 2})
      .Arg("order", "NHWC")
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {4321}));
}

TEST(ConvTest, KeepsGroupsApart) {
  OpTester("Conv")
      .Input("X", Tensor::Of<float>({1, 2, 1, 1}, {2, 3}))
      .Input("W", Tensor::Of<float>({4, 1, 1, 1}, {1, 10, 100, 1000}))
      .Arg("kernel", 1)
      .Arg("group", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 4, 1, 1}, {2, 20, 300, 3000}));
}

TEST(ConvTest, LeavesGapsWhereDilated) {
  OpTester("Conv1D")
      .Input("X", Counting({1, 1, 6}))
      .Input("W", Tensor::Of<float>({1, 1, 2}, {1, 10}))
      .Arg("kernels", std::vector<int64_t>{2})
      .Arg("dilations", std::vector<int64_t>{3})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 3}, {41, 52, 63}));
}

TEST(ConvTest, TakesPadsAndStridesMuchLargerThanTheImage) {
  constexpr int64_t kLarge = int64_t{1} << 30;
  OpTester("Conv1D")
      .Input("X", Tensor::Of<float>({1, 1, 1}, {5}))
      .Input("W", Tensor::Of<float>({1, 1, 1}, {2}))
      .Arg("kernels", std::vector<int64_t>{1})
      .Arg("strides", std::vector<int64_t>{kLarge})
      .Arg("pads", std::vector<int64_t>{kLarge, kLarge})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 3}, {0, 10, 0}));
}

TEST(ConvTest, TakesAnEmptyBatch) {
  OpTester("Conv")
      .Input("X", Tensor::Create(DataType::kFloat, {0, 3, 5, 5}))
      .Input("W", Ones({2, 3, 3, 3}))
      .Arg("kernel", 3)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Create(DataType::kFloat, {0, 2, 3, 3}));
  OpTester gradient("ConvGradient");
  gradient.Input("X", Tensor::Create(DataType::kFloat, {0, 1, 3, 3}))
      .Input("W", Ones({1, 1, 1, 2}))
      .Input("dY", Tensor::Create(DataType::kFloat, {0, 1, 3, 2}))
      .Arg("kernels", std::vector<int64_t>{1, 2})
      .Outputs({"dW", "db", "dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 2}, {0, 0}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {0}))
      .ExpectOutput(2, Tensor::Create(DataType::kFloat, {0, 1, 3, 3}));
}

TEST(ConvTest, FallsBackFromEnginesThatAreNotHere) {
  for (const char* engine : {"NNPACK", "MOBILE", "DEPTHWISE_3x3", "CUDNN", "EIGEN", "MKLDNN",
                             "WINOGRAD", "NNPACK,CUDNN"}) {
    OpTester("Conv")
        .Engine(engine)
        .Input("X", Counting({1, 1, 1, 1}))
        .Input("W", Ones({1, 1, 1, 1}))
        .Arg("kernel", 1)
        .Outputs({"Y"})
        .ExpectOutput(0, Counting({1, 1, 1, 1}));
  }
}

TEST(ConvTest, BeginsInsideOfTheImageWhereLegacyPadSameSaysSo) {
  OpTester("Conv1D")
      .Input("X", Counting({1, 1, 7}))
      .Input("W", Ones({1, 1, 1}))
      .Arg("kernels", std::vector<int64_t>{1})
      .Arg("strides", std::vector<int64_t>{4})
      .Arg("legacy_pad", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {2, 6}));
}

// Layers as in published nets, the larger ones with fewer channels or a smaller image.
struct Layer {
  int batch, in, size, out, kernel, stride, pad, group, dilation;
};
const Layer kLayers[] = {{1, 3, 35, 16, 7, 2, 3, 1, 1},   {1, 3, 43, 24, 11, 4, 0, 1, 1},
                         {1, 48, 9, 128, 5, 1, 2, 2, 1},  {2, 64, 14, 48, 1, 1, 0, 1, 1},
                         {1, 32, 28, 33, 3, 1, 1, 1, 1},  {1, 40, 14, 40, 3, 2, 1, 40, 1},
                         {1, 32, 14, 64, 3, 1, 2, 4, 2},  {8, 20, 12, 50, 5, 1, 0, 1, 1},
                         {1, 128, 7, 256, 1, 2, 0, 1, 1}, {3, 16, 9, 5, 3, 1, 1, 1, 1}};

OpTester LayerTester(const char* type, const Layer& layer, bool last, DataType dtype) {
  const auto image = [&](int64_t n, int64_t c, int64_t size, uint32_t seed) {
    const Dims dims = last ? Dims{n, size, size, c} : Dims{n, c, size, size};
    return ConvertTensor(Random(dims, seed), dtype);
  };
  OpTester tester(type);
  tester.Input("X", image(layer.batch, layer.in, layer.size, 1))
      .Input("W", image(layer.out, layer.in / layer.group, layer.kernel, 2))
      .Arg("kernel", layer.kernel)
      .Arg("stride", layer.stride)
      .Arg("pad", layer.pad)
      .Arg("group", layer.group)
      .Arg("dilation", layer.dilation)
      .Arg("order", last ? "NHWC" : "NCHW");
  if (type == std::string("Conv")) {
    tester.Input("b", ConvertTensor(Random({layer.out}, 3), dtype)).Outputs({"Y"});
  } else {
    const int64_t reach = (layer.kernel - 1) * layer.dilation + 1;
    const int64_t places = (layer.size + 2 * layer.pad - reach) / layer.stride + 1;
    tester.Input("dY", image(layer.batch, layer.out, places, 4)).Outputs({"dW", "db", "dX"});
  }
  return tester;
}

TEST(ConvTest, GivesInFloatWhatItGivesInDoubleForAnyNumberOfThreads) {
  const int threads_before = NumThreads();
  for (const Layer& layer : kLayers) {
    for (const bool last : {false, true}) {
      for (const char* type : {"Conv", "ConvGradient"}) {
        SCOPED_TRACE(testing::Message() << type << " of " << layer.in << " to " << layer.out
                                        << " channels, NHWC " << last);
        OpTester in_double = LayerTester(type, layer, last, DataType::kDouble);
        SetNumThreads(1);
        OpTester in_float = LayerTester(type, layer, last, DataType::kFloat);
        SetNumThreads(2);
        OpTester threaded = LayerTester(type, layer, last, DataType::kFloat);
        for (int i = 0; i < in_float.def().output_size(); ++i) {
          SetNumThreads(1);
          const Tensor& expected = in_double.Output(i);
          const Tensor& actual = in_float.Output(i);
          SetNumThreads(2);
          EXPECT_TRUE(TensorNear(actual, ConvertTensor(expected, DataType::kFloat), 1e-4));
          EXPECT_TRUE(TensorBitsEqual(actual, threaded.Output(i)));
        }
      }
    }
  }
  SetNumThreads(threads_before);
}

OpTester Small(DimsView x, DimsView w) {
  OpTester tester("Conv");
  tester.Input("X", Ones(x)).Input("W", Ones(w)).Outputs({"Y"});
  return tester;
}

TEST(ConvTest, RejectsFiltersThatDoNotFit) {
  Small({1, 3, 5, 5}, {2, 2, 3, 3})
      .Arg("kernel", 3)
      .ExpectError(kInvalid, "X [1,3,5,5] has 3 channels, but W [2,2,3,3] is for 2");
  Small({1, 3, 5, 5}, {2, 3, 3, 3})
      .Arg("kernel", 2)
      .ExpectError(kInvalid, "W is [2,3,3,3], must be [2,3,2,2]");
  Small({1, 3, 5, 5}, {2, 3, 3}).Arg("kernel", 3).ExpectError(kInvalid, "must have the rank of X");
  Small({1, 3, 5, 5}, {0, 3, 3, 3}).Arg("kernel", 3).ExpectError(kInvalid, "one output channel");
  Small({1, 2, 2, 2}, {2, 2, 2, 2})
      .Arg("kernel", 2)
      .Input("b", Ones({3}))
      .ExpectError(kInvalid, "vector of the 2 output channels, but is [3]");
}

TEST(ConvTest, SaysWhenAPictureLooksLikeTheOtherOrder) {
  Small({64, 28, 28, 1}, {20, 1, 5, 5})
      .Arg("kernel", 5)
      .ExpectError(kInvalid,
                   "X [64,28,28,1] has 28 channels, but W [20,1,5,5] is for 1; X looks like NHWC, "
                   "but the order is NCHW");
  Small({2, 6, 4, 4}, {8, 3, 3, 2})
      .Arg("kernel", 3)
      .Arg("group", 3)
      .Arg("order", "NHWC")
      .ExpectError(kInvalid, "X has 4 channels, which 3 groups do not divide");
  Small({2, 6, 5, 5}, {8, 3, 3, 6})
      .Arg("kernel", 3)
      .Arg("order", "NHWC")
      .ExpectError(kInvalid, "has 5 channels, but W [8,3,3,6] is for 6; X looks like NCHW");
}

TEST(ConvTest, RejectsGroupsThatDoNotDivideTheChannels) {
  Small({1, 4, 1, 1}, {3, 2, 1, 1})
      .Arg("kernel", 1)
      .Arg("group", 2)
      .ExpectError(kInvalid, "Y has 3 channels, which 2 groups do not divide");
  Small({1, 4, 1, 1}, {3, 1, 1, 1})
      .Arg("kernel", 1)
      .Arg("group", 3)
      .ExpectError(kInvalid, "X has 4 channels, which 3 groups do not divide");
}

TEST(ConvTest, RejectsWindowsThatDoNotFit) {
  Small({1, 1, 2, 5}, {1, 1, 3, 3})
      .Arg("kernel", 3)
      .ExpectError(kInvalid, "kernel of 3 (dilation included) is larger than the image of 2");
  Small({1, 1, 5, 5}, {1, 1, 3, 3})
      .Arg("kernel", 3)
      .Arg("stride", 0)
      .ExpectError(kInvalid, "below 1");
  Small({1, 1, 5, 5}, {1, 1, 3, 3}).ExpectError(kInvalid, "size of the kernel is missing");
}

TEST(ConvTest, RejectsOtherTypes) {
  OpTester("Conv")
      .Input("X", Tensor::Of<int32_t>({1, 1, 1, 1}, {1}))
      .Input("W", Tensor::Of<int32_t>({1, 1, 1, 1}, {1}))
      .Arg("kernel", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "int32 is not supported");
  OpTester("Conv")
      .Input("X", Ones({1, 1, 1, 1}))
      .Input("W", Tensor::Of<double>({1, 1, 1, 1}, {1}))
      .Arg("kernel", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must have the same type");
}

TEST(ConvGradientTest, GivesOnlyWhatIsAskedFor) {
  const auto tester = [] {
    OpTester t("ConvGradient");
    t.Input("X", Tensor::Of<float>({1, 1, 1, 2}, {1, 2}))
        .Input("W", Tensor::Of<float>({1, 1, 1, 1}, {3}))
        .Input("dY", Tensor::Of<float>({1, 1, 1, 2}, {10, 100}))
        .Arg("kernel", 1);
    return t;
  };
  const auto dw = Tensor::Of<float>({1, 1, 1, 1}, {210});
  const auto db = Tensor::Of<float>({1}, {110});
  const auto dx = Tensor::Of<float>({1, 1, 1, 2}, {30, 300});
  tester().Outputs({"dW", "db"}).ExpectOutput(0, dw).ExpectOutput(1, db);
  tester().Outputs({"dW", "db", "dX"}).ExpectOutput(1, db).ExpectOutput(2, dx);
  tester().Arg("no_bias", 1).Outputs({"dW"}).ExpectOutput(0, dw);
  tester().Arg("no_bias", 1).Outputs({"dW", "dX"}).ExpectOutput(0, dw).ExpectOutput(1, dx);
  tester().Outputs({"dW"}).ExpectError(kInvalid, "outputs must be dW, db and perhaps dX");
  tester()
      .Arg("no_bias", 1)
      .Outputs({"dW", "db", "dX"})
      .ExpectError(kInvalid, "outputs must be dW and perhaps dX (no_bias is set)");
}

TEST(ConvGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("ConvGradient")
      .Input("X", Ones({1, 1, 3, 3}))
      .Input("W", Ones({1, 1, 2, 2}))
      .Input("dY", Ones({1, 1, 3, 3}))
      .Arg("kernel", 2)
      .Outputs({"dW", "db", "dX"})
      .ExpectError(kInvalid, "but the output is [1,1,2,2]");
}

TEST(ConvGradientTest, IsMadeAsCaffe2MakesIt) {
  const auto make = [](std::vector<std::string> inputs, std::vector<Argument> args) {
    const OperatorDef def = CreateOperatorDef("Conv2D", "", inputs, {"Y"}, args);
    const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
    EXPECT_TRUE(meta.ok()) << meta.status();
    return meta.ok() ? OpToString(meta->ops.at(0)) : "";
  };
  EXPECT_EQ(make({"X", "W", "b"}, {}), "Conv2DGradient(X, W, Y_grad) -> W_grad, b_grad, X_grad");
  EXPECT_EQ(make({"X", "W"}, {}), "Conv2DGradient(X, W, Y_grad) -> W_grad, X_grad");
  const Argument no_dx = MakeArgument<int>("no_gradient_to_input", 1);
  EXPECT_EQ(make({"X", "W", "b"}, {no_dx}), "Conv2DGradient(X, W, Y_grad) -> W_grad, b_grad");
  EXPECT_EQ(make({"X", "W"}, {no_dx}), "Conv2DGradient(X, W, Y_grad) -> W_grad");
}

TEST(ConvReluTest, GivesNothingBelowZero) {
  OpTester("ConvRelu")
      .Input("X", Tensor::Of<float>({1, 1, 1, 3}, {1, -2, 3}))
      .Input("W", Ones({1, 1, 1, 1}))
      .Input("b", Tensor::Of<float>({1}, {-2}))
      .Arg("kernel", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 3}, {0, 0, 1}));
}

TEST(ConvTest, CostsTwoOperationsForEachTap) {
  // SqueezeNet's first layer: 113 * 113 * 64 * 3 * 3 * 3 multiply-adds.
  OperatorDef def = CreateOperatorDef("Conv", "", {"X", "W", "b"}, {"Y"},
                                      {MakeArgument("kernel", 3), MakeArgument("stride", 2)});
  const OpSchema& schema = *OpSchemaRegistry::Schema("Conv");
  const std::vector<TensorInfo> inputs = {{DataType::kFloat, Dims{1, 3, 227, 227}, {}},
                                          {DataType::kFloat, Dims{64, 3, 3, 3}, {}},
                                          {DataType::kFloat, Dims{64}, {}}};
  const auto outputs = schema.Infer(def, inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ(schema.Cost(def, inputs, *outputs).flops, 2LL * 113 * 113 * 64 * 27);
}

}  // namespace
}  // namespace doppio
