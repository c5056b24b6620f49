#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/rnn/step_net.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(rnn_internal_apply_link)
    .NumInputs(2, 3)
    .NumOutputs(2)
    .EnforceInplace({{1, 1}})
    .Doc(R"DOC(
Part of the step nets that RecurrentNetwork makes: internal becomes rows [timestep + offset, timestep +
offset + window) of external. Where Caffe2 lets both share memory they are copied, and RecurrentNetwork
copies back what a step wrote. With a third input, which is what a step wrote to other rows of external, these
rows get it first.

Example: timestep = 1, external [3,1] = [[5],[6],[7]], offset = 1 and window = 1 give internal [[7]].
)DOC")
    .RequiredArg<int64_t>("offset", "where the rows begin, seen from timestep; not negative")
    .RequiredArg<int64_t>("window", "how many rows")
    .Arg<int64_t>("stored_offset", "as offset, of the rows that `stored` is", 0)
    .Arg<int64_t>("stored_window", "as window, of the rows that `stored` is", 1)
    .Input(0, "timestep", "a single int32 or int64")
    .Input(1, "external", "tensor of numbers, at least a vector")
    .Input(2, "stored", "what goes to rows of external first; may be left out")
    .Output(0, "internal", "tensor of external's type with `window` rows")
    .Output(1, "external", "the input, with what was stored")
    .NeedsValue(0)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckNotScalar(context->dims(1), "external"));
      Dims dims(context->dims(1).begin(), context->dims(1).end());
      dims[0] = context->GetSingleArgument<int64_t>("window");
      context->SetOutput(0, context->dtype(1), dims);
      context->SetOutput(1, context->dtype(1), context->dims(1));
      return context->status();
    });

template <class Context>
class ApplyLinkOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ApplyLinkOp(OperatorInit* init)
      : Operator<Context>(init),
        offset_(init->GetSingleArgument<int64_t>("offset")),
        window_(init->GetSingleArgument<int64_t>("window")),
        stored_offset_(init->GetSingleArgument<int64_t>("stored_offset")),
        stored_window_(init->GetSingleArgument<int64_t>("stored_window")) {
    if (init->status().ok() && std::min({offset_, window_, stored_offset_, stored_window_}) < 0) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("offset is ", offset_, " and window ", window_, ", of what is stored ",
                       stored_offset_, " and ", stored_window_, ", but none may be negative")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const int64_t t, SingleInteger(Input(0), "timestep"));
    if (InputSize() == 3) {
      DOPPIO_ASSIGN_OR_RETURN(const int64_t row, Row(t, stored_offset_));
      const absl::Status status =
          StoreRows(Input(2), row, stored_window_, OutputBlob(1)->template GetMutable<Tensor>());
      if (!status.ok()) return Annotate(status, DescribeInput(2));
    }
    DOPPIO_ASSIGN_OR_RETURN(const int64_t row, Row(t, offset_));
    const absl::Status status =
        LoadRows(Input(1), row, window_, OutputBlob(0)->template GetMutable<Tensor>());
    return status.ok() ? status : Annotate(status, DescribeInput(1));
  }

 private:
  static absl::StatusOr<int64_t> Row(int64_t t, int64_t offset) {
    int64_t row;
    if (!__builtin_add_overflow(t, offset, &row)) return row;
    return absl::InvalidArgumentError(
        absl::StrCat("timestep ", t, " with offset ", offset, " is more than an index can be"));
  }

  const int64_t offset_;
  const int64_t window_;
  const int64_t stored_offset_;
  const int64_t stored_window_;
};

DOPPIO_REGISTER_CPU_OPERATOR(rnn_internal_apply_link, ApplyLinkOp<CPUContext>);

}  // namespace
}  // namespace doppio
