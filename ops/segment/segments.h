#ifndef DOPPIO_OPS_SEGMENT_SEGMENTS_H_
#define DOPPIO_OPS_SEGMENT_SEGMENTS_H_

// How operators are told which rows belong to which segment, checked before anything is read.

#include "doppio/schema.h"
#include "src/kernel/segment.h"

namespace doppio {

enum class SegmentKind {
  kLengths,      // LENGTHS: so many rows each
  kSortedIds,    // SEGMENT_IDS: a segment for each row, 0, 1, 2... without gaps
  kUnsortedIds,  // SEGMENT_IDS in any order, with gaps
};

// What an operator of the family does. Its inputs are DATA, then SCALARS where `weighted`, INDICES
// where `gathered`, and LENGTHS or SEGMENT_IDS.
struct SegmentTraits {
  SegmentKind kind;
  SegmentReducer reducer;
  bool weighted = false;
  bool gathered = false;
  bool by_place = false;  // the i-th row of every segment has weight i
  bool range = false;     // SortedSegmentRange...: the gradient reads DATA and OUTPUT too

  int indices() const { return 1 + (weighted ? 1 : 0); }
  int segments() const { return indices() + (gathered ? 1 : 0); }
  int inputs() const { return segments() + 1; }
};

// An input as inference and a run see it.
struct SegmentInput {
  DataType dtype;
  DimsView dims;
};

// Checks types and shapes of an operator's inputs; returns the number of rows that are reduced.
absl::StatusOr<int64_t> CheckSegmentInputs(const SegmentTraits& traits,
                                           absl::Span<const SegmentInput> inputs);
// The type of sums of elements of that type.
inline DataType SegmentOutputType(DataType data) {
  return data == DataType::kFloat16 ? DataType::kFloat : data;
}
// [first, dims[1], dims[2], ...]; an error where the product does not fit.
absl::StatusOr<Dims> WithFirstDim(int64_t first, DimsView dims);

// The number of segments that SEGMENT_IDS tell, all of which are checked: sorted ones begin at 0
// and have no gaps; unsorted ones are not negative, and below `num_segments` unless that is -1.
absl::StatusOr<int64_t> CountSegments(SegmentKind kind, const Tensor& ids, int64_t num_segments);

// Where segments begin in the list of rows that they are made of.
class SegmentOffsets {
 public:
  // `lengths` are checked, and must add up to `positions`, the number of `what`.
  absl::Status SetLengths(const Tensor& lengths, int64_t positions, absl::string_view what);
  // `ids` were checked by CountSegments, which gave `count`.
  absl::Status SetIds(const Tensor& ids, int64_t count);
  // Only the segments that have rows: ids[order[0]], ids[order[1]]... are sorted.
  absl::Status SetSortedIds(absl::Span<const int32_t> ids, absl::Span<const int64_t> order);
  // One segment of all rows.
  absl::Status SetOne(int64_t positions);
  SegmentRuns runs() const { return {offsets_.data<int64_t>(), offsets_.numel() - 1}; }

 private:
  Tensor offsets_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_SEGMENT_SEGMENTS_H_
