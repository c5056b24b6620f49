#ifndef DOPPIO_ONNX_EXPORT_STEPS_H_
#define DOPPIO_ONNX_EXPORT_STEPS_H_

// Nodes that exports are made of, in the form that they have in the version that is written. Each
// returns the value that it makes: a new one, unless `output` says which.

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "src/onnx/export/op_export.h"

namespace doppio {
namespace onnx {

std::string Reshape(OpExport& op, const std::string& x, const std::vector<int64_t>& dims,
                    const std::string& output = "");
std::string ReshapeLike(OpExport& op, const std::string& x, const std::string& like,
                        const std::string& output = "");
std::string Transpose(OpExport& op, const std::string& x, const std::vector<int64_t>& axes,
                      const std::string& output = "");
std::string Squeeze(OpExport& op, const std::string& x, const std::vector<int64_t>& axes,
                    const std::string& output = "");
std::string Unsqueeze(OpExport& op, const std::string& x, const std::vector<int64_t>& axes,
                      const std::string& output = "");
// From `starts` up to, and without, `ends` along `axes`.
std::string Slice(OpExport& op, const std::string& x, const std::vector<int64_t>& starts,
                  const std::vector<int64_t>& ends, const std::vector<int64_t>& axes,
                  const std::string& output = "");
std::string Concat(OpExport& op, const std::vector<std::string>& inputs, int64_t axis,
                   const std::string& output = "");
std::string Cast(OpExport& op, const std::string& x, DataType to, const std::string& output = "");
// `type`: ReduceSum, ReduceMean, ReduceMax, ... Axes count from the front; none are all.
std::string Reduce(OpExport& op, absl::string_view type, const std::string& x,
                   const std::vector<int64_t>& axes, bool keep_dims,
                   const std::string& output = "");
// Keeps a value of type `dtype` within bounds, or at one of them where the other is infinite.
std::string Clip(OpExport& op, const std::string& x, double least, double most, DataType dtype,
                 const std::string& output = "");
// As ONNX pads: [begin of each dimension..., end of each dimension...]. A negative pad cuts off.
std::string Pad(OpExport& op, const std::string& x, const std::vector<int64_t>& pads,
                absl::string_view mode, double value, DataType dtype,
                const std::string& output = "");
// The sizes [begin, end) of x, as a vector of int64.
std::string Sizes(OpExport& op, const std::string& x, int64_t begin, int64_t end);

// x with the dimensions before `axis` as rows and the others as columns.
std::string Flatten(OpExport& op, const std::string& x, int64_t axis,
                    const std::string& output = "");

// An input that holds one number for each of many (channels, columns): as a vector.
std::string AsVector(OpExport& op, int input);
// The same, so that it goes with dimension `axis` of what has `rank` dimensions.
std::string AlongAxis(OpExport& op, int input, int axis, int rank);

// For operators on images whose argument `order` may say that the channels are last. `make` is
// given input 0 with its channels in dimension 1, and makes a value like it, `output` or, where
// that is empty, a new one, which it returns; this becomes output 0.
absl::Status WithChannelsFirst(
    OpExport& op,
    absl::FunctionRef<std::string(const std::string& x, const std::string& output)> make);
// A tensor [N, spatial..., C] of that rank with its channels in dimension 1.
std::string ChannelsFirst(OpExport& op, const std::string& x, int rank);

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_EXPORT_STEPS_H_
