#ifndef DOPPIO_OPERATOR_GRADIENT_SOURCES_H_
#define DOPPIO_OPERATOR_GRADIENT_SOURCES_H_

#include <vector>

#include "doppio/gradient_maker.h"

namespace doppio {

// What a name that a gradient maker returned stands for. Names alone do not say it: an operator in
// place has an input and an output of the same name, and the gradient of its input may be named as
// the one of its output.
struct GradientSource {
  enum class Kind {
    kUnknown,         // no blob that the maker could have meant
    kInput,           // input `index` of the forward operator
    kOutput,          // its output `index`
    kOutputGradient,  // the gradient of its output `index`; `part` says which blob of it
    kMade,            // output `part` of gradient operator `index`
  };
  enum Part { kDense, kIndices, kValues };

  Kind kind = Kind::kUnknown;
  int index = 0;
  int part = 0;
};

// The gradient operators of one operator, with the sources of all that they read.
struct SourcedGradient {
  struct OfInput {
    GradientSource dense;
    GradientSource indices;
    GradientSource values;
  };

  GradientOpsMeta meta;
  std::vector<std::vector<GradientSource>> reads;  // for each operator, for each of its inputs
  std::vector<OfInput> g_input;  // of the parts of meta.g_input[i] that are not empty
};

// As GetGradientForOp, with its errors.
absl::StatusOr<SourcedGradient> GetSourcedGradient(const OperatorDef& def,
                                                   const std::vector<GradientWrapper>& g_output);

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_GRADIENT_SOURCES_H_
