#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/loss/margins.h"

namespace doppio {
namespace {

void StateMargin(OpSchema& schema) {
  schema.Arg<float>("margin", "by how much the better one must be ahead to lose nothing", 1.0f);
}

DOPPIO_OPERATOR_SCHEMA(MarginRankingCriterion)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
What pairs of scores lose that should be in order: max(0, margin - Y * (X1 - X2)). The label Y is 1
where X1 should be the greater one, and -1 where X2 should.

Example: X1 [3] = [3,1,1], X2 [3] = [1,1,3] and Y [3] = [1,-1,1] give loss [3] = [0,1,3].
)DOC")
    .FillUsing(StateMargin)
    .Input(0, "X1", "tensor of float or double: scores")
    .Input(1, "X2", "as many scores of the same type")
    .Input(2, "Y", "as many labels of int32: 1 or -1")
    .Output(0, "loss", "tensor of X1's type and shape")
    .IdenticalTypeAndShape();

template <class Context>
class MarginRankingCriterionOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MarginRankingCriterionOp(OperatorInit* init)
      : Operator<Context>(init), margin_(init->GetSingleArgument<float>("margin")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x1 = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckMarginInputs(*this, {&x1, &Input(1), &Input(2)}, 2));
    return DispatchType(TypeList<float, double>(), x1.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * loss, Output(0, x1.dtype(), x1.dims()));
      const T* a = x1.data<T>();
      const T* b = Input(1).template data<T>();
      const int32_t* label = Input(2).template data<int32_t>();
      T* to = loss->mutable_data<T>();
      const T margin = margin_;
      ParallelFor(x1.numel(), kMarginGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          to[i] = std::max(margin - static_cast<T>(label[i]) * (a[i] - b[i]), T(0));
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const float margin_;
};

DOPPIO_OPERATOR_SCHEMA(MarginRankingCriterionGradient)
    .NumInputs(4)
    .NumOutputs(2)
    .Doc(
        "The gradient of MarginRankingCriterion: dX1 = -Y dloss and dX2 = Y dloss, or both 0 where "
        "margin - Y * (X1 - X2) < 0.")
    .FillUsing(StateMargin)
    .Input(0, "X1", "the first input of MarginRankingCriterion")
    .Input(1, "X2", "its second input")
    .Input(2, "Y", "its third input")
    .Input(3, "dloss", "gradient of its output")
    .Output(0, "dX1", "gradient of X1")
    .Output(1, "dX2", "gradient of X2")
    .OneToOneTypeAndShape();

template <class Context>
class MarginRankingCriterionGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MarginRankingCriterionGradientOp(OperatorInit* init)
      : Operator<Context>(init), margin_(init->GetSingleArgument<float>("margin")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x1 = Input(0);
    const Tensor& x2 = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckMarginInputs(*this, {&x1, &x2, &Input(2), &Input(3)}, 2));
    return DispatchType(TypeList<float, double>(), x1.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx1, Output(0, x1.dtype(), x1.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx2, Output(1, x1.dtype(), x2.dims()));
      const T* a = x1.data<T>();
      const T* b = x2.data<T>();
      const int32_t* label = Input(2).template data<int32_t>();
      const T* gradient = Input(3).template data<T>();
      T* da = dx1->mutable_data<T>();
      T* db = dx2->mutable_data<T>();
      const T margin = margin_;
      ParallelFor(x1.numel(), kMarginGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const T y = static_cast<T>(label[i]);
          db[i] = margin - y * (a[i] - b[i]) < 0 ? T(0) : y * gradient[i];
          da[i] = -db[i];
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const float margin_;
};

class GetMarginRankingCriterionGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("MarginRankingCriterionGradient", "", {I(0), I(1), I(2), GO(0)},
                             {GI(0), GI(1)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(MarginRankingCriterion, MarginRankingCriterionOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(MarginRankingCriterionGradient,
                             MarginRankingCriterionGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(MarginRankingCriterion, GetMarginRankingCriterionGradient);

}  // namespace
}  // namespace doppio
