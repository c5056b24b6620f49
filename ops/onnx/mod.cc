#include <algorithm>
#include <cmath>
#include <type_traits>

#include "ops/onnx/broadcast_operator.h"
#include "src/kernel/broadcast_binary.h"

namespace doppio {
namespace {

DOPPIO_ONNX_BROADCAST_SCHEMA(OnnxMod, R"DOC(
ONNX's Mod: the remainder of A divided by B. It has the sign of B, as Python's %; with fmod = 1 that of A,
as C's fmod. Whole numbers can not be divided by 0.

Example: A = [-4,7,5] and B = [2,-3,8] give [0,-2,5], with fmod = 1 [0,1,5].
)DOC",
                             "int32 or int64, with fmod = 1 of float or double too")
    .Arg<bool>("fmod", "1: the remainder has the sign of A; needed for floating point numbers",
               false);

template <typename T>
T Remainder(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return b == -1 ? T(0) : a % b;  // the least integer has no quotient by -1
  } else {
    return std::fmod(a, b);
  }
}

template <typename T, bool kFollowsB>
void RemainderRow(const T* a, bool repeat_a, const T* b, bool repeat_b, T* c, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T divisor = b[repeat_b ? 0 : i];
    T remainder = Remainder(a[repeat_a ? 0 : i], divisor);
    if (kFollowsB && remainder != 0 && (remainder < 0) != (divisor < 0)) remainder += divisor;
    c[i] = remainder;
  }
}

class ModFunction {
 public:
  using Types = TypeList<float, double, int32_t, int64_t>;
  explicit ModFunction(OperatorInit* init) : is_fmod_(init->GetSingleArgument<bool>("fmod")) {}

  template <typename T>
  absl::Status operator()(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c,
                          DimsView c_dims, CPUContext*) const {
    if constexpr (!std::is_integral_v<T>) {
      if (!is_fmod_) {
        return absl::InvalidArgumentError("floating point numbers have remainders with fmod = 1");
      }
    } else {
      const int64_t divisors = SizeFromDim(b_dims, 0);
      if (SizeFromDim(c_dims, 0) > 0 && std::find(b, b + divisors, T(0)) != b + divisors) {
        return absl::InvalidArgumentError("division of whole numbers by zero");
      }
    }
    constexpr int64_t kGrain = 1 << 13;
    const BinaryRow<T, T> row = is_fmod_ ? RemainderRow<T, false> : RemainderRow<T, true>;
    BroadcastBinary(row, a, a_dims, b, b_dims, c, c_dims, kGrain);
    return absl::OkStatus();
  }

 private:
  const bool is_fmod_;
};
using OnnxModOp = OnnxBroadcastOp<CPUContext, ModFunction>;

DOPPIO_REGISTER_CPU_OPERATOR(OnnxMod, OnnxModOp);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxMod);

}  // namespace
}  // namespace doppio
