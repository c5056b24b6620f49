// Rows of operators on one tensor, element by element, that have arguments or a restricted domain.

#include <cmath>
#include <limits>

#include "tests/table/op_table.h"

namespace doppio {
namespace {

using ElementFunction = std::function<double(const OpCase&, double)>;
using DrawArguments = std::function<void(CaseMaker&)>;

// X is drawn from [least, most], without what lies closer than 0.01 to one of `kinks`.
struct Domain {
  double least = -3;
  double most = 3;
  std::vector<double> kinks = {};
};

OpRow& Element(absl::string_view type, const Domain& domain, const ElementFunction& f,
               const DrawArguments& draw = nullptr) {
  return NewOpRow(type)
      .Case([=](CaseMaker& c) {
        const DataType dtype = c.ValueType({DataType::kFloat, DataType::kDouble});
        if (draw != nullptr) draw(c);
        const Tensor x = c.Random(dtype, c.Shape(), domain.least, domain.most);
        c.Input("X", Generate(dtype, x.dims(), [&](const Dims& index) {
                  const double value = At(x, index);
                  for (double kink : domain.kinks) {
                    if (std::abs(value - kink) < 0.01) return kink + 0.02;
                  }
                  return value;
                }));
        c.Output("Y");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& x = c.in(0);
        return {
            Generate(x.dtype(), x.dims(), [&](const Dims& index) { return f(c, At(x, index)); })};
      });
}

// Besides, with the gradient operator <type>Gradient.
void DifferentiableFunction(absl::string_view type, const Domain& domain, const ElementFunction& f,
                            const DrawArguments& draw = nullptr) {
  Element(type, domain, f, draw).Differentiable({0});
  NewOpRow(absl::StrCat(type, "Gradient")).CheckedByGradientOf(type);
}

// A function without arguments.
ElementFunction Of(double (*f)(double)) {
  return [f](const OpCase&, double x) { return f(x); };
}

// Draws that argument, of one decimal, or leaves it at its default.
DrawArguments RealArgument(const char* name, double least, double most) {
  return [=](CaseMaker& c) {
    if (c.Chance(0.3)) return;
    const double value = std::round(c.Real(least, most) * 10) / 10;
    c.Arg<float>(name, static_cast<float>(value));
  };
}

float Alpha(const OpCase& c, float fallback) { return c.Arg<float>("alpha", fallback); }

double Selu(const OpCase& c, double x) {
  const double alpha = Alpha(c, 1.6732632423543772f);
  const double scale = c.Arg<float>("scale", 1.0507009873554804f);
  return scale * (x > 0 ? x : alpha * (std::exp(x) - 1));
}

double Gelu(const OpCase& c, double x) {
  if (!c.Arg<bool>("fast_gelu")) return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
  return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

double Clip(const OpCase& c, double x) {
  const double low = c.Arg<float>("min", std::numeric_limits<float>::lowest());
  const double high = c.Arg<float>("max", std::numeric_limits<float>::max());
  return std::max(low, std::min(high, x));
}

double Logit(const OpCase& c, double x) {
  const double eps = c.Arg<float>("eps", 1e-6f);
  const double p = std::max(eps, std::min(x, 1 - eps));
  return std::log(p) - std::log(1 - p);
}

double HardSigmoid(const OpCase& c, double x) {
  const double y = Alpha(c, 0.2f) * x + c.Arg<float>("beta", 0.5f);
  return std::max(0.0, std::min(1.0, y));
}

[[maybe_unused]] const bool activation_rows = [] {
  DifferentiableFunction("Clip", {-3, 3, {-1.5, 1.5}}, Clip, [](CaseMaker& c) {
    if (c.Chance(0.8)) c.Arg<float>("min", -1.5f);
    if (c.Chance(0.8)) c.Arg<float>("max", 1.5f);
  });
  DifferentiableFunction(
      "LeakyRelu", {-3, 3, {0}},
      [](const OpCase& c, double x) { return x < 0 ? Alpha(c, 0.01f) * x : x; },
      RealArgument("alpha", 0.1, 1));
  DifferentiableFunction(
      "Elu", {-3, 3, {0}},
      [](const OpCase& c, double x) { return x > 0 ? x : Alpha(c, 1) * (std::exp(x) - 1); },
      RealArgument("alpha", 0.1, 2));
  DifferentiableFunction("Selu", {-3, 3, {0}}, Selu, [](CaseMaker& c) {
    if (c.Chance()) c.Arg<float>("alpha", 1.5f);
    if (c.Chance()) c.Arg<float>("scale", 2.0f);
  });
  DifferentiableFunction(
      "ReluN", {-3, 9, {0, 6, 2.5}},
      [](const OpCase& c, double x) { return std::min<double>(std::max(x, 0.0), c.Arg("n", 6.f)); },
      [](CaseMaker& c) {
        if (c.Chance()) c.Arg<float>("n", 2.5f);
      });
  DifferentiableFunction(
      "ThresholdedRelu", {-3, 3, {0.5, 1}},
      [](const OpCase& c, double x) { return x > Alpha(c, 1) ? x : 0; },
      [](CaseMaker& c) {
        if (c.Chance()) c.Arg<float>("alpha", 0.5f);
      });
  DifferentiableFunction("Gelu", {-4, 4}, Gelu, [](CaseMaker& c) {
    if (c.Chance()) c.Arg("fast_gelu", true);
  });
  DifferentiableFunction("Swish", {-8, 8}, Of([](double x) { return x / (1 + std::exp(-x)); }));
  DifferentiableFunction("Mish", {-8, 8},
                         Of([](double x) { return x * std::tanh(std::log1p(std::exp(x))); }));
  DifferentiableFunction("Log1p", {-0.9, 5}, Of([](double x) { return std::log(1 + x); }));
  DifferentiableFunction("Logit", {-0.5, 1.5, {1e-6, 1 - 1e-6, 0.1, 0.9}}, Logit, [](CaseMaker& c) {
    if (c.Chance(0.8)) c.Arg<float>("eps", 0.1f);
  });
  DifferentiableFunction("HardSigmoid", {-6, 6, {-2.5, 2.5, -1, 1}}, HardSigmoid, [](CaseMaker& c) {
    if (c.Chance()) c.Arg<float>("alpha", 0.5f);
  });
  DifferentiableFunction("Softplus", {-8, 8},
                         Of([](double x) { return std::log(1 + std::exp(x)); }));
  DifferentiableFunction("Softsign", {-8, 8}, Of([](double x) { return x / (1 + std::abs(x)); }));
  DifferentiableFunction("Erf", {}, Of(std::erf));
  DifferentiableFunction("Sin", {}, Of(std::sin));
  DifferentiableFunction("Cos", {}, Of(std::cos));
  DifferentiableFunction("Tan", {-1.2, 1.2}, Of(std::tan));
  DifferentiableFunction("Asin", {-0.9, 0.9}, Of(std::asin));
  DifferentiableFunction("Acos", {-0.9, 0.9}, Of(std::acos));
  DifferentiableFunction("Atan", {}, Of(std::atan));
  DifferentiableFunction("Sinh", {}, Of(std::sinh));
  DifferentiableFunction("Cosh", {}, Of(std::cosh));
  DifferentiableFunction("Cube", {}, Of([](double x) { return x * x * x; }));
  DifferentiableFunction("Cbrt", {0.2, 5}, Of(std::cbrt));
  DifferentiableFunction("Rsqrt", {0.2, 5}, Of([](double x) { return 1 / std::sqrt(x); }));
  DifferentiableFunction("Reciprocal", {0.2, 5}, Of([](double x) { return 1 / x; }));
  Element("Sqrt", {0.2, 5}, Of(std::sqrt)).Differentiable({0});
  DifferentiableFunction("Acosh", {1.1, 5}, Of(std::acosh));
  DifferentiableFunction("Asinh", {}, Of(std::asinh));
  DifferentiableFunction("Atanh", {-0.9, 0.9}, Of(std::atanh));
  Element("Round", {-9, 9}, Of(std::nearbyint));
  Element("Ceil", {-9, 9}, Of(std::ceil));
  Element("Floor", {-9, 9}, Of(std::floor));
  return true;
}();

DOPPIO_OP_ROW(Sign)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32, DataType::kInt64});
      c.Input("X", c.Random(type, c.Shape(), -3, 3));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& index) {
        const double x = At(c.in(0), index);
        return x == 0 ? 0 : std::copysign(1.0, x);
      })};
    });

DOPPIO_OP_ROW(Mod)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), c.Shape(), -50, 50));
      c.Arg("divisor", c.OneOf<int64_t>({-7, -1, 1, 3, 10}));
      if (c.Chance()) c.Arg("sign_follow_divisor", true);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const double divisor = static_cast<double>(c.Arg<int64_t>("divisor"));
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& index) {
        const double x = At(c.in(0), index);
        if (!c.Arg<bool>("sign_follow_divisor")) return std::fmod(x, divisor);
        return x - divisor * std::floor(x / divisor);
      })};
    })
    .Tolerance(0);

DOPPIO_OP_ROW(ReplaceNaN)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Tensor x = c.Random(type, c.Shape());
      c.Input("X", Generate(type, x.dims(), [&](const Dims& index) {
                return c.Chance(0.3) ? std::nan("") : At(x, index);
              }));
      if (c.Chance()) c.Arg<float>("value", 2.5f);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& index) {
        const double x = At(c.in(0), index);
        return std::isnan(x) ? c.Arg<float>("value") : x;
      })};
    })
    .Tolerance(0);

DOPPIO_OP_ROW(StumpFunc)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(DataType::kFloat, c.Shape()));
      if (c.Chance()) c.Arg("threshold", 0.5f);
      if (c.Chance()) c.Arg("low_value", -3.0f);
      if (c.Chance()) c.Arg("high_value", 7.0f);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(DataType::kFloat, c.in(0).dims(), [&](const Dims& index) {
        const bool is_low = At(c.in(0), index) <= double{c.Arg<float>("threshold")};
        return double{is_low ? c.Arg<float>("low_value") : c.Arg<float>("high_value")};
      })};
    })
    .Tolerance(0);

DOPPIO_OP_ROW(StumpFuncIndex)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(DataType::kFloat, c.Shape()));
      if (c.Chance()) c.Arg("threshold", 0.5f);
      c.Output("low");
      c.Output("high");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      std::vector<int64_t> places[2];
      const auto values = c.in(0).span<float>();
      for (size_t i = 0; i < values.size(); ++i) {
        places[values[i] <= c.Arg<float>("threshold") ? 0 : 1].push_back(static_cast<int64_t>(i));
      }
      std::vector<Tensor> outputs;
      for (const auto& list : places) {
        outputs.push_back(*Tensor::FromSpan<int64_t>({static_cast<int64_t>(list.size())}, list));
      }
      return outputs;
    })
    .InferenceOpen("how many places there are depends on the values");

}  // namespace
}  // namespace doppio
