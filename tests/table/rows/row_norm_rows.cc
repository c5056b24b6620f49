// Rows of layers that look at a line of elements, or at half of one, at a time.

#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

// One of the dimensions, from the front or the back.
int DrawAxis(CaseMaker& c, size_t rank) {
  const int axis = static_cast<int>(c.Int(0, static_cast<int64_t>(rank) - 1));
  return c.Chance() ? axis : axis - static_cast<int>(rank);
}

size_t AxisOf(const OpCase& c, absl::string_view name, int fallback) {
  const int axis = c.Arg<int>(name, fallback);
  return static_cast<size_t>(axis < 0 ? axis + c.in(0).rank() : axis);
}

// Y = X / norm, of which the sum of f(x) along the axis is made.
OpRow& Normalised(const char* type, double (*f)(double), double (*norm)(double sum)) {
  return NewOpRow(type)
      .Case([](CaseMaker& c) {
        const Dims dims = c.Shape(1);
        c.Input("X", c.Random(c.RealType(), dims));
        if (c.Chance(0.7)) c.Arg("axis", DrawAxis(c, dims.size()));
        c.Output("Y");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& x = c.in(0);
        const size_t axis = AxisOf(c, "axis", -1);
        Dims lines(x.dims().begin(), x.dims().end());
        lines[axis] = 1;
        std::vector<double> sums(static_cast<size_t>(*NumElements(lines)), 0);
        const auto sum_of = [&](Dims i) -> double& {
          i[axis] = 0;
          return sums[static_cast<size_t>(FlatIndex(lines, i))];
        };
        ForEachIndex(x.dims(), [&](const Dims& i) { sum_of(i) += f(At(x, i)); });
        return {Generate(x.dtype(), x.dims(),
                         [&](const Dims& i) { return At(x, i) / norm(sum_of(i)); })};
      })
      .NeverScalar("there is an axis");
}

[[maybe_unused]] const bool normalised_rows = [] {
  Normalised(
      "Normalize", [](double x) { return x * x; }, [](double sum) { return std::sqrt(sum); })
      .Differentiable({0});
  Normalised(
      "NormalizeL1", [](double x) { return std::abs(x); }, [](double sum) { return sum; });
  return true;
}();
DOPPIO_OP_ROW(NormalizeGradient)
    .CheckedByGradientOf("Normalize")
    .NeverScalar("as the forward operator");

DOPPIO_OP_ROW(RMSNorm)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape(2);
      const int axis = c.Chance() ? 1 : DrawAxis(c, dims.size());
      const auto from =
          static_cast<std::ptrdiff_t>(axis < 0 ? axis + static_cast<int>(dims.size()) : axis);
      const Dims row(dims.begin() + from, dims.end());
      c.Input("X", c.Random(type, dims));
      c.Input("gamma", c.Random(type, row));
      c.Input("beta", c.Random(type, row));
      if (axis != 1) c.Arg("axis", axis);
      c.Arg("eps", c.Chance() ? 0.125f : 0.001f);
      c.Output("Y");
      c.Output("rrms");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const auto axis = static_cast<std::ptrdiff_t>(AxisOf(c, "axis", 1));
      const Dims rows(x.dims().begin(), x.dims().begin() + axis);
      const Dims row(x.dims().begin() + axis, x.dims().end());
      const auto of_row = [&](const Dims& i) {
        return static_cast<size_t>(FlatIndex(rows, Dims(i.begin(), i.begin() + axis)));
      };
      std::vector<double> means(static_cast<size_t>(*NumElements(rows)), 0);
      const double count = static_cast<double>(*NumElements(row));
      ForEachIndex(x.dims(),
                   [&](const Dims& i) { means[of_row(i)] += At(x, i) * At(x, i) / count; });
      const auto rrms = [&](size_t i) { return 1 / std::sqrt(means[i] + c.Arg<float>("eps")); };
      return {Generate(x.dtype(), x.dims(),
                       [&](const Dims& i) {
                         const Dims j(i.begin() + axis, i.end());
                         return At(x, i) * rrms(of_row(i)) * At(c.in(1), j) + At(c.in(2), j);
                       }),
              Generate(x.dtype(), rows, [&](const Dims& i) {
                return rrms(static_cast<size_t>(FlatIndex(rows, i)));
              })};
    })
    .Differentiable({0, 1, 2})
    .OutputGradients({0});
DOPPIO_OP_ROW(RMSNormGradient).CheckedByGradientOf("RMSNorm");

DOPPIO_OP_ROW(Glu)
    .Case([](CaseMaker& c) {
      Dims dims = c.Shape(1);
      const int dim = c.Chance() ? -1 : DrawAxis(c, dims.size());
      dims[static_cast<size_t>(dim < 0 ? dim + static_cast<int>(dims.size()) : dim)] *= 2;
      c.Input("X", c.Random(c.RealType(), dims, -8, 8));
      if (dim != -1 || c.Chance()) c.Arg("dim", dim);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const size_t dim = AxisOf(c, "dim", -1);
      Dims y(x.dims().begin(), x.dims().end());
      y[dim] /= 2;
      return {Generate(x.dtype(), y, [&](const Dims& i) {
        Dims gate = i;
        gate[dim] += y[dim];
        return At(x, i) / (1 + std::exp(-At(x, gate)));
      })};
    })
    .NeverScalar("a scalar has no halves");

DOPPIO_OP_ROW(SinusoidPositionEncoding)
    .Case([](CaseMaker& c) {
      c.Input("positions",
              c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), c.Shape(2, 2), -20, 200));
      if (c.Chance(0.9)) c.Arg("embedding_size", static_cast<int>(c.Int(1, 9)));
      if (c.Chance()) c.Arg("alpha", 50.0f);
      if (c.Chance()) c.Arg("amplitude", 0.5f);
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int size = c.Arg<int>("embedding_size", 100);
      return {
          Generate(DataType::kFloat, {c.in(0).dim(0), c.in(0).dim(1), size}, [&](const Dims& i) {
            const double x = At(c.in(0), {i[0], i[1]}) / std::pow(c.Arg<float>("alpha", 10000),
                                                                  static_cast<double>(i[2]) / size);
            return c.Arg<float>("amplitude", 1) * (i[2] % 2 == 0 ? std::sin(x) : std::cos(x));
          })};
    })
    .NeverScalar("positions are a matrix");

}  // namespace
}  // namespace doppio
