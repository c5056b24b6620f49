#ifndef DOPPIO_TRAINING_RANDOM_STATE_H_
#define DOPPIO_TRAINING_RANDOM_STATE_H_

#include <string>
#include <vector>

#include "doppio/net.h"

namespace doppio::training {

// The generators of a net's operators, as text, one for each operator that may draw (whose schema
// states side effects); in the order of the net.
std::vector<std::string> RandomStates(const Net& net);
// How many that are.
size_t CountRandomStates(const Net& net);
// Puts them back; DataLoss for a text that is none. There must be as many as the net has.
absl::Status SetRandomStates(const std::vector<std::string>& states, Net* net);

// An error where nets inside operators may draw: their generators can not be reached.
absl::Status CheckNoneIsHidden(const NetDef& net);

}  // namespace doppio::training

#endif  // DOPPIO_TRAINING_RANDOM_STATE_H_
