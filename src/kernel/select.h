#ifndef DOPPIO_KERNEL_SELECT_H_
#define DOPPIO_KERNEL_SELECT_H_

#include <cstddef>
#include <cstdint>

namespace doppio {

// z[i] = condition[i] ? x[i] : y[i] for n elements of 1, 2, 4 or 8 bytes, on the calling thread. z
// may be x or y.
void SelectElements(size_t element_size, const bool* condition, const void* x, const void* y,
                    void* z, int64_t n);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_SELECT_H_
