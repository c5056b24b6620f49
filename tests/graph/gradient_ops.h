#ifndef DOPPIO_TESTS_GRAPH_GRADIENT_OPS_H_
#define DOPPIO_TESTS_GRAPH_GRADIENT_OPS_H_

#include <string>
#include <vector>

#include "doppio/gradient.h"
#include "doppio/op_def.h"

namespace doppio {

// The gradient operators as one line each: "Type(inputs) -> outputs".
inline std::vector<std::string> GradientOps(const Backward& backward) {
  std::vector<std::string> lines;
  for (int i = backward.forward_operators; i < backward.net.op_size(); ++i) {
    lines.push_back(OpToString(backward.net.op(i)));
  }
  return lines;
}

}  // namespace doppio

#endif  // DOPPIO_TESTS_GRAPH_GRADIENT_OPS_H_
