// Rows of the operators that pick the largest, make unique, or mark with ones.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

// The places of x[begin + i * step], i < size, from the largest element to the smallest.
std::vector<int64_t> Descending(const Tensor& x, int64_t begin, int64_t step, int64_t size) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return ElementAsDouble(x, begin + a * step) > ElementAsDouble(x, begin + b * step);
  });
  return order;
}

DOPPIO_OP_ROW(TopK)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1);
      const int rank = static_cast<int>(dims.size());
      const int axis = static_cast<int>(c.Int(-rank, rank - 1));
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      c.Input("X", c.Random(type, dims, -99, 99));
      c.Arg("k", static_cast<int>(c.Int(1, 8)));
      if (axis != -1 || c.Chance()) c.Arg("axis", axis);
      c.Output("Values");
      c.Output("Indices");
      if (c.Chance()) c.Output("Flat");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int axis = (c.Arg<int>("axis", -1) + x.rank()) % x.rank();
      const int64_t k = c.Arg<int>("k");
      Dims dims(x.dims().begin(), x.dims().end());
      dims[static_cast<size_t>(axis)] = k;
      const int64_t size = x.dim(axis);
      const int64_t step = SizeFromDim(x.dims(), axis + 1);
      const auto place = [&](const Dims& index) -> int64_t {
        const int64_t rank = index[static_cast<size_t>(axis)];
        if (rank >= size) return -1;
        Dims first = index;
        first[static_cast<size_t>(axis)] = 0;
        const std::vector<int64_t> order = Descending(x, FlatIndex(x.dims(), first), step, size);
        return order[static_cast<size_t>(rank)];
      };
      const auto flat = [&](const Dims& index) -> int64_t {
        Dims from = index;
        from[static_cast<size_t>(axis)] = place(index);
        return from[static_cast<size_t>(axis)] < 0 ? -1 : FlatIndex(x.dims(), from);
      };
      std::vector<Tensor> outputs;
      outputs.push_back(Generate(x.dtype(), dims, [&](const Dims& i) {
        return flat(i) < 0 ? 0 : ElementAsDouble(x, flat(i));
      }));
      outputs.push_back(Generate(DataType::kInt64, dims,
                                 [&](const Dims& i) { return static_cast<double>(place(i)); }));
      if (c.def.output_size() > 2) {
        Tensor flats = Generate(DataType::kInt64, dims,
                                [&](const Dims& i) { return static_cast<double>(flat(i)); });
        EXPECT_TRUE(flats.Reshape({flats.numel()}).ok());
        outputs.push_back(flats);
      }
      return outputs;
    })
    .Tolerance(0)
    .NeverScalar("X has an axis")
    .Differentiable({0});
DOPPIO_OP_ROW(TopKGradient).CheckedByGradientOf("TopK").NeverScalar("X has an axis");

DOPPIO_OP_ROW(FlexibleTopK)
    .Case([](CaseMaker& c) {
      Dims dims = c.Shape(1, 3);
      dims.back() = std::max<int64_t>(dims.back(), 1);
      c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), dims, -99, 99));
      Dims k = dims;
      k.back() = 1;
      c.Input("K", c.Random(DataType::kInt64, k, 1,
                            static_cast<double>(std::min<int64_t>(dims.back(), 5))));
      c.Output("Values");
      c.Output("Indices");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      std::vector<int64_t> flat;
      std::vector<int64_t> places;
      const int64_t size = x.dims().back();
      for (int64_t row = 0; row < c.in(1).numel(); ++row) {
        const std::vector<int64_t> order = Descending(x, row * size, 1, size);
        for (int64_t j = 0; j < IntegerAt(c.in(1), row); ++j) {
          places.push_back(order[static_cast<size_t>(j)]);
          flat.push_back(row * size + places.back());
        }
      }
      const Dims dims = {static_cast<int64_t>(flat.size())};
      return {Pick(x, dims, [&](const Dims& i) { return flat[static_cast<size_t>(i[0])]; }),
              *Tensor::FromSpan<int64_t>(dims, places)};
    })
    .Tolerance(0)
    .NeverScalar("X has rows")
    .Differentiable({0});
DOPPIO_OP_ROW(FlexibleTopKGradient).CheckedByGradientOf("FlexibleTopK").NeverScalar("X has rows");

DOPPIO_OP_ROW(Unique)
    .Case([](CaseMaker& c) {
      const double most = c.Chance() ? 5 : 1e9;
      c.Input("indices",
              c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), c.Shape(1, 1), -most, most));
      c.Output("unique");
      if (c.Chance()) c.Output("remapping");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      std::vector<double> all;
      for (int64_t i = 0; i < c.in(0).numel(); ++i) all.push_back(ElementAsDouble(c.in(0), i));
      std::vector<double> unique = all;
      std::sort(unique.begin(), unique.end());
      unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
      std::vector<Tensor> outputs;
      outputs.push_back(Generate(c.in(0).dtype(), {static_cast<int64_t>(unique.size())},
                                 [&](const Dims& i) { return unique[static_cast<size_t>(i[0])]; }));
      if (c.def.output_size() > 1) {
        outputs.push_back(Generate(DataType::kInt32, c.in(0).dims(), [&](const Dims& i) {
          const auto found =
              std::find(unique.begin(), unique.end(), all[static_cast<size_t>(i[0])]);
          return static_cast<double>(found - unique.begin());
        }));
      }
      return outputs;
    })
    .NeverScalar("the input is a vector")
    .InferenceOpen("how many there are depends on the values");

// `index_size_tensor` and indices below it, `count` of them.
void IndicesAndSize(CaseMaker& c, int64_t count) {
  const int64_t size = c.Int(1, 9);
  c.Input("indices", c.Random(DataType::kInt64, {count}, 0, static_cast<double>(size - 1)));
  c.Input("index_size",
          c.Chance() ? *Tensor::Scalar<int64_t>(size) : *Tensor::Of<int64_t>({1}, {size}));
  c.Output("one_hots");
}

DOPPIO_OP_ROW(OneHot)
    .Case([](CaseMaker& c) { IndicesAndSize(c, c.Size()); })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(DataType::kFloat, {c.in(0).numel(), IntegerAt(c.in(1), 0)},
                       [&](const Dims& i) { return IntegerAt(c.in(0), i[0]) == i[1] ? 1 : 0; })};
    });

DOPPIO_OP_ROW(SegmentOneHot)
    .Case([](CaseMaker& c) {
      const Tensor lengths = c.Random(DataType::kInt32, {c.Size()}, 0, 4);
      int64_t sum = 0;
      for (int64_t i = 0; i < lengths.numel(); ++i) sum += IntegerAt(lengths, i);
      c.Input("lengths", lengths);
      IndicesAndSize(c, sum);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      std::vector<int64_t> row;
      for (int64_t i = 0; i < c.in(0).numel(); ++i) {
        row.insert(row.end(), static_cast<size_t>(IntegerAt(c.in(0), i)), i);
      }
      return {
          Generate(DataType::kFloat, {c.in(0).numel(), IntegerAt(c.in(2), 0)}, [&](const Dims& i) {
            for (size_t k = 0; k < row.size(); ++k) {
              if (row[k] == i[0] && IntegerAt(c.in(1), static_cast<int64_t>(k)) == i[1]) {
                return 1;
              }
            }
            return 0;
          })};
    });

// Data [n, lengths] with `entries` for each column.
void Columns(CaseMaker& c, DataType type, int least_length, double most) {
  const Dims dims = c.Shape(1, 2);
  const Tensor lengths = c.Random(DataType::kInt32, {SizeFromDim(dims, 1)}, least_length, 4);
  int64_t sum = 0;
  for (int64_t i = 0; i < lengths.numel(); ++i) sum += IntegerAt(lengths, i);
  // Whole numbers, of which some are the same, also for floats.
  const auto draw = [&](DimsView shape) {
    const Tensor values =
        c.Random(type == DataType::kFloat ? DataType::kInt32 : type, shape, 0, most);
    return *ConvertTensor(values, type);
  };
  c.Input("data", draw(dims));
  c.Input("lengths", lengths);
  Tensor entries = draw({sum});
  if (type == DataType::kFloat) {  // boundaries: in order
    float* first = entries.mutable_data<float>();
    for (int64_t i = 0; i < lengths.numel(); ++i) {
      std::sort(first, first + IntegerAt(lengths, i));
      first += IntegerAt(lengths, i);
    }
  }
  c.Input("entries", entries);
  c.Output("output");
}

DOPPIO_OP_ROW(BatchOneHot)
    .Case([](CaseMaker& c) {
      Columns(c, c.OneOf({DataType::kInt32, DataType::kInt64}), 0, 4);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      std::vector<int64_t> column;
      for (int64_t j = 0; j < c.in(1).numel(); ++j) {
        column.insert(column.end(), static_cast<size_t>(IntegerAt(c.in(1), j)), j);
      }
      return {Generate(c.in(0).dtype(), {c.in(0).dim(0), c.in(2).numel()}, [&](const Dims& i) {
        const int64_t from = i[0] * c.in(1).numel() + column[static_cast<size_t>(i[1])];
        return IntegerAt(c.in(0), from) == IntegerAt(c.in(2), i[1]) ? 1 : 0;
      })};
    })
    .NeverScalar("data has rows");

DOPPIO_OP_ROW(BatchBucketOneHot)
    .Case([](CaseMaker& c) { Columns(c, DataType::kFloat, 1, 9); })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      // The column of each column of the output, and the boundaries of each column.
      std::vector<size_t> column;
      std::vector<int64_t> first;
      std::vector<std::vector<double>> edges;
      int64_t edge = 0;
      for (int64_t j = 0; j < c.in(1).numel(); ++j) {
        first.push_back(static_cast<int64_t>(column.size()));
        edges.emplace_back();
        for (int64_t k = 0; k < IntegerAt(c.in(1), j); ++k) {
          edges.back().push_back(ElementAsDouble(c.in(2), edge++));
        }
        column.insert(column.end(), edges.back().size() + 1, static_cast<size_t>(j));
      }
      return {Generate(DataType::kFloat, {c.in(0).dim(0), static_cast<int64_t>(column.size())},
                       [&](const Dims& i) {
                         const size_t j = column[static_cast<size_t>(i[1])];
                         const double x = ElementAsDouble(
                             c.in(0), i[0] * c.in(1).numel() + static_cast<int64_t>(j));
                         int64_t below = 0;
                         int64_t not_above = 0;
                         for (const double e : edges[j]) {
                           below += e < x;
                           not_above += e <= x;
                         }
                         return i[1] - first[j] == (below + not_above) / 2 ? 1 : 0;
                       })};
    })
    .NeverScalar("data has rows");

}  // namespace
}  // namespace doppio
