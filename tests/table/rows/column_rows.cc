// Rows of operators with a function for each column.

#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(BatchBoxCox)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Dims data = c.Shape(1);
      const int64_t columns = SizeFromDim(data, 1);
      c.Input("data", c.Random(type, data, -1, 4));
      const Tensor lambda1 = c.Random(type, {columns});
      const bool has_zeros = c.Chance();
      c.Input("lambda1", Generate(type, {columns}, [&](const Dims& i) {
                return has_zeros && i[0] % 3 == 0 ? 0 : At(lambda1, i);
              }));
      c.Input("lambda2", c.Random(type, {columns}, 1.25, 2));
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& data = c.in(0);
      const int64_t columns = SizeFromDim(data.dims(), 1);
      return {Generate(data.dtype(), data.dims(), [&](const Dims& i) {
        const int64_t j = FlatIndex(data.dims(), i) % columns;
        const double lambda = At(c.in(1), {j});
        const double x = std::max(At(data, i) + At(c.in(2), {j}), 1e-6);
        return lambda == 0 ? std::log(x) : (std::pow(x, lambda) - 1) / lambda;
      })};
    })
    .NeverScalar("there are rows");

DOPPIO_OP_ROW(PiecewiseLinearTransform)
    .Case([](CaseMaker& c) {
      const bool binary = c.Chance(0.3);
      Dims x = c.Shape(2, 2);
      x[1] = std::max<int64_t>(x[1], 1);
      if (binary) x[1] = c.Int(1, 2);
      const int64_t functions = binary ? 1 : x[1];
      if (binary && x[1] == 1 && c.Chance()) x.pop_back();
      if (binary) c.Arg("binary", true);
      // Whole numbers, so that what is transformed often is a bound.
      c.Input("X", *ConvertTensor(c.Random(DataType::kInt32, x, -9, 9), DataType::kFloat));
      const int64_t pieces = c.Int(1, 4);
      std::vector<float> bounds;
      for (int64_t f = 0; f < functions; ++f) {
        auto bound = static_cast<float>(c.Int(-8, -4));
        for (int64_t k = 0; k <= pieces; ++k) {
          bounds.push_back(bound);
          bound += static_cast<float>(c.Int(1, 3));
        }
      }
      std::vector<float> slopes;
      std::vector<float> intercepts;
      for (int64_t k = 0; k < functions * pieces; ++k) {
        slopes.push_back(static_cast<float>(c.Int(-3, 3)));
        intercepts.push_back(static_cast<float>(c.Int(-3, 3)));
      }
      if (c.Chance()) {
        c.Arg("bounds", bounds);
        c.Arg("slopes", slopes);
        c.Arg("intercepts", intercepts);
      } else {
        c.Input("bounds", c.Vector<float>(bounds));
        c.Input("slopes", c.Vector<float>(slopes));
        c.Input("intercepts", c.Vector<float>(intercepts));
      }
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const bool given = c.def.input_size() == 4;
      const auto parameters = [&](int input, const char* name) {
        return given ? c.in(input)
                     : *Tensor::FromSpan<float>({static_cast<int64_t>(c.Args<float>(name).size())},
                                                c.Args<float>(name));
      };
      const Tensor bounds = parameters(1, "bounds");
      const Tensor slopes = parameters(2, "slopes");
      const Tensor intercepts = parameters(3, "intercepts");
      const Tensor& x = c.in(0);
      const bool binary = c.Arg<bool>("binary");
      const int64_t columns = x.rank() == 2 ? x.dim(1) : 1;
      const int64_t functions = binary ? 1 : columns;
      const int64_t pieces = slopes.numel() / functions;
      const auto transform = [&](int64_t f, double v) {
        const auto bound = [&](int64_t k) { return At(bounds, {f * (pieces + 1) + k}); };
        v = std::min(std::max(v, bound(0)), bound(pieces));
        int64_t piece = 0;
        while (piece < pieces - 1 && v > bound(piece + 1)) ++piece;
        return At(slopes, {f * pieces + piece}) * v + At(intercepts, {f * pieces + piece});
      };
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        const int64_t at = FlatIndex(x.dims(), i);
        if (!binary) return transform(at % columns, ElementAsDouble(x, at));
        const double last = transform(0, ElementAsDouble(x, at / columns * columns + columns - 1));
        return at % columns == columns - 1 ? last : 1 - last;
      })};
    })
    .NeverScalar("there are rows");

}  // namespace
}  // namespace doppio
