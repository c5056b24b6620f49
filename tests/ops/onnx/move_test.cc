#include <cmath>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

using Ints = std::vector<int64_t>;

absl::StatusOr<Tensor> Vector(const Ints& values) {
  return Tensor::FromSpan<int64_t>({static_cast<int64_t>(values.size())}, values);
}

absl::StatusOr<Tensor> Six() { return Tensor::Of<int32_t>({6}, {0, 1, 2, 3, 4, 5}); }

// Of a vector of the numbers below 6.
OpTester Slice(int64_t start, int64_t end, int64_t step) {
  OpTester tester("OnnxSlice");
  tester.Input("data", Six())
      .Input("starts", Vector({start}))
      .Input("ends", Vector({end}))
      .Input("axes", Vector({-1}))
      .Input("steps", Vector({step}))
      .Outputs({"output"});
  return tester;
}

TEST(OnnxSliceTest, TakesWhatPythonTakes) {
  Slice(1, -1, 2).ExpectOutput(0, Tensor::Of<int32_t>({2}, {1, 3}));
  Slice(-2, 0, -2).ExpectOutput(0, Tensor::Of<int32_t>({2}, {4, 2}));
  Slice(-99, 99, 4).ExpectOutput(0, Tensor::Of<int32_t>({2}, {0, 4}));
  Slice(4, 2, 1).ExpectOutput(0, Tensor::Of<int32_t>({0}, {}));
  Slice(INT64_MAX, INT64_MIN, -3).ExpectOutput(0, Tensor::Of<int32_t>({2}, {5, 2}));
  Slice(5, INT64_MIN, INT64_MIN).ExpectOutput(0, Tensor::Of<int32_t>({1}, {5}));
}

TEST(OnnxSliceTest, IsOfTheFirstDimensionsWithoutAxes) {
  OpTester("OnnxSlice")
      .Input("data", Tensor::Of<std::string>({2, 2}, {"a", "b", "c", "d"}))
      .Input("starts", Vector({1}))
      .Input("ends", Vector({2}))
      .Outputs({"output"})
      .ExpectOutput(0, Tensor::Of<std::string>({1, 2}, {"c", "d"}));
}

TEST(OnnxSliceTest, RejectsBoundsThatDoNotGoTogether) {
  Slice(0, 1, 0).ExpectError(kInvalid, "a step is 0");
  OpTester("OnnxSlice")
      .Input("data", Six())
      .Input("starts", Vector({0, 1}))
      .Input("ends", Vector({2}))
      .Outputs({"output"})
      .ExpectError(kInvalid, "as many starts [0,1] as ends [2]");
  OpTester("OnnxSlice")
      .Input("data", Tensor::Of<float>({1, 1}, {1}))
      .Input("starts", Vector({0, 0}))
      .Input("ends", Vector({1, 1}))
      .Input("axes", Vector({1, -1}))
      .Outputs({"output"})
      .ExpectError(kInvalid, "axis 1 comes twice");
}

OpTester Pad(const char* mode, const Ints& pads) {
  OpTester tester("Pad");
  tester.Input("data", Tensor::Of<float>({3}, {1, 2, 3}))
      .Input("pads", Vector(pads))
      .Arg("mode", mode)
      .Outputs({"output"});
  return tester;
}

TEST(PadTest, MakesBordersOfThreeKinds) {
  Pad("constant", {1, 2}).ExpectOutput(0, Tensor::Of<float>({6}, {0, 1, 2, 3, 0, 0}));
  Pad("edge", {1, 2}).ExpectOutput(0, Tensor::Of<float>({6}, {1, 1, 2, 3, 3, 3}));
  Pad("reflect", {2, 1}).ExpectOutput(0, Tensor::Of<float>({6}, {3, 2, 1, 2, 3, 2}));
  // As often as it takes.
  Pad("reflect", {0, 5}).ExpectOutput(0, Tensor::Of<float>({8}, {1, 2, 3, 2, 1, 2, 3, 2}));
}

TEST(PadTest, TakesElementsAwayWherePadsAreNegative) {
  Pad("constant", {-1, 1}).ExpectOutput(0, Tensor::Of<float>({3}, {2, 3, 0}));
  Pad("constant", {-2, -1}).ExpectOutput(0, Tensor::Of<float>({0}, {}));
  Pad("constant", {-4, 2}).ExpectError(kInvalid, "take more away than the 3 elements");
}

TEST(PadTest, RejectsWhatItCanNotFill) {
  Pad("wrap", {1, 1}).ExpectError(kInvalid, "but is \"wrap\"");
  Pad("edge", {1}).ExpectError(kInvalid, "two numbers for each dimension of data [3]");
  Pad("constant", {INT64_MAX, 0}).ExpectError(kInvalid, "a border of");
  Pad("constant", {1, 1})
      .Input("constant_value", Tensor::Scalar<double>(1))
      .ExpectError(kInvalid, "constant_value must be one float, as data is, but is double[]");
  OpTester("Pad")
      .Input("data", Tensor::Of<float>({0}, {}))
      .Input("pads", Vector({1, 0}))
      .Arg("mode", "edge")
      .Outputs({"output"})
      .ExpectError(kInvalid, "dimension 0 has no elements to make a border of");
}

OpTester Indexed(const char* type, absl::StatusOr<Tensor> data, absl::StatusOr<Tensor> indices) {
  OpTester tester(type);
  tester.Input("data", std::move(data)).Input("indices", std::move(indices)).Outputs({"output"});
  return tester;
}

absl::StatusOr<Tensor> TwoByTwo() { return Tensor::Of<int32_t>({2, 2}, {1, 2, 3, 4}); }

TEST(OnnxGatherTest, GathersNothingFromNothing) {
  Indexed("OnnxGather", Tensor::Of<float>({0, 2}, {}), Tensor::Of<int64_t>({0, 3}, {}))
      .ExpectOutput(0, Tensor::Of<float>({0, 3, 2}, {}));
  Indexed("OnnxGather", Tensor::Of<float>({0, 2}, {}), Tensor::Of<int64_t>({1}, {0}))
      .ExpectError(kInvalid, "index 0 is 0, but must be in [0, 0)");
  Indexed("OnnxGather", TwoByTwo(), Tensor::Scalar<int32_t>(-1))
      .Arg("axis", 1)
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {2, 4}));
}

TEST(GatherElementsTest, TakesAnElementForEachIndex) {
  Indexed("GatherElements", TwoByTwo(), Tensor::Of<int32_t>({2, 2}, {0, -2, 1, 0}))
      .Arg("axis", 1)
      .ExpectOutput(0, Tensor::Of<int32_t>({2, 2}, {1, 1, 4, 3}));
  Indexed("GatherElements", TwoByTwo(), Tensor::Of<int64_t>({1}, {0}))
      .ExpectError(kInvalid, "must have as many dimensions as data [2,2]");
  Indexed("GatherElements", TwoByTwo(), Tensor::Of<int64_t>({1, 1}, {2}))
      .ExpectError(kInvalid, "index 0 is 2, but must be in [-2, 2)");
}

TEST(GatherNdTest, TakesSlicesAndElements) {
  Indexed("GatherND", TwoByTwo(), Tensor::Of<int64_t>({2, 2}, {0, 0, 1, -1}))
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {1, 4}));
  Indexed("GatherND", TwoByTwo(), Tensor::Of<int64_t>({1, 1}, {-1}))
      .ExpectOutput(0, Tensor::Of<int32_t>({1, 2}, {3, 4}));
  Indexed("GatherND", TwoByTwo(), Tensor::Of<int64_t>({2, 1}, {1, 0}))
      .Arg<int64_t>("batch_dims", 1)
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {2, 3}));
}

TEST(GatherNdTest, RejectsListsThatAreTooLong) {
  Indexed("GatherND", TwoByTwo(), Tensor::Of<int64_t>({1, 3}, {0, 0, 0}))
      .ExpectError(kInvalid, "must be a number of dimensions of data");
  Indexed("GatherND", TwoByTwo(), Tensor::Of<int64_t>({1, 1}, {0}))
      .Arg<int64_t>("batch_dims", 1)
      .ExpectError(kInvalid, "the dimensions of the batch must be equal");
  Indexed("GatherND", TwoByTwo(), Tensor::Of<int64_t>({1, 1}, {0}))
      .Arg<int64_t>("batch_dims", 2)
      .ExpectError(kInvalid, "there are not as many dimensions");
}

OpTester Scatter(const char* type, absl::StatusOr<Tensor> indices, absl::StatusOr<Tensor> updates,
                 const char* reduction) {
  OpTester tester = Indexed(type, Tensor::Of<float>({3}, {1, 2, 3}), std::move(indices));
  tester.Input("updates", std::move(updates)).Arg("reduction", reduction);
  return tester;
}

TEST(ScatterTest, ReducesWhereUpdatesMeet) {
  const auto updates = Tensor::Of<float>({3}, {5, 6, 7});
  for (const char* type : {"ScatterElements", "ScatterND"}) {
    const Dims dims = type == std::string("ScatterND") ? Dims{3, 1} : Dims{3};
    const auto indices = Tensor::FromSpan<int64_t>(dims, {0, -3, 2});
    Scatter(type, indices, updates, "none").ExpectOutput(0, Tensor::Of<float>({3}, {6, 2, 7}));
    Scatter(type, indices, updates, "add").ExpectOutput(0, Tensor::Of<float>({3}, {12, 2, 10}));
    Scatter(type, indices, updates, "mul").ExpectOutput(0, Tensor::Of<float>({3}, {30, 2, 21}));
    Scatter(type, indices, updates, "max").ExpectError(kInvalid, "but is \"max\"");
    Scatter(type, indices, Tensor::Of<double>({3}, {5, 6, 7}), "none")
        .ExpectError(kInvalid, "must have the same type");
    Scatter(type, indices, Tensor::Of<float>({2}, {5, 6}), "none")
        .ExpectError(kInvalid, "must have the shape");
  }
}

TEST(ScatterTest, WorksInPlace) {
  OpTester("ScatterElements")
      .Input("data", Tensor::Of<std::string>({2}, {"a", "b"}))
      .Input("indices", Vector({1}))
      .Input("updates", Tensor::Of<std::string>({1}, {"c"}))
      .Outputs({"data"})
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"a", "c"}));
}

OpTester Compress(std::initializer_list<bool> condition) {
  OpTester tester("Compress");
  tester.Input("input", TwoByTwo())
      .Input("condition", Tensor::Of<bool>({static_cast<int64_t>(condition.size())}, condition))
      .Outputs({"output"});
  return tester;
}

TEST(CompressTest, TakesSlicesOrElements) {
  Compress({false, true}).Arg("axis", 0).ExpectOutput(0, Tensor::Of<int32_t>({1, 2}, {3, 4}));
  Compress({true}).Arg("axis", -1).ExpectOutput(0, Tensor::Of<int32_t>({2, 1}, {1, 3}));
  Compress({false, true, false, true}).ExpectOutput(0, Tensor::Of<int32_t>({2}, {2, 4}));
  Compress({true, false, true}).Arg("axis", 0).ExpectError(kInvalid, "of at most 2 elements");
}

TEST(NonZeroTest, ListsIndices) {
  const auto non_zero = [](absl::StatusOr<Tensor> x) {
    OpTester tester("NonZero");
    tester.Input("X", std::move(x)).Outputs({"Y"});
    return tester;
  };
  non_zero(Tensor::Of<float>({2, 2}, {-0.0f, 7, std::nanf(""), 9}))
      .ExpectOutput(0, Tensor::Of<int64_t>({2, 3}, {0, 1, 1, 1, 0, 1}));
  non_zero(Tensor::Scalar<bool>(true)).ExpectOutput(0, Tensor::Of<int64_t>({0, 1}, {}));
  non_zero(Tensor::Scalar<std::string>("a")).ExpectError(kInvalid, "string is not supported");
}

OpTester OneHot(absl::StatusOr<Tensor> indices, absl::StatusOr<Tensor> depth) {
  OpTester tester("OnnxOneHot");
  tester.Input("indices", std::move(indices))
      .Input("depth", std::move(depth))
      .Input("values", Tensor::Of<int8_t>({2}, {2, 5}))
      .Outputs({"output"});
  return tester;
}

TEST(OnnxOneHotTest, IsOffForWhatIsNoIndex) {
  OneHot(Tensor::Of<float>({4}, {0, -1, 1.5f, 3}), Tensor::Of<float>({1}, {3}))
      .ExpectOutput(0, Tensor::Of<int8_t>({4, 3}, {5, 2, 2, 2, 2, 5, 2, 2, 2, 2, 2, 2}));
  OneHot(Vector({1, 0}), Tensor::Scalar<int64_t>(2))
      .Arg<int64_t>("axis", 0)
      .ExpectOutput(0, Tensor::Of<int8_t>({2, 2}, {2, 5, 5, 2}));
  OneHot(Vector({0}), Tensor::Scalar<int64_t>(-1)).ExpectError(kInvalid, "depth must be one");
  OneHot(Vector({0}), Tensor::Scalar<float>(0.5f)).ExpectError(kInvalid, "depth must be one");
}

TEST(TriluTest, TakesDiagonalsThatAreFarAway) {
  const auto trilu = [](bool upper, int64_t k) {
    OpTester tester("Trilu");
    tester.Input("input", TwoByTwo())
        .Input("k", Tensor::Scalar<int64_t>(k))
        .Arg("upper", upper)
        .Outputs({"output"});
    return tester;
  };
  trilu(true, 1).ExpectOutput(0, Tensor::Of<int32_t>({2, 2}, {0, 2, 0, 0}));
  trilu(false, -1).ExpectOutput(0, Tensor::Of<int32_t>({2, 2}, {0, 0, 3, 0}));
  trilu(true, INT64_MIN).ExpectOutput(0, TwoByTwo());
  trilu(true, INT64_MAX).ExpectOutput(0, Tensor::Of<int32_t>({2, 2}, {0, 0, 0, 0}));
  trilu(false, INT64_MAX).ExpectOutput(0, TwoByTwo());
  OpTester("Trilu").Input("input", Six()).Outputs({"output"}).ExpectError(kInvalid, "no matrix");
}

TEST(EyeLikeTest, HasTheTypeThatIsAskedFor) {
  const auto eye = [](int64_t k) {
    OpTester tester("EyeLike");
    tester.Input("input", Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}))
        .Arg("k", k)
        .Outputs({"output"});
    return tester;
  };
  eye(-1).ExpectOutput(0, Tensor::Of<float>({2, 3}, {0, 0, 0, 1, 0, 0}));
  eye(1)
      .Arg("dtype", "bool")
      .ExpectOutput(0, Tensor::Of<bool>({2, 3}, {false, true, false, false, false, true}));
  eye(INT64_MIN).ExpectOutput(0, Tensor::Of<float>({2, 3}, {0, 0, 0, 0, 0, 0}));
  OpTester("EyeLike").Input("input", Six()).Outputs({"output"}).ExpectError(kInvalid, "no matrix");
}

OpTester ReverseSequence(const Ints& lengths) {
  OpTester tester("ReverseSequence");
  tester.Input("input", Tensor::Of<int32_t>({3, 2}, {0, 4, 1, 5, 2, 6}))
      .Input("sequence_lens", Vector(lengths))
      .Outputs({"Y"});
  return tester;
}

TEST(ReverseSequenceTest, TurnsTheBeginningsOfSequences) {
  ReverseSequence({3, 2}).ExpectOutput(0, Tensor::Of<int32_t>({3, 2}, {2, 5, 1, 4, 0, 6}));
  ReverseSequence({0, 1, 2})
      .Arg<int64_t>("time_axis", 1)
      .Arg<int64_t>("batch_axis", 0)
      .ExpectOutput(0, Tensor::Of<int32_t>({3, 2}, {0, 4, 1, 5, 6, 2}));
}

TEST(ReverseSequenceTest, RejectsOtherAxesAndLengths) {
  ReverseSequence({4, 0}).ExpectError(kInvalid, "a length is 4, but there are 3 elements");
  ReverseSequence({1}).ExpectError(kInvalid, "must have an element for each sequence");
  ReverseSequence({1, 1})
      .Arg<int64_t>("time_axis", 1)
      .ExpectError(kInvalid, "one must be 0 and the other 1");
}

TEST(OnnxUniqueTest, ComparesSlices) {
  OpTester("OnnxUnique")
      .Input("X", Tensor::Of<float>({3, 2}, {2, 1, 1, 9, 2, 1}))
      .Arg("axis", 0)
      .Outputs({"Y", "indices", "inverse", "counts"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 9, 2, 1}))
      .ExpectOutput(1, Vector({1, 0}))
      .ExpectOutput(2, Vector({1, 0, 1}))
      .ExpectOutput(3, Vector({1, 2}));
}

TEST(OnnxUniqueTest, KeepsTheOrderWhereItIsNotSortedAndNaNIsOne) {
  const float nan = std::nanf("");
  OpTester("OnnxUnique")
      .Input("X", Tensor::Of<float>({5}, {nan, 2, nan, 1, 2}))
      .Arg("sorted", false)
      .Outputs({"Y", "indices", "inverse", "counts"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {nan, 2, 1}))
      .ExpectOutput(1, Vector({0, 1, 3}))
      .ExpectOutput(2, Vector({0, 1, 0, 2, 1}))
      .ExpectOutput(3, Vector({2, 2, 1}));
}

OpTester TopK(int64_t k, bool largest) {
  OpTester tester("OnnxTopK");
  tester.Input("X", Tensor::Of<float>({5}, {3, std::nanf(""), 2, 3, 1}))
      .Input("K", Vector({k}))
      .Arg("largest", largest)
      .Outputs({"Values", "Indices"});
  return tester;
}

TEST(OnnxTopKTest, TakesEitherEnd) {
  TopK(3, true)
      .ExpectOutput(0, Tensor::Of<float>({3}, {std::nanf(""), 3, 3}))
      .ExpectOutput(1, Vector({1, 0, 3}));
  TopK(2, false).ExpectOutput(0, Tensor::Of<float>({2}, {1, 2})).ExpectOutput(1, Vector({4, 2}));
  TopK(0, true).ExpectOutput(0, Tensor::Of<float>({0}, {}));
  TopK(6, true).ExpectError(kInvalid, "K is 6, but dimension 0 of X [5] has 5 elements");
  TopK(-1, true).ExpectError(kInvalid, "K is -1");
}

OpTester Change(const char* type, const char* name, const Ints& numbers) {
  OpTester tester(type);
  tester.Input("data", Tensor::Of<float>({1, 2, 1}, {7, 8}))
      .Input(name, Vector(numbers))
      .Outputs({"output"});
  return tester;
}

TEST(OnnxDimsTest, ChangesDimensions) {
  Change("OnnxSqueeze", "axes", {-1}).ExpectOutput(0, Tensor::Of<float>({1, 2}, {7, 8}));
  OpTester("OnnxSqueeze")
      .Input("data", Tensor::Of<float>({1, 2, 1}, {7, 8}))
      .Outputs({"output"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {7, 8}));
  Change("OnnxUnsqueeze", "axes", {-1, 0})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 1, 1}, {7, 8}));
  Change("OnnxReshape", "shape", {-1}).ExpectOutput(0, Tensor::Of<float>({2}, {7, 8}));
  OpTester("OnnxReshape")
      .Input("data", Tensor::Of<float>({3, 0}, {}))
      .Input("shape", Vector({0, 5}))
      .Outputs({"output"})
      .ExpectOutput(0, Tensor::Of<float>({0, 5}, {}));
}

TEST(OnnxDimsTest, RejectsChangesThatDoNotFit) {
  Change("OnnxSqueeze", "axes", {1}).ExpectError(kInvalid, "dimension 1 is 2, must be 1");
  Change("OnnxUnsqueeze", "axes", {0, -5}).ExpectError(kInvalid, "dimension 0 comes twice");
  Change("OnnxUnsqueeze", "axes", {4}).ExpectError(kInvalid, "4");
  Change("OnnxReshape", "shape", {0}).ExpectError(kInvalid, "2 elements are not 0");
  Change("OnnxReshape", "shape", {0, -1}).ExpectError(kInvalid, "there is no size for -1");
  Change("OnnxReshape", "shape", {-1, -1}).ExpectError(kInvalid, "cannot reshape");
}

}  // namespace
}  // namespace doppio
