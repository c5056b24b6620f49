#include <string>

#include "ops/onnx/broadcast_operator.h"
#include "src/kernel/broadcast_binary.h"

namespace doppio {
namespace {

DOPPIO_ONNX_BROADCAST_SCHEMA(BitShift, R"DOC(
ONNX's BitShift: the bits of A, shifted by as many places as B says. What leaves is lost, and zeros follow.

Example: A = [16,4,1] and B = [1,2,3] give [8,1,0] for direction = `RIGHT`, [32,16,8] for `LEFT`.
)DOC",
                             "uint8 or uint16")
    .RequiredArg<std::string>("direction", "LEFT: to more significant bits, or RIGHT");

template <typename T, bool kLeft>
void ShiftRow(const T* a, bool repeat_a, const T* b, bool repeat_b, T* c, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = a[repeat_a ? 0 : i];
    const uint32_t places = b[repeat_b ? 0 : i];
    c[i] = places >= 8 * sizeof(T) ? T(0) : static_cast<T>(kLeft ? bits << places : bits >> places);
  }
}

class ShiftFunction {
 public:
  using Types = TypeList<uint8_t, uint16_t>;
  explicit ShiftFunction(OperatorInit* init) {
    const auto direction = init->GetSingleArgument<std::string>("direction");
    is_left_ = direction == "LEFT";
    if (is_left_ || direction == "RIGHT") return;
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("direction must be LEFT or RIGHT, but is \"", direction, "\"")));
  }

  template <typename T>
  absl::Status operator()(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c,
                          DimsView c_dims, CPUContext*) const {
    constexpr int64_t kGrain = 1 << 15;
    const BinaryRow<T, T> row = is_left_ ? ShiftRow<T, true> : ShiftRow<T, false>;
    BroadcastBinary(row, a, a_dims, b, b_dims, c, c_dims, kGrain);
    return absl::OkStatus();
  }

 private:
  bool is_left_;
};
using BitShiftOp = OnnxBroadcastOp<CPUContext, ShiftFunction>;

DOPPIO_REGISTER_CPU_OPERATOR(BitShift, BitShiftOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(BitShift);

}  // namespace
}  // namespace doppio
