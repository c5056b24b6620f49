// Rows of operators that put rows of a batch, or of images, in another place or leave them out.

#include <algorithm>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(BatchPermutation)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1);
      const DataType type =
          c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt64, DataType::kString});
      c.Input("X", c.Random(type, dims));
      c.Input("indices", c.Vector<int32_t>(c.Permutation(static_cast<int>(dims[0]))));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      return {Pick(x, x.dims(), [&](Dims i) {
        i[0] = static_cast<int64_t>(ElementAsDouble(c.in(1), i[0]));
        return FlatIndex(x.dims(), i);
      })};
    })
    .NeverScalar("X has rows")
    .Differentiable({0});
DOPPIO_OP_ROW(BatchPermutationGradient)
    .CheckedByGradientOf("BatchPermutation")
    .NeverScalar("as BatchPermutation");

DOPPIO_OP_ROW(SampleAs)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1);
      c.Input("X", c.Random(c.RealType(), dims));
      c.Input("labels", c.Random(DataType::kInt32, {dims[0]}, -1, 2));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      std::vector<int64_t> rows;
      for (int64_t i = 0; i < x.dim(0); ++i) {
        if (ElementAsDouble(c.in(1), i) > 0) rows.push_back(i);
      }
      Dims dims(x.dims().begin(), x.dims().end());
      dims[0] = static_cast<int64_t>(rows.size());
      return {Pick(x, dims, [&](Dims i) {
        i[0] = rows[static_cast<size_t>(i[0])];
        return FlatIndex(x.dims(), i);
      })};
    })
    .NeverScalar("X has rows")
    .Differentiable({0});
DOPPIO_OP_ROW(SampleAsGradient).CheckedByGradientOf("SampleAs").NeverScalar("as SampleAs");

DOPPIO_OP_ROW(SpatialNarrowAs)
    .Case([](CaseMaker& c) {
      const Dims a = c.Shape(3, 4);
      Dims b = a;
      if (b.size() == 4 && c.Chance()) b.erase(b.begin() + 1);
      for (size_t k = b.size() - 2; k < b.size(); ++k) b[k] = c.Int(0, b[k]);
      c.Input("A",
              c.Random(c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32}), a));
      c.Input("B", c.Random(DataType::kFloat, b));
      c.Output("C");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& a = c.in(0);
      Dims dims(a.dims().begin(), a.dims().end());
      std::copy(c.in(1).dims().end() - 2, c.in(1).dims().end(), dims.end() - 2);
      return {Generate(a.dtype(), dims, [&](const Dims& i) { return At(a, i); })};
    })
    .NeverScalar("images have rows and columns")
    .Differentiable({0});
DOPPIO_OP_ROW(SpatialNarrowAsGradient)
    .CheckedByGradientOf("SpatialNarrowAs")
    .NeverScalar("as SpatialNarrowAs");

}  // namespace
}  // namespace doppio
