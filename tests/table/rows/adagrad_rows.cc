#include "absl/strings/match.h"
#include "tests/table/rows/optimizers.h"

namespace doppio {
namespace {

using namespace optimizers;

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
