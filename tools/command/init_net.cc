#include "tools/command/init_net.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace doppio::tools {
namespace {

template <typename To, typename From>
Argument Values(const Tensor& tensor) {
  std::vector<To> values;
  for (const From& value : tensor.span<From>()) values.push_back(static_cast<To>(value));
  return MakeArgument("values", values);
}

bool AreFloats(const Tensor& tensor) {
  const auto values = tensor.span<double>();
  return std::all_of(values.begin(), values.end(), [](double value) {
    return value != value || static_cast<double>(static_cast<float>(value)) == value;
  });
}

}  // namespace

absl::Status AddFill(const std::string& blob, const Tensor& tensor, NetBuilder* net) {
  const Argument shape =
      MakeArgument("shape", std::vector<int64_t>(tensor.dims().begin(), tensor.dims().end()));
  const auto add = [&](const char* type, Argument values) {
    net->Op(type, {}, {blob}, {shape, std::move(values)});
    return absl::OkStatus();
  };
  switch (tensor.dtype()) {
    case DataType::kFloat:
      return add("GivenTensorFill", Values<float, float>(tensor));
    case DataType::kFloat16:
      return add("GivenTensorFp16Fill", Values<float, float16>(tensor));
    case DataType::kDouble:
      if (!AreFloats(tensor)) break;
      return add("GivenTensorDoubleFill", Values<float, double>(tensor));
    case DataType::kInt16:
      return add("GivenTensorInt16Fill", Values<int64_t, int16_t>(tensor));
    case DataType::kInt32:
      return add("GivenTensorIntFill", Values<int64_t, int32_t>(tensor));
    case DataType::kInt64:
      return add("GivenTensorInt64Fill", Values<int64_t, int64_t>(tensor));
    case DataType::kBool:
      return add("GivenTensorBoolFill", Values<int64_t, bool>(tensor));
    case DataType::kString:
      return add("GivenTensorStringFill", Values<std::string, std::string>(tensor));
    case DataType::kUInt8: {
      const auto bytes = tensor.span<uint8_t>();
      return add("GivenTensorByteStringToUInt8Fill",
                 MakeArgument("values", std::vector<std::string>{{bytes.begin(), bytes.end()}}));
    }
    default:
      break;
  }
  return absl::UnimplementedError(
      absl::StrCat("\"", blob, "\" is ", tensor.TypeAndShape(), ", which no init net can fill"));
}

}  // namespace doppio::tools
