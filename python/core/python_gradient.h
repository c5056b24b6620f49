#ifndef DOPPIO_PYTHON_CORE_PYTHON_GRADIENT_H_
#define DOPPIO_PYTHON_CORE_PYTHON_GRADIENT_H_

// Gradients of operators written in Python. That of Cube is CubeGradient: its inputs are the inputs
// of Cube, the outputs of Cube, the gradients of those outputs that have one; its outputs are the
// gradients of those inputs that have one; its arguments those of Cube, and what tells the groups
// of inputs apart.

#include <memory>
#include <string>
#include <vector>

#include "doppio/arguments.h"
#include "doppio/gradient_maker.h"
#include "doppio/schema.h"

namespace doppio::python {

struct GradientShape {
  int forward_inputs = -1;
  int forward_outputs = 0;
  std::vector<int> inputs;   // whose gradients are the outputs, in this order
  std::vector<int> outputs;  // whose gradients are given, in this order

  bool is_complete() const { return static_cast<int>(outputs.size()) == forward_outputs; }
};

// Problems go to reader->Fail().
GradientShape ReadGradientShape(ArgumentReader* reader);

std::string GradientType(absl::string_view forward_type);
// States the arguments and inference of a gradient.
void StateGradient(OpSchema* schema);
std::unique_ptr<GradientMakerBase> CreatePythonGradientMaker(
    const OperatorDef& def, const std::vector<GradientWrapper>& g_output);

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_PYTHON_GRADIENT_H_
