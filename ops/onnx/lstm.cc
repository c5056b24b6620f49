#include "ops/onnx/recurrent.h"

namespace doppio {
namespace {

// Gates i, o, f and c, in this order; peepholes of i, o and f.
struct LstmCell {
  static const RecurrentCell& Get() {
    static const auto* const cell =
        new RecurrentCell{4,
                          true,
                          {"Sigmoid", "Tanh", "Tanh"},
                          {"B", "sequence_lens", "initial_h", "initial_c", "P"}};
    return *cell;
  }
  explicit LstmCell(ArgumentReader* args)
      : input_forget(args->GetSingleArgument<bool>("input_forget")) {}

  template <typename T>
  absl::Status Step(const RecurrentStep<T>& s) const {
    DOPPIO_RETURN_IF_ERROR(AddStates(s, 4));
    const int64_t width = s.hidden;
    for (int64_t n = 0; n < s.batch; ++n) {
      T* i = s.products + n * 4 * width;
      T* o = i + width;
      T* f = o + width;
      T* g = f + width;
      const T* c = s.c + n * width;
      T* next_c = s.next_c + n * width;
      T* next_h = s.next_h + n * width;
      AddPeepholes(s, 0, c, i);
      AddPeepholes(s, 2, c, f);
      s.functions[0].Apply(i, width);
      s.functions[0].Apply(f, width);
      s.functions[1].Apply(g, width);
      for (int64_t k = 0; k < width; ++k) {
        next_c[k] = (input_forget ? 1 - i[k] : f[k]) * c[k] + i[k] * g[k];
      }
      AddPeepholes(s, 1, next_c, o);
      s.functions[0].Apply(o, width);
      std::copy_n(next_c, width, next_h);
      s.functions[2].Apply(next_h, width);
      for (int64_t k = 0; k < width; ++k) next_h[k] *= o[k];
    }
    return absl::OkStatus();
  }

  template <typename T>
  static void AddPeepholes(const RecurrentStep<T>& s, int64_t which, const T* c, T* gate) {
    if (s.peepholes == nullptr) return;
    const T* p = s.peepholes + which * s.hidden;
    for (int64_t k = 0; k < s.hidden; ++k) gate[k] += p[k] * c[k];
  }

  bool input_forget;
};

DOPPIO_OPERATOR_SCHEMA(LSTM)
    .Doc(R"DOC(
ONNX's long short-term memory. Of a step's input x and the states before, with f = Sigmoid and g = h = Tanh where
`activations` do not say otherwise:

    i = f(x Wi^T + H Ri^T + Pi C + Wbi + Rbi)
    f = f(x Wf^T + H Rf^T + Pf C + Wbf + Rbf), or 1 - i with input_forget
    c = g(x Wc^T + H Rc^T + Wbc + Rbc)
    C = f C + i c
    o = f(x Wo^T + H Ro^T + Po C + Wbo + Rbo)
    H = o h(C)

W, R and the biases have the gates in the order i, o, f, c, and P in the order i, o, f.

Example: X [1,1,1] = 1, W [1,4,1] = 0 0 0 1 and R [1,4,1] of zeros give Y_c = 0.38079708 and Y_h = 0.18169977.
)DOC")
    .FillUsing([](OpSchema& schema) { StateRecurrent(schema, LstmCell::Get()); })
    .Arg<bool>("input_forget", "the forget gate is what the input gate leaves", false);

DOPPIO_REGISTER_CPU_OPERATOR(LSTM, RecurrentOp<CPUContext, LstmCell>);
DOPPIO_NO_GRADIENT(LSTM);

}  // namespace
}  // namespace doppio
