#include <cmath>
#include <type_traits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

constexpr char kErrorMessage[] = "error_msg";

absl::Status InferNothing(InferenceContext*) { return absl::OkStatus(); }

DOPPIO_OPERATOR_SCHEMA(Assert)
    .NumInputs(1)
    .NumOutputs(0)
    .Doc(R"DOC(
Makes the run fail where an element of X is false or 0. The error says which element it is, and
what the argument error_msg holds.

Example: X = [[1,1],[0,1]] with error_msg = "no rows" fails with `element 2 of "X" int32[2,2] is 0:
no rows`.
)DOC")
    .Arg<std::string>(kErrorMessage, "what else the error says", "")
    .Input(0, "X", "tensor of bool, int32 or int64, of any shape")
    .HasSideEffects()
    .TensorInference(InferNothing);

DOPPIO_OPERATOR_SCHEMA(EnforceFinite)
    .NumInputs(1)
    .NumOutputs(0)
    .Doc(
        "Makes the run fail where an element is NaN or infinite; the error says which it is."
        "\n\nExample: [1,inf] fails, [1,2] does not.")
    .Input(0, "input", "tensor of float or double, of any shape")
    .HasSideEffects()
    .TensorInference(InferNothing);

struct NotZero {
  using Types = TypeList<bool, int32_t, int64_t>;
  template <typename T>
  static bool Holds(T value) {
    return value != T(0);
  }
  template <typename T>
  static std::string Text(T value) {
    return std::is_same_v<T, bool> ? "false" : absl::StrCat(value);
  }
};

struct Finite {
  using Types = TypeList<float, double>;
  template <typename T>
  static bool Holds(T value) {
    return std::isfinite(value);
  }
  template <typename T>
  static std::string Text(T value) {
    return absl::StrCat(value);
  }
};

// Fails at the first element for which the condition does not hold.
template <class Context, class Condition>
class CheckElementsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CheckElementsOp(OperatorInit* init)
      : Operator<Context>(init),
        message_(init->GetSingleArgument<std::string>(kErrorMessage, "")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(typename Condition::Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const absl::Span<const T> elements = x.span<T>();
      for (size_t i = 0; i < elements.size(); ++i) {
        if (Condition::Holds(elements[i])) continue;
        const char* const colon = message_.empty() ? "" : ": ";
        return absl::FailedPreconditionError(absl::StrCat("element ", i, " of ", DescribeInput(0),
                                                          " is ", Condition::Text(elements[i]),
                                                          colon, message_));
      }
      return absl::OkStatus();
    });
  }

 private:
  const std::string message_;
};

using AssertOp = CheckElementsOp<CPUContext, NotZero>;
using EnforceFiniteOp = CheckElementsOp<CPUContext, Finite>;
DOPPIO_REGISTER_CPU_OPERATOR(Assert, AssertOp);
DOPPIO_REGISTER_CPU_OPERATOR(EnforceFinite, EnforceFiniteOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Assert);
DOPPIO_SHOULD_NOT_DO_GRADIENT(EnforceFinite);

}  // namespace
}  // namespace doppio
