#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

// The remainder of a division that rounds toward zero has the sign of what is divided.
DOPPIO_UNARY_SCHEMA(Mod, R"DOC(
The remainder of a division by a constant: Y = X % divisor. It has the sign of X, or with
sign_follow_divisor that of the divisor.

Example: X [3] = [7, -7, 6] with divisor=3 gives Y [3] = [1, -1, 0], with sign_follow_divisor=1
Y [3] = [1, 2, 0].
)DOC",
                    "int32 or int64")
    .AllowInplace({{0, 0}})
    .Arg<int64_t>("divisor", "what to divide by; not 0", 0)
    .Arg("sign_follow_divisor", "the result has the sign of the divisor", false);

class ModFunction {
 public:
  explicit ModFunction(OperatorInit* init)
      : divisor_(init->GetSingleArgument<int64_t>("divisor")),
        follow_(init->GetSingleArgument<bool>("sign_follow_divisor")) {
    if (divisor_ == 0) init->Fail(absl::InvalidArgumentError("the divisor must not be 0"));
  }

  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    MapElements([this](T v) { return static_cast<T>(Remainder(v)); }, x, y, n, c);
  }

 private:
  int64_t Remainder(int64_t x) const {
    if (divisor_ == -1) return 0;  // the least integer has no quotient
    const int64_t remainder = x % divisor_;
    const bool other_sign = (remainder < 0) != (divisor_ < 0);
    return follow_ && remainder != 0 && other_sign ? remainder + divisor_ : remainder;
  }

  int64_t divisor_;
  bool follow_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Mod, UnaryOp<CPUContext, ModFunction, TypeList<int32_t, int64_t>>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Mod);

}  // namespace
}  // namespace doppio
