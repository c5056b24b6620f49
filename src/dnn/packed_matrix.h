#ifndef DOPPIO_DNN_PACKED_MATRIX_H_
#define DOPPIO_DNN_PACKED_MATRIX_H_

#include <cstdint>

#include "doppio/tensor.h"
#include "src/kernel/product.h"

namespace doppio {

// A matrix of float that many products have for their right factor: laid out for them once.
class PackedMatrix {
 public:
  // Copies `w`, the factor's transpose: dimensions before `axis` are its n, those from there on its
  // k.
  absl::Status Set(const Tensor& w, int axis);

  // Those of that tensor.
  const Dims& dims() const { return dims_; }

  // c [m,n] = a [m,k] times the matrix, and then the end.
  void Multiply(const float* a, int64_t m, ProductEnd end, float* c) const;

 private:
  Dims dims_;
  int64_t k_ = 0;
  int64_t n_ = 0;
  Tensor panels_;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_PACKED_MATRIX_H_
