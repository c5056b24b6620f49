// What chooses learning rates, and scales gradients and weights.

#include "tests/table/rows/optimizers.h"

namespace doppio {
namespace {

using namespace optimizers;

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

}  // namespace
}  // namespace doppio
