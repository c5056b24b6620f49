#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/top_k.h"

namespace doppio {
namespace {

using FlexibleTopKTypes = TypeList<float, double>;

// Checks K for X and returns its sum.
absl::StatusOr<int64_t> SumOfK(DimsView x, const Tensor& k) {
  if (x.empty()) return absl::InvalidArgumentError("X must be at least a vector, but is a scalar");
  const int64_t size = x.back();
  const int64_t rows = SizeToDim(x, static_cast<int>(x.size()) - 1);
  if (!k.Is<int64_t>() || k.numel() != rows) {
    return absl::InvalidArgumentError(
        absl::StrCat("K must be int64 and have an element for each of the ", rows, " rows of X ",
                     ShapeToString(x), ", but is ", k.TypeAndShape()));
  }
  int64_t sum = 0;
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t count = k.data<int64_t>()[i];
    if (count < 1 || count > size) {
      return absl::InvalidArgumentError(absl::StrCat(
          "K[", i, "] is ", count, ", but must be in [1, ", size, "], the size of X's rows"));
    }
    sum += count;  // at most X's elements
  }
  return sum;
}

DOPPIO_OPERATOR_SCHEMA(FlexibleTopK)
    .NumInputs(2)
    .NumOutputs(2)
    .Doc(R"DOC(
The largest elements of each row of X, largest first, as many as K says for that row, one row's
behind the other's. The rows are the last dimension of X, and K has a number for each of them, at
least 1 and at most the size of a row. Of equal elements the one with the smaller index comes first;
NaN is larger than all else.

Example: X [2,3] = [[1,3,2],[6,5,4]] and K = [2,1] give Values [3,2,6] and Indices [1,2,0].
)DOC")
    .Input(0, "X", "tensor of float or double, at least a vector")
    .Input(1, "K", "tensor of int64: how many elements of each row")
    .Output(0, "Values", "vector of X's type, as long as the sum of K")
    .Output(1, "Indices", "vector of int64: the places in the rows")
    .NeedsValue(1)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(int64_t sum, SumOfK(context->dims(0), *context->value(1)));
      context->SetOutput(0, context->dtype(0), {sum});
      context->SetOutput(1, DataType::kInt64, {sum});
      return absl::OkStatus();
    });

template <class Context>
class FlexibleTopKOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FlexibleTopKOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& k = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(int64_t sum, SumOfK(x.dims(), k));
    return DispatchType(FlexibleTopKTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * values, Output(0, x.dtype(), {sum}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * indices, Output(1, DataType::kInt64, {sum}));
      const int64_t rows = k.numel();
      offsets_.assign(1, 0);
      for (int64_t i = 0; i < rows; ++i) offsets_.push_back(offsets_.back() + k.data<int64_t>()[i]);
      const int64_t size = x.dims().back();
      TopKOfRows<T, int64_t>(
          rows,
          [&](int64_t i) {
            const int64_t offset = offsets_[static_cast<size_t>(i)];
            return TopKRow<T, int64_t>{x.data<T>() + i * size, size, k.data<int64_t>()[i],
                                       values->template mutable_data<T>() + offset,
                                       indices->template mutable_data<int64_t>() + offset};
          },
          &scratch_);
      return absl::OkStatus();
    });
  }

 private:
  std::vector<int64_t> offsets_;
  TopKScratch scratch_;
};

DOPPIO_OPERATOR_SCHEMA(FlexibleTopKGradient)
    .NumInputs(4)
    .NumOutputs(1)
    .Doc(R"DOC(
The gradient of FlexibleTopK: in each row of X the gradients of the elements that were taken, and 0
at all others.
)DOC")
    .Input(0, "X", "input 0 of FlexibleTopK")
    .Input(1, "K", "input 1 of FlexibleTopK")
    .Input(2, "dValues", "vector of X's type: the gradient of Values")
    .Input(3, "Indices", "vector of int64: output 1 of FlexibleTopK")
    .Output(0, "dX", "tensor of X's shape")
    .ShapeOnly({0})
    .IdenticalTypeAndShape()
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });

template <class Context>
class FlexibleTopKGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FlexibleTopKGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& k = Input(1);
    const Tensor& dy = Input(2);
    const Tensor& indices = Input(3);
    DOPPIO_ASSIGN_OR_RETURN(int64_t sum, SumOfK(x.dims(), k));
    if (dy.dtype() != x.dtype() || dy.numel() != sum || !indices.Is<int64_t>() ||
        indices.numel() != sum) {
      return absl::InvalidArgumentError(
          absl::StrCat("dValues ", DescribeInput(2), " and Indices ", DescribeInput(3),
                       " must have the ", sum, " elements that K sums to, of X's type and int64"));
    }
    const int64_t size = x.dims().back();
    const int64_t* index = indices.data<int64_t>();
    for (int64_t i = 0; i < sum; ++i) {
      if (index[i] < 0 || index[i] >= size) {
        return absl::InvalidArgumentError(
            absl::StrCat("Indices[", i, "] is ", index[i], ", but must be in [0, ", size, ")"));
      }
    }
    return DispatchType(FlexibleTopKTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, x.dtype(), x.dims()));
      const T* values = dy.data<T>();
      T* row = output->template mutable_data<T>();
      std::fill_n(row, output->numel(), T(0));
      int64_t at = 0;
      for (int64_t i = 0; i < k.numel(); ++i, row += size) {
        for (int64_t end = at + k.data<int64_t>()[i]; at < end; ++at) row[index[at]] = values[at];
      }
      return absl::OkStatus();
    });
  }
};

class GetFlexibleTopKGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("FlexibleTopKGradient", "", {I(0), I(1), GO(0), O(1)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(FlexibleTopK, FlexibleTopKOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(FlexibleTopKGradient, FlexibleTopKGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(FlexibleTopK, GetFlexibleTopKGradient);

}  // namespace
}  // namespace doppio
