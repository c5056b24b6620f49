#ifndef DOPPIO_KERNEL_SEGMENT_H_
#define DOPPIO_KERNEL_SEGMENT_H_

// Rows of a table that are reduced by segments, and the gradients of that. A segment is a run of
// positions; a position stands for a row of the table, and may have a weight.
//
// Every segment is reduced in an order that its length alone determines, so that the bits do not
// depend on the number of threads, which share the rows out, not the segments.

#include "doppio/context.h"

namespace doppio {

enum class SegmentReducer { kSum, kMean, kMax, kLogSumExp, kLogMeanExp };

// The positions of segment k are [offsets[k], offsets[k + 1]), and offsets[0] is 0.
struct SegmentRuns {
  const int64_t* offsets;
  int64_t count;

  int64_t positions() const { return offsets[count]; }
};

// Position p stands for row rows[p], or for row p where `rows` is null. Its weight is weights[p],
// or weights[i] where it is the i-th of its segment and `by_place` is set; 1 where `weights` is
// null. T is float or double, In is T or, where T is float, float16; Index is int32_t or int64_t.
template <typename In, typename T, typename Index>
struct SegmentRows {
  const In* table;
  int64_t block;  // elements of a row
  const Index* rows;
  const T* weights;
  bool by_place;
};

// Long segments are reduced in at most so many pieces, each of which needs a row of its own.
constexpr int64_t kSegmentPieces = 16;

// y[k] = the sum of the weighted rows of segment k, or their mean; the largest elements, NaN where
// there is one. A segment without positions gives 0. `scratch` has room for kSegmentPieces rows.
template <typename In, typename T, typename Index>
void ReduceSegments(SegmentReducer reducer, const SegmentRows<In, T, Index>& rows,
                    const SegmentRuns& runs, T* scratch, T* y, CPUContext* context);

// What positions get of the gradient of their segment's result: dx[p] = dy[segment of p], times
// weights[p] where `weights` is not null, divided by the segment's length where `mean` is set. The
// segment of p is segments[p] where `segments` is not null; `runs` then tells only lengths.
template <typename T>
void SpreadSegments(const T* dy, int64_t block, const SegmentRuns& runs, const int32_t* segments,
                    const T* weights, bool mean, T* dx, CPUContext* context);

// dweights[p] = dy[segment of p] . the row of p; the weights of `rows` are not used.
template <typename In, typename T, typename Index>
void SegmentWeightGradient(const T* dy, const SegmentRows<In, T, Index>& rows,
                           const SegmentRuns& runs, T* dweights, CPUContext* context);

// dx from dy, x and y for kMax (every element that is the largest gets the whole gradient),
// kLogSumExp and kLogMeanExp, where row p is position p.
template <typename T>
void SegmentExtremeGradient(SegmentReducer reducer, const T* dy, const T* x, const T* y,
                            int64_t block, const SegmentRuns& runs, T* dx, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_SEGMENT_H_
