#ifndef DOPPIO_TESTS_FUZZ_SEED_TENSORS_H_
#define DOPPIO_TESTS_FUZZ_SEED_TENSORS_H_

#include <vector>

#include "doppio/tensor.h"

namespace doppio {

// A small tensor of every type, and an empty one and a scalar.
std::vector<Tensor> SeedTensors();

}  // namespace doppio

#endif  // DOPPIO_TESTS_FUZZ_SEED_TENSORS_H_
