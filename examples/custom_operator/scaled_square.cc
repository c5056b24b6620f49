// A complete operator in one file: Y = scale * X * X, with its gradient dX = 2 * scale * X * dY.
//
// It is compiled in three ways that differ in nothing but the build file: linked into a program of
// this tree, linked into a program against an installed doppio, and as a library that `doppio run
// --load` and LoadOperatorLibrary() load.

#include <doppio/gradient_maker.h>
#include <doppio/operator_library.h>
#include <doppio/registry.h>

namespace {

using doppio::CPUContext;
using doppio::DataType;
using doppio::GradientMakerBase;
using doppio::Operator;
using doppio::OperatorDef;
using doppio::OperatorInit;
using doppio::Tensor;
using doppio::TypeList;

// The schema comes first: it is the documentation, and what checks nets before they run.
DOPPIO_OPERATOR_SCHEMA(ScaledSquare)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc("Y = scale * X * X, for each element.")
    .Arg<float>("scale", "factor", 1.0f)
    .Input(0, "X", "float or double tensor of any shape")
    .Output(0, "Y", "tensor of X's type and shape")
    .IdenticalTypeAndShape();

template <class Context>
class ScaledSquareOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  // Arguments are read once, here. One of the wrong type is reported, and the operator not made.
  explicit ScaledSquareOp(OperatorInit* init)
      : Operator<Context>(init), scale_(init->GetSingleArgument<float>("scale")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* in = x.data<T>();
      T* out = y->mutable_data<T>();
      for (int64_t i = 0; i < x.numel(); ++i) out[i] = static_cast<T>(scale_) * in[i] * in[i];
      return absl::OkStatus();
    });
  }

 private:
  float scale_;
};

DOPPIO_OPERATOR_SCHEMA(ScaledSquareGradient)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc("The gradient of ScaledSquare: dX = 2 * scale * X * dY, for each element.")
    .Arg<float>("scale", "factor", 1.0f)
    .Input(0, "X", "input of ScaledSquare")
    .Input(1, "dY", "gradient of its output, of X's type and shape")
    .Output(0, "dX", "gradient of its input")
    .IdenticalTypeAndShape();

template <class Context>
class ScaledSquareGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ScaledSquareGradientOp(OperatorInit* init)
      : Operator<Context>(init), scale_(init->GetSingleArgument<float>("scale")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& dy = Input(1);
    if (dy.dtype() != x.dtype() || dy.dims() != x.dims()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "dY ", DescribeInput(1), " must be of the type and shape of X ", DescribeInput(0)));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* in = x.data<T>();
      const T* grad = dy.data<T>();
      T* out = dx->mutable_data<T>();
      for (int64_t i = 0; i < x.numel(); ++i) out[i] = 2 * static_cast<T>(scale_) * in[i] * grad[i];
      return absl::OkStatus();
    });
  }

 private:
  float scale_;
};

// How a gradient net is made of a net with this operator. Arguments (scale) are handed on by
// themselves.
class GetScaledSquareGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("ScaledSquareGradient", "", {I(0), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ScaledSquare, ScaledSquareOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ScaledSquareGradient, ScaledSquareGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(ScaledSquare, GetScaledSquareGradient);

}  // namespace

// Makes this a library that doppio can load; it does nothing when the file is linked into a
// program.
DOPPIO_OPERATOR_LIBRARY();
