// Rows of ONNX's recurrent operators: references by their equations, one element after another.

#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr const char* kDnnlArguments = "oneDNN makes a map of the arguments of a primitive";

void RecurrentCase(CaseMaker& c, int64_t gates, bool has_cell) {
  const int64_t size = c.Size();
  const int64_t batch = std::min<int64_t>(size, 6);
  const int64_t steps = c.Int(1, 4);
  const int64_t inputs = c.Int(1, 4);
  const int64_t hidden = size >= 40 ? 40 : c.Int(1, 3);
  const auto direction = c.OneOf<std::string>({"forward", "reverse", "bidirectional"});
  const int64_t directions = direction == "bidirectional" ? 2 : 1;
  const bool batch_first = c.Chance(0.3);
  const DataType type = c.RealType();
  c.Arg("direction", direction);
  if (batch_first) c.Arg("layout", 1);
  if (c.Chance()) c.Arg("hidden_size", hidden);
  if (c.Chance(0.3)) c.Arg("clip", 0.5f);
  c.Input("X",
          c.Random(type, batch_first ? Dims{batch, steps, inputs} : Dims{steps, batch, inputs}));
  c.Input("W", c.Random(type, {directions, gates * hidden, inputs}, -1, 1));
  c.Input("R", c.Random(type, {directions, gates * hidden, hidden}, -1, 1));
  const Dims states =
      batch_first ? Dims{batch, directions, hidden} : Dims{directions, batch, hidden};
  std::vector<std::string> given;
  const auto add = [&](const char* name, const Tensor& value) {
    if (!c.Chance()) return;
    c.Input(name, value);
    given.emplace_back(name);
  };
  add("B", c.Random(type, {directions, 2 * gates * hidden}, -1, 1));
  add("sequence_lens", c.Random(DataType::kInt32, {batch}, 0, static_cast<double>(steps)));
  add("initial_h", c.Random(type, states, -1, 1));
  if (has_cell) {
    add("initial_c", c.Random(type, states, -1, 1));
    add("P", c.Random(type, {directions, 3 * hidden}, -1, 1));
  }
  c.Arg("given", given);
  c.Output("Y");
  c.Output("Y_h");
  if (has_cell) c.Output("Y_c");
}

// What a case is made of, by index.
struct Recurrence {
  explicit Recurrence(const OpCase& op_case, int64_t gate_count)
      : c(op_case),
        gates(gate_count),
        given(c.Args<std::string>("given")),
        batch_first(c.Arg<int>("layout", 0) == 1),
        directions(c.in(1).dim(0)),
        steps(c.in(0).dim(batch_first ? 1 : 0)),
        batch(c.in(0).dim(batch_first ? 0 : 1)),
        hidden(c.in(2).dim(2)) {}

  const Tensor* Given(const char* name) const {
    const auto found = std::find(given.begin(), given.end(), name);
    return found == given.end() ? nullptr : &c.in(3 + static_cast<int>(found - given.begin()));
  }
  double Clipped(double x) const {
    const double clip = c.Arg<float>("clip", 0);
    return clip > 0 ? std::clamp(x, -clip, clip) : x;
  }
  double Sigmoid(double x) const { return 1 / (1 + std::exp(-Clipped(x))); }
  double Tanh(double x) const { return std::tanh(Clipped(x)); }
  // Of gate number g, element k: x W^T with its bias, and the same of a state and R.
  double FromInput(int64_t d, int64_t n, int64_t t, int64_t g, int64_t k) const {
    double sum = Bias(d, g * hidden + k);
    for (int64_t i = 0; i < c.in(0).dim(2); ++i) {
      const Dims at = batch_first ? Dims{n, t, i} : Dims{t, n, i};
      sum += At(c.in(0), at) * At(c.in(1), {d, g * hidden + k, i});
    }
    return sum;
  }
  double FromState(int64_t d, const std::vector<double>& h, int64_t g, int64_t k) const {
    double sum = Bias(d, gates * hidden + g * hidden + k);
    for (int64_t i = 0; i < hidden; ++i) {
      sum += h[static_cast<size_t>(i)] * At(c.in(2), {d, g * hidden + k, i});
    }
    return sum;
  }
  double Bias(int64_t d, int64_t at) const {
    const Tensor* b = Given("B");
    return b == nullptr ? 0 : At(*b, {d, at});
  }
  double Peephole(int64_t d, int64_t which, int64_t k) const {
    const Tensor* p = Given("P");
    return p == nullptr ? 0 : At(*p, {d, which * hidden + k});
  }
  std::vector<double> Initial(const char* name, int64_t d, int64_t n) const {
    std::vector<double> state(static_cast<size_t>(hidden));
    const Tensor* initial = Given(name);
    for (int64_t k = 0; initial != nullptr && k < hidden; ++k) {
      state[static_cast<size_t>(k)] = At(*initial, batch_first ? Dims{n, d, k} : Dims{d, n, k});
    }
    return state;
  }

  // `step` changes h and c of sequence n at time t.
  using Step = std::function<void(int64_t d, int64_t n, int64_t t, std::vector<double>* h,
                                  std::vector<double>* cell)>;
  std::vector<Tensor> Run(const Step& step) const {
    const Dims y_dims = batch_first ? Dims{batch, steps, directions, hidden}
                                    : Dims{steps, directions, batch, hidden};
    const Dims state_dims =
        batch_first ? Dims{batch, directions, hidden} : Dims{directions, batch, hidden};
    std::vector<double> y(static_cast<size_t>(*NumElements(y_dims)));
    std::vector<double> y_h(static_cast<size_t>(*NumElements(state_dims)));
    std::vector<double> y_c = y_h;
    for (int64_t d = 0; d < directions; ++d) {
      const bool backward = d == 1 || c.Arg<std::string>("direction", "forward") == "reverse";
      for (int64_t n = 0; n < batch; ++n) {
        std::vector<double> h = Initial("initial_h", d, n);
        std::vector<double> cell = Initial("initial_c", d, n);
        const Tensor* lengths = Given("sequence_lens");
        const int64_t length = lengths == nullptr ? steps : IntegerAt(*lengths, n);
        for (int64_t i = 0; i < length; ++i) {
          const int64_t t = backward ? length - 1 - i : i;
          step(d, n, t, &h, &cell);
          for (int64_t k = 0; k < hidden; ++k) {
            const Dims at = batch_first ? Dims{n, t, d, k} : Dims{t, d, n, k};
            y[static_cast<size_t>(FlatIndex(y_dims, at))] = h[static_cast<size_t>(k)];
          }
        }
        for (int64_t k = 0; k < hidden; ++k) {
          const Dims index = batch_first ? Dims{n, d, k} : Dims{d, n, k};
          const auto at = static_cast<size_t>(FlatIndex(state_dims, index));
          y_h[at] = h[static_cast<size_t>(k)];
          y_c[at] = cell[static_cast<size_t>(k)];
        }
      }
    }
    const auto tensor = [&](const Dims& dims, const std::vector<double>& values) {
      return Generate(c.in(0).dtype(), dims, [&](const Dims& i) {
        return values[static_cast<size_t>(FlatIndex(dims, i))];
      });
    };
    std::vector<Tensor> outputs = {tensor(y_dims, y), tensor(state_dims, y_h)};
    if (c.def.output_size() > 2) outputs.push_back(tensor(state_dims, y_c));
    return outputs;
  }

  const OpCase& c;
  int64_t gates;
  std::vector<std::string> given;
  bool batch_first;
  int64_t directions, steps, batch, hidden;
};

DOPPIO_OP_ROW(RNN)
    .Case([](CaseMaker& c) { RecurrentCase(c, 1, false); })
    .Reference([](const OpCase& c) {
      const Recurrence r(c, 1);
      return r.Run(
          [&](int64_t d, int64_t n, int64_t t, std::vector<double>* h, std::vector<double>*) {
            const std::vector<double> before = *h;
            for (int64_t k = 0; k < r.hidden; ++k) {
              (*h)[static_cast<size_t>(k)] =
                  r.Tanh(r.FromInput(d, n, t, 0, k) + r.FromState(d, before, 0, k));
            }
          });
    })
    .Tolerance(1e-4)
    .LibraryMayAllocate(kDnnlArguments)
    .NeverScalar("sequences have three dimensions");

DOPPIO_OP_ROW(GRU)
    .Case([](CaseMaker& c) {
      RecurrentCase(c, 3, false);
      if (c.Chance()) c.Arg("linear_before_reset", c.Chance());
    })
    .Reference([](const OpCase& c) {
      const Recurrence r(c, 3);
      const bool linear = c.Arg<bool>("linear_before_reset");
      return r.Run([&](int64_t d, int64_t n, int64_t t, std::vector<double>* h,
                       std::vector<double>*) {
        const std::vector<double> before = *h;
        std::vector<double> reset = before;
        const auto gate = [&](int64_t g, int64_t k) {
          return r.Sigmoid(r.FromInput(d, n, t, g, k) + r.FromState(d, before, g, k));
        };
        for (int64_t k = 0; k < r.hidden; ++k) reset[static_cast<size_t>(k)] *= gate(1, k);
        for (int64_t k = 0; k < r.hidden; ++k) {
          const double state =
              linear ? gate(1, k) * r.FromState(d, before, 2, k) : r.FromState(d, reset, 2, k);
          const double candidate = r.Tanh(r.FromInput(d, n, t, 2, k) + state);
          const double z = gate(0, k);
          (*h)[static_cast<size_t>(k)] = (1 - z) * candidate + z * before[static_cast<size_t>(k)];
        }
      });
    })
    .Tolerance(1e-4)
    .LibraryMayAllocate(kDnnlArguments)
    .NeverScalar("sequences have three dimensions");

DOPPIO_OP_ROW(LSTM)
    .Case([](CaseMaker& c) {
      RecurrentCase(c, 4, true);
      if (c.Chance()) c.Arg("input_forget", c.Chance());
    })
    .Reference([](const OpCase& c) {
      const Recurrence r(c, 4);
      const bool couples = c.Arg<bool>("input_forget");
      return r.Run(
          [&](int64_t d, int64_t n, int64_t t, std::vector<double>* h, std::vector<double>* cell) {
            const std::vector<double> before = *h;
            for (int64_t k = 0; k < r.hidden; ++k) {
              double& state = (*cell)[static_cast<size_t>(k)];
              const auto sum = [&](int64_t g) {
                return r.FromInput(d, n, t, g, k) + r.FromState(d, before, g, k);
              };
              const double i = r.Sigmoid(sum(0) + r.Peephole(d, 0, k) * state);
              const double f = couples ? 1 - i : r.Sigmoid(sum(2) + r.Peephole(d, 2, k) * state);
              state = f * state + i * r.Tanh(sum(3));
              const double o = r.Sigmoid(sum(1) + r.Peephole(d, 1, k) * state);
              (*h)[static_cast<size_t>(k)] = o * r.Tanh(state);
            }
          });
    })
    .Tolerance(1e-4)
    .LibraryMayAllocate(kDnnlArguments)
    .NeverScalar("sequences have three dimensions");

}  // namespace
}  // namespace doppio
