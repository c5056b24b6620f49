#ifndef DOPPIO_KERNEL_MAX_POOL_PLACES_H_
#define DOPPIO_KERNEL_MAX_POOL_PLACES_H_

#include "src/kernel/spatial.h"

namespace doppio {

// Maxima of windows with any dilation over images X [batch * channels, in...] (the batch of
// `window` counts channels too), and, where `places` is not null, where they stand in X as a whole:
// of equal ones the first. With `by_columns` the elements of an image are counted with the first
// spatial dimension fastest. NaN is passed over; a window without a number larger than the type's
// lowest gives that, and the place -1. T: float, double, int8_t, uint8_t.
template <typename T>
void MaxPoolPlaces(const SlidingWindow& window, bool by_columns, const T* x, T* y, int64_t* places);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_MAX_POOL_PLACES_H_
