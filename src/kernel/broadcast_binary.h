#ifndef DOPPIO_KERNEL_BROADCAST_BINARY_H_
#define DOPPIO_KERNEL_BROADCAST_BINARY_H_

// The loops of a function of two broadcast operands, for functions of any types.

#include <algorithm>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "doppio/parallel.h"
#include "doppio/shape.h"
#include "src/kernel/broadcast.h"

namespace doppio {

// One loop of c = f(a, b): `size` steps, along which a and b advance by their strides (elements; 0
// where an operand is repeated).
struct BinaryLoop {
  int64_t size;
  int64_t a_stride;
  int64_t b_stride;
};
using BinaryLoops = absl::InlinedVector<BinaryLoop, 8>;

// The loops, outermost first; as few as possible, none of size 1, at least one. c_dims is the
// broadcast of a_dims and b_dims and has elements. In the innermost one, strides are 1 or 0.
BinaryLoops CoalesceBinary(DimsView a_dims, DimsView b_dims, DimsView c_dims);

// c[i] = f(a[i], b[i]) for i in [0, n), n > 0; an operand that is repeated stays at its first
// element.
template <typename In, typename Out>
using BinaryRow = void (*)(const In* a, bool repeat_a, const In* b, bool repeat_b, Out* c,
                           int64_t n);

namespace internal {

// Where the elements of a piece of c are in a and b: stretches of the innermost loop.
class BinaryWalk {
 public:
  BinaryWalk(const BinaryLoops& loops, int64_t begin, int64_t end);

  bool AtEnd() const { return position_ == end_; }
  int64_t a() const { return a_; }
  int64_t b() const { return b_; }
  int64_t size() const { return size_; }
  void Next();

 private:
  const BinaryLoops& loops_;
  int64_t position_;
  int64_t end_;
  int64_t a_ = 0;
  int64_t b_ = 0;
  int64_t size_ = 0;
  absl::InlinedVector<int64_t, 8> index_;
};

}  // namespace internal

template <typename In, typename Out>
void BroadcastBinary(BinaryRow<In, Out> row, const In* a, DimsView a_dims, const In* b,
                     DimsView b_dims, Out* c, DimsView c_dims, int64_t grain) {
  const int64_t total = SizeFromDim(c_dims, 0);
  if (total == 0) return;
  const BinaryLoops loops = CoalesceBinary(a_dims, b_dims, c_dims);
  const BinaryLoop& inner = loops.back();
  const bool repeat_a = inner.a_stride == 0;
  const bool repeat_b = inner.b_stride == 0;
  constexpr int64_t kShort = 64;
  constexpr int64_t kRoom = 1024;
  if (loops.size() == 1 || inner.size >= kShort) {
    ParallelFor(total, grain, [&](int64_t begin, int64_t end) {
      Out* to = c + begin;
      for (internal::BinaryWalk walk(loops, begin, end); !walk.AtEnd(); walk.Next()) {
        row(a + walk.a(), repeat_a, b + walk.b(), repeat_b, to, walk.size());
        to += walk.size();
      }
    });
    return;
  }
  // Short rows would cost more calls than work: operands are laid out as c is, piece by piece.
  const BroadcastReader a_reader(sizeof(In), a, a_dims, c_dims);
  const BroadcastReader b_reader(sizeof(In), b, b_dims, c_dims);
  ParallelFor(total, grain, [&](int64_t begin, int64_t end) {
    In a_room[kRoom];
    In b_room[kRoom];
    for (int64_t from = begin; from < end; from += kRoom) {
      const int64_t to = std::min(from + kRoom, end);
      row(static_cast<const In*>(a_reader.Read(from, to, a_room)), false,
          static_cast<const In*>(b_reader.Read(from, to, b_room)), false, c + from, to - from);
    }
  });
}

}  // namespace doppio

#endif  // DOPPIO_KERNEL_BROADCAST_BINARY_H_
