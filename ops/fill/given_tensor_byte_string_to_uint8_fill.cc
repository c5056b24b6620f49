#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/fill/given_tensor.h"

namespace doppio {
namespace {

// The bytes of the only string in `values`.
absl::StatusOr<Tensor> ReadBytes(ArgumentReader* reader) {
  const Argument* values = reader->Find("values");
  if (values == nullptr || values->strings_size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("argument \"values\" must hold one string of bytes, but holds ",
                     values == nullptr ? 0 : values->strings_size(), " strings"));
  }
  if (reader->GetDataTypeArgument("dtype", DataType::kString) != DataType::kString) {
    return absl::InvalidArgumentError("argument \"dtype\" must be string, or missing");
  }
  const std::string& bytes = values->strings(0);
  return Tensor::FromSpan<uint8_t>(
      {static_cast<int64_t>(bytes.size())},
      absl::Span<const uint8_t>(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
}

DOPPIO_OPERATOR_SCHEMA(GivenTensorByteStringToUInt8Fill)
    .FillUsing(StateFiller)
    .Doc(R"DOC(
A tensor of uint8 whose elements are the bytes of a string in the net, which is shorter there than a
list of numbers. The string must have as many bytes as the shape has elements.

Example: shape = [3] and values = ["abc"] give [97,98,99].
)DOC")
    .RequiredArg<std::vector<std::string>>("values", "one string, of all the bytes")
    .AnyArg("dtype", "the type of `values`, which is always string; may be missing")
    .Output(0, "Y", "tensor of uint8")
    .TensorInference([](InferenceContext* context) {
      return InferGivenTensor(context, ReadBytes(context));
    });

template <class Context>
class GivenTensorByteStringToUInt8FillOp final : public GivenTensorOp<Context> {
 public:
  explicit GivenTensorByteStringToUInt8FillOp(OperatorInit* init)
      : GivenTensorOp<Context>(init, ReadBytes(init)) {}
};

DOPPIO_REGISTER_CPU_OPERATOR(GivenTensorByteStringToUInt8Fill,
                             GivenTensorByteStringToUInt8FillOp<CPUContext>);
DOPPIO_NO_GRADIENT(GivenTensorByteStringToUInt8Fill);

}  // namespace
}  // namespace doppio
