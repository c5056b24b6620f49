#ifndef DOPPIO_OPTIONAL_OUTPUTS_H_
#define DOPPIO_OPTIONAL_OUTPUTS_H_

// Outputs that an operator computes only where they are asked for. It states from which one on they
// may be left out of its definition, in its own source:
//
//   DOPPIO_OPTIONAL_OUTPUTS(FCGradient, 2);  // dW, db, and perhaps dX
//
// A gradient net of which some gradients are wanted alone (GradientOptions::wrt) leaves out what
// nobody reads. What is there has the same bits with and without them.

#include <functional>

#include "doppio/net.pb.h"

namespace doppio {

class OptionalOutputs {
 public:
  // The least number of outputs of a definition: all but those may be left out.
  using Least = std::function<int(const OperatorDef&)>;

  static bool Register(const char* type, Least least, const char* file, int line);
  static bool Register(const char* type, int least, const char* file, int line);
  // How many outputs of `def` have to stay; all of them where nothing is stated.
  static int LeastOf(const OperatorDef& def);
};

// Of an operator type: a number, or a function of the definition that gives it.
#define DOPPIO_OPTIONAL_OUTPUTS(Type, ...)                 \
  [[maybe_unused]] static const bool doppio_least_##Type = \
      ::doppio::OptionalOutputs::Register(#Type, __VA_ARGS__, __FILE__, __LINE__)

}  // namespace doppio

#endif  // DOPPIO_OPTIONAL_OUTPUTS_H_
