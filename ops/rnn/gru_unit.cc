#include "ops/rnn/unit_inputs.h"

namespace doppio {
namespace {

constexpr int kStates = 1;
constexpr int kGates = 3;

DOPPIO_OPERATOR_SCHEMA(GRUUnit)
    .NumInputs(3, 4)
    .NumOutputs(1)
    .Doc(R"DOC(
The last part of a step of a gated recurrent unit, for N sequences. A row of GATES holds r, u and o, D
numbers each; r, the reset gate, was used when o was made, and is not looked at here:

    hidden = sigmoid(u) * HIDDEN_PREV + (1 - sigmoid(u)) * tanh(o)

Where timestep >= SEQ_LENGTHS[n], sequence n is over: its state stays what it is, or with drop_states
becomes 0.

Example: HIDDEN_PREV [[[2],[3]]], GATES of zeros [1,2,3], SEQ_LENGTHS [2,1] and timestep = 1 give HIDDEN
[[[1],[3]]].
)DOC")
    .FillUsing(StateUnitArguments)
    .Input(0, "HIDDEN_PREV", "tensor [1,N,D] of float or double")
    .Input(1, "GATES", "tensor [1,N,3*D] of the same type")
    .Input(2, "SEQ_LENGTHS", "N lengths of int32; left out where sequence_lengths is false")
    .Input(3, "timestep", "a single int32, not negative")
    .Output(0, "HIDDEN", "tensor of HIDDEN_PREV's type and shape")
    .Flops([](const OperatorDef&, const auto&, const std::vector<TensorInfo>& outputs) {
      return 12 * SizeFromDim(*outputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const UnitArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(args.CheckInputSize(context->InputSize(), kStates));
      DOPPIO_RETURN_IF_ERROR(CheckUnitShapes(context->dtype(0), context->dims(0), "HIDDEN_PREV",
                                             context->dtype(1), context->dims(1), kGates));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(GRUUnitGradient)
    .NumInputs(5, 6)
    .NumOutputs(2)
    .Doc(R"DOC(
The gradient of GRUUnit. Where a sequence is over, the gradient of its state goes on as it is, or with
drop_states ends, and dGATES is 0. That of the reset gate is 0 always.
)DOC")
    .FillUsing(StateUnitArguments)
    .Input(0, "HIDDEN_PREV", "GRUUnit's")
    .Input(1, "GATES", "GRUUnit's")
    .Input(2, "SEQ_LENGTHS", "GRUUnit's; left out where sequence_lengths is false")
    .Input(3, "timestep", "GRUUnit's")
    .Input(4, "HIDDEN", "GRUUnit's; not looked at")
    .Input(5, "dHIDDEN", "gradient of HIDDEN")
    .Output(0, "dHIDDEN_PREV", "gradient of HIDDEN_PREV")
    .Output(1, "dGATES", "gradient of GATES")
    .ShapeOnlyWhere([](const OperatorDef& def, int input) { return input == def.input_size() - 2; })
    .Flops([](const OperatorDef&, const auto&, const std::vector<TensorInfo>& outputs) {
      return 20 * SizeFromDim(*outputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const UnitArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(args.CheckInputSize(context->InputSize(), kStates, 2));
      DOPPIO_RETURN_IF_ERROR(CheckUnitShapes(context->dtype(0), context->dims(0), "HIDDEN_PREV",
                                             context->dtype(1), context->dims(1), kGates));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, context->dtype(1), context->dims(1));
      return absl::OkStatus();
    });

// The gates of no more than kUnitBlock elements of a sequence, squashed.
template <typename T>
struct Gates {
  // `x` begins at the first element's reset gate, which the unit does not use.
  Gates(const T* x, int64_t width, int64_t count) {
    CPUContext context;
    Sigmoid(x + width, u, count, &context);
    Tanh(x + 2 * width, o, count, &context);
  }

  T u[kUnitBlock];
  T o[kUnitBlock];
};

template <class Context>
class GRUUnitOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GRUUnitOp(OperatorInit* init) : Operator<Context>(init), args_(init) {
    if (init->status().ok()) init->Fail(args_.CheckInputSize(InputSize(), kStates));
  }

  absl::Status RunOnDevice() override {
    const Tensor& hidden = Input(0);
    const Tensor& gates = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckUnitShapes(hidden.dtype(), hidden.dims(), "HIDDEN_PREV",
                                           gates.dtype(), gates.dims(), kGates));
    const int64_t rows = hidden.dim(1);
    const int64_t width = hidden.dim(2);
    DOPPIO_ASSIGN_OR_RETURN(const UnitStep step,
                            ReadUnitStep(args_.sequence_lengths ? &Input(2) : nullptr,
                                         Input(args_.Timestep(kStates)), rows));
    return DispatchType(TypeList<float, double>(), hidden.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * new_hidden, Output(0, hidden.dtype(), hidden.dims()));
      ForPiecesOfRows(rows, width, [&](int64_t n, int64_t begin, int64_t count) {
        const T* h_prev = hidden.data<T>() + n * width + begin;
        T* h = new_hidden->template mutable_data<T>() + n * width + begin;
        if (step.IsOver(n)) {
          for (int64_t d = 0; d < count; ++d) h[d] = args_.drop_states ? T{0} : h_prev[d];
          return;
        }
        const Gates<T> gate(gates.data<T>() + n * kGates * width + begin, width, count);
        for (int64_t d = 0; d < count; ++d) {
          h[d] = gate.u[d] * h_prev[d] + (1 - gate.u[d]) * gate.o[d];
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const UnitArguments args_;
};

template <class Context>
class GRUUnitGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GRUUnitGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {
    if (init->status().ok()) init->Fail(args_.CheckInputSize(InputSize(), kStates, 2));
  }

  absl::Status RunOnDevice() override {
    const int timestep = args_.Timestep(kStates);
    const Tensor& hidden = Input(0);
    const Tensor& gates = Input(1);
    const Tensor& gradient = Input(timestep + 2);
    DOPPIO_RETURN_IF_ERROR(CheckUnitShapes(hidden.dtype(), hidden.dims(), "HIDDEN_PREV",
                                           gates.dtype(), gates.dims(), kGates));
    DOPPIO_RETURN_IF_ERROR(CheckLike(gradient, "dHIDDEN", hidden));
    const int64_t rows = hidden.dim(1);
    const int64_t width = hidden.dim(2);
    DOPPIO_ASSIGN_OR_RETURN(
        const UnitStep step,
        ReadUnitStep(args_.sequence_lengths ? &Input(2) : nullptr, Input(timestep), rows));
    return DispatchType(TypeList<float, double>(), hidden.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dhidden, Output(0, hidden.dtype(), hidden.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dgates, Output(1, gates.dtype(), gates.dims()));
      ForPiecesOfRows(rows, width, [&](int64_t n, int64_t begin, int64_t count) {
        const T* h_prev = hidden.data<T>() + n * width + begin;
        const T* dh = gradient.data<T>() + n * width + begin;
        T* dh_prev = dhidden->template mutable_data<T>() + n * width + begin;
        T* dx = dgates->template mutable_data<T>() + n * kGates * width + begin;
        T* du = dx + width;
        T* d_o = du + width;
        std::fill_n(dx, count, T{0});
        if (step.IsOver(n)) {
          for (int64_t d = 0; d < count; ++d) {
            dh_prev[d] = args_.drop_states ? T{0} : dh[d];
            du[d] = d_o[d] = 0;
          }
          return;
        }
        const Gates<T> gate(gates.data<T>() + n * kGates * width + begin, width, count);
        for (int64_t d = 0; d < count; ++d) {
          const T u = gate.u[d];
          const T o = gate.o[d];
          dh_prev[d] = dh[d] * u;
          du[d] = dh[d] * (h_prev[d] - o) * u * (1 - u);
          d_o[d] = dh[d] * (1 - u) * (1 - o * o);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const UnitArguments args_;
};

class GetGRUUnitGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs;
    for (int i = 0; i < InputSize(); ++i) inputs.push_back(I(i));
    inputs.push_back(O(0));
    inputs.push_back(GO(0));
    return SingleGradientDef("GRUUnitGradient", "", inputs, {GI(0), GI(1)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(GRUUnit, GRUUnitOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(GRUUnitGradient, GRUUnitGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(GRUUnit, GetGRUUnitGradient);

}  // namespace
}  // namespace doppio
