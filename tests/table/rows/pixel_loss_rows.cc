#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

// Exponentials of the logits, and their sums over the classes of each pixel.
struct Exponentials {
  explicit Exponentials(const Tensor& x) {
    const int64_t pixels = x.dim(2) * x.dim(3);
    place = [=](const Dims& i) {
      return static_cast<size_t>(i[0] * pixels + i[2] * x.dim(3) + i[3]);
    };
    sums.resize(static_cast<size_t>(x.dim(0) * pixels));
    ForEachIndex(x.dims(), [&](const Dims& i) { sums[place(i)] += std::exp(At(x, i)); });
  }

  std::function<size_t(const Dims&)> place;
  std::vector<double> sums;
};

DOPPIO_OP_ROW(SpatialSoftmaxWithLoss)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      Dims x = c.Shape(4, 4);
      x[1] = std::max<int64_t>(x[1], 1);
      const Dims pixels = {x[0], x[2], x[3]};
      c.Input("X", c.Random(type, x));
      c.Input("label", c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), pixels, -1,
                                static_cast<double>(x[1] - 1)));
      if (c.Chance()) c.Input("weights", c.Random(type, pixels, 0.5, 2));
      if (c.Chance()) c.Arg("scale", 0.75f);
      c.Output("P");
      c.Output("loss");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Exponentials exponentials(x);
      double loss = 0;
      double total = 0;
      ForEachIndex(c.in(1).dims(), [&](const Dims& i) {
        const double label = At(c.in(1), i);
        if (label == -1) return;
        const Dims at = {i[0], static_cast<int64_t>(label), i[1], i[2]};
        const double weight = c.def.input_size() > 2 ? At(c.in(2), i) : 1;
        loss += weight * (std::log(exponentials.sums[exponentials.place(at)]) - At(x, at));
        total += weight;
      });
      const double scale = c.Arg<float>("scale", 1);
      return {Generate(x.dtype(), x.dims(),
                       [&](const Dims& i) {
                         return std::exp(At(x, i)) / exponentials.sums[exponentials.place(i)];
                       }),
              Generate(x.dtype(), {},
                       [&](const Dims&) { return total == 0 ? 0 : scale * loss / total; })};
    })
    .Differentiable({0})
    .OutputGradients({1});
DOPPIO_OP_ROW(SpatialSoftmaxWithLossGradient).CheckedByGradientOf("SpatialSoftmaxWithLoss");

}  // namespace
}  // namespace doppio
