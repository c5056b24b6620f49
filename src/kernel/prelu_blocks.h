#ifndef DOPPIO_KERNEL_PRELU_BLOCKS_H_
#define DOPPIO_KERNEL_PRELU_BLOCKS_H_

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

inline constexpr int64_t kPreluLanes = 8;

// Arrays are [rows, pixels, lanes], where lanes is a multiple of kPreluLanes: channels in blocks,
// as oneDNN's convolutions have them. Row r has block r % blocks of the slopes [blocks, lanes].
struct PreluBlocks {
  int64_t rows;
  int64_t blocks;
  int64_t pixels;
  int64_t lanes;
};

// y = x where x > 0, else slope * x. y and x are the same or do not overlap.
void PreluOfBlocks(const float* x, const float* slopes, const PreluBlocks& shape, float* y,
                   CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_PRELU_BLOCKS_H_
