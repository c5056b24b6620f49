#ifndef DOPPIO_TESTS_TABLE_ROWS_OPTIMIZERS_H_
#define DOPPIO_TESTS_TABLE_ROWS_OPTIMIZERS_H_

// What rows of optimizers have in common. References compute in double, one element after the
// other.

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio::optimizers {

constexpr DataType kFloat = DataType::kFloat;

// The elements of a tensor as double, to be changed.
struct Values {
  explicit Values(const Tensor& tensor) : like(tensor) {
    for (int64_t i = 0; i < tensor.numel(); ++i) x.push_back(ElementAsDouble(tensor, i));
  }
  double& operator[](int64_t i) { return x[static_cast<size_t>(i)]; }
  Tensor ToTensor() const {
    return Generate(like.dtype(), like.dims(), [&](const Dims& index) {
      return x[static_cast<size_t>(FlatIndex(like.dims(), index))];
    });
  }

  Tensor like;
  std::vector<double> x;
};

inline double Only(const OpCase& c, int i) { return ElementAsDouble(c.in(i), 0); }

// What an optimizer does to one element: g is its gradient, x are its parameter and what goes with
// it, and extras what other outputs say of it.
using Step = std::function<void(double g, const std::vector<double*>& x, double* extras)>;

struct Stepped {
  std::vector<Tensor> changed;
  std::vector<Tensor> extras;  // two of the gradient's shape
};

// Takes the step for all elements, or for the rows of indices; inputs that change have one or more
// values for each element of the first of them.
inline Stepped Take(const OpCase& c, int indices, int grad, const std::vector<int>& changed,
                    const Step& step) {
  std::vector<Values> x;
  for (int i : changed) x.emplace_back(c.in(i));
  std::vector<Values> extras(2, Values(c.in(grad)));
  const int64_t size = x[0].like.numel();
  const int64_t block = indices < 0 ? size : SizeFromDim(x[0].like.dims(), 1);
  const int64_t count = indices < 0 ? 1 : c.in(indices).numel();
  for (int64_t k = 0; k < count; ++k) {
    const int64_t row = indices < 0 ? 0 : static_cast<int64_t>(ElementAsDouble(c.in(indices), k));
    for (int64_t j = 0; j < block; ++j) {
      std::vector<double*> element;
      for (Values& values : x) {
        element.push_back(&values[(row * block + j) * (values.like.numel() / size)]);
      }
      double extra[2] = {};
      step(ElementAsDouble(c.in(grad), k * block + j), element, extra);
      for (size_t e = 0; e < 2; ++e) extras[e][k * block + j] = extra[e];
    }
  }
  Stepped result;
  for (const Values& values : x) result.changed.push_back(values.ToTensor());
  for (const Values& values : extras) result.extras.push_back(values.ToTensor());
  return result;
}

// The changed tensors and as many of the extras as there are outputs.
inline std::vector<Tensor> Outputs(const OpCase& c, const Stepped& stepped) {
  std::vector<Tensor> outputs = stepped.changed;
  for (const Tensor& extra : stepped.extras) {
    if (static_cast<int>(outputs.size()) < c.def.output_size()) outputs.push_back(extra);
  }
  return outputs;
}

inline Tensor Rate(CaseMaker& c) {
  return c.Random(kFloat, c.Chance() ? Dims{} : Dims{1}, -0.5, 0.5);
}

inline Tensor Iterations(CaseMaker& c) {
  return c.Random(DataType::kInt64, c.Chance() ? Dims{} : Dims{1}, 0, 1000);
}

// An output of that name: the input, in place, or another one.
inline void MaybeInPlace(CaseMaker& c, absl::string_view name) {
  c.Output(c.Chance() ? std::string(name) : absl::StrCat("new_", name));
}

// Of a table: some of its rows, none where it has none.
inline Dims IndexShape(CaseMaker& c, const Dims& table) { return {table[0] == 0 ? 0 : c.Size()}; }

inline Tensor RowsOf(CaseMaker& c, const Dims& table, const Dims& shape) {
  const DataType type = c.OneOf({DataType::kInt32, DataType::kInt64});
  return c.Random(type, shape, 0, static_cast<double>(std::max<int64_t>(table[0] - 1, 0)));
}

inline Dims GradientShape(const Dims& table, const Dims& indices) {
  Dims dims = indices;
  dims.insert(dims.end(), table.begin() + 1, table.end());
  return dims;
}

inline double SumOfSquares(const Tensor& x) {
  double sum = 0;
  for (int64_t i = 0; i < x.numel(); ++i) sum += ElementAsDouble(x, i) * ElementAsDouble(x, i);
  return sum;
}

inline Tensor One(const Tensor& like, double value) {
  return Generate(kFloat, like.dims(), [&](const Dims&) { return value; });
}

}  // namespace doppio::optimizers

#endif  // DOPPIO_TESTS_TABLE_ROWS_OPTIMIZERS_H_
