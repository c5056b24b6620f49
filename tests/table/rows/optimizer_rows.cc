// Optimizers. References compute in double, one element after the other.

#include <cmath>

#include "absl/strings/match.h"
#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr DataType kFloat = DataType::kFloat;

// The elements of a tensor as double, to be changed.
struct Values {
  explicit Values(const Tensor& tensor) : like(tensor) {
    for (int64_t i = 0; i < tensor.numel(); ++i) x.push_back(ElementAsDouble(tensor, i));
  }
  double& operator[](int64_t i) { return x[static_cast<size_t>(i)]; }
  Tensor ToTensor() const {
    return Generate(like.dtype(), like.dims(), [&](const Dims& index) {
      return x[static_cast<size_t>(FlatIndex(like.dims(), index))];
    });
  }

  Tensor like;
  std::vector<double> x;
};

double Only(const OpCase& c, int i) { return ElementAsDouble(c.in(i), 0); }

// What an optimizer does to one element: g is its gradient, x are its parameter and what goes with
// it, and extras what other outputs say of it.
using Step = std::function<void(double g, const std::vector<double*>& x, double* extras)>;

struct Stepped {
  std::vector<Tensor> changed;
  std::vector<Tensor> extras;  // two of the gradient's shape
};

// Takes the step for all elements, or for the rows of indices; inputs that change have one or more
// values for each element of the first of them.
Stepped Take(const OpCase& c, int indices, int grad, const std::vector<int>& changed,
             const Step& step) {
  std::vector<Values> x;
  for (int i : changed) x.emplace_back(c.in(i));
  std::vector<Values> extras(2, Values(c.in(grad)));
  const int64_t size = x[0].like.numel();
  const int64_t block = indices < 0 ? size : SizeFromDim(x[0].like.dims(), 1);
  const int64_t count = indices < 0 ? 1 : c.in(indices).numel();
  for (int64_t k = 0; k < count; ++k) {
    const int64_t row = indices < 0 ? 0 : static_cast<int64_t>(ElementAsDouble(c.in(indices), k));
    for (int64_t j = 0; j < block; ++j) {
      std::vector<double*> element;
      for (Values& values : x) {
        element.push_back(&values[(row * block + j) * (values.like.numel() / size)]);
      }
      double extra[2] = {};
      step(ElementAsDouble(c.in(grad), k * block + j), element, extra);
      for (size_t e = 0; e < 2; ++e) extras[e][k * block + j] = extra[e];
    }
  }
  Stepped result;
  for (const Values& values : x) result.changed.push_back(values.ToTensor());
  for (const Values& values : extras) result.extras.push_back(values.ToTensor());
  return result;
}

// The changed tensors and as many of the extras as there are outputs.
std::vector<Tensor> Outputs(const OpCase& c, const Stepped& stepped) {
  std::vector<Tensor> outputs = stepped.changed;
  for (const Tensor& extra : stepped.extras) {
    if (static_cast<int>(outputs.size()) < c.def.output_size()) outputs.push_back(extra);
  }
  return outputs;
}

Tensor Rate(CaseMaker& c) { return c.Random(kFloat, c.Chance() ? Dims{} : Dims{1}, -0.5, 0.5); }

Tensor Iterations(CaseMaker& c) {
  return c.Random(DataType::kInt64, c.Chance() ? Dims{} : Dims{1}, 0, 1000);
}

// An output of that name: the input, in place, or another one.
void MaybeInPlace(CaseMaker& c, absl::string_view name) {
  c.Output(c.Chance() ? std::string(name) : absl::StrCat("new_", name));
}

// Of a table: some of its rows, none where it has none.
Dims IndexShape(CaseMaker& c, const Dims& table) { return {table[0] == 0 ? 0 : c.Size()}; }

Tensor RowsOf(CaseMaker& c, const Dims& table, const Dims& shape) {
  const DataType type = c.OneOf({DataType::kInt32, DataType::kInt64});
  return c.Random(type, shape, 0, static_cast<double>(std::max<int64_t>(table[0] - 1, 0)));
}

Dims GradientShape(const Dims& table, const Dims& indices) {
  Dims dims = indices;
  dims.insert(dims.end(), table.begin() + 1, table.end());
  return dims;
}

Step MomentumRule(const OpCase& c, double lr) {
  const double momentum = c.Arg<float>("momentum");
  const bool nesterov = c.Arg<bool>("nesterov");
  return [=](double g, const std::vector<double*>& x, double* extras) {
    const double old = *x[0];
    *x[0] = momentum * old + lr * g;
    extras[0] = nesterov ? (1 + momentum) * *x[0] - momentum * old : *x[0];
    if (x.size() > 1) *x[1] -= extras[0];
  };
}

void DrawMomentum(CaseMaker& c) {
  c.Arg("momentum", c.Real(0, 1));
  c.Arg("nesterov", static_cast<int>(c.Chance()));
}

DOPPIO_OP_ROW(MomentumSGD)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("grad", c.Random(kFloat, dims));
      c.Input("moment", c.Random(kFloat, dims));
      c.Input("lr", Rate(c));
      DrawMomentum(c);
      MaybeInPlace(c, "grad");
      MaybeInPlace(c, "moment");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Stepped stepped = Take(c, -1, 0, {1}, MomentumRule(c, Only(c, 2)));
      return {stepped.extras[0], stepped.changed[0]};
    });

DOPPIO_OP_ROW(MomentumSGDUpdate)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("grad", c.Random(kFloat, dims));
      c.Input("moment", c.Random(kFloat, dims));
      c.Input("lr", Rate(c));
      c.Input("param", c.Random(kFloat, dims));
      DrawMomentum(c);
      MaybeInPlace(c, "grad");
      MaybeInPlace(c, "moment");
      MaybeInPlace(c, "param");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Stepped stepped = Take(c, -1, 0, {1, 3}, MomentumRule(c, Only(c, 2)));
      return {stepped.extras[0], stepped.changed[0], stepped.changed[1]};
    });

DOPPIO_OP_ROW(SparseMomentumSGDUpdate)
    .Case([](CaseMaker& c) {
      const Dims table = c.Shape(1, 3);
      const Dims indices = IndexShape(c, table);
      c.Input("grad", c.Random(kFloat, GradientShape(table, indices)));
      c.Input("moment", c.Random(kFloat, table));
      c.Input("lr", Rate(c));
      c.Input("param", c.Random(kFloat, table));
      c.Input("indices", RowsOf(c, table, indices));
      DrawMomentum(c);
      MaybeInPlace(c, "grad");
      c.Output("moment");
      c.Output("param");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Stepped stepped = Take(c, 4, 0, {1, 3}, MomentumRule(c, Only(c, 2)));
      return {stepped.extras[0], stepped.changed[0], stepped.changed[1]};
    })
    .Tolerance(1e-4);

Step AdagradRule(const OpCase& c, double lr) {
  const double epsilon = c.Arg<float>("epsilon", 1e-5f);
  const double decay = c.Arg<float>("decay", 1.0f);
  const double weight_decay = c.Arg<float>("weight_decay", 0.0f);
  return [=](double grad, const std::vector<double*>& x, double* extras) {
    const double g = grad + weight_decay * *x[0];
    *x[1] = decay * *x[1] + g * g;
    extras[0] = lr / (std::sqrt(*x[1]) + epsilon);
    extras[1] = extras[0] * g;
    *x[0] += extras[1];
  };
}

void DrawAdagrad(CaseMaker& c) {
  if (c.Chance()) c.Arg("epsilon", c.Real(0.01, 0.1));
  if (c.Chance()) c.Arg("weight_decay", c.Real(0, 0.2));
}

DOPPIO_OP_ROW(Adagrad)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("param", c.Random(kFloat, dims));
      c.Input("moment", c.Random(kFloat, dims, 0.1, 2));
      c.Input("grad", c.Random(kFloat, dims));
      c.Input("lr", Rate(c));
      DrawAdagrad(c);
      if (c.Chance()) c.Arg("decay", c.Real(0.5, 1));
      MaybeInPlace(c, "param");
      MaybeInPlace(c, "moment");
      const int64_t more = c.Int(0, 2);
      if (more > 0) c.Output("rate");
      if (more > 1) c.Output("update");
    })
    .Reference([](const OpCase& c) {
      return Outputs(c, Take(c, -1, 2, {0, 1}, AdagradRule(c, Only(c, 3))));
    });

DOPPIO_OP_ROW(SparseAdagrad)
    .Case([](CaseMaker& c) {
      const Dims table = c.Shape(1, 3);
      const Dims indices = IndexShape(c, table);
      c.Input("param", c.Random(kFloat, table));
      c.Input("moment", c.Random(kFloat, table, 0.1, 2));
      c.Input("indices", RowsOf(c, table, indices));
      c.Input("grad", c.Random(kFloat, GradientShape(table, indices)));
      c.Input("lr", Rate(c));
      DrawAdagrad(c);
      c.Output("param");
      c.Output("moment");
    })
    .Reference([](const OpCase& c) {
      return Take(c, 2, 3, {0, 1}, AdagradRule(c, Only(c, 4))).changed;
    });

// Adagrad with a moment for each row, and where its gradients come from.
struct RowWise {
  explicit RowWise(const OpCase& op_case) : c(op_case), param(c.in(0)), moment(c.in(1)) {}

  // grad(j) for the elements of the row.
  void Update(int64_t row, double lr, const Values* counter,
              const std::function<double(int64_t)>& grad) {
    const int64_t block = SizeFromDim(c.in(0).dims(), 1);
    double weight_decay = c.Arg<float>("weight_decay", 0.0f);
    const double halflife = static_cast<double>(c.Arg<int64_t>("counter_halflife", -1));
    if (halflife > 0 && counter != nullptr && counter->x[static_cast<size_t>(row)] > 0) {
      weight_decay *= halflife / counter->x[static_cast<size_t>(row)];
    }
    const auto g = [&](int64_t j) { return grad(j) + weight_decay * param[row * block + j]; };
    double sum = 0;
    for (int64_t j = 0; j < block; ++j) sum += g(j) * g(j);
    if (block > 0) moment[row] += sum / static_cast<double>(block);
    const double rate = lr / (std::sqrt(moment[row]) + c.Arg<float>("epsilon", 1e-5f));
    for (int64_t j = 0; j < block; ++j) param[row * block + j] += rate * g(j);
  }

  const OpCase& c;
  Values param;
  Values moment;
};

void DrawCounter(CaseMaker& c, const Dims& table) {
  if (c.Chance()) return;
  c.Input("counter", c.Random(DataType::kDouble, {table[0]}, -1, 3));
  c.Arg("counter_halflife", static_cast<int>(c.OneOf({-1, 1, 2})));
}

DOPPIO_OP_ROW(RowWiseSparseAdagrad)
    .Case([](CaseMaker& c) {
      const Dims table = c.Shape(1, 3);
      const Dims indices = IndexShape(c, table);
      c.Input("param", c.Random(kFloat, table));
      c.Input("moment", c.Random(kFloat, {table[0]}, 0.1, 2));
      c.Input("indices", RowsOf(c, table, indices));
      c.Input("grad", c.Random(kFloat, GradientShape(table, indices)));
      c.Input("lr", Rate(c));
      DrawCounter(c, table);
      DrawAdagrad(c);
      c.Output("param");
      c.Output("moment");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      RowWise result(c);
      const int64_t block = SizeFromDim(c.in(0).dims(), 1);
      std::vector<Values> counter;
      if (c.def.input_size() > 5) counter.emplace_back(c.in(5));
      for (int64_t k = 0; k < c.in(2).numel(); ++k) {
        result.Update(static_cast<int64_t>(ElementAsDouble(c.in(2), k)), Only(c, 4),
                      counter.empty() ? nullptr : counter.data(),
                      [&](int64_t j) { return ElementAsDouble(c.in(3), k * block + j); });
      }
      return {result.param.ToTensor(), result.moment.ToTensor()};
    });

// The operators that are fused with the gradient of a sparse reduction.
void StateFused(absl::string_view type) {
  const bool is_weighted = absl::StrContains(type, "WeightedSum");
  const bool is_mean = absl::StrContains(type, "Mean");
  const bool is_row_wise = absl::StartsWith(type, "RowWise");
  NewOpRow(type)
      .Case([=](CaseMaker& c) {
        const Dims table = c.Shape(1, 3);
        const int64_t segments = c.Size();
        std::vector<int32_t> lengths;
        int64_t count = 0;
        for (int64_t s = 0; s < segments; ++s) {
          lengths.push_back(table[0] == 0 ? 0 : static_cast<int32_t>(c.Int(0, 4)));
          count += lengths.back();
        }
        c.Input("param", c.Random(kFloat, table));
        c.Input("moment", c.Random(kFloat, is_row_wise ? Dims{table[0]} : table, 0.1, 2));
        if (is_weighted) c.Input("weights", c.Random(kFloat, {c.Int(4, 6)}));
        c.Input("indices", RowsOf(c, table, {count}));
        c.Input("grad", c.Random(kFloat, GradientShape(table, {segments})));
        c.Input("lr", Rate(c));
        c.Input("lengths", c.Vector<int32_t>(lengths));
        if (is_row_wise) DrawCounter(c, table);
        DrawAdagrad(c);
        c.Output("param");
        c.Output("moment");
        if (is_weighted) c.Output("weight_grad");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const int first = is_weighted ? 3 : 2;
        const Tensor& indices = c.in(first);
        const Tensor& grad = c.in(first + 1);
        const double lr = Only(c, first + 2);
        const Tensor& lengths = c.in(first + 3);
        const int64_t block = SizeFromDim(c.in(0).dims(), 1);
        std::vector<Values> counter;
        if (c.def.input_size() > first + 4) counter.emplace_back(c.in(first + 4));
        const Step rule = AdagradRule(c, lr);
        RowWise result(c);
        std::vector<float> weight_grad;
        int64_t k = 0;
        for (int64_t s = 0; s < lengths.numel(); ++s) {
          const auto length = static_cast<int64_t>(ElementAsDouble(lengths, s));
          for (int64_t p = 0; p < length; ++p, ++k) {
            const auto row = static_cast<int64_t>(ElementAsDouble(indices, k));
            double weight = is_mean ? 1 / static_cast<double>(length) : 1;
            if (is_weighted) weight = ElementAsDouble(c.in(2), p);
            double dot = 0;
            for (int64_t j = 0; j < block; ++j) {
              dot +=
                  ElementAsDouble(grad, s * block + j) * ElementAsDouble(c.in(0), row * block + j);
            }
            weight_grad.push_back(static_cast<float>(dot));
            const auto g = [&](int64_t j) { return weight * ElementAsDouble(grad, s * block + j); };
            if (is_row_wise) {
              result.Update(row, lr, counter.empty() ? nullptr : counter.data(), g);
              continue;
            }
            double extras[2];
            for (int64_t j = 0; j < block; ++j) {
              const int64_t at = row * block + j;
              rule(g(j), {&result.param[at], &result.moment[at]}, extras);
            }
          }
        }
        std::vector<Tensor> outputs = {result.param.ToTensor(), result.moment.ToTensor()};
        if (is_weighted) {
          outputs.push_back(
              *Tensor::FromSpan<float>({static_cast<int64_t>(weight_grad.size())}, weight_grad));
        }
        return outputs;
      })
      .Tolerance(1e-4);
}

[[maybe_unused]] const bool kFusedRows = [] {
  for (absl::string_view rows : {"", "RowWise"}) {
    for (absl::string_view reduction : {"Sum", "Mean", "WeightedSum"}) {
      for (absl::string_view end : {"", "Approx"}) {
        StateFused(
            absl::StrCat(rows, "SparseAdagradFusedWithSparseLengths", reduction, "Gradient", end));
      }
    }
  }
  return true;
}();

DOPPIO_OP_ROW(DecayAdagrad)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("param", c.Random(kFloat, dims));
      c.Input("m1", c.Random(kFloat, dims));
      c.Input("m2", c.Random(kFloat, dims, 0.1, 2));
      c.Input("grad", c.Random(kFloat, dims));
      c.Input("lr", Rate(c));
      c.Input("iter", Iterations(c));
      c.Arg("beta1", c.Real(0.5, 0.9));
      c.Arg("weight_decay", c.Real(0, 0.2));
      c.Arg("bias_correction_first", static_cast<int>(c.Chance()));
      MaybeInPlace(c, "param");
      MaybeInPlace(c, "m1");
      MaybeInPlace(c, "m2");
    })
    .Reference([](const OpCase& c) {
      const double beta1 = c.Arg<float>("beta1");
      const double weight_decay = c.Arg<float>("weight_decay");
      const double t = Only(c, 5) + 1;
      const double correction = c.Arg<bool>("bias_correction_first") ? 1 - std::pow(beta1, t) : 1;
      const Step rule = [&](double g, const std::vector<double*>& x, double*) {
        *x[1] = beta1 * *x[1] + (1 - beta1) * g;
        *x[2] += g * g;
        const double step = *x[1] / correction / (std::sqrt(*x[2]) + 1e-5);
        *x[0] += Only(c, 4) * (step + weight_decay * *x[0]);
      };
      return Take(c, -1, 3, {0, 1, 2}, rule).changed;
    });

struct Betas {
  explicit Betas(const OpCase& c)
      : beta1(c.Arg<float>("beta1", 0.9f)),
        beta2(c.Arg<float>("beta2", 0.999f)),
        epsilon(c.Arg<float>("epsilon", 1e-5f)) {}
  double beta1;
  double beta2;
  double epsilon;
};

// x are parameter and moments; `first` is the direction of the step.
Step AdamRule(const OpCase& c, double lr, double iteration) {
  const Betas b(c);
  const double t = iteration + 1;
  const double correction = std::sqrt(1 - std::pow(b.beta2, t)) / (1 - std::pow(b.beta1, t));
  const double rho_max = 2 / (1 - b.beta2) - 1;
  const double rho = rho_max - 2 * t * std::pow(b.beta2, t) / (1 - std::pow(b.beta2, t));
  const double r =
      std::sqrt((rho - 4) * (rho - 2) * rho_max) / std::sqrt((rho_max - 4) * (rho_max - 2) * rho);
  const bool rectified = c.Arg<bool>("enableRAdam", false);
  return [=](double g, const std::vector<double*>& x, double* extras) {
    *x[1] = b.beta1 * *x[1] + (1 - b.beta1) * g;
    *x[2] = b.beta2 * *x[2] + (1 - b.beta2) * g * g;
    extras[0] = correction * *x[1] / (std::sqrt(*x[2]) + b.epsilon);
    if (rectified && rho >= 5) extras[0] *= r;
    if (rectified && !(rho >= 5)) extras[0] = *x[1] / (1 - std::pow(b.beta1, t));
    *x[0] += lr * extras[0];
  };
}

void DrawBetas(CaseMaker& c) {
  if (c.Chance()) c.Arg("beta1", c.Real(0.5, 0.9));
  if (c.Chance()) c.Arg("beta2", c.Real(0.8, 0.999));
  if (c.Chance()) c.Arg("epsilon", c.Real(0.01, 0.1));
}

DOPPIO_OP_ROW(Adam)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("param", c.Random(kFloat, dims));
      c.Input("m1", c.Random(kFloat, dims));
      c.Input("m2", c.Random(kFloat, dims, 0.1, 2));
      c.Input("grad", c.Random(kFloat, dims));
      c.Input("lr", Rate(c));
      c.Input("iter", Iterations(c));
      DrawBetas(c);
      MaybeInPlace(c, "param");
      MaybeInPlace(c, "m1");
      MaybeInPlace(c, "m2");
      if (c.Chance()) c.Output("direction");
    })
    .Reference([](const OpCase& c) {
      return Outputs(c, Take(c, -1, 3, {0, 1, 2}, AdamRule(c, Only(c, 4), Only(c, 5))));
    });

DOPPIO_OP_ROW(SparseAdam)
    .Case([](CaseMaker& c) {
      const Dims table = c.Shape(1, 3);
      const Dims indices = IndexShape(c, table);
      c.Input("param", c.Random(kFloat, table));
      c.Input("m1", c.Random(kFloat, table));
      c.Input("m2", c.Random(kFloat, table, 0.1, 2));
      c.Input("indices", RowsOf(c, table, indices));
      c.Input("grad", c.Random(kFloat, GradientShape(table, indices)));
      c.Input("lr", Rate(c));
      c.Input("iter", c.Chance() ? Iterations(c) : c.Random(DataType::kInt64, {1}, 0, 8));
      DrawBetas(c);
      if (c.Chance()) c.Arg("enableRAdam", static_cast<int>(c.Chance()));
      c.Output("param");
      c.Output("m1");
      c.Output("m2");
      if (c.Chance()) c.Output("directions");
    })
    .Reference([](const OpCase& c) {
      return Outputs(c, Take(c, 3, 4, {0, 1, 2}, AdamRule(c, Only(c, 5), Only(c, 6))));
    })
    .Tolerance(1e-4);

DOPPIO_OP_ROW(RowWiseSparseAdam)
    .Case([](CaseMaker& c) {
      const Dims table = c.Shape(1, 3);
      const Dims indices = IndexShape(c, table);
      c.Input("param", c.Random(kFloat, table));
      c.Input("m1", c.Random(kFloat, table));
      c.Input("m2", c.Random(kFloat, {table[0]}, 0.1, 2));
      c.Input("indices", RowsOf(c, table, indices));
      c.Input("grad", c.Random(kFloat, GradientShape(table, indices)));
      c.Input("lr", Rate(c));
      c.Input("iter", Iterations(c));
      DrawBetas(c);
      c.Output("param");
      c.Output("m1");
      c.Output("m2");
      if (c.Chance()) c.Output("directions");
    })
    .Reference([](const OpCase& c) {
      const Betas b(c);
      Values param(c.in(0));
      Values m1(c.in(1));
      Values m2(c.in(2));
      Values directions(c.in(4));
      const double t = Only(c, 6) + 1;
      const double correction = std::sqrt(1 - std::pow(b.beta2, t)) / (1 - std::pow(b.beta1, t));
      const int64_t block = SizeFromDim(c.in(0).dims(), 1);
      for (int64_t k = 0; block > 0 && k < c.in(3).numel(); ++k) {
        const auto row = static_cast<int64_t>(ElementAsDouble(c.in(3), k));
        double sum = 0;
        for (int64_t j = 0; j < block; ++j) {
          sum += ElementAsDouble(c.in(4), k * block + j) * ElementAsDouble(c.in(4), k * block + j);
        }
        m2[row] = b.beta2 * m2[row] + (1 - b.beta2) * sum / static_cast<double>(block);
        for (int64_t j = 0; j < block; ++j) {
          const int64_t at = row * block + j;
          m1[at] = b.beta1 * m1[at] + (1 - b.beta1) * ElementAsDouble(c.in(4), k * block + j);
          directions[k * block + j] = correction * m1[at] / (std::sqrt(m2[row]) + b.epsilon);
          param[at] += Only(c, 5) * directions[k * block + j];
        }
      }
      return Outputs(c,
                     {{param.ToTensor(), m1.ToTensor(), m2.ToTensor()}, {directions.ToTensor()}});
    })
    .Tolerance(1e-4);

DOPPIO_OP_ROW(SmartDecaySparseAdam)
    .Case([](CaseMaker& c) {
      const Dims table = c.Shape(1, 3);
      const Dims indices = IndexShape(c, table);
      c.Input("param", c.Random(kFloat, table));
      c.Input("m1", c.Random(kFloat, table));
      c.Input("m2", c.Random(kFloat, table, 0.1, 2));
      c.Input("last_seen", c.Random(DataType::kInt64, {table[0]}, 0, 30));
      c.Input("indices", RowsOf(c, table, indices));
      c.Input("grad", c.Random(kFloat, GradientShape(table, indices)));
      c.Input("lr", Rate(c));
      c.Input("iter", c.Random(DataType::kInt64, {1}, 30, 60));
      DrawBetas(c);
      c.Output("param");
      c.Output("m1");
      c.Output("m2");
      c.Output("last_seen");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Betas b(c);
      Values param(c.in(0));
      Values m1(c.in(1));
      Values m2(c.in(2));
      Values last_seen(c.in(3));
      const double t = Only(c, 7) + 1;
      const int64_t block = SizeFromDim(c.in(0).dims(), 1);
      for (int64_t k = 0; k < c.in(4).numel(); ++k) {
        const auto row = static_cast<int64_t>(ElementAsDouble(c.in(4), k));
        const double steps = t - last_seen[row];
        last_seen[row] = t;
        for (int64_t j = 0; j < block; ++j) {
          const int64_t at = row * block + j;
          const double g = ElementAsDouble(c.in(5), k * block + j);
          double missed = 0;
          for (int s = 1; s < steps; ++s) missed += m1[at] * std::pow(b.beta1, s);
          m1[at] = std::pow(b.beta1, steps) * m1[at] + (1 - b.beta1) * g;
          m2[at] = std::pow(b.beta2, steps) * m2[at] + (1 - b.beta2) * g * g;
          param[at] += Only(c, 6) * (m1[at] + missed) / (std::sqrt(m2[at]) + b.epsilon);
        }
      }
      return {param.ToTensor(), m1.ToTensor(), m2.ToTensor(), last_seen.ToTensor()};
    })
    .Tolerance(1e-4);

Step AdadeltaRule(const OpCase& c, double lr) {
  const double epsilon = c.Arg<float>("epsilon", 1e-5f);
  const double decay = c.Arg<float>("decay", 0.95f);
  return [=](double g, const std::vector<double*>& x, double*) {
    *x[1] = decay * *x[1] + (1 - decay) * g * g;
    const double step = std::sqrt(*x[2] + epsilon) / std::sqrt(*x[1] + epsilon) * g;
    *x[2] = decay * *x[2] + (1 - decay) * step * step;
    *x[0] += lr * step;
  };
}

DOPPIO_OP_ROW(Adadelta)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("param", c.Random(kFloat, dims));
      c.Input("moment", c.Random(kFloat, dims, 0.1, 2));
      c.Input("delta", c.Random(kFloat, dims, 0.1, 2));
      c.Input("grad", c.Random(kFloat, dims));
      c.Input("lr", Rate(c));
      if (c.Chance()) c.Arg("decay", c.Real(0.5, 0.9));
      MaybeInPlace(c, "param");
      MaybeInPlace(c, "moment");
      MaybeInPlace(c, "delta");
    })
    .Reference([](const OpCase& c) {
      return Take(c, -1, 3, {0, 1, 2}, AdadeltaRule(c, Only(c, 4))).changed;
    });

DOPPIO_OP_ROW(SparseAdadelta)
    .Case([](CaseMaker& c) {
      const Dims table = c.Shape(1, 3);
      const Dims indices = IndexShape(c, table);
      c.Input("param", c.Random(kFloat, table));
      c.Input("moment", c.Random(kFloat, table, 0.1, 2));
      c.Input("delta", c.Random(kFloat, table, 0.1, 2));
      c.Input("indices", RowsOf(c, table, indices));
      c.Input("grad", c.Random(kFloat, GradientShape(table, indices)));
      c.Input("lr", Rate(c));
      if (c.Chance()) c.Arg("decay", c.Real(0.5, 0.9));
      c.Output("param");
      c.Output("moment");
      c.Output("delta");
    })
    .Reference([](const OpCase& c) {
      return Take(c, 3, 4, {0, 1, 2}, AdadeltaRule(c, Only(c, 5))).changed;
    })
    .Tolerance(1e-4);

DOPPIO_OP_ROW(RmsProp)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("grad", c.Random(kFloat, dims));
      c.Input("squares", c.Random(kFloat, dims, 0.1, 2));
      c.Input("moment", c.Random(kFloat, dims));
      c.Input("lr", Rate(c));
      if (c.Chance()) c.Arg("decay", c.Real(0.5, 0.9));
      if (c.Chance()) c.Arg("momentum", c.Real(0, 0.9));
      MaybeInPlace(c, "grad");
      MaybeInPlace(c, "squares");
      MaybeInPlace(c, "moment");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const double decay = c.Arg<float>("decay", 0.9f);
      const double momentum = c.Arg<float>("momentum", 0.0f);
      const Step rule = [&](double g, const std::vector<double*>& x, double* extras) {
        *x[0] += (1 - decay) * (g * g - *x[0]);
        *x[1] = momentum * *x[1] + Only(c, 3) * g / std::sqrt(1e-5 + *x[0]);
        extras[0] = *x[1];
      };
      const Stepped stepped = Take(c, -1, 0, {1, 2}, rule);
      return {stepped.extras[0], stepped.changed[0], stepped.changed[1]};
    });

struct FtrlSettings {
  explicit FtrlSettings(const OpCase& c, int alpha_input)
      : alpha(c.def.input_size() > alpha_input ? Only(c, alpha_input)
                                               : c.Arg<float>("alpha", 0.005f)),
        beta(c.Arg<float>("beta", 1.0f)),
        lambda1(c.Arg<float>("lambda1", 0.001f)),
        lambda2(c.Arg<float>("lambda2", 0.001f)) {}

  // n_z becomes the next pair.
  void NextPair(double g, double w, double* n_z) const {
    const double next = n_z[0] + g * g;
    n_z[1] += g - (std::sqrt(next) - std::sqrt(n_z[0])) / alpha * w;
    n_z[0] = next;
  }
  double Divisor(double n) const { return (beta + std::sqrt(n)) / alpha + lambda2; }
  Step Rule() const {
    return [self = *this](double g, const std::vector<double*>& x, double*) {
      self.NextPair(g, *x[0], x[1]);
      const double z = x[1][1];
      *x[0] = 0;
      if (std::abs(z) > self.lambda1) {
        *x[0] = (std::copysign(self.lambda1, z) - z) / self.Divisor(x[1][0]);
      }
    };
  }

  double alpha;
  double beta;
  double lambda1;
  double lambda2;
};

void DrawFtrl(CaseMaker& c) {
  if (c.Chance()) {
    c.Input("alpha", c.Random(kFloat, c.Chance() ? Dims{} : Dims{1}, 0.5, 2));
  } else {
    c.Arg("alpha", c.Real(0.5, 2));
  }
  if (c.Chance()) c.Arg("beta", c.Real(0.5, 2));
  if (c.Chance()) c.Arg("lambda1", c.Real(0, 2));
  if (c.Chance()) c.Arg("lambda2", c.Real(0, 2));
}

// Pairs for every element: the first of them, a sum of squares, is not negative.
Tensor Pairs(CaseMaker& c, Dims dims) {
  dims.push_back(2);
  const Tensor positive = c.Random(kFloat, dims, 0, 2);
  const Tensor any = c.Random(kFloat, dims);
  return Generate(kFloat, dims,
                  [&](const Dims& i) { return At(i.back() == 0 ? positive : any, i); });
}

DOPPIO_OP_ROW(Ftrl)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("var", c.Random(kFloat, dims));
      c.Input("n_z", Pairs(c, dims));
      c.Input("grad", c.Random(kFloat, dims));
      DrawFtrl(c);
      MaybeInPlace(c, "var");
      MaybeInPlace(c, "n_z");
    })
    .Reference([](const OpCase& c) {
      return Take(c, -1, 2, {0, 1}, FtrlSettings(c, 3).Rule()).changed;
    });

DOPPIO_OP_ROW(SparseFtrl)
    .Case([](CaseMaker& c) {
      const Dims table = c.Shape(1, 3);
      const Dims indices = IndexShape(c, table);
      c.Input("var", c.Random(kFloat, table));
      c.Input("n_z", Pairs(c, table));
      c.Input("indices", RowsOf(c, table, indices));
      c.Input("grad", c.Random(kFloat, GradientShape(table, indices)));
      DrawFtrl(c);
      c.Output("var");
      c.Output("n_z");
    })
    .Reference([](const OpCase& c) {
      return Take(c, 2, 3, {0, 1}, FtrlSettings(c, 4).Rule()).changed;
    })
    .Tolerance(1e-3);

DOPPIO_OP_ROW(GFtrl)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1, 3);
      c.Input("var", c.Random(kFloat, dims));
      c.Input("n_z", Pairs(c, dims));
      c.Input("grad", c.Random(kFloat, dims));
      DrawFtrl(c);
      MaybeInPlace(c, "var");
      MaybeInPlace(c, "n_z");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const FtrlSettings settings(c, 3);
      const int64_t outputs = c.in(2).dim(0);
      const int64_t features = SizeFromDim(c.in(2).dims(), 1);
      Values var(c.in(0));
      Values n_z(c.in(1));
      for (int64_t j = 0; j < features; ++j) {
        double squares = 0;
        for (int64_t i = 0; i < outputs; ++i) {
          const int64_t at = i * features + j;
          settings.NextPair(ElementAsDouble(c.in(2), at), var[at], &n_z[2 * at]);
          squares += n_z[2 * at + 1] * n_z[2 * at + 1];
        }
        const double norm = std::sqrt(squares);
        const double limit = settings.lambda1 * std::sqrt(static_cast<double>(outputs));
        for (int64_t i = 0; i < outputs; ++i) {
          const int64_t at = i * features + j;
          var[at] = norm <= limit
                        ? 0
                        : n_z[2 * at + 1] * (limit / norm - 1) / settings.Divisor(n_z[2 * at]);
        }
      }
      return {var.ToTensor(), n_z.ToTensor()};
    })
    .Tolerance(1e-4);

double SumOfSquares(const Tensor& x) {
  double sum = 0;
  for (int64_t i = 0; i < x.numel(); ++i) sum += ElementAsDouble(x, i) * ElementAsDouble(x, i);
  return sum;
}

Tensor One(const Tensor& like, double value) {
  return Generate(kFloat, like.dims(), [&](const Dims&) { return value; });
}

DOPPIO_OP_ROW(Lars)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("X", c.Chance(0.1) ? c.Random(kFloat, dims, 0, 0) : c.Random(kFloat, dims));
      c.Input("dX", c.Random(kFloat, dims));
      c.Input("wd", c.Random(kFloat, {1}, 0, 1));
      c.Input("trust", c.Random(kFloat, {}, 0, 1));
      c.Input("lr_max", c.Random(kFloat, {1}, 0, 1));
      if (c.Chance()) c.Arg("offset", c.Real(0.1, 1));
      if (c.Chance()) c.Arg("lr_min", c.Real(0, 0.2));
      c.Output("lr");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const double norm = std::sqrt(SumOfSquares(c.in(0)));
      double rate = 1;
      if (norm > 0) {
        rate = Only(c, 3) / (std::sqrt(SumOfSquares(c.in(1))) / norm + Only(c, 2) +
                             c.Arg<float>("offset", 0.5f));
      }
      rate = std::max<double>(std::min(rate, Only(c, 4)), c.Arg<float>("lr_min", 0.02f));
      return {One(c.in(2), rate)};
    });

// Of a gradient as large as that of the large cases, so that rates stay where they matter.
Step StormRule(const OpCase& c, double lr, double* sum) {
  *sum = Only(c, 2) + SumOfSquares(c.in(3));
  const double rate = lr / std::cbrt(c.Arg<float>("beta", 0.1f) + *sum);
  const double alpha = c.Arg<float>("momentum", 10.0f) * rate * rate;
  return [=](double g, const std::vector<double*>& x, double*) {
    *x[1] = g + (1 - alpha) * (*x[1] - g);
    *x[0] += rate * *x[1];
  };
}

void DrawStorm(CaseMaker& c) {
  if (c.Chance()) c.Arg("momentum", c.Real(0.5, 2));
  if (c.Chance()) c.Arg("beta", c.Real(0.1, 1));
}

DOPPIO_OP_ROW(Storm)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("param", c.Random(kFloat, dims));
      c.Input("moment", c.Random(kFloat, dims));
      c.Input("sum", c.Random(kFloat, {1}, 0, 2));
      c.Input("grad", c.Random(kFloat, dims));
      c.Input("lr", Rate(c));
      DrawStorm(c);
      MaybeInPlace(c, "param");
      MaybeInPlace(c, "moment");
      MaybeInPlace(c, "sum");
    })
    .Reference([](const OpCase& c) {
      double sum = 0;
      const Step rule = StormRule(c, Only(c, 4), &sum);
      std::vector<Tensor> outputs = Take(c, -1, 3, {0, 1}, rule).changed;
      outputs.push_back(One(c.in(2), sum));
      return outputs;
    });

DOPPIO_OP_ROW(SparseStorm)
    .Case([](CaseMaker& c) {
      const Dims table = c.Shape(1, 3);
      const Dims indices = IndexShape(c, table);
      c.Input("param", c.Random(kFloat, table));
      c.Input("moment", c.Random(kFloat, table));
      c.Input("sum", c.Random(kFloat, {1}, 0, 2));
      c.Input("grad", c.Random(kFloat, GradientShape(table, indices)));
      c.Input("indices", RowsOf(c, table, indices));
      c.Input("lr", Rate(c));
      DrawStorm(c);
      c.Output("param");
      c.Output("moment");
      c.Output("sum");
    })
    .Reference([](const OpCase& c) {
      double sum = 0;
      const Step rule = StormRule(c, Only(c, 5), &sum);
      std::vector<Tensor> outputs = Take(c, 4, 3, {0, 1}, rule).changed;
      outputs.push_back(One(c.in(2), sum));
      return outputs;
    })
    .Tolerance(1e-4);

DOPPIO_OP_ROW(Wngrad)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("param", c.Random(kFloat, dims));
      c.Input("seq_b", c.Random(kFloat, c.Chance() ? Dims{} : Dims{1}, 0.5, 2));
      c.Input("grad", c.Random(kFloat, dims));
      c.Input("lr", Rate(c));
      if (c.Chance()) c.Arg("epsilon", c.Real(0, 0.1));
      MaybeInPlace(c, "param");
      MaybeInPlace(c, "seq_b");
      const int64_t more = c.Int(0, 2);
      if (more > 0) c.Output("rate");
      if (more > 1) c.Output("update");
    })
    .Reference([](const OpCase& c) {
      const double divisor = Only(c, 1) + c.Arg<float>("epsilon", 1e-5f);
      const Step rule = [&](double g, const std::vector<double*>& x, double* extras) {
        extras[0] = Only(c, 3) / divisor * g;
        *x[0] += extras[0];
      };
      const Stepped stepped = Take(c, -1, 2, {0}, rule);
      std::vector<Tensor> outputs = {stepped.changed[0],
                                     One(c.in(1), Only(c, 1) + SumOfSquares(c.in(2)) / divisor),
                                     One(c.in(1), Only(c, 3) / divisor), stepped.extras[0]};
      outputs.resize(static_cast<size_t>(c.def.output_size()));
      return outputs;
    });

DOPPIO_OP_ROW(SparseWngrad)
    .Case([](CaseMaker& c) {
      const Dims table = c.Shape(1, 3);
      const Dims indices = IndexShape(c, table);
      c.Input("param", c.Random(kFloat, table));
      c.Input("seq_b", c.Random(kFloat, {1}, 0.5, 2));
      c.Input("indices", RowsOf(c, table, indices));
      c.Input("grad", c.Random(kFloat, GradientShape(table, indices)));
      c.Input("lr", Rate(c));
      if (c.Chance()) c.Arg("epsilon", c.Real(0, 0.1));
      c.Output("param");
      c.Output("seq_b");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const double rate = Only(c, 4) / (Only(c, 1) + c.Arg<float>("epsilon", 1e-5f));
      const Step rule = [&](double g, const std::vector<double*>& x, double*) {
        *x[0] += rate * g;
      };
      return {Take(c, 2, 3, {0}, rule).changed[0],
              One(c.in(1), Only(c, 1) + SumOfSquares(c.in(3)) / Only(c, 1))};
    })
    .Tolerance(1e-4);

DOPPIO_OP_ROW(YellowFin)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      const int64_t width = c.Int(1, 6);
      c.Input("param", c.Random(kFloat, dims));
      c.Input("moment", c.Random(kFloat, dims));
      c.Input("lr_avg", c.Random(kFloat, {1}, 0, 1));
      c.Input("mu_avg", c.Random(kFloat, {1}, 0, 1));
      c.Input("window", c.Random(kFloat, {width}));
      c.Input("g_avg", c.Random(kFloat, dims, -0.1, 0.1));
      c.Input("g2_avg", c.Random(kFloat, dims, 0, 2));
      c.Input("memory", c.Random(kFloat, {5}, 0.5, 2));
      c.Input("grad", c.Random(kFloat, dims));
      c.Input("iter", c.Random(DataType::kInt64, {1}, 1, 10));
      c.Arg("curv_win_width", static_cast<int>(width));
      c.Arg("beta", c.Real(0.5, 0.9));
      if (c.Chance()) c.Arg("nesterov", 1);
      if (c.Chance()) c.Arg("zero_debias", 0);
      for (absl::string_view name :
           {"param", "moment", "lr_avg", "mu_avg", "window", "g_avg", "g2_avg", "memory"}) {
        MaybeInPlace(c, name);
      }
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const double lr = Only(c, 2);
      const double mu = Only(c, 3);
      const double beta = c.Arg<float>("beta");
      const double epsilon = 1e-6f;
      const int64_t width = c.in(4).numel();
      const auto t = static_cast<int64_t>(Only(c, 9));
      const double debias =
          c.Arg<bool>("zero_debias", true) ? 1 / (1 - std::pow(beta, static_cast<double>(t))) : 1;
      const auto average = [&](double old, double x) { return beta * old + (1 - beta) * x; };
      double mean_squares = 0;
      const Step rule = [&](double g, const std::vector<double*>& x, double*) {
        const double old = *x[1];
        *x[1] = mu * old + lr * g;
        *x[0] -= c.Arg<bool>("nesterov", false) ? (1 + mu) * *x[1] - mu * old : *x[1];
        *x[2] = average(*x[2], g);
        *x[3] = average(*x[3], g * g);
        mean_squares += debias * *x[2] * debias * *x[2];
      };
      const Stepped stepped = Take(c, -1, 8, {0, 1, 5, 6}, rule);
      const double h = std::max(SumOfSquares(c.in(8)), epsilon);
      Values window(c.in(4));
      window[(t - 1) % width] = std::log(h);
      double least = window[0];
      double greatest = window[0];
      for (int64_t i = 0; i < std::min(t, width); ++i) {
        least = std::min(least, window[i]);
        greatest = std::max(greatest, window[i]);
      }
      Values memory(c.in(7));
      memory[0] = average(memory[0], std::sqrt(h));
      memory[1] = average(memory[1], h);
      memory[2] = average(memory[2], least);
      memory[3] = average(memory[3], greatest);
      memory[4] = average(memory[4], memory[0] / memory[1]);
      const double h_min = std::max(std::exp(debias * memory[2]), epsilon);
      const double h_max = std::max(std::exp(debias * memory[3]), epsilon);
      const double variance = std::max(debias * memory[1] - mean_squares, epsilon);
      const double p = std::pow(debias * memory[4] * h_min, 2) / (2 * variance);
      double low = 0;  // x with p x = (1 - x)^3, by halving
      double high = 1;
      for (int i = 0; i < 200; ++i) {
        const double x = (low + high) / 2;
        (p * x < std::pow(1 - x, 3) ? low : high) = x;
      }
      const double k = std::sqrt(h_max / h_min);
      const double mu_now = std::max(low * low, std::pow((k - 1) / (k + 1), 2));
      const double lr_now = std::pow(1 - std::sqrt(mu_now), 2) / h_min;
      return {stepped.changed[0],
              stepped.changed[1],
              One(c.in(2), t > 1 ? average(lr, lr_now) : lr),
              One(c.in(3), t > 1 ? average(mu, mu_now) : mu),
              window.ToTensor(),
              stepped.changed[2],
              stepped.changed[3],
              memory.ToTensor()};
    })
    .Tolerance(1e-4);

DOPPIO_OP_ROW(WeightScale)
    .Case([](CaseMaker& c) {
      c.Input("w", c.Random(kFloat, c.Shape()));
      c.Input("iter", c.Random(DataType::kInt64, {1}, 0, 20));
      if (c.Chance(0.8)) c.Arg("stepsize", static_cast<int>(c.Int(1, 3)));
      if (c.Chance()) c.Arg("upper_bound_iter", static_cast<int>(c.Int(5, 15)));
      c.Arg("scale", c.Real(-2, 2));
      MaybeInPlace(c, "w");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const auto t = static_cast<int64_t>(Only(c, 1)) + 1;
      const bool is_time = t % c.Arg<int64_t>("stepsize", 1 << 30) == 0 &&
                           t < c.Arg<int64_t>("upper_bound_iter", 1 << 30);
      const double scale = is_time ? c.Arg<float>("scale") : 1;
      return {
          Generate(kFloat, c.in(0).dims(), [&](const Dims& i) { return scale * At(c.in(0), i); })};
    });

DOPPIO_OP_ROW(ClipTensorByScaling)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(kFloat, c.Shape()));
      c.Input("val", c.Random(kFloat, c.Chance() ? Dims{} : Dims{1}, 0, 4));
      if (c.Chance()) c.Input("factor", c.Random(kFloat, {1}, 0.1, 2));
      c.Arg("threshold", c.Real(0.1, 3));
      MaybeInPlace(c, "X");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      double limit = c.Arg<float>("threshold");
      if (c.def.input_size() > 2) limit *= Only(c, 2);
      const double factor = Only(c, 1) > limit ? limit / Only(c, 1) : 1;
      return {
          Generate(kFloat, c.in(0).dims(), [&](const Dims& i) { return factor * At(c.in(0), i); })};
    });

DOPPIO_OP_ROW(LearningRateAdaption)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("lr", Rate(c));
      c.Input("grad", c.Random(kFloat, dims, 0, 1));
      c.Input("effgrad", c.Random(kFloat, dims, 0, 1));
      if (c.Chance()) c.Arg("lr_alpha", c.Real(0, 1));
      if (c.Chance()) c.Arg("normalized_lr_adaption", 0);
      MaybeInPlace(c, "lr");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      double dot = 0;
      for (int64_t i = 0; i < c.in(1).numel(); ++i) {
        dot += ElementAsDouble(c.in(1), i) * ElementAsDouble(c.in(2), i);
      }
      const double alpha = c.Arg<float>("lr_alpha", 0.01f);
      double next = Only(c, 0) - alpha * dot;
      if (c.Arg<bool>("normalized_lr_adaption", true)) {
        const double norms = std::max(std::sqrt(SumOfSquares(c.in(1))), 1e-12) *
                             std::max(std::sqrt(SumOfSquares(c.in(2))), 1e-12);
        next = Only(c, 0) * (1 - alpha * dot / norms);
      }
      return {One(c.in(0), next)};
    });

DOPPIO_OP_ROW(RowWiseCounter)
    .Case([](CaseMaker& c) {
      const Dims table = {c.Size()};
      c.Input("prev_iter", c.Random(DataType::kInt64, table, 0, 20));
      c.Input("counter", c.Random(DataType::kDouble, table, 0, 5));
      c.Input("indices", RowsOf(c, table, IndexShape(c, table)));
      c.Input("iter", c.Random(DataType::kInt64, c.Chance() ? Dims{} : Dims{1}, 0, 30));
      if (c.Chance(0.8)) c.Arg("counter_halflife", static_cast<int>(c.Int(-1, 5)));
      c.Output("prev_iter");
      c.Output("counter");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      Values previous(c.in(0));
      Values counter(c.in(1));
      const auto halflife = static_cast<double>(c.Arg<int64_t>("counter_halflife", -1));
      const double iteration = Only(c, 3);
      for (int64_t k = 0; halflife > 0 && k < c.in(2).numel(); ++k) {
        const auto row = static_cast<int64_t>(ElementAsDouble(c.in(2), k));
        const double passed = std::max(0.0, iteration - previous[row]);
        counter[row] = 1 + counter[row] * std::exp(-passed * std::log(2.0) / halflife);
        previous[row] = std::max(iteration, previous[row]);
      }
      return {previous.ToTensor(), counter.ToTensor()};
    });

}  // namespace
}  // namespace doppio
