#include <random>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 32768;

void StateDropout(OpSchema& schema) {
  schema.Arg<float>("ratio", "the part of the elements that is set to 0, in [0, 1]", 0.5f)
      .Arg<bool>("is_test", "nothing is dropped: Y = X", false);
}

// What kept elements are multiplied by; with the ratio 1 there are none.
template <typename T>
T ScaleOfKept(float ratio) {
  return ratio < 1 ? T(1) / (T(1) - T(ratio)) : T(0);
}

float ReadRatio(OperatorInit* init) {
  const float ratio = init->GetSingleArgument<float>("ratio");
  if (!(ratio >= 0 && ratio <= 1)) {
    init->Fail(absl::InvalidArgumentError(absl::StrCat("ratio must be in [0, 1], but is ", ratio)));
    return 0;
  }
  return ratio;
}

DOPPIO_OPERATOR_SCHEMA(Dropout)
    .NumInputs(1)
    .NumOutputs(1, 2)
    .AllowInplace({{0, 0}})
    .HasSideEffects()
    .Doc(R"DOC(
Sets elements to 0 by chance, each with probability `ratio`, and multiplies the others by
1 / (1 - ratio), so that the expected sum stays. With is_test (or the ratio 0) Y = X.

The numbers are drawn one after another from the operator's generator, which a random_seed in the
device option makes repeatable: every run goes on where the last one stopped.
)DOC")
    .FillUsing(StateDropout)
    .Input(0, "data", "float or double, of any shape")
    .Output(0, "output", "tensor of the same type and shape")
    .Output(1, "mask", "bool, of the same shape: what was kept. With is_test it is not written")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), context->dims(0));
      if (!context->GetSingleArgument<bool>("is_test")) {
        context->SetOutput(1, DataType::kBool, context->dims(0));
      }
      return absl::OkStatus();
    });

template <class Context>
class DropoutOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DropoutOp(OperatorInit* init)
      : Operator<Context>(init),
        ratio_(ReadRatio(init)),
        is_test_(init->GetSingleArgument<bool>("is_test")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      return is_test_ ? Copy() : Drop<typename decltype(tag)::type>();
    });
  }

 private:
  absl::Status Copy() {
    if (IsInplace(0, 0)) return absl::OkStatus();
    return OutputBlob(0)->template GetMutable<Tensor>()->CopyFrom(Input(0));
  }

  template <typename T>
  absl::Status Drop() {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    bool* kept = nullptr;
    if (OutputSize() > 1) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * mask, Output(1, DataType::kBool, x.dims()));
      kept = mask->mutable_data<bool>();
    }
    const T* in = x.data<T>();
    T* out = y->mutable_data<T>();
    const T scale = ScaleOfKept<T>(ratio_);
    std::bernoulli_distribution keep(1.0 - ratio_);
    auto& generator = context_.RandomGenerator();
    for (int64_t i = 0; i < x.numel(); ++i) {
      const bool keeps = keep(generator);
      if (kept != nullptr) kept[i] = keeps;
      out[i] = keeps ? in[i] * scale : T(0);
    }
    return absl::OkStatus();
  }

  const float ratio_;
  const bool is_test_;
};

DOPPIO_OPERATOR_SCHEMA(DropoutGrad)
    .NumInputs(1, 2)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc("The gradient of Dropout: dX = dY / (1 - ratio) where the mask is true, else 0.")
    .FillUsing(StateDropout)
    .Input(0, "dY", "gradient of Dropout's output")
    .Input(1, "mask", "what Dropout kept; not used with is_test")
    .Output(0, "dX", "tensor of dY's type and shape")
    .IdenticalTypeAndShape();

template <class Context>
class DropoutGradOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DropoutGradOp(OperatorInit* init)
      : Operator<Context>(init),
        ratio_(ReadRatio(init)),
        is_test_(init->GetSingleArgument<bool>("is_test")) {
    if (!is_test_ && InputSize() < 2) {
      init->Fail(absl::InvalidArgumentError("without is_test there must be a mask"));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      if (is_test_) {
        if (IsInplace(0, 0)) return absl::OkStatus();
        return OutputBlob(0)->template GetMutable<Tensor>()->CopyFrom(dy);
      }
      const Tensor& mask = Input(1);
      if (!mask.Is<bool>() || mask.numel() != dy.numel()) {
        return absl::InvalidArgumentError(
            absl::StrCat("the mask ", DescribeInput(1),
                         " must be bool, with as many elements as dY ", DescribeInput(0)));
      }
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), dy.dims()));
      const T* in = dy.data<T>();
      const bool* kept = mask.data<bool>();
      T* out = dx->mutable_data<T>();
      const T scale = ScaleOfKept<T>(ratio_);
      ParallelFor(dy.numel(), kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) out[i] = kept[i] ? in[i] * scale : T(0);
      });
      return absl::OkStatus();
    });
  }

 private:
  const float ratio_;
  const bool is_test_;
};

class GetDropoutGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    if (ArgumentReader(Def(), nullptr).GetSingleArgument<bool>("is_test", false)) {
      return SingleGradientDef("DropoutGrad", "", {GO(0)}, {GI(0)});
    }
    return SingleGradientDef("DropoutGrad", "", {GO(0), O(1)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Dropout, DropoutOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(DropoutGrad, DropoutGradOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Dropout, GetDropoutGradient);

}  // namespace
}  // namespace doppio
