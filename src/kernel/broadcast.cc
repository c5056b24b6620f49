#include "src/kernel/broadcast.h"

#include <cstdint>

#include "src/kernel/coalesce.h"

namespace doppio {
namespace {

template <typename T>
void BroadcastPlain(const BroadcastLoops& loops, size_t depth, const T* x, T* y) {
  if (depth == loops.size()) {
    *y = *x;
    return;
  }
  const BroadcastLoop& loop = loops[depth];
  for (int64_t i = 0; i < loop.size; ++i) {
    BroadcastPlain(loops, depth + 1, x + i * loop.x_stride, y + i * loop.y_stride);
  }
}

template <typename T>
void BroadcastTyped(const void* x, DimsView x_dims, void* y, DimsView y_dims) {
  if (CountElements(y_dims) == 0) return;
  BroadcastPlain(CoalesceBroadcast(x_dims, y_dims), 0, static_cast<const T*>(x),
                 static_cast<T*>(y));
}

}  // namespace

void Broadcast(size_t element_size, const void* x, DimsView x_dims, void* y, DimsView y_dims,
               CPUContext*) {
  switch (element_size) {
    case 1:
      return BroadcastTyped<uint8_t>(x, x_dims, y, y_dims);
    case 2:
      return BroadcastTyped<uint16_t>(x, x_dims, y, y_dims);
    case 4:
      return BroadcastTyped<uint32_t>(x, x_dims, y, y_dims);
    default:
      return BroadcastTyped<uint64_t>(x, x_dims, y, y_dims);
  }
}

void Broadcast(const std::string* x, DimsView x_dims, std::string* y, DimsView y_dims,
               CPUContext*) {
  BroadcastTyped<std::string>(x, x_dims, y, y_dims);
}

}  // namespace doppio
