#include <algorithm>
#include <cmath>

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

}  // namespace
}  // namespace doppio
