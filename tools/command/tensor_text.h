#ifndef DOPPIO_TOOLS_COMMAND_TENSOR_TEXT_H_
#define DOPPIO_TOOLS_COMMAND_TENSOR_TEXT_H_

#include <optional>
#include <string>

#include "doppio/blob.h"
#include "doppio/tensor.h"
#include "tools/command/json.h"

namespace doppio::tools {

// What can be said of numbers in a few words. Elements that are not finite are counted and left out
// of the rest.
struct TensorSummary {
  std::optional<double> min, max, mean;  // absent for strings and where nothing is finite
  int64_t nans = 0;
  int64_t infinities = 0;
};
TensorSummary Summarize(const Tensor& tensor);

// The first `most` elements: "0.25, 0.5, ..., 3 more". Strings are quoted and shortened.
std::string FirstValues(const Tensor& tensor, int64_t most);

// Two lines:
//   prob: float[1,10], min 0.01, max 0.91, mean 0.1
//     0.01, 0.91, ...
std::string DescribeTensor(absl::string_view name, const Tensor& tensor);
// For a blob that may hold anything.
std::string DescribeBlob(absl::string_view name, const Blob& blob);

// Fields of an object that is open: dtype, shape, bytes.
void TensorTypeToJson(const Tensor& tensor, JsonWriter* json);
// The same, with min, max, mean and the first values.
void TensorToJson(const Tensor& tensor, JsonWriter* json);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_TENSOR_TEXT_H_
