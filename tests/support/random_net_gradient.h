#ifndef DOPPIO_TESTS_SUPPORT_RANDOM_NET_GRADIENT_H_
#define DOPPIO_TESTS_SUPPORT_RANDOM_NET_GRADIENT_H_

#include <cstdint>
#include <map>
#include <string>

#include "tests/support/random_net.h"

namespace doppio {

struct GradientTally {
  int64_t right = 0;
  int64_t refused = 0;
  int64_t elements = 0;                    // derivatives that were compared
  std::map<std::string, int64_t> reasons;  // of the refusals, by kind
};

// Draws targets among the blobs of a net of doubles, and expects that the gradients that
// AddGradientOperators makes are what finite differences give, or that it refuses the net for one
// of the reasons that docs/gradients.md lists. Of large blobs it compares about `max_elements`.
void CheckDrawnGradients(const RandomNet& drawn, uint64_t seed, int64_t max_elements,
                         GradientTally* tally);

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_RANDOM_NET_GRADIENT_H_
