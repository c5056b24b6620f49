#include "ops/rnn/lstm_gates.h"

namespace doppio {
namespace {

constexpr int kStates = 2;  // hidden and cell
constexpr int kGates = 4;

DOPPIO_OPERATOR_SCHEMA(LSTMUnit)
    .NumInputs(4, 5)
    .NumOutputs(2)
    .Doc(R"DOC(
One step of a long short-term memory without peepholes, for N sequences. A row of GATES holds i, f, o
and g, D numbers each, and of the states before come those after:

    cell = sigmoid(f + forget_bias) * CELL_PREV + sigmoid(i) * tanh(g)
    hidden = sigmoid(o) * tanh(cell)

Where timestep >= SEQ_LENGTHS[n], sequence n is over: both states stay what they are, or with drop_states
become 0.

Example: HIDDEN_PREV [[[1],[2]]], CELL_PREV [[[2],[3]]], GATES of zeros [1,2,4], SEQ_LENGTHS [2,1] and
timestep = 1 give HIDDEN [[[0.38079708],[2]]] and CELL [[[1],[3]]].
)DOC")
    .Arg<float>("forget_bias", "is added to f", 0.0f)
    .FillUsing(StateUnitArguments)
    .Input(0, "HIDDEN_PREV", "tensor [1,N,D] of float or double")
    .Input(1, "CELL_PREV", "tensor of HIDDEN_PREV's type and shape")
    .Input(2, "GATES", "tensor [1,N,4*D] of the same type")
    .Input(3, "SEQ_LENGTHS", "N lengths of int32; left out where sequence_lengths is false")
    .Input(4, "timestep", "a single int32, not negative")
    .Output(0, "HIDDEN", "tensor of HIDDEN_PREV's type and shape")
    .Output(1, "CELL", "tensor of HIDDEN_PREV's type and shape")
    .Flops([](const OperatorDef&, const auto&, const std::vector<TensorInfo>& outputs) {
      return 20 * SizeFromDim(*outputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const UnitArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(args.CheckInputSize(context->InputSize(), kStates));
      DOPPIO_RETURN_IF_ERROR(CheckUnitShapes(context->dtype(1), context->dims(1), "CELL_PREV",
                                             context->dtype(2), context->dims(2), kGates));
      DOPPIO_RETURN_IF_ERROR(CheckLike(context->dtype(0), context->dims(0), "HIDDEN_PREV",
                                       context->dtype(1), context->dims(1)));
      for (int i = 0; i < kStates; ++i) context->SetOutput(i, context->dtype(1), context->dims(1));
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(LSTMUnitGradient)
    .NumInputs(8, 9)
    .NumOutputs(3)
    .Doc(R"DOC(
The gradient of LSTMUnit. Where a sequence is over, the gradients of the states go on as they are, or
with drop_states end, and dGATES is 0.
)DOC")
    .Arg<float>("forget_bias", "as LSTMUnit's", 0.0f)
    .FillUsing(StateUnitArguments)
    .Input(0, "HIDDEN_PREV", "LSTMUnit's")
    .Input(1, "CELL_PREV", "LSTMUnit's")
    .Input(2, "GATES", "LSTMUnit's")
    .Input(3, "SEQ_LENGTHS", "LSTMUnit's; left out where sequence_lengths is false")
    .Input(4, "timestep", "LSTMUnit's")
    .Input(5, "HIDDEN", "LSTMUnit's; not looked at")
    .Input(6, "CELL", "LSTMUnit's")
    .Input(7, "dHIDDEN", "gradient of HIDDEN")
    .Input(8, "dCELL", "gradient of CELL")
    .Output(0, "dHIDDEN_PREV", "gradient of HIDDEN_PREV")
    .Output(1, "dCELL_PREV", "gradient of CELL_PREV")
    .Output(2, "dGATES", "gradient of GATES")
    .ShapeOnlyWhere([](const OperatorDef& def, int input) {
      return input == 0 || input == def.input_size() - 4;
    })
    .Flops([](const OperatorDef&, const auto&, const std::vector<TensorInfo>& outputs) {
      return 40 * SizeFromDim(*outputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const UnitArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(args.CheckInputSize(context->InputSize(), kStates, 4));
      DOPPIO_RETURN_IF_ERROR(CheckUnitShapes(context->dtype(1), context->dims(1), "CELL_PREV",
                                             context->dtype(2), context->dims(2), kGates));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, context->dtype(1), context->dims(1));
      context->SetOutput(2, context->dtype(2), context->dims(2));
      return absl::OkStatus();
    });

// Those of elements whose i begins at `x`.
template <typename T>
void ReadGates(const T* x, int64_t width, int64_t count, T forget_bias, LstmGates<T>* gates) {
  std::copy_n(x, count, gates->i);
  for (int64_t d = 0; d < count; ++d) gates->f[d] = x[width + d] + forget_bias;
  std::copy_n(x + 2 * width, count, gates->o);
  std::copy_n(x + 3 * width, count, gates->g);
  gates->Squash(count);
}

template <class Context>
class LSTMUnitOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LSTMUnitOp(OperatorInit* init)
      : Operator<Context>(init),
        args_(init),
        forget_bias_(init->GetSingleArgument<float>("forget_bias")) {
    if (init->status().ok()) init->Fail(args_.CheckInputSize(InputSize(), kStates));
  }

  absl::Status RunOnDevice() override {
    const Tensor& cell = Input(1);
    const Tensor& gates = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckUnitShapes(cell.dtype(), cell.dims(), "CELL_PREV", gates.dtype(),
                                           gates.dims(), kGates));
    DOPPIO_RETURN_IF_ERROR(CheckLike(Input(0), "HIDDEN_PREV", cell));
    const int64_t rows = cell.dim(1);
    const int64_t width = cell.dim(2);
    DOPPIO_ASSIGN_OR_RETURN(const UnitStep step,
                            ReadUnitStep(args_.sequence_lengths ? &Input(3) : nullptr,
                                         Input(args_.Timestep(kStates)), rows));
    return DispatchType(TypeList<float, double>(), cell.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * new_hidden, Output(0, cell.dtype(), cell.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * new_cell, Output(1, cell.dtype(), cell.dims()));
      const T bias = static_cast<T>(forget_bias_);
      ForPiecesOfRows(rows, width, [&](int64_t n, int64_t begin, int64_t count) {
        const int64_t first = n * width + begin;
        const T* h_prev = Input(0).template data<T>() + first;
        const T* c_prev = cell.data<T>() + first;
        T* h = new_hidden->template mutable_data<T>() + first;
        T* c = new_cell->template mutable_data<T>() + first;
        if (step.IsOver(n)) {
          for (int64_t d = 0; d < count; ++d) {
            h[d] = args_.drop_states ? T{0} : h_prev[d];
            c[d] = args_.drop_states ? T{0} : c_prev[d];
          }
          return;
        }
        LstmGates<T> gate;
        ReadGates(gates.data<T>() + n * kGates * width + begin, width, count, bias, &gate);
        gate.Advance(c_prev, count, c, h);
      });
      return absl::OkStatus();
    });
  }

 private:
  const UnitArguments args_;
  const float forget_bias_;
};

template <class Context>
class LSTMUnitGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LSTMUnitGradientOp(OperatorInit* init)
      : Operator<Context>(init),
        args_(init),
        forget_bias_(init->GetSingleArgument<float>("forget_bias")) {
    if (init->status().ok()) init->Fail(args_.CheckInputSize(InputSize(), kStates, 4));
  }

  absl::Status RunOnDevice() override {
    const int timestep = args_.Timestep(kStates);
    const Tensor& cell_prev = Input(1);
    const Tensor& gates = Input(2);
    const Tensor& cell = Input(timestep + 2);
    const Tensor& hidden_gradient = Input(timestep + 3);
    const Tensor& cell_gradient = Input(timestep + 4);
    DOPPIO_RETURN_IF_ERROR(CheckUnitShapes(cell_prev.dtype(), cell_prev.dims(), "CELL_PREV",
                                           gates.dtype(), gates.dims(), kGates));
    DOPPIO_RETURN_IF_ERROR(CheckLike(Input(0), "HIDDEN_PREV", cell_prev));
    DOPPIO_RETURN_IF_ERROR(CheckLike(cell, "CELL", cell_prev));
    DOPPIO_RETURN_IF_ERROR(CheckLike(hidden_gradient, "dHIDDEN", cell_prev));
    DOPPIO_RETURN_IF_ERROR(CheckLike(cell_gradient, "dCELL", cell_prev));
    const int64_t rows = cell_prev.dim(1);
    const int64_t width = cell_prev.dim(2);
    DOPPIO_ASSIGN_OR_RETURN(
        const UnitStep step,
        ReadUnitStep(args_.sequence_lengths ? &Input(3) : nullptr, Input(timestep), rows));
    return DispatchType(TypeList<float, double>(), cell.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dhidden_prev, Output(0, cell.dtype(), cell.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dcell_prev, Output(1, cell.dtype(), cell.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dgates, Output(2, gates.dtype(), gates.dims()));
      const T bias = static_cast<T>(forget_bias_);
      ForPiecesOfRows(rows, width, [&](int64_t n, int64_t begin, int64_t count) {
        const int64_t first = n * width + begin;
        const T* c_prev = cell_prev.data<T>() + first;
        const T* dh = hidden_gradient.data<T>() + first;
        const T* dc = cell_gradient.data<T>() + first;
        T* dh_prev = dhidden_prev->template mutable_data<T>() + first;
        T* dc_prev = dcell_prev->template mutable_data<T>() + first;
        T* di = dgates->template mutable_data<T>() + n * kGates * width + begin;
        T* df = di + width;
        T* d_o = df + width;
        T* dg = d_o + width;
        if (step.IsOver(n)) {
          for (int64_t d = 0; d < count; ++d) {
            dh_prev[d] = args_.drop_states ? T{0} : dh[d];
            dc_prev[d] = args_.drop_states ? T{0} : dc[d];
            di[d] = df[d] = d_o[d] = dg[d] = 0;
          }
          return;
        }
        LstmGates<T> gate;
        ReadGates(gates.data<T>() + n * kGates * width + begin, width, count, bias, &gate);
        T squashed[kUnitBlock];
        CPUContext context;
        Tanh(cell.data<T>() + first, squashed, count, &context);
        for (int64_t d = 0; d < count; ++d) {
          const T i = gate.i[d];
          const T f = gate.f[d];
          const T o = gate.o[d];
          const T g = gate.g[d];
          const T of_cell = dc[d] + dh[d] * o * (1 - squashed[d] * squashed[d]);
          dh_prev[d] = 0;  // reaches this step through the gates alone
          dc_prev[d] = of_cell * f;
          di[d] = of_cell * g * i * (1 - i);
          df[d] = of_cell * c_prev[d] * f * (1 - f);
          d_o[d] = dh[d] * squashed[d] * o * (1 - o);
          dg[d] = of_cell * i * (1 - g * g);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const UnitArguments args_;
  const float forget_bias_;
};

class GetLSTMUnitGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs;
    for (int i = 0; i < InputSize(); ++i) inputs.push_back(I(i));
    for (int i = 0; i < kStates; ++i) inputs.push_back(O(i));
    for (int i = 0; i < kStates; ++i) inputs.push_back(GO(i));
    return SingleGradientDef("LSTMUnitGradient", "", inputs, {GI(0), GI(1), GI(2)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(LSTMUnit, LSTMUnitOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(LSTMUnitGradient, LSTMUnitGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(LSTMUnit, GetLSTMUnitGradient);

}  // namespace
}  // namespace doppio
