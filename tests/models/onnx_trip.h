#ifndef DOPPIO_TESTS_MODELS_ONNX_TRIP_H_
#define DOPPIO_TESTS_MODELS_ONNX_TRIP_H_

#include <map>
#include <string>

#include "doppio/model.h"
#include "doppio/tensor.h"

namespace doppio {

// What became of a model that was written as ONNX, read again and run, and run by ONNX Runtime
// where that is installed. Differences are those of any element of any output, as a share of the
// largest element of that output; -1: nobody could tell.
struct OnnxTrip {
  std::string refused;  // why it was not written
  double of_reader = -1;
  double of_onnxruntime = -1;

  std::string ToString() const;
};

// The inputs say what is fed, and with which types and shapes the model is written. Errors are
// those of a model that was written and is refused or fails where it is read.
absl::StatusOr<OnnxTrip> TakeToOnnx(Model model, const std::map<std::string, Tensor>& inputs);

}  // namespace doppio

#endif  // DOPPIO_TESTS_MODELS_ONNX_TRIP_H_
