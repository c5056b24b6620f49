#include "src/kernel/broadcast_binary.h"

namespace doppio {
namespace {

// The size of `dims` at that place from the back; 1 where it has none.
int64_t SizeFromBack(DimsView dims, size_t from_back) {
  return from_back > dims.size() ? 1 : dims[dims.size() - from_back];
}

}  // namespace

BinaryLoops CoalesceBinary(DimsView a_dims, DimsView b_dims, DimsView c_dims) {
  // Strides hold 1 (advances) and 0 (stays) until all sizes are known.
  BinaryLoops loops;
  for (size_t i = 0; i < c_dims.size(); ++i) {
    if (c_dims[i] == 1) continue;
    const int64_t a_moves = SizeFromBack(a_dims, c_dims.size() - i) == 1 ? 0 : 1;
    const int64_t b_moves = SizeFromBack(b_dims, c_dims.size() - i) == 1 ? 0 : 1;
    if (!loops.empty() && loops.back().a_stride == a_moves && loops.back().b_stride == b_moves) {
      loops.back().size *= c_dims[i];
    } else {
      loops.push_back({c_dims[i], a_moves, b_moves});
    }
  }
  if (loops.empty()) loops.push_back({1, 1, 1});
  int64_t a_stride = 1;
  int64_t b_stride = 1;
  for (size_t i = loops.size(); i-- > 0;) {
    BinaryLoop& loop = loops[i];
    if (loop.a_stride != 0) {
      loop.a_stride = a_stride;
      a_stride *= loop.size;
    }
    if (loop.b_stride != 0) {
      loop.b_stride = b_stride;
      b_stride *= loop.size;
    }
  }
  return loops;
}

namespace internal {

BinaryWalk::BinaryWalk(const BinaryLoops& loops, int64_t begin, int64_t end)
    : loops_(loops), position_(begin), end_(end), index_(loops.size()) {
  int64_t rest = begin;
  for (size_t i = loops.size(); i-- > 0;) {
    index_[i] = rest % loops[i].size;
    rest /= loops[i].size;
    a_ += index_[i] * loops[i].a_stride;
    b_ += index_[i] * loops[i].b_stride;
  }
  size_ = std::min(loops.back().size - index_.back(), end_ - position_);
}

void BinaryWalk::Next() {
  position_ += size_;
  if (position_ == end_) return;
  // Only the last stretch ends within a row: here a row is finished, and the loops around it count.
  const BinaryLoop& inner = loops_.back();
  a_ -= index_.back() * inner.a_stride;
  b_ -= index_.back() * inner.b_stride;
  index_.back() = 0;
  for (size_t i = loops_.size() - 1; i-- > 0;) {
    const BinaryLoop& loop = loops_[i];
    a_ += loop.a_stride;
    b_ += loop.b_stride;
    if (++index_[i] < loop.size) break;
    a_ -= loop.size * loop.a_stride;
    b_ -= loop.size * loop.b_stride;
    index_[i] = 0;
  }
  size_ = std::min(inner.size, end_ - position_);
}

}  // namespace internal
}  // namespace doppio
