#ifndef DOPPIO_OPS_SEQUENCE_ROW_SEGMENTS_H_
#define DOPPIO_OPS_SEQUENCE_ROW_SEGMENTS_H_

#include <algorithm>
#include <vector>

#include "src/operator/lengths_input.h"

namespace doppio {

// Elements that a thread should have to copy before another one helps.
constexpr int64_t kCopyGrain = int64_t{1} << 15;

// Segments of rows that lie one behind the other, as lengths tell them.
class RowSegments {
 public:
  // Of a vector of int32 or int64, none negative; `what` is its name.
  absl::Status Set(const Tensor& lengths, absl::string_view what) {
    if (lengths.rank() == 1 && lengths.Is<int32_t>()) return SetSpan(lengths.span<int32_t>(), what);
    if (lengths.rank() == 1 && lengths.Is<int64_t>()) return SetSpan(lengths.span<int64_t>(), what);
    return absl::InvalidArgumentError(absl::StrCat(what, " must be a vector of int32 or int64, ",
                                                   "but is ", lengths.TypeAndShape()));
  }
  // The same, for operators that have lengths of int32 alone.
  absl::Status SetInt32(const Tensor& lengths, absl::string_view what) {
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(lengths, what));
    return SetSpan(lengths.span<int32_t>(), what);
  }
  // One segment of all rows.
  void SetOne(int64_t rows) {
    begins_.assign({0, rows});
    longest_ = rows;
  }

  // What is longer ends after `most` rows.
  void Cut(int64_t most) {
    if (longest_ <= most) return;
    int64_t begin = 0;
    for (size_t i = 1; i < begins_.size(); ++i) {
      const int64_t length = begins_[i] - begin;
      begin = begins_[i];
      begins_[i] = begins_[i - 1] + std::min(length, most);
    }
    longest_ = most;
  }

  int64_t count() const { return static_cast<int64_t>(begins_.size()) - 1; }
  int64_t rows() const { return begins_.back(); }  // of all segments
  int64_t longest() const { return longest_; }     // 0 where there is none
  int64_t begin(int64_t i) const { return begins_[static_cast<size_t>(i)]; }
  int64_t length(int64_t i) const { return begin(i + 1) - begin(i); }

  // InvalidArgument unless the segments have together as many rows as `of`.
  absl::Status CheckRows(absl::string_view what, int64_t rows_there, absl::string_view of) const {
    if (rows() == rows_there) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(what, " sum to ", rows(), ", but ", of, " has ", rows_there, " rows"));
  }

 private:
  template <typename Length>
  absl::Status SetSpan(absl::Span<const Length> lengths, absl::string_view what) {
    DOPPIO_RETURN_IF_ERROR(SumOfLengths(lengths, what).status());
    begins_.assign(1, 0);
    longest_ = 0;
    for (const int64_t length : lengths) {
      begins_.push_back(begins_.back() + length);
      longest_ = std::max(longest_, length);
    }
    return absl::OkStatus();
  }

  std::vector<int64_t> begins_ = {0};
  int64_t longest_ = 0;
};

// Segments that stand side by side: `data`, called `what`, is [places, segments, width], and there
// is a length for each segment.
inline absl::Status CheckSideBySide(DimsView data, absl::string_view what, DimsView lengths,
                                    absl::string_view lengths_name) {
  if (data.size() == 3 && lengths.size() == 1 && lengths[0] == data[1]) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      what, " must be [places, segments, width] and ", lengths_name, " [segments], but they are ",
      ShapeToString(data), " and ", ShapeToString(lengths)));
}

}  // namespace doppio

#endif  // DOPPIO_OPS_SEQUENCE_ROW_SEGMENTS_H_
