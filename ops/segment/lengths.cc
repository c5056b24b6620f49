// Segments that are told by their lengths: LengthsSum..., and SparseLengthsSum..., which look their
// rows up. Caffe2's gradients come with and without INDICES, for old nets and for CUDA.

#include "ops/segment/segment_reduction.h"

namespace doppio {
namespace {

using Reducer = SegmentReducer;
using Traits = SegmentTraits;
using GradientTraits = SegmentGradientTraits;

constexpr SegmentKind kLengths = SegmentKind::kLengths;

constexpr Traits kSum = {kLengths, Reducer::kSum};
constexpr Traits kMean = {kLengths, Reducer::kMean};
constexpr Traits kMax = {kLengths, Reducer::kMax};
constexpr Traits kWeightedSum = {kLengths, Reducer::kSum, true};
constexpr Traits kSparseSum = {kLengths, Reducer::kSum, false, true};
constexpr Traits kSparseMean = {kLengths, Reducer::kMean, false, true};
constexpr Traits kSparseWeightedSum = {kLengths, Reducer::kSum, true, true};
constexpr Traits kSparsePositional = {kLengths, Reducer::kSum, true, true, true};

// From the gradient on: SEGMENT_GRADS, LENGTHS and what follows.
constexpr GradientTraits Gradient(Reducer reducer, int gradient) {
  GradientTraits traits{kLengths, reducer, gradient, gradient + 1};
  traits.inputs = gradient + 2;
  return traits;
}
constexpr GradientTraits WithIndices(GradientTraits traits) {
  traits.unread = traits.inputs++;
  return traits;
}
constexpr GradientTraits Weighted(GradientTraits traits) {
  traits.weights = 0;
  return traits;
}
constexpr GradientTraits WithData(GradientTraits traits) {
  traits.data = traits.inputs++;
  return traits;
}
constexpr GradientTraits WithDataRows(GradientTraits traits) {
  traits.data = traits.inputs++;
  traits.indices = traits.inputs++;
  return traits;
}
constexpr GradientTraits WithOutput(GradientTraits traits) {
  traits.output = 0;
  return traits;
}

constexpr GradientTraits kSumGradient = Gradient(Reducer::kSum, 0);
constexpr GradientTraits kMeanGradient = Gradient(Reducer::kMean, 0);
constexpr GradientTraits kWeightedSumGradient = Weighted(Gradient(Reducer::kSum, 1));
constexpr GradientTraits kSumGradientIndices = WithIndices(kSumGradient);
constexpr GradientTraits kMeanGradientIndices = WithIndices(kMeanGradient);
constexpr GradientTraits kWeightedSumGradientIndices = WithIndices(kWeightedSumGradient);
constexpr GradientTraits kWeightedSumGradientData = WithData(kWeightedSumGradient);
constexpr GradientTraits kWeightedSumGradientRows = WithDataRows(kWeightedSumGradient);
constexpr GradientTraits kMaxGradient = WithOutput(WithData(Gradient(Reducer::kMax, 1)));

DOPPIO_SEGMENT_OPERATOR(LengthsSum, kSum, "DATA [2,4,3,1,2,10] and LENGTHS [2,3,1] give [6,6,10].");
DOPPIO_SEGMENT_OPERATOR(LengthsMean, kMean,
                        "DATA [2,4,3,1,2,10] and LENGTHS [2,3,1] give [3,2,10].");
DOPPIO_SEGMENT_OPERATOR(LengthsMax, kMax, "DATA [2,4,3,1,2,10] and LENGTHS [2,3,1] give [4,3,10].");
DOPPIO_SEGMENT_OPERATOR(
    LengthsWeightedSum, kWeightedSum,
    "DATA [2,4,3,1,2,10], SCALARS [8,2,1,4,1,0.5] and LENGTHS [2,3,1] give [24,9,5].");
DOPPIO_SEGMENT_OPERATOR(SparseLengthsSum, kSparseSum,
                        "DATA [[1,2],[3,4],[5,6]], INDICES [2,0,1] and LENGTHS [2,0,1] give "
                        "[[6,8],[0,0],[3,4]].");
DOPPIO_SEGMENT_OPERATOR(SparseLengthsMean, kSparseMean,
                        "DATA [[1,2],[3,4],[5,6]], INDICES [2,0,1] and LENGTHS [2,0,1] give "
                        "[[3,4],[0,0],[3,4]].");
DOPPIO_SEGMENT_OPERATOR(SparseLengthsWeightedSum, kSparseWeightedSum,
                        "DATA [[1,2],[3,4],[5,6]], SCALARS [1,10,2], INDICES [2,0,1] and LENGTHS "
                        "[2,0,1] give [[15,26],[0,0],[6,8]].");
DOPPIO_SEGMENT_FORWARD(SparseLengthsPositionalWeightedSum, kSparsePositional,
                       "DATA [[1,2],[3,4],[5,6]], SCALARS [1,10], INDICES [2,0,1] and LENGTHS "
                       "[2,0,1] give [[15,26],[0,0],[3,4]].");
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(SparseLengthsPositionalWeightedSum);

DOPPIO_SEGMENT_GRADIENT(LengthsSumGradient, kSumGradient, "LengthsSum");
DOPPIO_SEGMENT_GRADIENT(LengthsMeanGradient, kMeanGradient, "LengthsMean");
DOPPIO_SEGMENT_GRADIENT(LengthsWeightedSumGradient, kWeightedSumGradient, "LengthsWeightedSum");
DOPPIO_SEGMENT_GRADIENT(LengthsMaxWithMainInputAndForwardOutputGradient, kMaxGradient,
                        "LengthsMax");
DOPPIO_SEGMENT_GRADIENT(LengthsWeightedSumWithMainInputGradient, kWeightedSumGradientData,
                        "LengthsWeightedSum");
DOPPIO_SEGMENT_GRADIENT(LengthsIndicesInGradientSumGradient, kSumGradientIndices, "LengthsSum");
DOPPIO_SEGMENT_GRADIENT(LengthsIndicesInGradientMeanGradient, kMeanGradientIndices, "LengthsMean");

DOPPIO_SEGMENT_GRADIENT(SparseLengthsSumGradient, kSumGradient, "SparseLengthsSum");
DOPPIO_SEGMENT_GRADIENT(SparseLengthsMeanGradient, kMeanGradient, "SparseLengthsMean");
DOPPIO_SEGMENT_GRADIENT(SparseLengthsWeightedSumGradient, kWeightedSumGradient,
                        "SparseLengthsWeightedSum");
DOPPIO_SEGMENT_GRADIENT(SparseLengthsWeightedSumWithMainInputGradient, kWeightedSumGradientRows,
                        "SparseLengthsWeightedSum");
DOPPIO_SEGMENT_GRADIENT(SparseLengthsIndicesInGradientSumGradient, kSumGradientIndices,
                        "SparseLengthsSum");
DOPPIO_SEGMENT_GRADIENT(SparseLengthsIndicesInGradientMeanGradient, kMeanGradientIndices,
                        "SparseLengthsMean");
DOPPIO_SEGMENT_GRADIENT(SparseLengthsIndicesInGradientWeightedSumGradient,
                        kWeightedSumGradientIndices, "SparseLengthsWeightedSum");
DOPPIO_SEGMENT_GRADIENT(SparseLengthsIndicesInGradientWeightedSumWithMainInputGradient,
                        kWeightedSumGradientRows, "SparseLengthsWeightedSum");

}  // namespace
}  // namespace doppio
