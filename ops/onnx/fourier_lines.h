#ifndef DOPPIO_OPS_ONNX_FOURIER_LINES_H_
#define DOPPIO_OPS_ONNX_FOURIER_LINES_H_

#include <complex>

#include "doppio/tensor.h"

namespace doppio {

// The discrete Fourier transforms of many lines of one length, in double. Memory is kept from use
// to use.
class FourierLines {
 public:
  using Complex = std::complex<double>;

  // To be called first. InvalidArgument unless the length is at least 1.
  absl::Status Prepare(int64_t length, bool inverse);
  // What is to be transformed.
  Complex* line() { return numbers() + length_; }
  // Its transform.
  const Complex* Transform();

  // How many numbers tell a transform of real numbers: the others are their conjugates.
  static int64_t OneSided(int64_t length) { return length / 2 + 1; }

 private:
  Complex* numbers() { return reinterpret_cast<Complex*>(room_.mutable_data<double>()); }

  int64_t length_ = 0;
  bool inverse_ = false;
  Tensor room_;  // roots of 1, the line, its transform, and scratch
};

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_FOURIER_LINES_H_
