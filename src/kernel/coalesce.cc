#include "src/kernel/coalesce.h"

namespace doppio {

int64_t CountElements(DimsView dims) { return SizeToDim(dims, static_cast<int>(dims.size())); }

BroadcastLoops CoalesceBroadcast(DimsView x_dims, DimsView y_dims) {
  BroadcastLoops loops;
  for (size_t i = 0; i < y_dims.size(); ++i) {
    if (y_dims[i] == 1) continue;
    const size_t from_back = y_dims.size() - i;
    const bool repeated =
        from_back > x_dims.size() || x_dims[x_dims.size() - from_back] != y_dims[i];
    if (!loops.empty() && loops.back().repeated == repeated) {
      loops.back().size *= y_dims[i];
    } else {
      loops.push_back({y_dims[i], repeated, 0, 0});
    }
  }
  int64_t x_stride = 1;
  int64_t y_stride = 1;
  for (size_t i = loops.size(); i-- > 0;) {
    loops[i].y_stride = y_stride;
    loops[i].x_stride = loops[i].repeated ? 0 : x_stride;
    y_stride *= loops[i].size;
    if (!loops[i].repeated) x_stride *= loops[i].size;
  }
  return loops;
}

}  // namespace doppio
