#ifndef DOPPIO_TESTS_TABLE_ROWS_FRONT_BACK_H_
#define DOPPIO_TESTS_TABLE_ROWS_FRONT_BACK_H_

// Rows of ReduceFrontSum, ReduceBackMax and their like, which reduce the first or the last
// dimensions of X, or of each vector only as many elements as its length says.

#include <functional>
#include <vector>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {

// The input `lengths`, each at least `least`, or the argument `num_reduce_dim`, for X of these
// dims.
inline void DrawFrontOrBack(CaseMaker& c, const Dims& dims, bool front, int64_t least) {
  const int rank = static_cast<int>(dims.size());
  if (rank > 0 && c.Chance(0.3)) {
    const int split = front ? 1 : rank - 1;
    const int64_t most = front ? SizeToDim(dims, split) : SizeFromDim(dims, split);
    const int64_t count = front ? SizeFromDim(dims, split) : SizeToDim(dims, split);
    c.Input("lengths", c.Random(DataType::kInt32, {count}, static_cast<double>(least),
                                static_cast<double>(most)));
    return;
  }
  const int reduced = static_cast<int>(c.Int(0, rank));
  if (reduced != 1 || c.Chance()) c.Arg("num_reduce_dim", reduced);
}

// What `fold` makes of the elements of each vector.
inline Tensor ReduceFrontOrBack(const OpCase& c, bool front,
                                const std::function<double(const std::vector<double>&)>& fold) {
  const Tensor& x = c.in(0);
  const int reduced = c.Arg<int>("num_reduce_dim", 1);
  const int split = front ? reduced : x.rank() - reduced;
  const int64_t rows = SizeToDim(x.dims(), split);
  const int64_t columns = SizeFromDim(x.dims(), split);
  const Dims y = front ? Dims(x.dims().begin() + split, x.dims().end())
                       : Dims(x.dims().begin(), x.dims().begin() + split);
  return Generate(x.dtype(), y, [&](const Dims& index) {
    const int64_t vector = FlatIndex(y, index);
    int64_t length = front ? rows : columns;
    if (c.def.input_size() > 1) length = static_cast<int64_t>(At(c.in(1), {vector}));
    std::vector<double> elements;
    for (int64_t j = 0; j < length; ++j) {
      elements.push_back(ElementAsDouble(x, front ? j * columns + vector : vector * columns + j));
    }
    return fold(elements);
  });
}

}  // namespace doppio

#endif  // DOPPIO_TESTS_TABLE_ROWS_FRONT_BACK_H_
