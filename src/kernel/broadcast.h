#ifndef DOPPIO_KERNEL_BROADCAST_H_
#define DOPPIO_KERNEL_BROADCAST_H_

// Materialised broadcast by NumPy's rule: y[i] = x[i with every repeated dimension at 0].

#include <cstddef>
#include <cstdint>
#include <string>

#include "doppio/context.h"
#include "doppio/shape.h"
#include "src/kernel/coalesce.h"

namespace doppio {

// Writes all of y. Shapes are aligned at the last dimension; each size of x equals that of y or is
// 1, and x may lack leading dimensions (or have more of them, of size 1). `element_size` is 1, 2, 4
// or 8 bytes; x and y must not overlap.
void Broadcast(size_t element_size, const void* x, DimsView x_dims, void* y, DimsView y_dims,
               CPUContext* context);
void Broadcast(const std::string* x, DimsView x_dims, std::string* y, DimsView y_dims,
               CPUContext* context);

// What Broadcast would write, read piece by piece instead.
class BroadcastReader {
 public:
  // x must live on.
  BroadcastReader(size_t element_size, const void* x, DimsView x_dims, DimsView y_dims);

  // Elements [begin, end) of y, end > begin: where they lie in x if they lie there so, or else
  // in `room`, to which they are written.
  const void* Read(int64_t begin, int64_t end, void* room) const;

 private:
  const int64_t size_;
  const char* x_;
  const BroadcastLoops loops_;
};

}  // namespace doppio

#endif  // DOPPIO_KERNEL_BROADCAST_H_
