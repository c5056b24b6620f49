#include <algorithm>
#include <numeric>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"
#include "ops/onnx/ranked.h"

namespace doppio {
namespace {

absl::StatusOr<Dims> TopDims(DimsView x, int axis, const Tensor& k) {
  if (!k.Is<int64_t>() || k.numel() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("K must be one int64, but is ", k.TypeAndShape()));
  }
  const int64_t count = *k.data<int64_t>();
  if (count < 0 || count > x[axis]) {
    return absl::InvalidArgumentError(absl::StrCat("K is ", count, ", but dimension ", axis,
                                                   " of X ", ShapeToString(x), " has ", x[axis],
                                                   " elements"));
  }
  Dims dims(x.begin(), x.end());
  dims[axis] = count;
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(OnnxTopK)
    .NumInputs(2)
    .NumOutputs(2)
    .Doc(R"DOC(
ONNX's TopK: the K largest (or smallest) elements along a dimension, the most extreme first, and where
they were. Of equal elements the one with the smaller index comes first; NaN is larger than all else.

Example: X = [3,1,2,3] and K = [2] give Values = [3,3] and Indices = [0,3].
)DOC")
    .Arg<int>("axis", "the dimension, from the back if negative", -1)
    .Arg<bool>("largest", "1: the largest; 0: the smallest", true)
    .Arg<bool>("sorted", "accepted: the elements are in order in any case", true)
    .Input(0, "X", "tensor of numbers, at least a vector")
    .Input(1, "K", "one int64, at most the size of the dimension")
    .Output(0, "Values", "tensor of X's type and shape, with K in the place of the size of `axis`")
    .Output(1, "Indices", "tensor of int64 of that shape: places along the axis")
    .NeedsValue(1)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const DimsView x = context->dims(0);
      DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(context->GetSingleArgument<int>("axis"),
                                                            static_cast<int>(x.size())));
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, TopDims(x, axis, *context->value(1)));
      context->SetOutput(0, context->dtype(0), dims);
      context->SetOutput(1, DataType::kInt64, dims);
      return absl::OkStatus();
    });

template <class Context>
class OnnxTopKOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxTopKOp(OperatorInit* init)
      : Operator<Context>(init),
        axis_(init->GetSingleArgument<int>("axis")),
        is_largest_(init->GetSingleArgument<bool>("largest")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_, x.rank()));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, TopDims(x.dims(), axis, Input(1)));
    return DispatchType(AllNumericTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * values, Output(0, x.dtype(), dims));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * indices, Output(1, DataType::kInt64, dims));
      if (values->numel() == 0) return absl::OkStatus();
      const int64_t inner = SizeFromDim(dims, axis + 1);
      const int64_t outer = SizeToDim(dims, axis);
      for (int64_t i = 0; i < outer * inner; ++i) {
        const int64_t o = i / inner;
        const int64_t k = i % inner;
        const int64_t to = o * dims[axis] * inner + k;
        Pick(x.data<T>() + o * x.dim(axis) * inner + k, x.dim(axis), inner, dims[axis],
             values->template mutable_data<T>() + to,
             indices->template mutable_data<int64_t>() + to);
      }
      return absl::OkStatus();
    });
  }

 private:
  // Of `size` elements that stand `step` apart, as those of the results.
  template <typename T>
  void Pick(const T* x, int64_t size, int64_t step, int64_t count, T* values, int64_t* indices) {
    order_.resize(static_cast<size_t>(size));
    std::iota(order_.begin(), order_.end(), 0);
    std::partial_sort(order_.begin(), order_.begin() + count, order_.end(),
                      [&](int64_t a, int64_t b) {
                        const T& left = x[a * step];
                        const T& right = x[b * step];
                        if (Below(left, right)) return !is_largest_;
                        if (Below(right, left)) return is_largest_;
                        return a < b;
                      });
    for (int64_t i = 0; i < count; ++i) {
      indices[i * step] = order_[static_cast<size_t>(i)];
      values[i * step] = x[indices[i * step] * step];
    }
  }

  const int axis_;
  const bool is_largest_;
  std::vector<int64_t> order_;
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxTopK, OnnxTopKOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxTopK);

}  // namespace
}  // namespace doppio
