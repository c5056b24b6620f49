// Segments are shared out among threads from sizes on that the table test does not draw.

#include <numeric>
#include <random>

#include "doppio/parallel.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr int64_t kRows = 24 * 1000;
constexpr int64_t kBlock = 64;
constexpr int64_t kSegments = 500;

struct Feeds {
  Feeds() {
    std::mt19937 random(11);
    const auto fill = [&](const Dims& dims, int values) {
      Tensor tensor = *Tensor::Create(DataType::kFloat, dims);
      for (int64_t i = 0; i < tensor.numel(); ++i) {
        tensor.mutable_data<float>()[i] =
            static_cast<float>(random() % static_cast<unsigned>(values)) / 7 - 1;
      }
      return tensor;
    };
    data = fill({kRows, kBlock}, 1000);
    weights = fill({kRows}, 100);
    segments = fill({kSegments, kBlock}, 1000);
    // Of very different lengths, one of them most of all rows.
    std::vector<int32_t> sizes(kSegments, 20);
    sizes[7] = 1;
    sizes[100] += static_cast<int32_t>(kRows) - std::accumulate(sizes.begin(), sizes.end(), 0);
    std::vector<int32_t> row_ids;
    for (size_t s = 0; s < sizes.size(); ++s) {
      row_ids.insert(row_ids.end(), static_cast<size_t>(sizes[s]), static_cast<int32_t>(s));
    }
    std::vector<int32_t> rows(row_ids.size());
    for (int32_t& row : rows) row = static_cast<int32_t>(random() % kRows);
    lengths = *Tensor::FromSpan<int32_t>({kSegments}, sizes);
    ids = *Tensor::FromSpan<int32_t>({kRows}, row_ids);
    indices = *Tensor::FromSpan<int32_t>({kRows}, rows);
  }

  Tensor data;
  Tensor weights;
  Tensor segments;
  Tensor lengths;
  Tensor ids;
  Tensor indices;
};

struct Case {
  const char* type;
  std::vector<Tensor Feeds::*> inputs;
};

class SegmentThreadsTest : public testing::TestWithParam<Case> {};

TEST_P(SegmentThreadsTest, GiveTheSameBits) {
  const Feeds feeds;
  OpTester tester(GetParam().type);
  for (size_t i = 0; i < GetParam().inputs.size(); ++i) {
    tester.Input(absl::StrCat("x", i), feeds.*GetParam().inputs[i]);
  }
  tester.Outputs({"Y"});
  const int before = NumThreads();
  SetNumThreads(1);
  EXPECT_TRUE(tester.Run().ok());
  const Tensor expected = DeepCopy(tester.Output(0));
  for (const int threads : {2, 3}) {
    SetNumThreads(threads);
    const absl::Status status = tester.Run();
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(TensorBitsEqual(tester.Output(0), expected)) << threads << " threads";
  }
  SetNumThreads(before);
}

INSTANTIATE_TEST_SUITE_P(
    Families, SegmentThreadsTest,
    testing::Values(Case{"LengthsSum", {&Feeds::data, &Feeds::lengths}},
                    Case{"LengthsMean", {&Feeds::data, &Feeds::lengths}},
                    Case{"LengthsMax", {&Feeds::data, &Feeds::lengths}},
                    Case{"LengthsWeightedSum", {&Feeds::data, &Feeds::weights, &Feeds::lengths}},
                    Case{"SparseLengthsSum", {&Feeds::data, &Feeds::indices, &Feeds::lengths}},
                    Case{"SparseLengthsWeightedSum",
                         {&Feeds::data, &Feeds::weights, &Feeds::indices, &Feeds::lengths}},
                    Case{"SortedSegmentSum", {&Feeds::data, &Feeds::ids}},
                    Case{"SortedSegmentRangeLogSumExp", {&Feeds::data, &Feeds::ids}},
                    Case{"UnsortedSegmentMean", {&Feeds::data, &Feeds::ids}},
                    Case{"SparseUnsortedSegmentSum", {&Feeds::data, &Feeds::indices, &Feeds::ids}},
                    Case{"LengthsSumGradient", {&Feeds::segments, &Feeds::lengths}},
                    Case{"LengthsMeanGradient", {&Feeds::segments, &Feeds::lengths}},
                    Case{"LengthsWeightedSumGradient",
                         {&Feeds::weights, &Feeds::segments, &Feeds::lengths}}),
    [](const auto& info) { return info.param.type; });

}  // namespace
}  // namespace doppio
