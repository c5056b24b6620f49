#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"

namespace doppio {
namespace {

constexpr char kTimeAxis[] = "time_axis";
constexpr char kBatchAxis[] = "batch_axis";

// Of the dimensions 0 and 1 one is the time, and the other one that of the sequences.
void CheckAxes(ArgumentReader* args) {
  const auto time = args->GetSingleArgument<int64_t>(kTimeAxis);
  const auto batch = args->GetSingleArgument<int64_t>(kBatchAxis);
  if (std::min(time, batch) == 0 && std::max(time, batch) == 1) return;
  args->Fail(absl::InvalidArgumentError(absl::StrCat("time_axis is ", time, " and batch_axis ",
                                                     batch, "; one must be 0 and the other 1")));
}

absl::Status CheckShapes(DimsView x, DimsView lengths, int batch_axis) {
  if (x.size() >= 2 && lengths.size() == 1 && lengths[0] == x[batch_axis]) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "sequence_lens ", ShapeToString(lengths), " must have an element for each sequence of input ",
      ShapeToString(x), ", which has a dimension of time and one of sequences"));
}

DOPPIO_OPERATOR_SCHEMA(ReverseSequence)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's ReverseSequence: the first elements of each sequence, as many as its length says, in the reverse
order; what follows stays.

Example: input = [[0,4],[1,5],[2,6]] and sequence_lens = [3,2] give [[2,5],[1,4],[0,6]].
)DOC")
    .Arg<int64_t>(kTimeAxis, "the dimension along a sequence, 0 or 1", 0)
    .Arg<int64_t>(kBatchAxis, "the dimension of the sequences, the other one", 1)
    .Input(0, "input", "tensor of any type, of two dimensions or more")
    .Input(1, "sequence_lens", "vector of int64: a length for each sequence")
    .Output(0, "Y", "tensor of the input's type and shape")
    .Flops(NoOperations)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      CheckAxes(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(0), context->dims(1),
                                         context->GetSingleArgument<int>(kBatchAxis)));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class ReverseSequenceOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReverseSequenceOp(OperatorInit* init)
      : Operator<Context>(init), batch_axis_(init->GetSingleArgument<int>(kBatchAxis)) {
    CheckAxes(init);
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckShapes(x.dims(), Input(1).dims(), batch_axis_));
    const int64_t steps = x.dim(1 - batch_axis_);
    if (!Input(1).template Is<int64_t>()) {
      return absl::InvalidArgumentError(absl::StrCat(DescribeInput(1), " must be int64"));
    }
    const auto lengths = Input(1).template span<int64_t>();
    for (const int64_t length : lengths) {
      if (length < 0 || length > steps) {
        return absl::InvalidArgumentError(
            absl::StrCat("a length is ", length, ", but there are ", steps, " elements"));
      }
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    return DispatchMoved(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const int64_t block = SizeFromDim(x.dims(), 2);
      T* to = MovedElements<T>(y);
      for (int64_t i = 0; i < x.dim(0); ++i) {
        for (int64_t j = 0; j < x.dim(1); ++j) {
          const int64_t time = batch_axis_ == 0 ? j : i;
          const int64_t length = lengths[static_cast<size_t>(batch_axis_ == 0 ? i : j)];
          const int64_t from = time < length ? length - 1 - time : time;
          const int64_t row = batch_axis_ == 0 ? i * steps + from : from * x.dim(1) + j;
          to = std::copy_n(MovedElements<T>(x) + row * block, block, to);
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  const int batch_axis_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ReverseSequence, ReverseSequenceOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(ReverseSequence);

}  // namespace
}  // namespace doppio
