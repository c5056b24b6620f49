#include "src/kernel/weighted_sum.h"

#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/operator/weight_input.h"

namespace doppio {
namespace {

using Types = TypeList<float, double>;

constexpr int64_t kGrain = 1 << 14;  // elements that are worth a thread

absl::Status CheckInputCount(int count) {
  if (count % 2 == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the inputs are pairs of a tensor and its weight, but there are ", count));
}

// `first` is the first of the pairs of tensor and weight among the operator's inputs, like whose
// tensor all others must be.
absl::Status CheckPairs(const OperatorBase& op, int first, DataType dtype, int64_t numel) {
  for (int i = first; i < op.InputSize(); ++i) {
    const Tensor& tensor = *op.InputBlob(i).Get<Tensor>();
    const bool is_weight = (i - first) % 2 == 1;
    const bool is_like_first = tensor.dtype() == dtype && tensor.numel() == numel;
    if (is_weight ? IsWeight(tensor, dtype) : is_like_first) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("input ", i, " ", op.DescribeInput(i), " must be ",
                     is_weight ? "a weight: one float, or one element of" : "a tensor like",
                     " the first, ", DataTypeName(dtype), " with ", numel, " elements"));
  }
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(WeightedSum)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Y = weight_0 X_0 + weight_1 X_1 + ..., element by element. Only the number of elements of X_1, X_2,
... must be that of X_0, not their shape. In place with X_0 it is the step of gradient descent:
WeightedSum(w, one, w_grad, lr) -> w.
)DOC")
    .Arg<bool>("grad_on_w", "whether the gradient operator computes those of the weights too",
               false)
    .Input(0, "X_0", "tensor of float or double")
    .Input(1, "weight_0", "one float, or one number of X_0's type; further pairs may follow")
    .Output(0, "Y", "tensor of X_0's shape and type")
    .Flops([](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
      return def.input_size() * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return CheckInputCount(context->InputSize());
    });

template <class Context>
class WeightedSumOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit WeightedSumOp(OperatorInit* init) : Operator<Context>(init) {
    init->Fail(CheckInputCount(InputSize()));
    for (int i = 1; i < InputSize(); ++i) {
      if (IsInplace(i, 0)) {
        init->Fail(absl::InvalidArgumentError(absl::StrCat(
            "input ", i, " is the output too; only the first input may be summed in place")));
      }
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckPairs(*this, 0, x.dtype(), x.numel()));
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      SumInto(y->mutable_data<T>(), y->numel());
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  void SumInto(T* y, int64_t size) {
    ParallelFor(size, kGrain, [&](int64_t begin, int64_t end) {
      // In pieces, so that Y stays in the cache while the inputs are added.
      for (int64_t at = begin; at < end; at += kPiece) {
        const int64_t n = std::min(kPiece, end - at);
        if (InputSize() == 2) {
          WeightedSum(WeightOf<T>(Input(1)), Elements<T>(0) + at, n, y + at);
          continue;
        }
        WeightedSum(WeightOf<T>(Input(1)), Elements<T>(0) + at, WeightOf<T>(Input(3)),
                    Elements<T>(2) + at, n, y + at);
        for (int i = 4; i < InputSize(); i += 2) {
          WeightedSum(T{1}, y + at, WeightOf<T>(Input(i + 1)), Elements<T>(i) + at, n, y + at);
        }
      }
    });
  }

  template <typename T>
  const T* Elements(int input) {
    return Input(input).template data<T>();
  }

  static constexpr int64_t kPiece = 2048;
};

DOPPIO_OPERATOR_SCHEMA(WeightedSumGradient)
    .NumInputs(3, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .ShapeOnlyWhere([](const OperatorDef& def, int input) {
      ArgumentReader reader(def, nullptr);
      return input % 2 == 1 && !reader.GetSingleArgument<bool>("grad_on_w", false);
    })
    .Doc(R"DOC(
The gradient of WeightedSum: dX_i = weight_i dY; with grad_on_w, dweight_i = sum(dY X_i) too, which
come after all dX_i.
)DOC")
    .Arg<bool>("grad_on_w", "whether the gradients of the weights are computed too", false)
    .Input(0, "dY", "gradient of the output")
    .Input(1, "X_0", "the first input of WeightedSum")
    .Input(2, "weight_0", "the weight of X_0; further pairs may follow")
    .Output(0, "dX_0", "gradient of X_0; those of X_1, ... follow")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckInputCount(context->InputSize() - 1));
      const int pairs = context->InputSize() / 2;
      for (int i = 0; i < pairs; ++i) {
        context->SetOutput(i, context->dtype(0), context->dims(2 * i + 1));
        context->SetOutput(pairs + i, context->dtype(2 * i + 2), context->dims(2 * i + 2));
      }
      return absl::OkStatus();
    });

template <class Context>
class WeightedSumGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit WeightedSumGradientOp(OperatorInit* init)
      : Operator<Context>(init), grad_on_w_(init->GetSingleArgument<bool>("grad_on_w")) {
    init->Fail(CheckInputCount(InputSize() - 1));
    const int wanted = grad_on_w_ ? InputSize() - 1 : InputSize() / 2;
    if (OutputSize() != wanted) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("with these inputs and grad_on_w=", grad_on_w_, " there are ", wanted,
                       " gradients, but the operator has ", OutputSize(), " outputs")));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckPairs(*this, 1, dy.dtype(), dy.numel()));
    return DispatchType(Types(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const int pairs = InputSize() / 2;
      for (int i = 0; i < pairs; ++i) {
        const Tensor& x = Input(2 * i + 1);
        const Tensor& weight = Input(2 * i + 2);
        DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(i, dy.dtype(), x.dims()));
        Scale(WeightOf<T>(weight), dy.data<T>(), dx->mutable_data<T>(), dx->numel());
        if (!grad_on_w_) continue;
        DOPPIO_ASSIGN_OR_RETURN(Tensor * dw, Output(pairs + i, weight.dtype(), weight.dims()));
        const double dot = Dot(dy.data<T>(), x.data<T>(), dy.numel());
        if (dw->Is<float>()) {
          *dw->mutable_data<float>() = static_cast<float>(dot);
        } else {
          *dw->mutable_data<double>() = dot;
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  static void Scale(T weight, const T* x, T* y, int64_t size) {
    ParallelFor(size, kGrain, [&](int64_t begin, int64_t end) {
      WeightedSum(weight, x + begin, end - begin, y + begin);
    });
  }

  template <typename T>
  static double Dot(const T* x, const T* y, int64_t size) {
    double sum = 0;
    for (int64_t j = 0; j < size; ++j) sum += static_cast<double>(x[j]) * y[j];
    return sum;
  }

  const bool grad_on_w_;
};

class GetWeightedSumGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    ArgumentReader reader(Def(), OpSchemaRegistry::Schema(Def().type()));
    const bool grad_on_w = reader.GetSingleArgument<bool>("grad_on_w");
    Fail(reader.status());
    std::vector<std::string> inputs = {GO(0)};
    std::vector<std::string> outputs;
    for (int i = 0; i < InputSize(); i += 2) {
      inputs.push_back(I(i));
      inputs.push_back(I(i + 1));
      outputs.push_back(GI(i));
    }
    for (int i = 1; grad_on_w && i < InputSize(); i += 2) outputs.push_back(GI(i));
    return SingleGradientDef("WeightedSumGradient", "", inputs, outputs);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(WeightedSum, WeightedSumOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(WeightedSumGradient, WeightedSumGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(WeightedSum, GetWeightedSumGradient);

}  // namespace
}  // namespace doppio
