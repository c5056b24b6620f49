#ifndef DOPPIO_OPS_ONNX_RECURRENT_H_
#define DOPPIO_OPS_ONNX_RECURRENT_H_

// What ONNX's RNN, GRU and LSTM have in common: sequences of different lengths, in one direction or
// two, that a cell goes through step by step.

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/gate_function.h"
#include "src/dnn/gemm.h"

namespace doppio {

// What a cell is.
struct RecurrentCell {
  int64_t gates;
  bool has_cell_state;
  std::vector<std::string> functions;  // the default ones
  std::vector<std::string> optional;   // inputs behind X, W and R, in their order
};

struct RecurrentArguments {
  RecurrentArguments(ArgumentReader* args, const RecurrentCell& cell);

  // Which input of the operator an optional one is; -1: not given.
  int InputOf(absl::string_view name) const;

  int64_t directions = 1;
  bool is_reverse = false;      // the first direction
  bool is_batch_first = false;  // layout 1
  int64_t hidden_size = 0;      // 0: not given
  std::vector<std::string> given;
  std::vector<GateFunction> functions;
};

struct RecurrentShape {
  int64_t steps;
  int64_t batch;
  int64_t inputs;
  int64_t hidden;
  int64_t directions;
  bool is_batch_first;

  Dims outputs() const;  // Y
  Dims states() const;   // Y_h, Y_c
  // Where the row of a sequence stands.
  int64_t OutputRow(int64_t t, int64_t direction, int64_t n) const;
  int64_t StateRow(int64_t direction, int64_t n) const;
};

// Everything but the documentation.
void StateRecurrent(OpSchema& schema, const RecurrentCell& cell);

// `dims(i)` and `type(i)` tell of input i of `count`.
absl::StatusOr<RecurrentShape> CheckRecurrent(const RecurrentArguments& args,
                                              const RecurrentCell& cell, int count,
                                              const std::function<DimsView(int)>& dims,
                                              const std::function<DataType(int)>& type);

// One step of a batch of sequences.
template <typename T>
struct RecurrentStep {
  int64_t batch;
  int64_t hidden;
  const GateFunction* functions;
  const T* x;  // [batch, gates, hidden]: the step's input, times W
  const T* r;  // [gates, hidden, hidden]
  // [gates, hidden] each, or null.
  const T* w_bias;
  const T* r_bias;
  const T* peepholes;  // null: none
  // The states before and after, [batch, hidden].
  const T* h;
  const T* c;
  T* next_h;
  T* next_c;
  T* products;  // [batch, gates, hidden], scratch
  CPUContext* context;
};

// Cell: a class with Get (a static function that gives its RecurrentCell), a constructor of an
// ArgumentReader*, and Step(const RecurrentStep<T>&).
template <class Context, class Cell>
class RecurrentOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RecurrentOp(OperatorInit* init)
      : Operator<Context>(init), args_(init, Cell::Get()), cell_(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(
        const RecurrentShape shape,
        CheckRecurrent(
            args_, Cell::Get(), InputSize(), [this](int i) { return Input(i).dims(); },
            [this](int i) { return Input(i).dtype(); }));
    return DispatchType(TypeList<float, double>(), Input(0).dtype(),
                        [&](auto tag) { return Run<typename decltype(tag)::type>(shape); });
  }

 private:
  template <typename T>
  const T* Optional(absl::string_view name) const {
    const int i = args_.InputOf(name);
    return i < 0 ? nullptr : Input(i).template data<T>();
  }

  template <typename T>
  static absl::StatusOr<T*> Room(Tensor* scratch, int64_t size) {
    DOPPIO_RETURN_IF_ERROR(scratch->Resize(DataTypeOf<T>::value, {size}));
    return scratch->mutable_data<T>();
  }

  template <typename T>
  absl::Status Run(const RecurrentShape& shape) {
    const DataType type = DataTypeOf<T>::value;
    DOPPIO_RETURN_IF_ERROR(CheckLengths(shape));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, type, shape.outputs()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y_h, Output(1, type, shape.states()));
    T* last_c = nullptr;
    if (Cell::Get().has_cell_state) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y_c, Output(2, type, shape.states()));
      last_c = y_c->mutable_data<T>();
    }
    const T* x = Input(0).template data<T>();
    if (shape.is_batch_first) {
      DOPPIO_ASSIGN_OR_RETURN(T* const turned, Room<T>(&turned_, Input(0).numel()));
      for (int64_t n = 0; n < shape.batch; ++n) {
        for (int64_t t = 0; t < shape.steps; ++t) {
          std::copy_n(x + (n * shape.steps + t) * shape.inputs, shape.inputs,
                      turned + (t * shape.batch + n) * shape.inputs);
        }
      }
      x = turned;
    }
    for (int64_t d = 0; d < shape.directions; ++d) {
      DOPPIO_RETURN_IF_ERROR(
          RunDirection(shape, d, x, y->mutable_data<T>(), y_h->mutable_data<T>(), last_c));
    }
    return absl::OkStatus();
  }

  absl::Status CheckLengths(const RecurrentShape& shape) const {
    const int32_t* lengths = Optional<int32_t>("sequence_lens");
    for (int64_t n = 0; lengths != nullptr && n < shape.batch; ++n) {
      if (lengths[n] >= 0 && lengths[n] <= shape.steps) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("sequence_lens has ", lengths[n], ", must be 0 to ", shape.steps));
    }
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status RunDirection(const RecurrentShape& shape, int64_t d, const T* x, T* y, T* y_h,
                            T* y_c) {
    const int64_t hidden = shape.hidden;
    const int64_t states = shape.batch * hidden;
    const int64_t gates = Cell::Get().gates * hidden;
    const int64_t functions = static_cast<int64_t>(Cell::Get().functions.size());
    const T* w = Input(1).template data<T>() + d * gates * shape.inputs;
    DOPPIO_ASSIGN_OR_RETURN(T* const inputs, Room<T>(&inputs_, shape.steps * shape.batch * gates));
    DOPPIO_ASSIGN_OR_RETURN(T* const products, Room<T>(&products_, shape.batch * gates));
    // h, c and the same of the next step.
    DOPPIO_ASSIGN_OR_RETURN(T* const h, Room<T>(&states_, 4 * states));
    DOPPIO_RETURN_IF_ERROR(Gemm<T>(false, true, shape.steps * shape.batch, gates, shape.inputs, x,
                                   w, inputs, &context_));
    RecurrentStep<T> step = {};
    step.batch = shape.batch;
    step.hidden = hidden;
    step.functions = args_.functions.data() + d * functions;
    step.r = Input(2).template data<T>() + d * gates * hidden;
    if (const T* b = Optional<T>("B")) {
      step.w_bias = b + d * 2 * gates;
      step.r_bias = step.w_bias + gates;
    }
    if (const T* p = Optional<T>("P")) step.peepholes = p + d * 3 * hidden;
    T* const c = h + states;
    step.h = h;
    step.c = c;
    step.next_h = h + 2 * states;
    step.next_c = h + 3 * states;
    step.products = products;
    step.context = &context_;
    const T* initial_h = Optional<T>("initial_h");
    const T* initial_c = Optional<T>("initial_c");
    for (int64_t n = 0; n < shape.batch; ++n) {
      const int64_t row = shape.StateRow(d, n) * hidden;
      CopyOrZero(initial_h, row, hidden, h + n * hidden);
      CopyOrZero(initial_c, row, hidden, c + n * hidden);
    }
    const int32_t* lengths = Optional<int32_t>("sequence_lens");
    const bool is_backward = args_.is_reverse || d == 1;
    for (int64_t i = 0; i < shape.steps; ++i) {
      const int64_t t = is_backward ? shape.steps - 1 - i : i;
      step.x = inputs + t * shape.batch * gates;
      DOPPIO_RETURN_IF_ERROR(cell_.Step(step));
      for (int64_t n = 0; n < shape.batch; ++n) {
        T* out = y + shape.OutputRow(t, d, n) * hidden;
        if (lengths != nullptr && t >= lengths[n]) {
          std::fill_n(out, hidden, T(0));
          continue;
        }
        std::copy_n(step.next_h + n * hidden, hidden, h + n * hidden);
        std::copy_n(h + n * hidden, hidden, out);
        if (y_c != nullptr) std::copy_n(step.next_c + n * hidden, hidden, c + n * hidden);
      }
    }
    for (int64_t n = 0; n < shape.batch; ++n) {
      const int64_t row = shape.StateRow(d, n) * hidden;
      std::copy_n(h + n * hidden, hidden, y_h + row);
      if (y_c != nullptr) std::copy_n(c + n * hidden, hidden, y_c + row);
    }
    return absl::OkStatus();
  }

  template <typename T>
  static void CopyOrZero(const T* from, int64_t begin, int64_t count, T* to) {
    if (from == nullptr) {
      std::fill_n(to, count, T(0));
    } else {
      std::copy_n(from + begin, count, to);
    }
  }

  const RecurrentArguments args_;
  const Cell cell_;
  // Scratch, kept for the next run.
  Tensor turned_;
  Tensor inputs_;
  Tensor products_;
  Tensor states_;
};

// products = x + h R^T + both biases, of all gates.
template <typename T>
absl::Status AddStates(const RecurrentStep<T>& s, int64_t gates) {
  const int64_t width = gates * s.hidden;
  DOPPIO_RETURN_IF_ERROR(
      Gemm<T>(false, true, s.batch, width, s.hidden, s.h, s.r, s.products, s.context));
  for (int64_t n = 0; n < s.batch; ++n) {
    T* row = s.products + n * width;
    for (int64_t i = 0; i < width; ++i) row[i] += s.x[n * width + i];
    if (s.w_bias == nullptr) continue;
    for (int64_t i = 0; i < width; ++i) row[i] += s.w_bias[i] + s.r_bias[i];
  }
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_RECURRENT_H_
