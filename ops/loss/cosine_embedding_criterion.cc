#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/loss/margins.h"

namespace doppio {
namespace {

void StateMargin(OpSchema& schema) {
  schema.Arg<float>("margin", "the similarity up to which a pair of label -1 loses nothing", 0.0f);
}

DOPPIO_OPERATOR_SCHEMA(CosineEmbeddingCriterion)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
What pairs of similarity S lose: 1 - S where the label is 1, max(0, S - margin) where it is -1 (or
anything else).

Example: S [3] = [0.75,0.75,-0.5] and Y [3] = [1,-1,-1] give loss [3] = [0.25,0.75,0].
)DOC")
    .FillUsing(StateMargin)
    .Input(0, "S", "tensor of float or double: cosine similarities")
    .Input(1, "Y", "as many labels of int32: 1 or -1")
    .Output(0, "loss", "tensor of S's type and shape")
    .IdenticalTypeAndShape();

template <class Context>
class CosineEmbeddingCriterionOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CosineEmbeddingCriterionOp(OperatorInit* init)
      : Operator<Context>(init), margin_(init->GetSingleArgument<float>("margin")) {}

  absl::Status RunOnDevice() override {
    const Tensor& s = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckMarginInputs(*this, {&s, &Input(1)}, 1));
    return DispatchType(TypeList<float, double>(), s.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * loss, Output(0, s.dtype(), s.dims()));
      const T* from = s.data<T>();
      const int32_t* label = Input(1).template data<int32_t>();
      T* to = loss->mutable_data<T>();
      const T margin = margin_;
      ParallelFor(s.numel(), kMarginGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          to[i] = label[i] == 1 ? 1 - from[i] : std::max(from[i] - margin, T(0));
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const float margin_;
};

DOPPIO_OPERATOR_SCHEMA(CosineEmbeddingCriterionGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(
        "The gradient of CosineEmbeddingCriterion by S: -dloss where the label is 1; elsewhere "
        "dloss "
        "where S >= margin, and 0 where S is less.")
    .FillUsing(StateMargin)
    .Input(0, "S", "the first input of CosineEmbeddingCriterion")
    .Input(1, "Y", "its second input")
    .Input(2, "dloss", "gradient of its output")
    .Output(0, "dS", "gradient of S")
    .IdenticalTypeAndShape();

template <class Context>
class CosineEmbeddingCriterionGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CosineEmbeddingCriterionGradientOp(OperatorInit* init)
      : Operator<Context>(init), margin_(init->GetSingleArgument<float>("margin")) {}

  absl::Status RunOnDevice() override {
    const Tensor& s = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckMarginInputs(*this, {&s, &Input(1), &Input(2)}, 1));
    return DispatchType(TypeList<float, double>(), s.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * ds, Output(0, s.dtype(), s.dims()));
      const T* from = s.data<T>();
      const int32_t* label = Input(1).template data<int32_t>();
      const T* gradient = Input(2).template data<T>();
      T* to = ds->mutable_data<T>();
      const T margin = margin_;
      ParallelFor(s.numel(), kMarginGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          to[i] = label[i] == 1 ? -gradient[i] : from[i] >= margin ? gradient[i] : T(0);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const float margin_;
};

class GetCosineEmbeddingCriterionGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("CosineEmbeddingCriterionGradient", "", {I(0), I(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(CosineEmbeddingCriterion, CosineEmbeddingCriterionOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(CosineEmbeddingCriterionGradient,
                             CosineEmbeddingCriterionGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(CosineEmbeddingCriterion, GetCosineEmbeddingCriterionGradient);

}  // namespace
}  // namespace doppio
