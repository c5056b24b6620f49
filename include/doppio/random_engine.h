#ifndef DOPPIO_RANDOM_ENGINE_H_
#define DOPPIO_RANDOM_ENGINE_H_

// Threads: an engine is used by one at a time.

#include <random>

namespace doppio {

// Where an operator's random numbers come from (CPUContext::RandomGenerator()). A type of its own,
// so that context.h can name it without <random>, which few operators use.
class RandomEngine : public std::mt19937 {
 public:
  using std::mt19937::mt19937;
};

}  // namespace doppio

#endif  // DOPPIO_RANDOM_ENGINE_H_
