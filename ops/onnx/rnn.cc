#include "ops/onnx/recurrent.h"

namespace doppio {
namespace {

struct RnnCell {
  static const RecurrentCell& Get() {
    static const auto* const cell =
        new RecurrentCell{1, false, {"Tanh"}, {"B", "sequence_lens", "initial_h"}};
    return *cell;
  }
  explicit RnnCell(ArgumentReader*) {}

  template <typename T>
  absl::Status Step(const RecurrentStep<T>& s) const {
    DOPPIO_RETURN_IF_ERROR(AddStates(s, 1));
    const int64_t size = s.batch * s.hidden;
    std::copy_n(s.products, size, s.next_h);
    s.functions[0].Apply(s.next_h, size);
    return absl::OkStatus();
  }
};

DOPPIO_OPERATOR_SCHEMA(RNN)
    .Doc(R"DOC(
ONNX's simple recurrent network: in each step the state becomes H = f(X W^T + Wb + H R^T + Rb), with f = Tanh
where `activations` do not say otherwise.

Example: X [1,1,1] = 1, W [1,1,1] = 0.5 and R [1,1,1] = 0 give Y [1,1,1,1] = Y_h [1,1,1] = 0.46211716.
)DOC")
    .FillUsing([](OpSchema& schema) { StateRecurrent(schema, RnnCell::Get()); });

DOPPIO_REGISTER_CPU_OPERATOR(RNN, RecurrentOp<CPUContext, RnnCell>);
DOPPIO_NO_GRADIENT(RNN);

}  // namespace
}  // namespace doppio
