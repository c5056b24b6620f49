#ifndef DOPPIO_OPERATOR_WEIGHT_INPUT_H_
#define DOPPIO_OPERATOR_WEIGHT_INPUT_H_

#include "doppio/tensor.h"

namespace doppio {

// A number that tensors of type `dtype` are multiplied by, given as a blob: one float, as it always
// was in Caffe2, or one element of that type.
inline bool IsWeight(const Tensor& weight, DataType dtype) {
  return weight.numel() == 1 && (weight.Is<float>() || weight.dtype() == dtype);
}

// Its value; T is the type that IsWeight was asked for.
template <typename T>
T WeightOf(const Tensor& weight) {
  return weight.Is<float>() ? static_cast<T>(*weight.data<float>()) : *weight.data<T>();
}

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_WEIGHT_INPUT_H_
