#include "ops/onnx/recurrent.h"

namespace doppio {
namespace {

// Gates z, r and h, in this order.
struct GruCell {
  static const RecurrentCell& Get() {
    static const auto* const cell =
        new RecurrentCell{3, false, {"Sigmoid", "Tanh"}, {"B", "sequence_lens", "initial_h"}};
    return *cell;
  }
  explicit GruCell(ArgumentReader* args)
      : linear_before_reset(args->GetSingleArgument<bool>("linear_before_reset")) {}

  template <typename T>
  absl::Status Step(const RecurrentStep<T>& s) const {
    const int64_t width = s.hidden;
    const int64_t gates = 3 * width;
    const int64_t states = s.batch * width;
    // What of the states before goes into the gate h is made apart from what comes from x. Without
    // linear_before_reset the part of R for it is multiplied after the reset.
    DOPPIO_RETURN_IF_ERROR(
        Gemm<T>(false, true, s.batch, gates, width, s.h, s.r, s.products, s.context));
    T* const reset = s.next_c;  // GRUs have no cell: the room is free
    for (int64_t n = 0; n < s.batch; ++n) {
      T* row = s.products + n * gates;
      for (int64_t k = 0; k < 2 * width; ++k) {
        row[k] += s.x[n * gates + k] + (s.w_bias == nullptr ? 0 : s.w_bias[k] + s.r_bias[k]);
      }
      s.functions[0].Apply(row, 2 * width);
      const T* r = row + width;
      for (int64_t k = 0; k < width; ++k) reset[n * width + k] = r[k] * s.h[n * width + k];
    }
    const T* of_h = s.r + 2 * width * width;
    if (!linear_before_reset) {
      DOPPIO_RETURN_IF_ERROR(
          Gemm<T>(false, true, s.batch, width, width, reset, of_h, s.next_h, s.context));
    }
    for (int64_t n = 0; n < s.batch; ++n) {
      const T* row = s.products + n * gates;
      T* h = s.next_h + n * width;
      for (int64_t k = 0; k < width; ++k) {
        const T w_bias = s.w_bias == nullptr ? T(0) : s.w_bias[2 * width + k];
        const T r_bias = s.r_bias == nullptr ? T(0) : s.r_bias[2 * width + k];
        const T from_state =
            linear_before_reset ? row[width + k] * (row[2 * width + k] + r_bias) : h[k] + r_bias;
        h[k] = s.x[n * gates + 2 * width + k] + w_bias + from_state;
      }
    }
    s.functions[1].Apply(s.next_h, states);
    for (int64_t n = 0; n < s.batch; ++n) {
      const T* z = s.products + n * gates;
      T* h = s.next_h + n * width;
      for (int64_t k = 0; k < width; ++k) h[k] = (1 - z[k]) * h[k] + z[k] * s.h[n * width + k];
    }
    return absl::OkStatus();
  }

  bool linear_before_reset;
};

DOPPIO_OPERATOR_SCHEMA(GRU)
    .Doc(R"DOC(
ONNX's gated recurrent unit. Of a step's input x and the state before, with f = Sigmoid and g = Tanh where
`activations` do not say otherwise:

    z = f(x Wz^T + H Rz^T + Wbz + Rbz)
    r = f(x Wr^T + H Rr^T + Wbr + Rbr)
    h = g(x Wh^T + (r H) Rh^T + Rbh + Wbh), or g(x Wh^T + r (H Rh^T + Rbh) + Wbh) with linear_before_reset
    H = (1 - z) h + z H

W, R and the biases have the gates in the order z, r, h.

Example: X [1,1,1] = 1, W [1,3,1] = 0 0 1 and R [1,3,1] of zeros give Y = Y_h = 0.38079708.
)DOC")
    .FillUsing([](OpSchema& schema) { StateRecurrent(schema, GruCell::Get()); })
    .Arg<bool>("linear_before_reset", "R is multiplied before the reset gate", false);

DOPPIO_REGISTER_CPU_OPERATOR(GRU, RecurrentOp<CPUContext, GruCell>);
DOPPIO_NO_GRADIENT(GRU);

}  // namespace
}  // namespace doppio
