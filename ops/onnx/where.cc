#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/broadcast.h"
#include "src/kernel/select.h"

namespace doppio {
namespace {

absl::Status CheckTypes(DataType condition, DataType x, DataType y) {
  if (condition == DataType::kBool && x == y && IsNumeric(x)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("condition is ", DataTypeName(condition), ", X ", DataTypeName(x), " and Y ",
                   DataTypeName(y), ", but must be bool and twice one type of numbers"));
}

absl::StatusOr<Dims> DimsOfAll(DimsView condition, DimsView x, DimsView y) {
  DOPPIO_ASSIGN_OR_RETURN(const Dims values, BroadcastShapes(x, y));
  DOPPIO_ASSIGN_OR_RETURN(const Dims dims, BroadcastShapes(condition, values));
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(OnnxWhere)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's Where: the elements of X where the condition is true, and those of Y where it is false. All three
are broadcast by NumPy's rules. (Caffe2's Where takes tensors of one shape.)

Example: condition = [[true],[false]], X = [1,2] and Y = 0 give [[1,2],[0,0]].
)DOC")
    .Input(0, "condition", "tensor of bool")
    .Input(1, "X", "tensor of numbers")
    .Input(2, "Y", "tensor of X's type")
    .Output(0, "output", "tensor of X's type, of the broadcast shape")
    .TakesPhantoms({0, 1, 2})
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckTypes(context->dtype(0), context->dtype(1), context->dtype(2)));
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims,
                              DimsOfAll(context->dims(0), context->dims(1), context->dims(2)));
      context->SetOutput(0, context->dtype(1), dims);
      return absl::OkStatus();
    });

template <class Context>
class OnnxWhereOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxWhereOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const auto c = InputOperand(0);
    const auto x = InputOperand(1);
    const auto y = InputOperand(2);
    const DataType type = x.elements.dtype();
    DOPPIO_RETURN_IF_ERROR(CheckTypes(c.elements.dtype(), type, y.elements.dtype()));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, DimsOfAll(c.dims, x.dims, y.dims));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, type, dims));
    if (output->numel() == 0) return absl::OkStatus();
    const size_t size = DataTypeSize(type);
    const BroadcastReader conditions(1, c.elements.raw_data(), c.elements.dims(), dims);
    const BroadcastReader if_true(size, x.elements.raw_data(), x.elements.dims(), dims);
    const BroadcastReader if_false(size, y.elements.raw_data(), y.elements.dims(), dims);
    auto* const to = static_cast<char*>(output->raw_mutable_data());
    constexpr int64_t kBlock = 1024;
    ParallelFor(output->numel(), 16 * kBlock, [&](int64_t begin, int64_t end) {
      bool condition_room[kBlock];
      uint64_t true_room[kBlock];
      uint64_t false_room[kBlock];
      for (int64_t first = begin; first < end; first += kBlock) {
        const int64_t last = std::min(first + kBlock, end);
        const auto* condition =
            static_cast<const bool*>(conditions.Read(first, last, condition_room));
        SelectElements(size, condition, if_true.Read(first, last, true_room),
                       if_false.Read(first, last, false_room),
                       to + first * static_cast<int64_t>(size), last - first);
      }
    });
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxWhere, OnnxWhereOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxWhere);

}  // namespace
}  // namespace doppio
