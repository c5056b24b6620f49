#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(Tile)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt64,
                                         DataType::kUInt8, DataType::kFloat16, DataType::kString});
      const Dims dims = c.Shape(1, 3);
      const int rank = static_cast<int>(dims.size());
      const int64_t axis = c.Int(-rank, rank - 1);
      const int64_t tiles = c.Int(1, 4);
      c.Input("X", c.Random(type, dims));
      const int64_t inputs = c.Int(1, 3);
      if (inputs > 1) c.Input("tiles", c.IndexVector({tiles}));
      if (inputs > 2) c.Input("axis", c.IndexVector({axis}));
      if (inputs < 2) c.Arg("tiles", static_cast<int>(tiles));
      if (inputs < 3) c.Arg("axis", static_cast<int>(axis));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      int64_t tiles = c.Arg<int>("tiles");
      int64_t axis = c.Arg<int>("axis");
      if (c.def.input_size() > 1) tiles = static_cast<int64_t>(ElementAsDouble(c.in(1), 0));
      if (c.def.input_size() > 2) axis = static_cast<int64_t>(ElementAsDouble(c.in(2), 0));
      const size_t d = static_cast<size_t>(axis < 0 ? axis + x.rank() : axis);
      Dims dims(x.dims().begin(), x.dims().end());
      dims[d] *= tiles;
      return {Pick(x, dims, [&](Dims i) {
        i[d] %= x.dims()[d];
        return FlatIndex(x.dims(), i);
      })};
    })
    .NeverScalar("X has an axis")
    .Differentiable({0});
DOPPIO_OP_ROW(TileGradient).CheckedByGradientOf("Tile").NeverScalar("X has an axis");

DOPPIO_OP_ROW(NumpyTile)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(0, 3);
      c.Input("X", c.Random(c.OneOf({DataType::kFloat, DataType::kInt8, DataType::kString}), dims));
      c.Input("repeats", c.Random(DataType::kInt64, {static_cast<int64_t>(dims.size())}, 0, 3));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      Dims dims(x.dims().begin(), x.dims().end());
      for (size_t d = 0; d < dims.size(); ++d) {
        dims[d] *= static_cast<int64_t>(ElementAsDouble(c.in(1), static_cast<int64_t>(d)));
      }
      return {Pick(x, dims, [&](Dims i) {
        for (size_t d = 0; d < dims.size(); ++d) i[d] %= x.dims()[d];
        return FlatIndex(x.dims(), i);
      })};
    });

}  // namespace
}  // namespace doppio
