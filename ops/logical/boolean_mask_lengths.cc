#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/logical/mask.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(BooleanMaskLengths)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
How many rows each segment keeps when BooleanMask is applied to rows that lie in segments.

Example: lengths = [1,3,2] and mask = [false,true,true,false,true,true] give masked_lengths =
[0,2,2].
)DOC")
    .Input(0, "lengths", "vector of int32 or int64: the rows of each segment")
    .Input(1, "mask", "vector of bool, of as many elements as the lengths add up to")
    .Output(0, "masked_lengths", "vector of the type and size of `lengths`")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckMask(context->dtype(1), context->dims(1)));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class BooleanMaskLengthsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BooleanMaskLengthsOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& lengths = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckMask(Input(1).dtype(), Input(1).dims()));
    if (lengths.rank() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("the lengths ", DescribeInput(0), " must be a vector"));
    }
    return DispatchType(
        TypeList<int32_t, int64_t>(), lengths.dtype(), [&](auto tag) -> absl::Status {
          using T = typename decltype(tag)::type;
          DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, lengths.dtype(), lengths.dims()));
          const absl::Span<const T> from = lengths.span<T>();
          absl::Span<const bool> rest = Input(1).template span<bool>();
          for (size_t i = 0; i < from.size(); ++i) {
            if (from[i] < 0 || static_cast<uint64_t>(from[i]) > rest.size()) {
              return absl::InvalidArgumentError(
                  absl::StrCat("length ", i, " is ", from[i], ", but must be in [0, ", rest.size(),
                               "], the elements that are left of the mask ", DescribeInput(1)));
            }
            const auto size = static_cast<size_t>(from[i]);
            output->mutable_data<T>()[i] = static_cast<T>(CountTrue(rest.subspan(0, size)));
            rest = rest.subspan(size);
          }
          if (!rest.empty()) {
            return absl::InvalidArgumentError(absl::StrCat(
                "the lengths add up to ", Input(1).numel() - static_cast<int64_t>(rest.size()),
                ", but the mask is ", DescribeInput(1)));
          }
          return absl::OkStatus();
        });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(BooleanMaskLengths, BooleanMaskLengthsOp<CPUContext>);
DOPPIO_NO_GRADIENT(BooleanMaskLengths);

}  // namespace
}  // namespace doppio
