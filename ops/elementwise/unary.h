#ifndef DOPPIO_OPS_ELEMENTWISE_UNARY_H_
#define DOPPIO_OPS_ELEMENTWISE_UNARY_H_

// What operators on one tensor, element by element, have in common. A new one is this, and a row of
// the table test:
//
//   DOPPIO_UNARY_SCHEMA(Sinh, "Computes the hyperbolic sine: Y = sinh(X).", kFloatingPoint)
//       .AllowInplace({{0, 0}});
//   DOPPIO_UNARY_FUNCTION(SinhFunction) { MapElements([](T v) { return std::sinh(v); }, x, y, n,
//   c); } DOPPIO_REGISTER_CPU_OPERATOR(Sinh, UnaryOp<CPUContext, SinhFunction>);
//   DOPPIO_UNARY_GRADIENT(Sinh, "SinhGradient", I(0), GO(0));

#include <type_traits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/elementwise_gradient.h"
#include "src/kernel/elementwise_unary.h"

namespace doppio {

using FloatingPointTypes = TypeList<float, double>;
using ArithmeticTypes = TypeList<float, double, int32_t, int64_t>;
constexpr char kFloatingPoint[] = "float or double";
constexpr char kArithmetic[] = "float, double, int32 or int64";

// A function of the operators below. One with arguments reads them from an OperatorInit*.
template <class Function>
Function MakeFunction([[maybe_unused]] OperatorInit* init) {
  if constexpr (std::is_constructible_v<Function, OperatorInit*>) {
    return Function(init);
  } else {
    return Function();
  }
}

// Y = f(X). Function: <T>(const T* x, T* y, int64_t n, CPUContext*), x and y may be the same.
template <class Context, class Function, class Types = FloatingPointTypes>
class UnaryOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UnaryOp(OperatorInit* init)
      : Operator<Context>(init), function_(MakeFunction<Function>(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    return DispatchType(Types(), x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      function_(x.data<T>(), y->mutable_data<T>(), y->numel(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const Function function_;
};

// dX from dY and a tensor of the same type and number of elements, X or Y, which is input kValue
// and whose shape dX has. Function: <T>(const T* first, const T* second, T* dx, int64_t n,
// CPUContext*), of the two inputs in their order.
template <class Context, class Function, class Types = FloatingPointTypes, int kValue = 0>
class UnaryGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UnaryGradientOp(OperatorInit* init)
      : Operator<Context>(init), function_(MakeFunction<Function>(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& first = Input(0);
    const Tensor& second = Input(1);
    if (first.dtype() != second.dtype() || first.numel() != second.numel()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1),
                       " must have the same type and number of elements"));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, first.dtype(), Input(kValue).dims()));
    return DispatchType(Types(), first.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      function_(first.data<T>(), second.data<T>(), dx->mutable_data<T>(), dx->numel(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const Function function_;
};

// The same where dY is the first input.
template <class Context, class Function>
using UnaryGradientDyFirstOp = UnaryGradientOp<Context, Function, FloatingPointTypes, 1>;

// The schema of a UnaryOp; more of it may follow (AllowInplace).
#define DOPPIO_UNARY_SCHEMA(Type, doc, types)                         \
  DOPPIO_OPERATOR_SCHEMA(Type)                                        \
      .NumInputs(1)                                                   \
      .NumOutputs(1)                                                  \
      .IdenticalTypeAndShape()                                        \
      .Doc(doc)                                                       \
      .Input(0, "X", absl::StrCat("tensor of any shape, of ", types)) \
      .Output(0, "Y", "tensor of X's shape and type")

// The schema of a UnaryGradientOp that takes `value`: "X" or "Y".
#define DOPPIO_UNARY_GRADIENT_SCHEMA(Type, value, doc)                      \
  DOPPIO_OPERATOR_SCHEMA(Type)                                              \
      .NumInputs(2)                                                         \
      .NumOutputs(1)                                                        \
      .IdenticalTypeAndShape()                                              \
      .Doc(doc)                                                             \
      .Input(0, value, "the forward operator's " value ": float or double") \
      .Input(1, "dY", "gradient of its output, of the same type and size")  \
      .Output(0, "dX", "gradient of its input, of the shape of " value)

// The same for operators that take dY first.
#define DOPPIO_UNARY_GRADIENT_SCHEMA_DY_FIRST(Type, value, doc)                       \
  DOPPIO_OPERATOR_SCHEMA(Type)                                                        \
      .NumInputs(2)                                                                   \
      .NumOutputs(1)                                                                  \
      .IdenticalTypeAndShapeOfInput(1)                                                \
      .Doc(doc)                                                                       \
      .Input(0, "dY", "gradient of the forward operator's output: float or double")   \
      .Input(1, value, "the forward operator's " value ", of the same type and size") \
      .Output(0, "dX", "gradient of its input, of the shape of " value)

// The kernel of a UnaryOp, as a type: `DOPPIO_UNARY_FUNCTION(ReluFunction) { Relu(x, y, n, c); }`
#define DOPPIO_UNARY_FUNCTION(Name)                                    \
  struct Name {                                                        \
    template <typename T>                                              \
    void operator()(const T* x, T* y, int64_t n, CPUContext* c) const; \
  };                                                                   \
  template <typename T>                                                \
  void Name::operator()(const T* x, T* y, int64_t n, CPUContext* c) const

// The kernel of a UnaryGradientOp, of v (X or Y), dy and dx.
#define DOPPIO_UNARY_GRADIENT_FUNCTION(Name)                                         \
  struct Name {                                                                      \
    template <typename T>                                                            \
    void operator()(const T* v, const T* dy, T* dx, int64_t n, CPUContext* c) const; \
  };                                                                                 \
  template <typename T>                                                              \
  void Name::operator()(const T* v, const T* dy, T* dx, int64_t n, CPUContext* c) const

// The same for expressions of one element: f(x), and f(v, dy).
#define DOPPIO_UNARY_ELEMENT(Name, expression)                               \
  DOPPIO_UNARY_FUNCTION(Name) {                                              \
    MapElements([](T x) { return static_cast<T>(expression); }, x, y, n, c); \
  }
#define DOPPIO_UNARY_GRADIENT_ELEMENT(Name, expression)                              \
  DOPPIO_UNARY_GRADIENT_FUNCTION(Name) {                                             \
    MapPairs([](T v, T dy) { return static_cast<T>(expression); }, v, dy, dx, n, c); \
  }

#define DOPPIO_UNARY_GRADIENT_ELEMENT_DY_FIRST(Name, expression)                     \
  DOPPIO_UNARY_GRADIENT_FUNCTION(Name) {                                             \
    MapPairs([](T dy, T v) { return static_cast<T>(expression); }, v, dy, dx, n, c); \
  }

// The maker of a gradient that is one operator with the inputs that follow (of I, O and GO).
#define DOPPIO_UNARY_GRADIENT(Type, gradient_type, ...)                    \
  class Get##Type##Gradient final : public GradientMakerBase {             \
    using GradientMakerBase::GradientMakerBase;                            \
    std::vector<OperatorDef> GetGradientDefs() override {                  \
      return SingleGradientDef(gradient_type, "", {__VA_ARGS__}, {GI(0)}); \
    }                                                                      \
  };                                                                       \
  DOPPIO_REGISTER_GRADIENT(Type, Get##Type##Gradient)

}  // namespace doppio

#endif  // DOPPIO_OPS_ELEMENTWISE_UNARY_H_
