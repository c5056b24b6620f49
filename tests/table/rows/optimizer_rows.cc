#include "tests/table/rows/optimizers.h"

namespace doppio {
namespace {

using namespace optimizers;

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
    .Tolerance(1e-4);

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

}  // namespace
}  // namespace doppio
