#ifndef DOPPIO_KERNEL_FILL_H_
#define DOPPIO_KERNEL_FILL_H_

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

// y[0 .. n) = value, for any numeric type or std::string.
template <typename T>
void Fill(const T& value, T* y, int64_t n, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_FILL_H_
