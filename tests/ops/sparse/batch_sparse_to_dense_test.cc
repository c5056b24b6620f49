#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(BatchSparseToDenseTest, PutsValuesIntoTheirRows) {
  OpTester("BatchSparseToDense")
      .Input("L", Tensor::Of<int64_t>({2}, {2, 1}))
      .Input("I", Tensor::Of<int64_t>({3}, {0, 1, 2}))
      .Input("V", Tensor::Of<float>({3}, {6, 7, 8}))
      .Arg("dense_last_dim", 3)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 3}, {6, 7, 0, 0, 0, 8}));
  OpTester("BatchDenseToSparse")
      .Input("L", Tensor::Of<int64_t>({2}, {2, 1}))
      .Input("I", Tensor::Of<int64_t>({3}, {0, 1, 2}))
      .Input("X", Tensor::Of<float>({2, 3}, {6, 7, 0, 0, 0, 8}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {6, 7, 8}));
}

TEST(BatchSparseToDenseTest, RejectsWhatDoesNotGoTogether) {
  const auto run = [](const absl::StatusOr<Tensor>& lengths, int64_t index, int64_t columns,
                      const char* why) {
    OpTester("BatchSparseToDense")
        .Input("L", lengths)
        .Input("I", Tensor::Of<int64_t>({1}, {index}))
        .Input("V", Tensor::Of<float>({1}, {6}))
        .Arg("dense_last_dim", columns)
        .Outputs({"Y"})
        .ExpectError(kInvalid, why);
  };
  run(Tensor::Of<int64_t>({1}, {1}), 3, 3, "index 0 is 3, but must be in [0, 3)");
  run(Tensor::Of<int64_t>({1}, {1}), -1, 3, "index 0 is -1");
  run(Tensor::Of<int64_t>({1}, {2}), 0, 3, "lengths sum to 2, but indices has 1");
  run(Tensor::Of<int64_t>({2}, {2, -1}), 0, 3, "lengths[1] is -1");
  run(Tensor::Of<int64_t>({1}, {1}), 0, 0, "dense_last_dim is 0, but must be at least 1");
}

TEST(DenseVectorToIdListTest, ListsTheColumnsThatAreSet) {
  OpTester("DenseVectorToIdList")
      .Input("X", Tensor::Of<float>({3, 3}, {0, 1, 1, 0, 0.4f, -1, 2, 0, -2}))
      .Outputs({"L", "V"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {2, 0, 2}))
      .ExpectOutput(1, Tensor::Of<int32_t>({4}, {1, 2, 0, 2}));
}

TEST(DenseVectorToIdListTest, RejectsWhatIsNoMatrixOfFloat) {
  OpTester("DenseVectorToIdList")
      .Input("X", Tensor::Of<double>({1, 1}, {1}))
      .Outputs({"L", "V"})
      .ExpectError(kInvalid, "values must be a matrix of float");
}

}  // namespace
}  // namespace doppio
