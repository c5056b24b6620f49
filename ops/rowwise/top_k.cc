#include "src/kernel/top_k.h"

#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

using TopKTypes = TypeList<float, double>;

struct TopKPlan {
  int64_t outer;
  int64_t size;
  int64_t inner;
  Dims output;
  int64_t results;
};

absl::StatusOr<TopKPlan> PlanTopK(DimsView x, int64_t wanted_axis, int64_t k) {
  DOPPIO_ASSIGN_OR_RETURN(int axis, CanonicalAxis(wanted_axis, static_cast<int>(x.size())));
  TopKPlan plan{SizeToDim(x, axis), x[axis], SizeFromDim(x, axis + 1), Dims(x.begin(), x.end()), 0};
  plan.output[static_cast<size_t>(axis)] = k;
  DOPPIO_ASSIGN_OR_RETURN(plan.results, NumElements(plan.output));
  return plan;
}

int64_t ReadK(ArgumentReader* args) {
  const int64_t k = args->GetSingleArgument<int>("k");
  if (k < 1 && args->status().ok()) {
    args->Fail(absl::InvalidArgumentError(absl::StrCat("k is ", k, ", but must be at least 1")));
  }
  return k;
}

DOPPIO_OPERATOR_SCHEMA(TopK)
    .NumInputs(1)
    .NumOutputs(2, 3)
    .Doc(R"DOC(
The k largest elements along a dimension, largest first, and where they were: X [a,r] gives Values
and Indices [a,k]. Of equal elements the one with the smaller index comes first. NaN is larger than
all else. Where k is larger than r, Values are padded with 0 and Indices with -1.

Example: X [2,3] = [[1,3,2],[5,5,4]] and k = 2 give Values [[3,2],[5,5]] and Indices
[[1,2],[0,1]].

The gradient of X is Values' gradient at the elements that were taken, and 0 at all others.
)DOC")
    .RequiredArg<int>("k", "how many elements are wanted")
    .Arg<int>("axis", "the dimension along which, counted from the back if negative", -1)
    .Input(0, "X", "tensor of float or double, at least a vector")
    .Output(0, "Values", "tensor of X's type and shape, with k in the place of the size of `axis`")
    .Output(1, "Indices", "tensor of int64 of the same shape: places along the axis")
    .Output(2, "Flatten indices",
            "vector of int64, optional: for each of Indices the place in X, read as a vector; "
            "padded with -1 too")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int64_t k = ReadK(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_ASSIGN_OR_RETURN(
          TopKPlan plan, PlanTopK(context->dims(0), context->GetSingleArgument<int>("axis"), k));
      context->SetOutput(0, context->dtype(0), plan.output);
      context->SetOutput(1, DataType::kInt64, plan.output);
      context->SetOutput(2, DataType::kInt64, {plan.results});
      return absl::OkStatus();
    })
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return NumElements(*inputs[0].dims).value_or(0);
    });

template <class Context>
class TopKOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TopKOp(OperatorInit* init)
      : Operator<Context>(init), k_(ReadK(init)), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(TopKPlan plan, PlanTopK(x.dims(), axis_, k_));
    return DispatchType(TopKTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * values, Output(0, x.dtype(), plan.output));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * indices, Output(1, DataType::kInt64, plan.output));
      int64_t* flat = nullptr;
      if (OutputSize() > 2) {
        DOPPIO_ASSIGN_OR_RETURN(Tensor * positions, Output(2, DataType::kInt64, {plan.results}));
        flat = positions->template mutable_data<int64_t>();
      }
      TopKAlongAxis(x.data<T>(), plan.outer, plan.size, plan.inner, k_,
                    values->template mutable_data<T>(), indices->template mutable_data<int64_t>(),
                    flat, &scratch_);
      return absl::OkStatus();
    });
  }

 private:
  const int64_t k_;
  const int64_t axis_;
  TopKScratch scratch_;
};

DOPPIO_OPERATOR_SCHEMA(TopKGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
The gradient of TopK: dX[Indices[j]] = dValues[j] along the axis, and 0 where no index points to. An
index of -1, which pads, is passed over.
)DOC")
    .Arg<int>("axis", "as for TopK", -1)
    .Input(0, "dValues", "tensor of float or double: the gradient of Values")
    .Input(1, "Indices", "tensor of int64 of dValues' shape: output 1 of TopK")
    .Input(2, "X", "the input of TopK")
    .Output(0, "dX", "tensor of X's shape")
    .ShapeOnly({2})
    .IdenticalTypeAndShapeOfInput(2)
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });

template <class Context>
class TopKGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TopKGradientOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    const Tensor& indices = Input(1);
    const Tensor& x = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(int axis, CanonicalAxis(axis_, x.rank()));
    const int64_t k = axis < dy.rank() ? dy.dim(axis) : 0;
    DOPPIO_ASSIGN_OR_RETURN(TopKPlan plan, PlanTopK(x.dims(), axis, k));
    if (dy.dtype() != x.dtype() || dy.dims() != DimsView(plan.output) || !indices.Is<int64_t>() ||
        indices.dims() != dy.dims()) {
      return absl::InvalidArgumentError(absl::StrCat("dValues ", DescribeInput(0), " and Indices ",
                                                     DescribeInput(1), " must have the shape of X ",
                                                     DescribeInput(2), " but for axis ", axis,
                                                     ", and be of X's type and int64"));
    }
    const int64_t* index = indices.data<int64_t>();
    for (int64_t i = 0; i < indices.numel(); ++i) {
      if (index[i] < -1 || index[i] >= plan.size) {
        return absl::InvalidArgumentError(absl::StrCat("Indices[", i, "] is ", index[i],
                                                       ", but must be in [-1, ", plan.size, ")"));
      }
    }
    return DispatchType(TopKTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, x.dtype(), x.dims()));
      if (x.numel() == 0) return absl::OkStatus();
      const T* values = Input(0).template data<T>();
      T* dx = output->template mutable_data<T>();
      const int64_t block = plan.size * plan.inner;
      constexpr int64_t kGrain = 1 << 14;
      ParallelFor(plan.outer, kGrain / block + 1, [&](int64_t begin, int64_t end) {
        std::fill(dx + begin * block, dx + end * block, T(0));
        for (int64_t o = begin; o < end; ++o) {
          for (int64_t j = 0; j < k * plan.inner; ++j) {
            const int64_t at = o * k * plan.inner + j;
            if (index[at] < 0) continue;
            dx[o * block + index[at] * plan.inner + j % plan.inner] = values[at];
          }
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const int64_t axis_;
};

class GetTopKGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("TopKGradient", "", {GO(0), O(1), I(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(TopK, TopKOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(TopKGradient, TopKGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(TopK, GetTopKGradient);

}  // namespace
}  // namespace doppio
