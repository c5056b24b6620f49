#ifndef DOPPIO_OPS_SEQUENCE_MARKED_ROWS_H_
#define DOPPIO_OPS_SEQUENCE_MARKED_ROWS_H_

#include <vector>

#include "src/kernel/indices.h"

namespace doppio {

// Rows of a tensor that indices name, in any order, and as often as they like.
class MarkedRows {
 public:
  // Every index must be in [0, rows).
  template <typename Index>
  absl::Status Set(absl::Span<const Index> indices, int64_t rows) {
    DOPPIO_RETURN_IF_ERROR(CheckIndices(indices, 0, rows));
    is_marked_.assign(static_cast<size_t>(rows), 0);
    count_ = 0;
    for (Index row : indices) {
      char& is_marked = is_marked_[static_cast<size_t>(row)];
      count_ += is_marked == 0 ? 1 : 0;
      is_marked = 1;
    }
    return absl::OkStatus();
  }

  int64_t count() const { return count_; }
  bool contains(int64_t row) const { return is_marked_[static_cast<size_t>(row)] != 0; }

 private:
  std::vector<char> is_marked_;
  int64_t count_ = 0;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_SEQUENCE_MARKED_ROWS_H_
