#ifndef DOPPIO_ONNX_IMPORT_WIDER_TYPE_H_
#define DOPPIO_ONNX_IMPORT_WIDER_TYPE_H_

// Operators of Caffe2 compute in float, double, int32 and int64. What ONNX computes in types of 8
// and 16 bits becomes that in a wider type, and is cast back: the same to the bit for whole
// numbers, which wrap, and rounded once for floating point.

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {

// int32 for int8, int16, uint8 and uint16, float for float16 and bfloat16; any other type itself.
DataType WiderType(DataType type);

// The argument `to` of Cast.
Argument CastTo(DataType type);

// Adds the operators that `add` adds: for these inputs, which have one type, and the output, or for
// casts of them where that type is computed in a wider one.
using AddOps =
    absl::FunctionRef<void(const std::vector<std::string>& inputs, const std::string& output)>;
void InWiderType(NodeImport& node, const std::vector<std::string>& inputs,
                 const std::string& output, AddOps add);

// A constant of the type of `like`, which broadcasts with it. Where that type is not known before
// the net runs it must be float or double.
std::string ScalarLike(NodeImport& node, const std::string& like, double value);

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_IMPORT_WIDER_TYPE_H_
