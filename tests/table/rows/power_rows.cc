// The row of Pow, whose exponents may be an argument or a tensor.

#include <cmath>

#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(Pow)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Dims x = c.Shape();
      c.Input("X", c.Random(type, x, 0.3, 2));
      c.Output("Y");
      if (c.Chance(0.4)) {
        c.Arg<float>("exponent", c.OneOf<float>({-1, -0.5f, 0, 0.5f, 1, 2, 3, 1.5f}));
        return;
      }
      Dims exponent = x;
      if (c.Chance(0.4)) {
        const int64_t rank = static_cast<int64_t>(x.size());
        const int64_t from = c.Int(0, rank);
        exponent.assign(x.begin() + from, x.begin() + c.Int(from, rank));
        c.Arg<int>("broadcast", 1);
        c.Arg<int>("axis", static_cast<int>(from));
      }
      c.Input("exponent", c.Random(type, exponent));
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      return {Generate(x.dtype(), x.dims(), [&](const Dims& index) {
        if (c.def.input_size() == 1) return std::pow(At(x, index), c.Arg<float>("exponent"));
        const Tensor& exponent = c.in(1);
        const auto from = index.begin() + (c.Arg<bool>("broadcast") ? c.Arg<int>("axis") : 0);
        return std::pow(At(x, index), At(exponent, Dims(from, from + exponent.rank())));
      })};
    })
    .Differentiable({0, 1});
DOPPIO_OP_ROW(PowGradient).CheckedByGradientOf("Pow");

}  // namespace
}  // namespace doppio
