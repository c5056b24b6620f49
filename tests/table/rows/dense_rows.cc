// Rows of the operators between sparse and dense tensors, and of those that find and gather.

#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(Find)
    .Case([](CaseMaker& c) {
      const DataType type = c.IndexType();
      c.Input("index", c.Random(type, {c.Int(0, 20)}, -4, 9));
      c.Input("query", c.Random(type, c.Shape(), -6, 12));
      if (c.Chance()) c.Arg("missing_value", 77);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(1).dtype(), c.in(1).dims(), [&](const Dims& i) {
        double place = c.Arg<int>("missing_value", -1);
        for (int64_t k = 0; k < c.in(0).numel(); ++k) {
          if (ElementAsDouble(c.in(0), k) == At(c.in(1), i)) place = static_cast<double>(k);
        }
        return place;
      })};
    });

DOPPIO_OP_ROW(FindDuplicateElements)
    .Case([](CaseMaker& c) {
      c.Input("data", c.Random(c.OneOf({DataType::kInt32, DataType::kInt64, DataType::kFloat,
                                        DataType::kDouble}),
                               {c.Size()}, -4, 4));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      std::vector<int64_t> places;
      for (int64_t i = 0; i < c.in(0).numel(); ++i) {
        bool is_there = false;
        for (int64_t k = 0; k < i && !is_there; ++k) {
          is_there = ElementAsDouble(c.in(0), k) == ElementAsDouble(c.in(0), i);
        }
        if (is_there) places.push_back(i);
      }
      return {*Tensor::FromSpan<int64_t>({static_cast<int64_t>(places.size())}, places)};
    })
    .NeverScalar("data is a vector")
    .InferenceOpen("how many there are depends on the values");

// Lengths, and for each row as many different columns of `columns`.
std::vector<int64_t> RowsAndColumns(CaseMaker& c, int64_t columns) {
  const int64_t rows = c.Size();
  std::vector<int64_t> lengths;
  std::vector<int64_t> indices;
  std::vector<int64_t> places;
  for (int64_t r = 0; r < rows; ++r) {
    lengths.push_back(0);
    for (int column : c.Permutation(static_cast<int>(columns))) {
      if (c.Chance()) continue;
      ++lengths.back();
      indices.push_back(column);
      places.push_back(r * columns + column);
    }
  }
  c.Input("lengths", c.IndexVector(lengths));
  c.Input("indices", c.IndexVector(indices));
  return places;
}

// The places in a matrix of that many columns that lengths and indices name.
std::vector<int64_t> Places(const OpCase& c, int64_t columns) {
  std::vector<int64_t> places;
  int64_t k = 0;
  for (int64_t r = 0; r < c.in(0).numel(); ++r) {
    for (int64_t j = 0; j < IntegerAt(c.in(0), r); ++j, ++k) {
      places.push_back(r * columns + IntegerAt(c.in(1), k));
    }
  }
  return places;
}

DOPPIO_OP_ROW(BatchSparseToDense)
    .Case([](CaseMaker& c) {
      const int64_t columns = c.Int(1, 6);
      const int64_t count = static_cast<int64_t>(RowsAndColumns(c, columns).size());
      c.Input("values",
              c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), {count}, -9, 9));
      const bool has_shape = c.Chance();
      if (has_shape) c.Input("shape", c.Random(DataType::kInt8, {2, columns}));
      if (!has_shape || c.Chance()) c.Arg("dense_last_dim", columns);
      if (c.Chance()) c.Arg("default_value", 3.0f);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t columns =
          c.def.input_size() > 3 ? c.in(3).dim(1) : c.Arg<int64_t>("dense_last_dim");
      const std::vector<int64_t> places = Places(c, columns);
      const Dims dims = {c.in(0).numel(), columns};
      return {Generate(c.in(2).dtype(), dims, [&](const Dims& i) {
        const auto found = std::find(places.begin(), places.end(), FlatIndex(dims, i));
        if (found == places.end()) return double{c.Arg<float>("default_value")};
        return ElementAsDouble(c.in(2), found - places.begin());
      })};
    })
    .NeverScalar("lengths are a vector")
    .Differentiable({2});

DOPPIO_OP_ROW(BatchDenseToSparse)
    .Case([](CaseMaker& c) {
      const int64_t columns = c.Int(1, 6);
      RowsAndColumns(c, columns);
      const int64_t rows = c.result().feeds[0].second.numel();
      c.Input("dense",
              c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), {rows, columns}, -9, 9));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const std::vector<int64_t> places = Places(c, c.in(2).dim(1));
      return {Pick(c.in(2), c.in(1).dims(),
                   [&](const Dims& i) { return places[static_cast<size_t>(i[0])]; })};
    })
    .NeverScalar("lengths are a vector")
    .Differentiable({2});

DOPPIO_OP_ROW(DenseVectorToIdList)
    .Case([](CaseMaker& c) {
      c.Input("values", c.Random(DataType::kFloat, c.Shape(2, 2), -2, 2));
      c.Output("lengths");
      c.Output("ids");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      std::vector<int32_t> lengths;
      std::vector<int32_t> ids;
      for (int64_t i = 0; i < c.in(0).dim(0); ++i) {
        lengths.push_back(0);
        for (int64_t j = 0; j < c.in(0).dim(1); ++j) {
          if (std::trunc(At(c.in(0), {i, j}) + 0.5) == 0) continue;
          ++lengths.back();
          ids.push_back(static_cast<int32_t>(j));
        }
      }
      return {*Tensor::FromSpan<int32_t>({static_cast<int64_t>(lengths.size())}, lengths),
              *Tensor::FromSpan<int32_t>({static_cast<int64_t>(ids.size())}, ids)};
    })
    .NeverScalar("the input is a matrix")
    .InferenceOpen("how many ids there are depends on the values");

}  // namespace
}  // namespace doppio
