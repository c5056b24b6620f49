#ifndef DOPPIO_OPS_ELEMENTWISE_BINARY_GRADIENT_H_
#define DOPPIO_OPS_ELEMENTWISE_BINARY_GRADIENT_H_

// What the gradients of operators on two tensors have in common: dA and dB are computed in the
// shape of C and then summed over the dimensions along which A or B was repeated.

#include <algorithm>

#include "doppio/gradient_maker.h"
#include "ops/elementwise/binary.h"
#include "src/kernel/elementwise_unary.h"
#include "src/kernel/reduce.h"

namespace doppio {

// Where the inputs of a gradient operator stand; -1 for what it does not take. The shape of A is
// that of C where A is missing.
struct BinaryGradientInputs {
  int dc;
  int a;
  int b;
  int c;
};

// The elements that a function of BinaryGradientOp may use, and their shapes (BinaryShapes). Those
// of A and B are smaller where these are phantoms.
template <typename T>
struct BinaryGradientData {
  const BinaryShapes& shapes;
  const T* dc;
  const T* a;
  const T* b;
  const T* c;
  CPUContext* context;
};

// What a function of BinaryGradientOp says besides
//   template <typename T> const T* Full(int which, const BinaryGradientData<T>& data, T* room)
// which returns the gradient of A (which = 0) or B (1) in the shape of C: computed in `room`, or dC
// itself (kNeedsRoom is false then).
struct BinaryGradientFunction {
  using Types = TypeList<float, double, int32_t, int64_t>;
  static constexpr bool kNeedsRoom = true;
  static constexpr bool kNegateB = false;  // dB has the other sign than Full gives
  static absl::Status CheckB(const Tensor&) { return absl::OkStatus(); }
  static BinaryGradientInputs Inputs(int) { return {0, 1, 2, -1}; }
};

template <class Context, class Function>
class BinaryGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BinaryGradientOp(OperatorInit* init) : Operator<Context>(init), rule_(init) {}

  absl::Status RunOnDevice() override {
    const BinaryGradientInputs at = Function::Inputs(InputSize());
    const DataType type = InputOperand(0).elements.dtype();
    const auto a = InputOperand(at.a < 0 ? at.c : at.a);
    const auto b = InputOperand(at.b);
    for (int i = 1; i < InputSize(); ++i) {
      if (InputOperand(i).elements.dtype() != type) {
        return absl::InvalidArgumentError(
            absl::StrCat(DescribeInput(0), " and ", DescribeInput(i), " must have the same type"));
      }
    }
    DOPPIO_ASSIGN_OR_RETURN(const BinaryShapes shapes, rule_.Align(a.dims, b.dims));
    for (int i : {at.dc, at.c}) {
      if (i < 0 || Input(i).dims() == DimsView(shapes.c_dims)) continue;
      return absl::InvalidArgumentError(absl::StrCat("input ", i, " ", DescribeInput(i),
                                                     " must have the shape of the result, ",
                                                     ShapeToString(shapes.c_dims)));
    }
    const Dims dims[] = {Dims(a.dims.begin(), a.dims.end()), Dims(b.dims.begin(), b.dims.end())};
    // What is written in place of an input comes last.
    int first = 0;
    for (int o = 0; o < 2; ++o) {
      if (!IsInplace(0, o)) continue;
      DOPPIO_RETURN_IF_ERROR(CheckInplaceShape(0, Input(0).dims(), o, dims[o]));
      first = 1 - o;
    }
    DOPPIO_RETURN_IF_ERROR(Function::CheckB(b.elements));
    BinaryShapes read = shapes;
    DOPPIO_ASSIGN_OR_RETURN(const Tensor* a_elements, Elements(at.a, a, &read.a));
    DOPPIO_ASSIGN_OR_RETURN(const Tensor* b_elements, Elements(at.b, b, &read.b));
    return DispatchType(typename Function::Types(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_RETURN_IF_ERROR(Output(0, type, dims[0]).status());
      DOPPIO_RETURN_IF_ERROR(Output(1, type, dims[1]).status());
      const BinaryGradientData<T> given = {read,
                                           Input(at.dc).template data<T>(),
                                           at.a < 0 ? nullptr : a_elements->template data<T>(),
                                           b_elements->template data<T>(),
                                           at.c < 0 ? nullptr : Input(at.c).template data<T>(),
                                           &context_};
      DOPPIO_RETURN_IF_ERROR(RunOne<T>(first, dims[first], shapes, given));
      return RunOne<T>(1 - first, dims[1 - first], shapes, given);
    });
  }

 private:
  // A phantom among A and B is read as it is, by the rules of NumPy; else it is written out.
  absl::StatusOr<const Tensor*> Elements(int i, const typename Operator<Context>::Operand& operand,
                                         Dims* dims) const {
    if (!operand.is_repeated()) return &operand.elements;
    if (rule_.legacy()) {
      DOPPIO_RETURN_IF_ERROR(InputBlob(i).WriteOut());
      return &Input(i);
    }
    dims->assign(operand.elements.dims().begin(), operand.elements.dims().end());
    return &operand.elements;
  }

  template <typename T>
  absl::Status RunOne(int which, const Dims& dims, const BinaryShapes& shapes,
                      const BinaryGradientData<T>& given) {
    const Dims& kernel_dims = which == 0 ? shapes.a : shapes.b;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(which, DataTypeOf<T>::value, dims));
    T* to = output->mutable_data<T>();
    if (SizeFromDim(kernel_dims, 0) == SizeFromDim(shapes.c, 0)) {
      const T* full = Function().Full(which, given, to);
      if (full != to) std::copy_n(full, output->numel(), to);
    } else {
      T* room = nullptr;
      if (Function::kNeedsRoom) {
        DOPPIO_RETURN_IF_ERROR(room_.Resize(DataTypeOf<T>::value, shapes.c));
        room = room_.mutable_data<T>();
      }
      DOPPIO_RETURN_IF_ERROR(
          ReduceSumTo(Function().Full(which, given, room), shapes.c, to, kernel_dims, &context_));
    }
    if (which == 1 && Function::kNegateB) Negative(to, to, output->numel(), &context_);
    return absl::OkStatus();
  }

  const BroadcastRule rule_;
  Tensor room_;
};

#define DOPPIO_BINARY_GRADIENT_SCHEMA(Type, forward, formulas)                           \
  DOPPIO_OPERATOR_SCHEMA(Type)                                                           \
      .NumInputs(3)                                                                      \
      .NumOutputs(2)                                                                     \
      .AllowInplace({{0, 0}, {0, 1}})                                                    \
      .Doc(absl::StrCat("The gradients of ", forward, ": ", formulas,                    \
                        ", each summed over the dimensions along which its operand was " \
                        "repeated. In place where the shapes are equal."))               \
      .TakesPhantoms({1, 2})                                                             \
      .DOPPIO_BROADCAST_ARGUMENTS                                                        \
      .Input(0, "dC", "gradient of C, of its shape: float, double, int32 or int64")      \
      .Input(1, "A", "the first operand, of the same type")                              \
      .Input(2, "B", "the second operand, of the same type")                             \
      .Output(0, "dA", "gradient of A, of its shape")                                    \
      .Output(1, "dB", "gradient of B, of its shape")                                    \
      .TensorInference([](InferenceContext* context) {                                   \
        context->SetOutput(0, context->dtype(0), context->dims(1));                      \
        context->SetOutput(1, context->dtype(0), context->dims(2));                      \
        return absl::OkStatus();                                                         \
      })

// The maker of <Type>Gradient(dC, A, B) -> dA, dB.
#define DOPPIO_BINARY_GRADIENT(Type)                                                       \
  class Get##Type##Gradient final : public GradientMakerBase {                             \
    using GradientMakerBase::GradientMakerBase;                                            \
    std::vector<OperatorDef> GetGradientDefs() override {                                  \
      return SingleGradientDef(#Type "Gradient", "", {GO(0), I(0), I(1)}, {GI(0), GI(1)}); \
    }                                                                                      \
  };                                                                                       \
  DOPPIO_REGISTER_GRADIENT(Type, Get##Type##Gradient)

}  // namespace doppio

#endif  // DOPPIO_OPS_ELEMENTWISE_BINARY_GRADIENT_H_
