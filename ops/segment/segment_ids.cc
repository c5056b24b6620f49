// Segments that are told by ids: SortedSegment..., UnsortedSegment..., both also with rows that are
// looked up (Sparse...), and SortedSegmentRange....

#include "ops/segment/segment_reduction.h"

namespace doppio {
namespace {

using Kind = SegmentKind;
using Reducer = SegmentReducer;

constexpr SegmentTraits Range(Reducer reducer) {
  SegmentTraits traits{Kind::kSortedIds, reducer};
  traits.range = true;
  return traits;
}
// SEGMENT_GRADS, SEGMENT_IDS
constexpr SegmentGradientTraits Gradient(Kind kind, Reducer reducer) {
  return {kind, reducer, 0, 1};
}
// SCALARS, SEGMENT_GRADS, SEGMENT_IDS
constexpr SegmentGradientTraits WeightedGradient(Kind kind) {
  SegmentGradientTraits traits{kind, Reducer::kSum, 1, 2, 0};
  traits.inputs = 3;
  return traits;
}
// DATA, OUTPUT, SEGMENT_GRADS, SEGMENT_IDS
constexpr SegmentGradientTraits RangeGradient(Reducer reducer) {
  SegmentGradientTraits traits{Kind::kSortedIds, reducer, 2, 3};
  traits.data = 0;
  traits.output = 1;
  traits.inputs = 4;
  return traits;
}

constexpr SegmentTraits kSortedSum = {Kind::kSortedIds, Reducer::kSum};
constexpr SegmentTraits kSortedMean = {Kind::kSortedIds, Reducer::kMean};
constexpr SegmentTraits kSortedWeighted = {Kind::kSortedIds, Reducer::kSum, true};
constexpr SegmentTraits kUnsortedSum = {Kind::kUnsortedIds, Reducer::kSum};
constexpr SegmentTraits kUnsortedMean = {Kind::kUnsortedIds, Reducer::kMean};
constexpr SegmentTraits kUnsortedWeighted = {Kind::kUnsortedIds, Reducer::kSum, true};
constexpr SegmentTraits kSparseSortedSum = {Kind::kSortedIds, Reducer::kSum, false, true};
constexpr SegmentTraits kSparseSortedMean = {Kind::kSortedIds, Reducer::kMean, false, true};
constexpr SegmentTraits kSparseSortedWeighted = {Kind::kSortedIds, Reducer::kSum, true, true};
constexpr SegmentTraits kSparseUnsortedSum = {Kind::kUnsortedIds, Reducer::kSum, false, true};
constexpr SegmentTraits kSparseUnsortedMean = {Kind::kUnsortedIds, Reducer::kMean, false, true};
constexpr SegmentTraits kSparseUnsortedWeighted = {Kind::kUnsortedIds, Reducer::kSum, true, true};
constexpr SegmentTraits kRangeSum = Range(Reducer::kSum);
constexpr SegmentTraits kRangeMean = Range(Reducer::kMean);
constexpr SegmentTraits kRangeMax = Range(Reducer::kMax);
constexpr SegmentTraits kRangeLogSumExp = Range(Reducer::kLogSumExp);
constexpr SegmentTraits kRangeLogMeanExp = Range(Reducer::kLogMeanExp);

constexpr SegmentGradientTraits kSortedSumGradient = Gradient(Kind::kSortedIds, Reducer::kSum);
constexpr SegmentGradientTraits kSortedMeanGradient = Gradient(Kind::kSortedIds, Reducer::kMean);
constexpr SegmentGradientTraits kSortedWeightedGradient = WeightedGradient(Kind::kSortedIds);
constexpr SegmentGradientTraits kUnsortedSumGradient = Gradient(Kind::kUnsortedIds, Reducer::kSum);
constexpr SegmentGradientTraits kUnsortedMeanGradient =
    Gradient(Kind::kUnsortedIds, Reducer::kMean);
constexpr SegmentGradientTraits kUnsortedWeightedGradient = WeightedGradient(Kind::kUnsortedIds);
constexpr SegmentGradientTraits kRangeSumGradient = RangeGradient(Reducer::kSum);
constexpr SegmentGradientTraits kRangeMeanGradient = RangeGradient(Reducer::kMean);
constexpr SegmentGradientTraits kRangeMaxGradient = RangeGradient(Reducer::kMax);
constexpr SegmentGradientTraits kRangeLogSumExpGradient = RangeGradient(Reducer::kLogSumExp);
constexpr SegmentGradientTraits kRangeLogMeanExpGradient = RangeGradient(Reducer::kLogMeanExp);

#define DOPPIO_SEGMENT_IDS_(Type, traits, gradient, example) \
  DOPPIO_SEGMENT_OPERATOR(Type, traits, example);            \
  DOPPIO_SEGMENT_GRADIENT(Type##Gradient, gradient, #Type)

DOPPIO_SEGMENT_IDS_(SortedSegmentSum, kSortedSum, kSortedSumGradient,
                    "DATA [1,2,3,4] and SEGMENT_IDS [0,0,1,1] give [3,7].");
DOPPIO_SEGMENT_IDS_(SortedSegmentMean, kSortedMean, kSortedMeanGradient,
                    "DATA [1,2,3,5] and SEGMENT_IDS [0,0,1,1] give [1.5,4].");
DOPPIO_SEGMENT_IDS_(SortedSegmentWeightedSum, kSortedWeighted, kSortedWeightedGradient,
                    "DATA [1,2,3,4], SCALARS [1,10,2,1] and SEGMENT_IDS [0,0,1,1] give [21,10].");
DOPPIO_SEGMENT_IDS_(UnsortedSegmentSum, kUnsortedSum, kUnsortedSumGradient,
                    "DATA [1,2,3,4] and SEGMENT_IDS [2,0,2,0] give [6,0,4].");
DOPPIO_SEGMENT_IDS_(UnsortedSegmentMean, kUnsortedMean, kUnsortedMeanGradient,
                    "DATA [1,2,3,4] and SEGMENT_IDS [2,0,2,0] give [3,0,2].");
DOPPIO_SEGMENT_IDS_(UnsortedSegmentWeightedSum, kUnsortedWeighted, kUnsortedWeightedGradient,
                    "DATA [1,2,3,4], SCALARS [1,10,2,1] and SEGMENT_IDS [2,0,2,0] give [24,0,7].");
DOPPIO_SEGMENT_IDS_(SparseSortedSegmentSum, kSparseSortedSum, kSortedSumGradient,
                    "DATA [1,2,3], INDICES [2,0,2] and SEGMENT_IDS [0,0,1] give [4,3].");
DOPPIO_SEGMENT_IDS_(SparseSortedSegmentMean, kSparseSortedMean, kSortedMeanGradient,
                    "DATA [1,2,3], INDICES [2,0,2] and SEGMENT_IDS [0,0,1] give [2,3].");
DOPPIO_SEGMENT_IDS_(SparseSortedSegmentWeightedSum, kSparseSortedWeighted, kSortedWeightedGradient,
                    "DATA [1,2,3], SCALARS [1,10,2], INDICES [2,0,2] and SEGMENT_IDS [0,0,1] give "
                    "[13,6].");
DOPPIO_SEGMENT_IDS_(SparseUnsortedSegmentSum, kSparseUnsortedSum, kUnsortedSumGradient,
                    "DATA [1,2,3], INDICES [2,0,2] and SEGMENT_IDS [1,0,1] give [1,6].");
DOPPIO_SEGMENT_IDS_(SparseUnsortedSegmentMean, kSparseUnsortedMean, kUnsortedMeanGradient,
                    "DATA [1,2,3], INDICES [2,0,2] and SEGMENT_IDS [1,0,1] give [1,3].");
DOPPIO_SEGMENT_IDS_(SparseUnsortedSegmentWeightedSum, kSparseUnsortedWeighted,
                    kUnsortedWeightedGradient,
                    "DATA [1,2,3], SCALARS [1,10,2], INDICES [2,0,2] and SEGMENT_IDS [1,0,1] give "
                    "[10,9].");
DOPPIO_SEGMENT_IDS_(SortedSegmentRangeSum, kRangeSum, kRangeSumGradient,
                    "DATA [1,2,3,4] and SEGMENT_IDS [0,0,1,1] give [3,7].");
DOPPIO_SEGMENT_IDS_(SortedSegmentRangeMean, kRangeMean, kRangeMeanGradient,
                    "DATA [1,2,3,5] and SEGMENT_IDS [0,0,1,1] give [1.5,4].");
DOPPIO_SEGMENT_IDS_(SortedSegmentRangeMax, kRangeMax, kRangeMaxGradient,
                    "DATA [1,2,4,3] and SEGMENT_IDS [0,0,1,1] give [2,4].");
DOPPIO_SEGMENT_IDS_(SortedSegmentRangeLogSumExp, kRangeLogSumExp, kRangeLogSumExpGradient,
                    "DATA [0,0,7] and SEGMENT_IDS [0,0,1] give [0.6931,7].");
DOPPIO_SEGMENT_IDS_(SortedSegmentRangeLogMeanExp, kRangeLogMeanExp, kRangeLogMeanExpGradient,
                    "DATA [2,2,7] and SEGMENT_IDS [0,0,1] give [2,7].");

}  // namespace
}  // namespace doppio
