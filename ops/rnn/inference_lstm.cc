#include <algorithm>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/rnn/lstm_gates.h"
#include "src/dnn/gemm.h"

namespace doppio {
namespace {

constexpr int kBeforeWeights = 3;  // inputs
constexpr int64_t kGates = 4;

struct LstmArguments {
  explicit LstmArguments(ArgumentReader* args)
      : layers(args->GetSingleArgument<int64_t>("num_layers")),
        directions(args->GetSingleArgument<bool>("bidirectional") ? 2 : 1),
        has_biases(args->GetSingleArgument<bool>("has_biases")),
        batch_first(args->GetSingleArgument<bool>("batch_first")) {}

  int WeightsOfCell() const { return has_biases ? 4 : 2; }

  int64_t layers;
  int64_t directions;
  bool has_biases;
  bool batch_first;
};

struct LstmShape {
  int64_t steps;
  int64_t batch;
  int64_t width;  // of a state
  int64_t gates;  // four times that
};

// `dims(i)` and `type(i)` tell of input i.
template <typename DimsOf, typename TypeOf>
absl::StatusOr<LstmShape> CheckLstm(const LstmArguments& args, int inputs, const DimsOf& dims,
                                    const TypeOf& type) {
  int64_t cells;
  if (args.layers < 1 || __builtin_mul_overflow(args.layers, args.directions, &cells) ||
      cells > inputs || inputs != kBeforeWeights + cells * args.WeightsOfCell()) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_layers = ", args.layers, " with ", args.directions, " direction(s) and ",
                     args.WeightsOfCell(), " weights each do not make the ",
                     inputs - kBeforeWeights, " weights that are given"));
  }
  if (dims(0).size() != 3 || dims(1).size() != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("input and hidden_0 must have three dimensions, but have the shapes ",
                     ShapeToString(dims(0)), " and ", ShapeToString(dims(1))));
  }
  LstmShape shape;
  shape.steps = dims(0)[args.batch_first ? 1 : 0];
  shape.batch = dims(0)[args.batch_first ? 0 : 1];
  shape.width = dims(1)[2];
  const auto check = [&](int i, absl::string_view what, const Dims& expected) {
    return CheckLike(type(i), dims(i), what, type(0), expected);
  };
  DOPPIO_RETURN_IF_ERROR(check(1, "hidden_0", {cells, shape.batch, shape.width}));
  DOPPIO_RETURN_IF_ERROR(check(2, "cell_0", {cells, shape.batch, shape.width}));
  DOPPIO_ASSIGN_OR_RETURN(shape.gates, CheckedProduct(kGates, shape.width));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t joined, CheckedProduct(args.directions, shape.width));
  DOPPIO_RETURN_IF_ERROR(NumElements({shape.steps, shape.batch, joined}).status());
  DOPPIO_RETURN_IF_ERROR(NumElements({shape.steps, shape.batch, shape.gates}).status());
  for (int64_t cell = 0; cell < cells; ++cell) {
    const int first = kBeforeWeights + static_cast<int>(cell) * args.WeightsOfCell();
    const int64_t below = cell < args.directions ? dims(0)[2] : joined;
    const std::string what = absl::StrCat("of layer ", cell / args.directions);
    DOPPIO_RETURN_IF_ERROR(check(first, absl::StrCat("w_ih ", what), {shape.gates, below}));
    DOPPIO_RETURN_IF_ERROR(
        check(first + 1, absl::StrCat("w_hh ", what), {shape.gates, shape.width}));
    if (!args.has_biases) continue;
    DOPPIO_RETURN_IF_ERROR(check(first + 2, absl::StrCat("b_ih ", what), {shape.gates}));
    DOPPIO_RETURN_IF_ERROR(check(first + 3, absl::StrCat("b_hh ", what), {shape.gates}));
  }
  return shape;
}

Dims OutputDims(const LstmArguments& args, const LstmShape& shape) {
  Dims dims = {shape.steps, shape.batch, args.directions * shape.width};
  if (args.batch_first) std::swap(dims[0], dims[1]);
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(InferenceLSTM)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(3)
    .Doc(R"DOC(
PyTorch's LSTM, for a whole batch of sequences of T steps. Of a step's input x and the states before, gates
i, f, g and o are the four quarters of x * w_ih^T + b_ih + hidden * w_hh^T + b_hh, and

    cell = sigmoid(f) * cell + sigmoid(i) * tanh(g)
    hidden = sigmoid(o) * tanh(cell)

The hidden states of a layer are the input of the next. With bidirectional each layer has a second cell, which
goes from the last step to the first; both hidden states stand side by side.

Example: input [1,1,1] = [[[1]]], hidden_0 and cell_0 [1,1,1] = [[[0]]], w_ih [4,1] = [[0],[0],[1],[0]], w_hh
of zeros [4,1] and has_biases = 0 give cell [[[0.38079708]]] and hidden = output = [[[0.18169977]]].
)DOC")
    .Arg<int64_t>("num_layers", "layers, one upon the other", 1)
    .Arg<bool>("bidirectional", "whether layers go in both directions", false)
    .Arg<bool>("has_biases", "whether cells have b_ih and b_hh", true)
    .Arg<bool>("batch_first", "whether input and output are [N,T,...]", false)
    .Input(0, "input", "tensor [T,N,I] of float")
    .Input(1, "hidden_0", "tensor [L,N,D]: of each layer, and in it of each direction, the state")
    .Input(2, "cell_0", "tensor of hidden_0's shape")
    .Input(3, "weights",
           "of each layer, and in it of each direction: w_ih [4*D,I], w_hh [4*D,D] "
           "and, with has_biases, b_ih [4*D] and b_hh [4*D]; from the second layer on "
           "I is the width of the output")
    .Output(0, "output",
            "tensor [T,N,D], or with bidirectional [T,N,2*D]: the last layer's hidden "
            "states")
    .Output(1, "hidden", "tensor of hidden_0's shape: after the last step")
    .Output(2, "cell", "tensor of hidden_0's shape: after the last step")
    .MultiplyAdds([](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
      ArgumentReader reader(def, OpSchemaRegistry::Schema(def.type()));
      const int cell = LstmArguments(&reader).WeightsOfCell();
      const Dims& input = *inputs[0].dims;
      int64_t sum = 0;
      for (size_t i = kBeforeWeights; i < inputs.size(); i += static_cast<size_t>(cell)) {
        for (size_t w = i; w < std::min(i + 2, inputs.size()); ++w) {
          const Dims& dims = *inputs[w].dims;
          sum += GemmMultiplyAdds(input[0] * input[1], dims[0], dims[1]);
        }
      }
      return sum;
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const LstmArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      if (context->InputSize() < kBeforeWeights) {
        return absl::InvalidArgumentError("there must be input, hidden_0, cell_0 and weights");
      }
      DOPPIO_ASSIGN_OR_RETURN(const LstmShape shape, CheckLstm(
                                                         args, context->InputSize(),
                                                         [&](int i) { return context->dims(i); },
                                                         [&](int i) { return context->dtype(i); }));
      context->SetOutput(0, context->dtype(0), OutputDims(args, shape));
      for (int i = 1; i < 3; ++i) context->SetOutput(i, context->dtype(0), context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class InferenceLSTMOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit InferenceLSTMOp(OperatorInit* init) : Operator<Context>(init), args_(init) {
    if (InputSize() < kBeforeWeights) {
      init->Fail(absl::InvalidArgumentError("there must be input, hidden_0, cell_0 and weights"));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const LstmShape shape,
                            CheckLstm(
                                args_, InputSize(), [&](int i) { return Input(i).dims(); },
                                [&](int i) { return Input(i).dtype(); }));
    const DataType type = Input(0).dtype();
    if (type != DataType::kFloat) {
      return absl::InvalidArgumentError(
          absl::StrCat("input must be float, but is ", DataTypeName(type)));
    }
    const int64_t rows = shape.steps * shape.batch;
    const int64_t joined = args_.directions * shape.width;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, type, OutputDims(args_, shape)));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * hidden, Output(1, type, Input(1).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * cell, Output(2, type, Input(1).dims()));
    DOPPIO_RETURN_IF_ERROR(gates_.Resize(type, {rows, shape.gates}));
    DOPPIO_RETURN_IF_ERROR(step_gates_.Resize(type, {shape.batch, shape.gates}));
    const float* below = Input(0).template data<float>();
    if (args_.batch_first) {
      DOPPIO_RETURN_IF_ERROR(turned_.Resize(type, Input(0).dims()));
      SwapFirst(below, shape.batch, shape.steps, Input(0).dim(2), turned_.mutable_data<float>());
      below = turned_.data<float>();
    }
    const int64_t state = shape.batch * shape.width;
    std::copy_n(Input(1).template data<float>(), Input(1).numel(),
                hidden->template mutable_data<float>());
    std::copy_n(Input(2).template data<float>(), Input(2).numel(),
                cell->template mutable_data<float>());
    for (int64_t layer = 0; layer < args_.layers; ++layer) {
      Tensor& above = layers_[layer % 2];
      DOPPIO_RETURN_IF_ERROR(above.Resize(type, {rows, joined}));
      for (int64_t direction = 0; direction < args_.directions; ++direction) {
        const int64_t which = layer * args_.directions + direction;
        DOPPIO_RETURN_IF_ERROR(RunCell(shape, which, direction == 1, below,
                                       hidden->template mutable_data<float>() + which * state,
                                       cell->template mutable_data<float>() + which * state,
                                       above.mutable_data<float>() + direction * shape.width));
      }
      below = above.data<float>();
    }
    float* y = output->template mutable_data<float>();
    if (args_.batch_first) {
      SwapFirst(below, shape.steps, shape.batch, joined, y);
    } else {
      std::copy_n(below, rows * joined, y);
    }
    return absl::OkStatus();
  }

 private:
  // y [b,a,n] = x [a,b,n].
  static void SwapFirst(const float* x, int64_t a, int64_t b, int64_t n, float* y) {
    for (int64_t i = 0; i < a; ++i) {
      for (int64_t j = 0; j < b; ++j) std::copy_n(x + (i * b + j) * n, n, y + (j * a + i) * n);
    }
  }

  // All steps of cell number `which`; its hidden states go to `out`, a row of which is as wide as
  // those of all directions.
  absl::Status RunCell(const LstmShape& shape, int64_t which, bool is_backward, const float* below,
                       float* hidden, float* cell, float* out) {
    const int first = kBeforeWeights + static_cast<int>(which) * args_.WeightsOfCell();
    const int64_t width = shape.width;
    const int64_t gates = shape.gates;
    const Tensor& w_ih = Input(first);
    const float* w_hh = Input(first + 1).template data<float>();
    const float* b_ih = args_.has_biases ? Input(first + 2).template data<float>() : nullptr;
    const float* b_hh = args_.has_biases ? Input(first + 3).template data<float>() : nullptr;
    // What comes from below is one product for all steps.
    DOPPIO_RETURN_IF_ERROR(Gemm<float>(false, true, shape.steps * shape.batch, gates, w_ih.dim(1),
                                       below, w_ih.data<float>(), gates_.mutable_data<float>(),
                                       &context_));
    for (int64_t i = 0; i < shape.steps; ++i) {
      const int64_t t = is_backward ? shape.steps - 1 - i : i;
      DOPPIO_RETURN_IF_ERROR(Gemm<float>(false, true, shape.batch, gates, width, hidden, w_hh,
                                         step_gates_.mutable_data<float>(), &context_));
      ForPiecesOfRows(shape.batch, width, [&](int64_t n, int64_t begin, int64_t count) {
        const float* x = gates_.data<float>() + (t * shape.batch + n) * gates;
        const float* h = step_gates_.data<float>() + n * gates;
        LstmGates<float> gate;
        int64_t k = begin;
        for (float* values : {gate.i, gate.f, gate.g, gate.o}) {
          for (int64_t d = 0; d < count; ++d) values[d] = x[k + d] + h[k + d];
          for (int64_t d = 0; b_ih != nullptr && d < count; ++d) {
            values[d] += b_ih[k + d] + b_hh[k + d];
          }
          k += width;
        }
        gate.Squash(count);
        float* y = out + (t * shape.batch + n) * args_.directions * width + begin;
        float* state = hidden + n * width + begin;
        float* c = cell + n * width + begin;
        gate.Advance(c, count, c, state);
        std::copy_n(state, count, y);
      });
    }
    return absl::OkStatus();
  }

  const LstmArguments args_;
  // Scratch, kept for the next run.
  Tensor gates_;
  Tensor step_gates_;
  Tensor turned_;
  Tensor layers_[2];
};

DOPPIO_REGISTER_CPU_OPERATOR(InferenceLSTM, InferenceLSTMOp<CPUContext>);
DOPPIO_NO_GRADIENT(InferenceLSTM);

}  // namespace
}  // namespace doppio
