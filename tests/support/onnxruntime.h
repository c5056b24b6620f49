#ifndef DOPPIO_TESTS_SUPPORT_ONNXRUNTIME_H_
#define DOPPIO_TESTS_SUPPORT_ONNXRUNTIME_H_

// Models computed by ONNX Runtime, where it is installed (tools/bench-peers install onnxruntime):
// what somebody else makes of what is written here.

#include <map>
#include <string>
#include <vector>

#include "doppio/tensor.h"

namespace doppio {

// Where the library is: $DOPPIO_ONNXRUNTIME, or what bench-peers installed. Empty where there is
// none.
std::string OnnxRuntimeLibrary();

// The outputs of one run, on one thread, of the model as it is. NotFound without the library, else
// what it says is wrong.
absl::StatusOr<std::vector<Tensor>> RunInOnnxRuntime(const std::string& model,
                                                     const std::map<std::string, Tensor>& inputs,
                                                     const std::vector<std::string>& outputs);

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_ONNXRUNTIME_H_
