#include "src/kernel/reduce_extreme.h"

#include <algorithm>
#include <vector>

#include "doppio/float16.h"
#include "doppio/parallel.h"
#include "src/base/run_scope.h"
#include "src/kernel/coalesce.h"
#include "src/kernel/extreme_box.h"

namespace doppio {
namespace {

// Elements that are worth a thread of their own.
constexpr int64_t kGrain = 64 << 10;
// Few extremes of many elements: the elements are split, and what the pieces give is compared.
constexpr int64_t kFewExtremes = 256;

int64_t GrainOf(int64_t steps, int64_t elements) {
  return std::max<int64_t>(1, kGrain * steps / elements);
}

// Splits the outermost loop, which is repeated.
template <bool kLargest, typename T>
void ExtremesOfFew(const BroadcastLoops& loops, const T* x, int64_t elements, T* y, int64_t outputs,
                   internal::PieceWatch* watch) {
  constexpr int64_t kMostPieces = 16;
  const BroadcastLoop& outer = loops[0];
  const int64_t pieces =
      std::clamp<int64_t>(elements / kGrain, 1, std::min(outer.size, kMostPieces));
  if (pieces == 1 || NumThreads() == 1) return ExtremesOfBox<kLargest, T>(loops, x, y, true, watch);
  T of_pieces[kMostPieces * kFewExtremes];
  ParallelFor(pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end && watch->GoesOn(); ++piece) {
      const int64_t first = outer.size * piece / pieces;
      BroadcastLoops box = loops;
      box[0].size = outer.size * (piece + 1) / pieces - first;
      ExtremesOfBox<kLargest, T>(box, x + first * outer.y_stride, of_pieces + piece * outputs, true,
                                 watch);
    }
  });
  const BroadcastLoop both[] = {{pieces, true, 0, outputs}, {outputs, false, 1, 1}};
  ExtremesOfBox<kLargest, T>(both, of_pieces, y, true, watch);
}

}  // namespace

template <bool kLargest, typename T>
absl::Status ReduceExtremeTo(const T* x, DimsView x_dims, T* y, DimsView kept) {
  const int64_t elements = CountElements(x_dims);
  const int64_t outputs = CountElements(kept);
  if (elements == 0) return absl::OkStatus();
  BroadcastLoops loops = CoalesceBroadcast(kept, x_dims);
  if (loops.empty()) loops.push_back({1, true, 0, 1});
  internal::PieceWatch watch;
  if (loops[0].repeated && outputs <= kFewExtremes) {
    ExtremesOfFew<kLargest>(loops, x, elements, y, outputs, &watch);
    return watch.status();
  }
  const size_t place = loops[0].repeated ? 1 : 0;  // kept and repeated loops alternate
  const BroadcastLoop split = loops[place];
  ParallelFor(split.size, GrainOf(split.size, elements), [&](int64_t begin, int64_t end) {
    BroadcastLoops box = loops;
    box[place].size = end - begin;
    ExtremesOfBox<kLargest, T>(box, x + begin * split.y_stride, y + begin * split.x_stride, true,
                               &watch);
  });
  return watch.status();
}

#define DOPPIO_REDUCE_EXTREME(T)                                                    \
  template absl::Status ReduceExtremeTo<true, T>(const T*, DimsView, T*, DimsView); \
  template absl::Status ReduceExtremeTo<false, T>(const T*, DimsView, T*, DimsView);
DOPPIO_REDUCE_EXTREME(float)
DOPPIO_REDUCE_EXTREME(double)
DOPPIO_REDUCE_EXTREME(int32_t)
DOPPIO_REDUCE_EXTREME(int64_t)
DOPPIO_REDUCE_EXTREME(float16)
DOPPIO_REDUCE_EXTREME(bfloat16)
#undef DOPPIO_REDUCE_EXTREME

}  // namespace doppio
