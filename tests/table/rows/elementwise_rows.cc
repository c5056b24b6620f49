#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr DataType kFloat = DataType::kFloat;
constexpr DataType kDouble = DataType::kDouble;
constexpr DataType kInt32 = DataType::kInt32;
constexpr DataType kInt64 = DataType::kInt64;

// A row of Y = f(X); X is drawn from [least, most] without what lies closer to 0 than `gap` (where
// f has a kink).
OpRow& Unary(absl::string_view type, double (*f)(double), bool whole, double least, double most,
             double gap) {
  return NewOpRow(type)
      .Case([=](CaseMaker& c) {
        const DataType dtype =
            whole ? c.ValueType({kFloat, kDouble, kInt32, kInt64}) : c.ValueType({kFloat, kDouble});
        Tensor x = c.Random(dtype, c.Shape(), least, most);
        if (gap > 0) {
          x = Generate(dtype, x.dims(), [&](const Dims& index) {
            const double value = At(x, index);
            return std::abs(value) < gap ? value + (value < 0 ? -gap : gap) : value;
          });
        }
        c.Input("X", std::move(x));
        c.Output("Y");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& x = c.in(0);
        return {Generate(x.dtype(), x.dims(), [&](const Dims& index) { return f(At(x, index)); })};
      })
      .Differentiable({0});
}

[[maybe_unused]] const bool unary_rows = [] {
  Unary(
      "Relu", [](double x) { return x < 0 ? 0 : x; }, false, -2, 2, 0.01);
  Unary(
      "Abs", [](double x) { return std::abs(x); }, true, -9, 9, 0.01);
  Unary(
      "Negative", [](double x) { return -x; }, true, -9, 9, 0);
  Unary(
      "Sqr", [](double x) { return x * x; }, false, -2, 2, 0);
  Unary(
      "Exp", [](double x) { return std::exp(x); }, false, -3, 3, 0);
  Unary(
      "Log", [](double x) { return std::log(x); }, false, 0.1, 5, 0);
  Unary(
      "Tanh", [](double x) { return std::tanh(x); }, false, -3, 3, 0);
  Unary(
      "Sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }, false, -4, 4, 0);
  NewOpRow("ReluGradient").CheckedByGradientOf("Relu");
  NewOpRow("AbsGradient").CheckedByGradientOf("Abs");
  NewOpRow("TanhGradient").CheckedByGradientOf("Tanh");
  NewOpRow("SigmoidGradient").CheckedByGradientOf("Sigmoid");
  return true;
}();

DOPPIO_OP_ROW(Scale)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.ValueType({kFloat, kDouble}), c.Shape()));
      if (c.Chance(0.8)) c.Arg<float>("scale", static_cast<float>(c.Real(-2, 2)));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const double scale = c.Arg<float>("scale", 1);
      return {
          Generate(x.dtype(), x.dims(), [&](const Dims& index) { return scale * At(x, index); })};
    })
    .Differentiable({0});

DOPPIO_OP_ROW(Sum)
    .Case([](CaseMaker& c) {
      const DataType dtype = c.ValueType({kFloat, kDouble, kInt32, kInt64});
      const Dims dims = c.Shape();
      const int64_t count = c.Int(1, 4);
      for (int64_t i = 0; i < count; ++i) {
        c.Input(absl::StrCat("X", i), c.Random(dtype, dims));
      }
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      return {Generate(x.dtype(), x.dims(), [&](const Dims& index) {
        double sum = 0;
        for (int i = 0; i < c.def.input_size(); ++i) sum += At(c.in(i), index);
        return sum;
      })};
    })
    .Differentiable({0, 1, 2, 3});

// The index into B of an index of A, by the rule of broadcast=1.
Dims LegacyIndex(const OpCase& c, const Dims& index) {
  const Tensor& a = c.in(0);
  const Tensor& b = c.in(1);
  Dims at(static_cast<size_t>(b.rank()), 0);
  if (b.numel() == 1) return at;
  int axis = c.Arg<int>("axis", -1);
  const std::string letter = c.Arg<std::string>("axis_str");
  if (!letter.empty()) axis = static_cast<int>(std::string("NCHW").find(letter));
  if (axis == -1) axis = a.rank() - b.rank();
  for (int i = 0; i < b.rank(); ++i) at[i] = b.dim(i) == 1 ? 0 : index[axis + i];
  return at;
}

// A row of C = f(A, B); divisors keep away from 0.
OpRow& Binary(absl::string_view type, double (*f)(double, double), bool divides) {
  return NewOpRow(type)
      .Case([=](CaseMaker& c) {
        const DataType dtype = c.ValueType({kFloat, kDouble, kInt32, kInt64});
        Dims a = c.Shape();
        Dims b;
        if (c.Chance(0.3)) {
          c.Arg<int>("broadcast", 1);
          const int64_t rank = static_cast<int64_t>(a.size());
          const int64_t from = c.Int(0, rank);
          const int64_t to = c.Chance() ? rank : c.Int(from, rank);
          b.assign(a.begin() + from, a.begin() + to);
          if (!b.empty() && c.Chance(0.2)) b[0] = 1;
          if (to < rank && from < 4 && c.Chance(0.3)) {
            c.Arg<std::string>("axis_str", std::string("NCHW").substr(from, 1));
          } else if (to < rank || c.Chance()) {
            c.Arg<int>("axis", static_cast<int>(from));
          }
        } else {
          const Dims full = a;
          a = c.BroadcastsTo(full);
          b = c.Chance(0.4) ? full : c.BroadcastsTo(full);
          if (c.Chance(0.3)) b = a;
        }
        c.Input("A", c.Random(dtype, a, -9, 9));
        Tensor divisor = c.Random(dtype, b, -9, 9);
        if (divides) {
          divisor = Generate(dtype, b, [&](const Dims& index) {
            const double value = At(divisor, index);
            return std::abs(value) < 1 ? value + (value < 0 ? -1 : 1) : value;
          });
        }
        c.Input("B", std::move(divisor));
        c.Output("C");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& a = c.in(0);
        const Tensor& b = c.in(1);
        const bool legacy = c.Arg<bool>("broadcast");
        const Dims dims = legacy ? Dims(a.dims().begin(), a.dims().end())
                                 : BroadcastShapes(a.dims(), b.dims()).value();
        return {Generate(a.dtype(), dims, [&](const Dims& index) {
          return f(At(a, index), At(b, legacy ? LegacyIndex(c, index) : index));
        })};
      })
      .Differentiable({0, 1});
}

[[maybe_unused]] const bool binary_rows = [] {
  Binary(
      "Add", [](double a, double b) { return a + b; }, false);
  Binary(
      "Sub", [](double a, double b) { return a - b; }, false);
  Binary(
      "Mul", [](double a, double b) { return a * b; }, false);
  Binary(
      "Div", [](double a, double b) { return a / b; }, true);
  NewOpRow("AddGradient").CheckedByGradientOf("Add");
  NewOpRow("SubGradient").CheckedByGradientOf("Sub");
  NewOpRow("MulGradient").CheckedByGradientOf("Mul");
  NewOpRow("DivGradient").CheckedByGradientOf("Div");
  return true;
}();

DOPPIO_OP_ROW(ScaleBlobs)
    .Case([](CaseMaker& c) {
      const int64_t count = c.Int(1, 3);
      for (int64_t k = 0; k < count; ++k) {
        c.Input(absl::StrCat("X", k), c.Random(kFloat, c.Shape()));
        c.Output(absl::StrCat("Y", k));
      }
      if (c.Chance()) c.Arg("scale", -1.5f);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      std::vector<Tensor> outputs;
      for (int k = 0; k < c.def.input_size(); ++k) {
        outputs.push_back(Generate(kFloat, c.in(k).dims(), [&](const Dims& i) {
          return c.Arg<float>("scale", 1) * At(c.in(k), i);
        }));
      }
      return outputs;
    });

}  // namespace
}  // namespace doppio
