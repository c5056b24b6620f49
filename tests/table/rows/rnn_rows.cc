#include <algorithm>
#include <cmath>
#include <string>

#include "doppio/op_def.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

double Logistic(double x) { return 1 / (1 + std::exp(-x)); }

// A batch of states, the gates of a step, and which step it is.
void DrawUnit(CaseMaker& c, std::initializer_list<const char*> states, int64_t gates) {
  const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
  const Dims batch = c.Shape(2, 2);
  const Dims dims = {1, batch[0], batch[1]};
  for (const char* state : states) c.Input(state, c.Random(type, dims));
  c.Input("GATES", c.Random(type, {1, batch[0], gates * batch[1]}));
  if (c.Chance(0.7)) {
    c.Input("SEQ_LENGTHS", c.Random(DataType::kInt32, {batch[0]}, 0, 4));
  } else {
    c.Arg("sequence_lengths", 0);
  }
  c.Input("timestep", *Tensor::FromSpan<int32_t>({1}, {static_cast<int32_t>(c.Int(0, 3))}));
  if (c.Chance()) c.Arg("drop_states", 1);
  c.Output("HIDDEN");
}

// Element `flat` of a state: as the step says, or what a sequence that is over gets of `previous`.
template <typename F>
double StateAfter(const OpCase& c, int previous, int64_t flat, const F& step) {
  const int last = c.def.input_size() - 1;
  const int64_t n = flat / c.in(0).dim(2);
  const bool is_over = c.Arg<bool>("sequence_lengths", true) &&
                       ElementAsDouble(c.in(last), 0) >= ElementAsDouble(c.in(last - 1), n);
  if (!is_over) return step();
  return c.Arg<bool>("drop_states") ? 0 : ElementAsDouble(c.in(previous), flat);
}

// Gate number `which` of state element `flat`.
double Gate(const Tensor& gates, int64_t flat, int64_t width, int64_t count, int64_t which) {
  return ElementAsDouble(gates, (flat / width * count + which) * width + flat % width);
}

DOPPIO_OP_ROW(LSTMUnit)
    .Case([](CaseMaker& c) {
      DrawUnit(c, {"HIDDEN_PREV", "CELL_PREV"}, 4);
      c.Output("CELL");
      if (c.Chance()) c.Arg("forget_bias", c.OneOf({-0.5f, 1.0f}));
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& previous = c.in(1);
      const auto gate = [&](int64_t flat, int64_t which) {
        return Gate(c.in(2), flat, previous.dim(2), 4, which);
      };
      const auto cell = [&](int64_t flat) {
        return Logistic(gate(flat, 1) + c.Arg<float>("forget_bias")) *
                   ElementAsDouble(previous, flat) +
               Logistic(gate(flat, 0)) * std::tanh(gate(flat, 3));
      };
      return {Generate(previous.dtype(), previous.dims(),
                       [&](const Dims& i) {
                         const int64_t flat = FlatIndex(previous.dims(), i);
                         return StateAfter(c, 0, flat, [&] {
                           return Logistic(gate(flat, 2)) * std::tanh(cell(flat));
                         });
                       }),
              Generate(previous.dtype(), previous.dims(), [&](const Dims& i) {
                const int64_t flat = FlatIndex(previous.dims(), i);
                return StateAfter(c, 1, flat, [&] { return cell(flat); });
              })};
    })
    .NeverScalar("states have three dimensions")
    .Differentiable({0, 1, 2});
DOPPIO_OP_ROW(LSTMUnitGradient)
    .CheckedByGradientOf("LSTMUnit")
    .NeverScalar("states have three dimensions");

DOPPIO_OP_ROW(GRUUnit)
    .Case([](CaseMaker& c) { DrawUnit(c, {"HIDDEN_PREV"}, 3); })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& previous = c.in(0);
      return {Generate(previous.dtype(), previous.dims(), [&](const Dims& i) {
        const int64_t flat = FlatIndex(previous.dims(), i);
        return StateAfter(c, 0, flat, [&] {
          const double u = Logistic(Gate(c.in(1), flat, previous.dim(2), 3, 1));
          return u * ElementAsDouble(previous, flat) +
                 (1 - u) * std::tanh(Gate(c.in(1), flat, previous.dim(2), 3, 2));
        });
      })};
    })
    .NeverScalar("states have three dimensions")
    .Differentiable({0, 1});
DOPPIO_OP_ROW(GRUUnitGradient)
    .CheckedByGradientOf("GRUUnit")
    .NeverScalar("states have three dimensions");

// The number of a step, and where a row of `size` rows is that it means, seen from there.
void DrawStep(CaseMaker& c, int64_t most) {
  const int64_t t = most > 0 ? c.Int(0, most) : 0;
  c.Input("timestep", *Tensor::FromSpan<int32_t>({1}, {static_cast<int32_t>(t)}));
  c.Arg("offset", most > 0 ? c.Int(0, most - t) : 0);
}

DOPPIO_OP_ROW(rnn_internal_apply_link)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Dims dims = c.Shape(1);
      const int64_t window = std::min<int64_t>(dims[0], c.Int(0, 2));
      DrawStep(c, dims[0] - window);
      c.Input("external", c.Random(type, dims));
      c.Arg("window", window);
      if (c.Chance()) {
        const auto t = static_cast<int64_t>(ElementAsDouble(c.result().in(0), 0));
        const int64_t stored = c.Int(0, std::min<int64_t>(dims[0] - t, 2));
        Dims stored_dims = dims;
        stored_dims[0] = stored;
        c.Input("stored", c.Random(type, stored_dims));
        c.Arg("stored_offset", c.Int(0, dims[0] - t - stored));
        c.Arg("stored_window", stored);
      }
      c.Output("internal");
      c.Output("external");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(1);
      const auto t = static_cast<int64_t>(ElementAsDouble(c.in(0), 0));
      const auto after = [&](Dims i) {
        const int64_t row = i[0] - t - c.Arg<int64_t>("stored_offset");
        const bool is_stored = c.def.input_size() == 3 && row >= 0 && row < c.in(2).dim(0);
        if (is_stored) i[0] = row;
        return At(is_stored ? c.in(2) : x, i);
      };
      Dims dims(x.dims().begin(), x.dims().end());
      dims[0] = c.Arg<int64_t>("window");
      return {Generate(x.dtype(), dims,
                       [&](Dims i) {
                         i[0] += t + c.Arg<int64_t>("offset");
                         return after(i);
                       }),
              Generate(x.dtype(), x.dims(), after)};
    })
    .NeverScalar("rows are taken");

DOPPIO_OP_ROW(rnn_internal_accumulate_gradient_input)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      Dims dims = c.Shape(1);
      dims[0] = std::max<int64_t>(dims[0], 1);
      DrawStep(c, dims[0] - 1);
      c.Input("output_gradient", c.Random(type, dims));
      c.Input("state_gradient", c.Random(type, dims));
      c.Output("state_gradient");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(1);
      const auto t = static_cast<int64_t>(ElementAsDouble(c.in(0), 0));
      const auto offset = c.Arg<int64_t>("offset");
      return {Generate(x.dtype(), x.dims(), [&](Dims i) {
        const double before = At(c.in(2), i);
        if (i[0] != t + offset) return before;
        i[0] = t;
        return before + At(x, i);
      })};
    })
    .NeverEmpty("there is a row of that step")
    .NeverScalar("a row is added to");

// One cell of InferenceLSTM, as its documentation says: y [T,N,D] of x, and the states after it.
struct Cell {
  std::vector<double> y;
  std::vector<double> hidden;
  std::vector<double> cell;
};

Cell RunCell(const OpCase& c, int64_t which, int64_t steps, const std::vector<double>& x,
             bool is_backward) {
  const int64_t batch = c.in(1).dim(1);
  const int64_t width = c.in(1).dim(2);
  const bool has_biases = c.Arg<bool>("has_biases", true);
  const int first = 3 + static_cast<int>(which) * (has_biases ? 4 : 2);
  const int64_t below = c.in(first).dim(1);
  const auto at = [](const std::vector<double>& v, int64_t i) { return v[static_cast<size_t>(i)]; };
  Cell result;
  result.y.resize(static_cast<size_t>(steps * batch * width));
  for (int64_t i = 0; i < batch * width; ++i) {
    result.hidden.push_back(ElementAsDouble(c.in(1), which * batch * width + i));
    result.cell.push_back(ElementAsDouble(c.in(2), which * batch * width + i));
  }
  for (int64_t step = 0; step < steps; ++step) {
    const int64_t t = is_backward ? steps - 1 - step : step;
    const std::vector<double> before = result.hidden;
    for (int64_t i = 0; i < batch * width; ++i) {
      const int64_t n = i / width;
      const auto gate = [&](int64_t which_gate) {
        const int64_t row = which_gate * width + i % width;
        double sum = 0;
        for (int64_t k = 0; k < below; ++k)
          sum += at(x, (t * batch + n) * below + k) * ElementAsDouble(c.in(first), row * below + k);
        for (int64_t k = 0; k < width; ++k)
          sum += at(before, n * width + k) * ElementAsDouble(c.in(first + 1), row * width + k);
        if (!has_biases) return sum;
        return sum + ElementAsDouble(c.in(first + 2), row) + ElementAsDouble(c.in(first + 3), row);
      };
      double& cell = result.cell[static_cast<size_t>(i)];
      cell = Logistic(gate(1)) * cell + Logistic(gate(0)) * std::tanh(gate(2));
      result.hidden[static_cast<size_t>(i)] = Logistic(gate(3)) * std::tanh(cell);
      result.y[static_cast<size_t>(t * batch * width + i)] = result.hidden[static_cast<size_t>(i)];
    }
  }
  return result;
}

DOPPIO_OP_ROW(InferenceLSTM)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(3, 3);
      const int64_t width = c.Int(0, 4);
      const int64_t layers = c.Int(1, 3);
      const int64_t directions = c.Int(1, 2);
      const bool batch_first = c.Chance();
      const bool has_biases = c.Chance();
      const int64_t batch = dims[batch_first ? 0 : 1];
      c.Input("input", c.Random(DataType::kFloat, dims));
      const Dims state = {layers * directions, batch, width};
      for (const char* name : {"hidden_0", "cell_0"})
        c.Input(name, c.Random(DataType::kFloat, state));
      for (int64_t i = 0; i < layers * directions; ++i) {
        const auto input = [&](const char* name, const Dims& shape) {
          c.Input(name + std::to_string(i), c.Random(DataType::kFloat, shape, -0.5, 0.5));
        };
        input("w_ih", {4 * width, i < directions ? dims[2] : directions * width});
        input("w_hh", {4 * width, width});
        if (!has_biases) continue;
        input("b_ih", {4 * width});
        input("b_hh", {4 * width});
      }
      c.Arg("num_layers", layers);
      if (directions == 2) c.Arg("bidirectional", 1);
      if (!has_biases) c.Arg("has_biases", 0);
      if (batch_first) c.Arg("batch_first", 1);
      for (const char* name : {"output", "hidden", "cell"}) c.Output(name);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& input = c.in(0);
      const bool batch_first = c.Arg<bool>("batch_first");
      const int64_t steps = input.dim(batch_first ? 1 : 0);
      const int64_t batch = input.dim(batch_first ? 0 : 1);
      const int64_t width = c.in(1).dim(2);
      const int64_t directions = c.Arg<bool>("bidirectional") ? 2 : 1;
      std::vector<double> below;
      for (int64_t t = 0; t < steps; ++t) {
        for (int64_t n = 0; n < batch; ++n) {
          for (int64_t k = 0; k < input.dim(2); ++k)
            below.push_back(batch_first ? At(input, {n, t, k}) : At(input, {t, n, k}));
        }
      }
      std::vector<double> hidden;
      std::vector<double> cell;
      for (int64_t layer = 0; layer < c.Arg<int64_t>("num_layers", 1); ++layer) {
        std::vector<double> above(static_cast<size_t>(steps * batch * directions * width));
        for (int64_t way = 0; way < directions; ++way) {
          const Cell run = RunCell(c, layer * directions + way, steps, below, way == 1);
          hidden.insert(hidden.end(), run.hidden.begin(), run.hidden.end());
          cell.insert(cell.end(), run.cell.begin(), run.cell.end());
          for (int64_t i = 0; i < steps * batch * width; ++i) {
            above[static_cast<size_t>((i / width * directions + way) * width + i % width)] =
                run.y[static_cast<size_t>(i)];
          }
        }
        below = above;
      }
      Dims dims = {steps, batch, directions * width};
      if (batch_first) std::swap(dims[0], dims[1]);
      const auto states = [&](const std::vector<double>& values) {
        return Generate(DataType::kFloat, c.in(1).dims(), [&](const Dims& i) {
          return values[static_cast<size_t>(FlatIndex(c.in(1).dims(), i))];
        });
      };
      return {Generate(DataType::kFloat, dims,
                       [&](const Dims& i) {
                         const int64_t t = i[batch_first ? 1 : 0];
                         const int64_t n = i[batch_first ? 0 : 1];
                         return below[static_cast<size_t>((t * batch + n) * dims[2] + i[2])];
                       }),
              states(hidden), states(cell)};
    })
    .NeverScalar("sequences of a batch have three dimensions")
    .LibraryMayAllocate("oneDNN makes lists of its own");

DOPPIO_OP_ROW(RecurrentNetwork)
    .NoTensors("the last output is a set of workspaces")
    .InferenceOpen("the nets decide")
    .GradientUnchecked("tests/ops/rnn holds it against finite differences of a whole net");
DOPPIO_OP_ROW(RecurrentNetworkGradient)
    .NoTensors("the last input is a set of workspaces")
    .InferenceOpen("the nets decide");
DOPPIO_OP_ROW(RecurrentNetworkBlobFetcher)
    .NoTensors("the input is a set of workspaces")
    .InferenceOpen("the steps decide");

// Fibonacci's way: a, b become b, a + b, in at most three turns, as long as the condition is true,
// which the body leaves as it is.
DOPPIO_OP_ROW(ONNXWhile)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Dims dims = c.Shape();
      c.Input("count", *Tensor::Scalar<int64_t>(c.Int(1, 3)));
      c.Input("condition", *Tensor::Scalar<bool>(true));
      c.Input("a0", c.Random(type, dims));
      c.Input("b0", c.Random(type, dims));
      NetDef body;
      *body.add_op() = CreateOperatorDef("Add", "", {"a", "b"}, {"c"});
      for (const char* name : {"i", "holds", "a", "b"}) body.add_external_input(name);
      for (const char* name : {"holds", "b", "c", "c"}) body.add_external_output(name);
      c.Arg("body", body);
      c.Arg("has_trip_count", 1);
      c.Arg("has_cond", 1);
      if (c.Chance()) c.Arg("save_scopes", 1);
      for (const char* name : {"last_a", "last_b", "scan"}) c.Output(name);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const auto turns = static_cast<int64_t>(ElementAsDouble(c.in(0), 0));
      std::vector<Tensor> values = {c.in(2), c.in(3)};
      for (int64_t t = 0; t < turns; ++t) {
        const Tensor& a = values[static_cast<size_t>(t)];
        const Tensor& b = values[static_cast<size_t>(t) + 1];
        values.push_back(
            Generate(a.dtype(), a.dims(), [&](const Dims& i) { return At(a, i) + At(b, i); }));
      }
      // A value [1,...] is a row.
      Dims dims(c.in(2).dims().begin(), c.in(2).dims().end());
      const bool is_row = !dims.empty() && dims[0] == 1;
      if (!is_row) dims.insert(dims.begin(), 1);
      dims[0] = turns;
      const Tensor scan = Generate(c.in(2).dtype(), dims, [&](const Dims& i) {
        Dims within(i.begin() + (is_row ? 0 : 1), i.end());
        if (is_row) within[0] = 0;
        return At(values[static_cast<size_t>(i[0]) + 2], within);
      });
      return {values[static_cast<size_t>(turns)], values[static_cast<size_t>(turns) + 1], scan};
    })
    .InferenceOpen("the net decides")
    .MayAllocate("turns hand their values on, and keep those of scans");

}  // namespace
}  // namespace doppio
