#include "tests/table/rows/optimizers.h"

namespace doppio {
namespace {

using namespace optimizers;

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

}  // namespace
}  // namespace doppio
