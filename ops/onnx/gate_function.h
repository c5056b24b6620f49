#ifndef DOPPIO_OPS_ONNX_GATE_FUNCTION_H_
#define DOPPIO_OPS_ONNX_GATE_FUNCTION_H_

// The functions that ONNX's recurrent operators make gates by.

#include <string>
#include <vector>

#include "doppio/arguments.h"

namespace doppio {

class GateFunction {
 public:
  // Reads activations, activation_alpha, activation_beta and clip: `count` functions for each
  // direction, those of `names` where none are given. What is wrong is reported to the reader.
  static std::vector<GateFunction> ReadAll(ArgumentReader* args, int64_t directions,
                                           const std::vector<std::string>& names);

  // x[i] = f(x[i]), clipped before. T is float or double.
  template <typename T>
  void Apply(T* x, int64_t n) const;

 private:
  enum class Kind {
    kRelu,
    kTanh,
    kSigmoid,
    kAffine,
    kLeakyRelu,
    kThresholdedRelu,
    kScaledTanh,
    kHardSigmoid,
    kElu,
    kSoftsign,
    kSoftplus,
  };
  struct Known;

  Kind kind_ = Kind::kTanh;
  float alpha_ = 0;
  float beta_ = 0;
  float clip_ = 0;  // 0: none
};

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_GATE_FUNCTION_H_
