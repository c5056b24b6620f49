#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(Expand)
    .Case([](CaseMaker& c) {
      const Dims y = c.Shape(0, 5);
      const Dims x = c.BroadcastsTo(y);
      // `shape` may be shorter than X, and say 1 or -1 where X has the size already.
      Dims shape = y;
      for (size_t back = 1; back <= x.size(); ++back) {
        int64_t& size = shape[shape.size() - back];
        if (x[x.size() - back] == size && c.Chance(0.3)) size = c.Chance() ? 1 : -1;
      }
      if (x.size() == y.size()) {
        while (!shape.empty() && x[x.size() - shape.size()] == y[y.size() - shape.size()] &&
               c.Chance(0.3)) {
          shape.erase(shape.begin());
        }
      }
      c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32,
                                         DataType::kInt64, DataType::kBool, DataType::kUInt8,
                                         DataType::kFloat16, DataType::kString}),
                            x));
      c.Input("shape", c.IndexVector(shape));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      Dims dims(static_cast<size_t>(std::max<int64_t>(x.rank(), c.in(1).numel())), 1);
      for (size_t i = 0; i < dims.size(); ++i) {
        const size_t back = dims.size() - i;
        if (back <= x.dims().size()) dims[i] = x.dims()[x.dims().size() - back];
        const int64_t given = static_cast<int64_t>(back);
        if (given > c.in(1).numel()) continue;
        const double size = ElementAsDouble(c.in(1), c.in(1).numel() - given);
        if (dims[i] == 1 && size >= 0) dims[i] = static_cast<int64_t>(size);
      }
      return {Pick(x, dims, [&](const Dims& index) { return FlatIndex(x.dims(), index); })};
    })
    .Differentiable({0});

DOPPIO_OP_ROW(ExpandGradient).CheckedByGradientOf("Expand");

}  // namespace
}  // namespace doppio
