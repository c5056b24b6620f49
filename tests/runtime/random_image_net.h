#ifndef DOPPIO_TESTS_RUNTIME_RANDOM_IMAGE_NET_H_
#define DOPPIO_TESTS_RUNTIME_RANDOM_IMAGE_NET_H_

// Nets of layers of images, drawn at random: what OptimizeNet rewrites (convolutions,
// normalisation, sums, concatenations, activations, pools, fully connected layers) among what it
// must not touch, with sizes of 1, names that are written again, and weights that are constant or,
// now and then, fed. tests/support/random_net.h has nets without layers.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "doppio/model.h"

namespace doppio {

struct RandomImageNet {
  Model model;                          // names all inputs, and some of what is made as outputs
  std::map<std::string, Tensor> feeds;  // of its inputs

  // The net as text, and the inputs, for messages.
  std::string ToString() const;
};

// Every operator of it has run once, so that the net runs. The same seed gives the same net.
RandomImageNet MakeRandomImageNet(uint64_t seed);

}  // namespace doppio

#endif  // DOPPIO_TESTS_RUNTIME_RANDOM_IMAGE_NET_H_
