#ifndef DOPPIO_TESTS_SUPPORT_RANDOM_NET_PREDICTOR_H_
#define DOPPIO_TESTS_SUPPORT_RANDOM_NET_PREDICTOR_H_

#include <cstdint>
#include <map>
#include <string>

#include "doppio/predictor.h"
#include "tests/support/random_net.h"

namespace doppio {

// Expects that Predictor, which rewrites a net and lets its blobs share buffers, gives what it
// gives without that: for these feeds, for others, and for these once more. The same bits, or
// nearly so where rewriting may round in another way.
void CheckPredictor(const Model& model, const std::map<std::string, Tensor>& feeds, bool same_bits);

// The net with a quarter of what it makes as outputs; one blob at least.
Model SomeOfItsOutputs(const RandomNet& drawn, uint64_t seed);

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_RANDOM_NET_PREDICTOR_H_
