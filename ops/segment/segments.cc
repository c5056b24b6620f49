#include "ops/segment/segments.h"

#include <algorithm>
#include <string>

#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

std::string Describe(absl::string_view name, const SegmentInput& input) {
  return absl::StrCat(name, " ", DataTypeName(input.dtype), ShapeToString(input.dims));
}

}  // namespace

absl::StatusOr<int64_t> CheckSegmentInputs(const SegmentTraits& traits,
                                           absl::Span<const SegmentInput> inputs) {
  const SegmentInput& data = inputs[0];
  const bool half = traits.gathered && traits.kind == SegmentKind::kLengths;
  if (data.dtype != DataType::kFloat && data.dtype != DataType::kDouble &&
      !(half && data.dtype == DataType::kFloat16)) {
    if (!half) return UnsupportedTypeError(data.dtype, {DataType::kFloat, DataType::kDouble});
    return UnsupportedTypeError(data.dtype,
                                {DataType::kFloat, DataType::kDouble, DataType::kFloat16});
  }
  if (data.dims.empty()) {
    return absl::InvalidArgumentError("DATA is a scalar, but must have rows");
  }
  int64_t positions = data.dims[0];
  absl::string_view rows = "rows of DATA";
  if (traits.gathered) {
    const SegmentInput& indices = inputs[traits.indices()];
    if ((indices.dtype != DataType::kInt32 && indices.dtype != DataType::kInt64) ||
        indices.dims.size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(Describe("INDICES", indices), " must be a vector of int32 or int64"));
    }
    positions = indices.dims[0];
    rows = "INDICES";
  }
  if (traits.weighted) {
    const SegmentInput& weights = inputs[1];
    const DataType type = SegmentOutputType(data.dtype);
    if (weights.dtype != type || weights.dims.size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(Describe("SCALARS", weights), " must be a vector of ", DataTypeName(type)));
    }
    if (!traits.by_place && weights.dims[0] != positions) {
      return absl::InvalidArgumentError(absl::StrCat(
          "SCALARS has ", weights.dims[0], " elements, but there are ", positions, " ", rows));
    }
  }
  const bool lengths = traits.kind == SegmentKind::kLengths;
  const SegmentInput& segments = inputs[traits.segments()];
  DOPPIO_RETURN_IF_ERROR(
      CheckVector<int32_t>(segments.dtype, segments.dims, lengths ? "LENGTHS" : "SEGMENT_IDS"));
  if (!lengths && segments.dims[0] != positions) {
    return absl::InvalidArgumentError(absl::StrCat(
        "SEGMENT_IDS has ", segments.dims[0], " elements, but there are ", positions, " ", rows));
  }
  return positions;
}

absl::StatusOr<Dims> WithFirstDim(int64_t first, DimsView dims) {
  Dims result(dims.begin(), dims.end());
  result[0] = first;
  DOPPIO_RETURN_IF_ERROR(NumElements(result).status());
  return result;
}

absl::StatusOr<int64_t> CountSegments(SegmentKind kind, const Tensor& ids, int64_t num_segments) {
  const absl::Span<const int32_t> elements = ids.span<int32_t>();
  if (kind == SegmentKind::kSortedIds) {
    int64_t last = -1;
    for (size_t i = 0; i < elements.size(); ++i) {
      const int64_t id = elements[i];
      if (id != last + 1 && (id != last || i == 0)) {
        return absl::InvalidArgumentError(absl::StrCat("segment id ", i, " is ", id,
                                                       ", but sorted ids begin at 0 and have no "
                                                       "gaps: ",
                                                       i == 0 ? "" : absl::StrCat(last, " or "),
                                                       last + 1, " is expected"));
      }
      last = id;
    }
    return last + 1;
  }
  if (num_segments < -1) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_segments is ", num_segments, ", but must not be negative"));
  }
  int64_t count = std::max<int64_t>(num_segments, 0);
  for (size_t i = 0; i < elements.size(); ++i) {
    const int64_t id = elements[i];
    if (id < 0 || (num_segments >= 0 && id >= num_segments)) {
      return absl::InvalidArgumentError(
          num_segments >= 0 ? absl::StrCat("segment id ", i, " is ", id, ", but must be in [0, ",
                                           num_segments, ")")
                            : absl::StrCat("segment id ", i, " is ", id, ", which is negative"));
    }
    count = std::max(count, id + 1);
  }
  return count;
}

absl::Status SegmentOffsets::SetLengths(const Tensor& lengths, int64_t positions,
                                        absl::string_view what) {
  DOPPIO_ASSIGN_OR_RETURN(const int64_t sum, SumOfLengths(lengths.span<int32_t>(), "LENGTHS"));
  if (sum != positions) {
    return absl::InvalidArgumentError(
        absl::StrCat("LENGTHS add up to ", sum, ", but there are ", positions, " ", what));
  }
  DOPPIO_RETURN_IF_ERROR(offsets_.Resize(DataType::kInt64, {lengths.numel() + 1}));
  int64_t* offsets = offsets_.mutable_data<int64_t>();
  *offsets = 0;
  for (const int32_t length : lengths.span<int32_t>()) {
    offsets[1] = offsets[0] + length;
    ++offsets;
  }
  return absl::OkStatus();
}

absl::Status SegmentOffsets::SetIds(const Tensor& ids, int64_t count) {
  DOPPIO_RETURN_IF_ERROR(offsets_.Resize(DataType::kInt64, {count + 1}));
  int64_t* offsets = offsets_.mutable_data<int64_t>();
  std::fill_n(offsets, count + 1, int64_t{0});
  for (const int32_t id : ids.span<int32_t>()) ++offsets[id + int64_t{1}];
  for (int64_t k = 0; k < count; ++k) offsets[k + 1] += offsets[k];
  return absl::OkStatus();
}

absl::Status SegmentOffsets::SetSortedIds(absl::Span<const int32_t> ids,
                                          absl::Span<const int64_t> order) {
  const auto begins = [&](size_t i) { return i == 0 || ids[order[i]] != ids[order[i - 1]]; };
  int64_t count = 0;
  for (size_t i = 0; i < order.size(); ++i) count += begins(i) ? 1 : 0;
  DOPPIO_RETURN_IF_ERROR(offsets_.Resize(DataType::kInt64, {count + 1}));
  int64_t* offsets = offsets_.mutable_data<int64_t>();
  for (size_t i = 0; i < order.size(); ++i) {
    if (begins(i)) *offsets++ = static_cast<int64_t>(i);
  }
  *offsets = static_cast<int64_t>(order.size());
  return absl::OkStatus();
}

absl::Status SegmentOffsets::SetOne(int64_t positions) {
  DOPPIO_RETURN_IF_ERROR(offsets_.Resize(DataType::kInt64, {2}));
  offsets_.mutable_data<int64_t>()[0] = 0;
  offsets_.mutable_data<int64_t>()[1] = positions;
  return absl::OkStatus();
}

}  // namespace doppio
