#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"

namespace doppio {
namespace {

absl::Status CheckIsMatrix(DimsView x) {
  if (x.size() >= 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the input ", ShapeToString(x), " is no matrix, nor many"));
}

DOPPIO_OPERATOR_SCHEMA(Trilu)
    .NumInputs(1, 2)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's Trilu: the upper or the lower triangle of a matrix, or of many: all else becomes 0. The triangle
ends with the k-th diagonal above the main one (below it, where k is negative), which belongs to it.

Example: input = [[1,2],[3,4]] gives [[1,2],[0,4]], with k = 1 [[0,2],[0,0]], and with upper = 0
[[1,0],[3,4]].
)DOC")
    .Arg<bool>("upper", "1: the upper triangle; 0: the lower one", true)
    .Input(0, "input", "tensor of numbers, of two dimensions or more")
    .Input(1, "k", "one int64, the diagonal; default: 0")
    .Output(0, "output", "tensor of the same type and shape")
    .Flops(NoOperations)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckIsMatrix(context->dims(0)));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class TriluOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TriluOp(OperatorInit* init)
      : Operator<Context>(init), is_upper_(init->GetSingleArgument<bool>("upper")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckIsMatrix(x.dims()));
    if (!IsNumeric(x.dtype())) {
      return absl::InvalidArgumentError(absl::StrCat(DescribeInput(0), " has no numbers"));
    }
    int64_t k = 0;
    if (InputSize() > 1) {
      if (!Input(1).template Is<int64_t>() || Input(1).numel() != 1) {
        return absl::InvalidArgumentError(absl::StrCat(DescribeInput(1), " must be one int64"));
      }
      k = *Input(1).template data<int64_t>();
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    if (y->numel() == 0) return absl::OkStatus();
    const int64_t rows = x.dim(x.rank() - 2);
    const int64_t columns = x.dim(x.rank() - 1);
    // No diagonal is further away.
    k = std::clamp(k, -rows, columns);
    return DispatchMoved(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* from = MovedElements<T>(x);
      T* to = MovedElements<T>(y);
      for (int64_t i = 0; i < x.numel() / columns; ++i) {
        // The first column on the other side of the diagonal's end.
        const int64_t column = std::clamp<int64_t>(i % rows + k + (is_upper_ ? 0 : 1), 0, columns);
        if (is_upper_) {
          std::fill_n(to, column, T());
          std::copy_n(from + column, columns - column, to + column);
        } else {
          std::copy_n(from, column, to);
          std::fill_n(to + column, columns - column, T());
        }
        from += columns;
        to += columns;
      }
      return absl::OkStatus();
    });
  }

 private:
  const bool is_upper_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Trilu, TriluOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Trilu);

}  // namespace
}  // namespace doppio
