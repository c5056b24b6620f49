#include <cmath>

#include "ops/elementwise/binary_gradient.h"
#include "src/kernel/broadcast.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

using PowTypes = TypeList<float, double>;

// Y has X's shape: the exponents are broadcast to it, and only with broadcast=1.
absl::Status CheckShapes(const BroadcastRule& rule, DimsView x, DimsView exponent) {
  if (rule.legacy() || x == exponent) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x), " and exponent ",
                                                 ShapeToString(exponent),
                                                 " must have the same shape without broadcast=1"));
}

absl::Status CheckExponent(const ArgumentReader& args, int inputs) {
  if (inputs == 2 || args.HasArgument("exponent")) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "there must be an exponent: the argument of this name, or a second input");
}

DOPPIO_OPERATOR_SCHEMA(Pow)
    .NumInputs(1, 2)
    .NumOutputs(1)
    .AllowInplace({{0, 0}, {1, 0}})
    .Doc(R"DOC(
The power of each element: Y = X^exponent. The exponent is an argument, the same for all, or a second
input of X's shape; then the argument is ignored. With broadcast=1 the input's shape may be a part of
X's that begins at `axis`. A negative number has no power of a fraction: NaN. 0 to the power of 0 is 1.

Example: X [3] = [1, 2, 3] with exponent=2 gives Y [3] = [1, 4, 9]; X [2] = [2, 3] and the input
exponent [2] = [3, 0] give Y [2] = [8, 1].
)DOC")
    .OptionalArg<float>("exponent", "the power, where there is one input")
    .DOPPIO_BROADCAST_ARGUMENTS.Input(0, "X", "tensor of float or double")
    .Input(1, "exponent", "tensor of X's type: the powers")
    .Output(0, "Y", "tensor of X's shape and type")
    .TakesPhantomsWhere([](const OperatorDef& def, int) { return def.input_size() == 2; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckExponent(*context, context->InputSize()));
      if (context->InputSize() == 2) {
        const BroadcastRule rule(context);
        DOPPIO_RETURN_IF_ERROR(CheckShapes(rule, context->dims(0), context->dims(1)));
        DOPPIO_RETURN_IF_ERROR(InferBinary(context));
      }
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class PowOp final : public BroadcastingOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PowOp(OperatorInit* init)
      : BroadcastingOperator<Context>(init),
        rule_(init),
        exponent_(init->GetSingleArgument<float>("exponent", 0)) {
    init->Fail(CheckExponent(*init, InputSize()));
  }

  absl::Status RunOnDevice() override {
    return DispatchType(PowTypes(), InputOperand(0).elements.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      return InputSize() == 1 ? RunOfArgument<T>() : RunOfInput<T>();
    });
  }

 private:
  template <typename T>
  absl::Status RunOfArgument() {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    const T* from = x.data<T>();
    T* to = y->mutable_data<T>();
    const T exponent = exponent_;
    if (exponent == 2) {
      Sqr(from, to, x.numel(), &context_);
    } else if (exponent == 3) {
      Cube(from, to, x.numel(), &context_);
    } else if (exponent == -1) {
      Reciprocal(from, to, x.numel(), &context_);
    } else if (exponent == 0.5f) {
      RootPower(from, to, x.numel(), &context_);
    } else {
      Pow(from, x.dims(), &exponent, {}, to, x.dims(), &context_);
    }
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status RunOfInput() {
    const auto x = InputOperand(0);
    const auto exponent = InputOperand(1);
    if (x.elements.dtype() != exponent.elements.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1), " must have the same type"));
    }
    DOPPIO_RETURN_IF_ERROR(CheckShapes(rule_, x.dims, exponent.dims));
    DOPPIO_ASSIGN_OR_RETURN(const auto task, this->Prepare(rule_, DataTypeOf<T>::value));
    Pow(task.a->template data<T>(), task.a_dims, task.b->template data<T>(), task.b_dims,
        task.c->template mutable_data<T>(), task.c_dims, &context_);
    return absl::OkStatus();
  }

  const BroadcastRule rule_;
  const float exponent_;
};

DOPPIO_OPERATOR_SCHEMA(PowGradient)
    .NumInputs(4)
    .NumOutputs(2)
    .Doc(R"DOC(
The gradients of Pow with a second input: dX = dY * exponent * X^(exponent - 1), which is 0 where the
exponent is 0, and dexponent = dY * Y * ln(X), which is 0 where X is 0 (its limit for every positive
exponent) and NaN where X is negative, where Pow has no derivative; summed over the dimensions along
which the exponents were repeated. Caffe2 makes the same of Sub, Pow, Mul and Log, which is NaN
wherever one of these factors is 0 and another one infinite.
)DOC")
    .DOPPIO_BROADCAST_ARGUMENTS.Input(0, "dY", "gradient of Pow's output, of its shape")
    .Input(1, "X", "Pow's first input: float or double")
    .Input(2, "exponent", "its second input")
    .Input(3, "Y", "its output")
    .Output(0, "dX", "gradient of X, of its shape")
    .Output(1, "dexponent", "gradient of the exponents, of their shape")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), context->dims(1));
      context->SetOutput(1, context->dtype(0), context->dims(2));
      return absl::OkStatus();
    });

struct PowGradientFunction : BinaryGradientFunction {
  using Types = PowTypes;
  static BinaryGradientInputs Inputs(int) { return {0, 1, 2, 3}; }

  template <typename T>
  const T* Full(int which, const BinaryGradientData<T>& data, T* room) const {
    const int64_t n = SizeFromDim(data.shapes.c, 0);
    if (which == 1) {
      ParallelFor(n, kCostlyGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          room[i] = data.a[i] == 0 ? T(0) : data.dc[i] * data.c[i] * std::log(data.a[i]);
        }
      });
      return room;
    }
    Broadcast(sizeof(T), data.b, data.shapes.b, room, data.shapes.c, data.context);
    ParallelFor(n, kCostlyGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T exponent = room[i];
        room[i] = exponent == 0 ? T(0) : data.dc[i] * exponent * std::pow(data.a[i], exponent - 1);
      }
    });
    return room;
  }
};

class GetPowGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    if (InputSize() == 2) return OfInput();
    const float exponent = ArgumentReader(Def(), nullptr).GetSingleArgument<float>("exponent", 0);
    const Argument scale = MakeArgument<float>("scale", exponent);
    // The power of -1, of which nothing would be left, may be infinite.
    if (exponent == 0) return SingleGradientDef("Scale", "", {GO(0)}, {GI(0)}, {scale});
    const Argument less = MakeArgument<float>("exponent", exponent - 1);
    return {CreateOperatorDef("Pow", "", {I(0)}, {GI(0)}, {less}),
            CreateOperatorDef("Mul", "", {GI(0), GO(0)}, {GI(0)}),
            CreateOperatorDef("Scale", "", {GI(0)}, {GI(0)}, {scale})};
  }

  bool CopyArguments() const override { return false; }

  std::vector<OperatorDef> OfInput() {
    std::vector<Argument> args;
    for (const Argument& arg : Def().arg()) {
      if (arg.name() != "exponent") args.push_back(arg);
    }
    return SingleGradientDef("PowGradient", "", {GO(0), I(0), I(1), O(0)}, {GI(0), GI(1)}, args);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Pow, PowOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(PowGradient, BinaryGradientOp<CPUContext, PowGradientFunction>);
DOPPIO_REGISTER_GRADIENT(Pow, GetPowGradient);

}  // namespace
}  // namespace doppio
