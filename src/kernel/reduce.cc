#include "src/kernel/reduce.h"

#include <limits>
#include <type_traits>

#include "doppio/float16.h"
#include "src/kernel/coalesce.h"

namespace doppio {
namespace {

template <typename T>
struct Accumulator {
  using type = T;
};
template <>
struct Accumulator<int32_t> {
  using type = uint32_t;
};
template <>
struct Accumulator<int64_t> {
  using type = uint64_t;
};
template <>
struct Accumulator<float16> {
  using type = float;
};
template <>
struct Accumulator<bfloat16> {
  using type = float;
};

template <typename T>
using Acc = typename Accumulator<T>::type;

template <typename T>
Acc<T> SumPlain(const BroadcastLoops& reduced, size_t depth, const T* y) {
  if (depth == reduced.size()) return static_cast<Acc<T>>(*y);
  Acc<T> sum = 0;
  for (int64_t i = 0; i < reduced[depth].size; ++i) {
    sum += SumPlain(reduced, depth + 1, y + i * reduced[depth].y_stride);
  }
  return sum;
}

template <typename T, typename Finish>
void ReducePlain(const BroadcastLoops& kept, const BroadcastLoops& reduced, size_t depth,
                 const T* y, T* x, const Finish& finish) {
  if (depth == kept.size()) {
    *x = finish(SumPlain(reduced, 0, y));
    return;
  }
  const BroadcastLoop& loop = kept[depth];
  for (int64_t i = 0; i < loop.size; ++i) {
    ReducePlain(kept, reduced, depth + 1, y + i * loop.y_stride, x + i * loop.x_stride, finish);
  }
}

template <typename T, typename Finish>
void Reduce(const T* y, DimsView y_dims, T* x, DimsView x_dims, const Finish& finish) {
  if (CountElements(x_dims) == 0) return;
  if (CountElements(y_dims) == 0) {
    for (int64_t i = 0; i < CountElements(x_dims); ++i) x[i] = finish(Acc<T>(0));
    return;
  }
  BroadcastLoops kept;
  BroadcastLoops reduced;
  for (const BroadcastLoop& loop : CoalesceBroadcast(x_dims, y_dims)) {
    (loop.repeated ? reduced : kept).push_back(loop);
  }
  ReducePlain(kept, reduced, 0, y, x, finish);
}

}  // namespace

template <typename T>
void ReduceSumTo(const T* y, DimsView y_dims, T* x, DimsView x_dims, CPUContext*) {
  Reduce(y, y_dims, x, x_dims, [](Acc<T> sum) { return static_cast<T>(sum); });
}

template <typename T>
void ReduceMeanTo(const T* y, DimsView y_dims, T* x, DimsView x_dims, CPUContext*) {
  const int64_t outputs = CountElements(x_dims);
  const int64_t count = outputs == 0 ? 0 : CountElements(y_dims) / outputs;
  Reduce(y, y_dims, x, x_dims, [count](Acc<T> sum) -> T {
    if constexpr (std::is_integral_v<T>) {
      return count == 0 ? T(0) : static_cast<T>(static_cast<T>(sum) / count);
    } else {
      return static_cast<T>(sum / static_cast<Acc<T>>(count));
    }
  });
}

#define DOPPIO_INSTANTIATE_REDUCE(T)                                            \
  template void ReduceSumTo<T>(const T*, DimsView, T*, DimsView, CPUContext*);  \
  template void ReduceMeanTo<T>(const T*, DimsView, T*, DimsView, CPUContext*);
DOPPIO_INSTANTIATE_REDUCE(int32_t)
DOPPIO_INSTANTIATE_REDUCE(int64_t)
DOPPIO_INSTANTIATE_REDUCE(float)
DOPPIO_INSTANTIATE_REDUCE(double)
DOPPIO_INSTANTIATE_REDUCE(float16)
DOPPIO_INSTANTIATE_REDUCE(bfloat16)
#undef DOPPIO_INSTANTIATE_REDUCE

}  // namespace doppio
