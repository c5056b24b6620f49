#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

// A tensor read as a matrix whose columns begin at `axis`.
struct Matrix {
  Matrix(const Tensor& tensor, int64_t axis, bool transposed)
      : tensor(tensor), transposed(transposed) {
    const int split = *CanonicalAxis(axis, tensor.rank());
    stored_columns = SizeFromDim(tensor.dims(), split);
    rows = SizeToDim(tensor.dims(), split);
    columns = stored_columns;
    if (transposed) std::swap(rows, columns);
  }
  double at(int64_t i, int64_t j) const {
    return ElementAsDouble(tensor, transposed ? j * stored_columns + i : i * stored_columns + j);
  }

  const Tensor& tensor;
  bool transposed;
  int64_t stored_columns;
  int64_t rows;
  int64_t columns;
};

// The element of the product of the matrices, in row-major order.
double ProductAt(const Matrix& a, const Matrix& b, int64_t flat) {
  const int64_t i = flat / b.columns;
  const int64_t j = flat % b.columns;
  double sum = 0;
  for (int64_t k = 0; k < a.columns; ++k) sum += a.at(i, k) * b.at(k, j);
  return sum;
}

// Dimensions of a matrix's rows or columns: one, or two of which the second is small.
Dims Part(CaseMaker& c) {
  Dims dims = {c.Size()};
  if (c.Chance(0.3)) dims.push_back(c.Int(1, 3));
  return dims;
}

Dims Flat(const Dims& dims) { return {*NumElements(dims)}; }

Dims Joined(Dims first, const Dims& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

DOPPIO_OP_ROW(MatMul)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Dims m = Part(c);
      const Dims n = Part(c);
      const Dims k = Part(c);
      const bool trans_a = c.Chance();
      const bool trans_b = c.Chance();
      const Dims& a_rows = trans_a ? k : m;
      const Dims b_k = c.Chance() ? k : Flat(k);
      const Dims& b_rows = trans_b ? n : b_k;
      const int axis_a = static_cast<int>(a_rows.size());
      const int axis_b = static_cast<int>(b_rows.size());
      c.Input("A", c.Random(type, trans_a ? Joined(k, m) : Joined(m, k)));
      c.Input("B", c.Random(type, trans_b ? Joined(n, b_k) : Joined(b_k, n)));
      if (axis_a != 1 || c.Chance()) c.Arg("axis_a", axis_a);
      if (axis_b != 1 || c.Chance()) c.Arg("axis_b", axis_b);
      if (trans_a || c.Chance()) c.Arg("trans_a", trans_a);
      if (trans_b || c.Chance()) c.Arg("trans_b", trans_b);
      if (c.Chance(0.2)) {
        c.Input("like", c.Random(DataType::kFloat, Joined(Flat(m), Joined(Flat(n), {1}))));
      }
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Matrix a(c.in(0), c.Arg<int>("axis_a", 1), c.Arg<bool>("trans_a"));
      const Matrix b(c.in(1), c.Arg<int>("axis_b", 1), c.Arg<bool>("trans_b"));
      Dims dims = {a.rows, b.columns};
      if (c.def.input_size() > 2) dims.assign(c.in(2).dims().begin(), c.in(2).dims().end());
      return {Generate(c.in(0).dtype(), dims,
                       [&](const Dims& i) { return ProductAt(a, b, FlatIndex(dims, i)); })};
    })
    .Tolerance(1e-4)
    .NeverScalar("matrices have at least one dimension of columns")
    .Differentiable({0, 1});

// X and W, with their arguments; what it returns are the rows of Y and its N.
std::pair<Dims, Dims> FcInputs(CaseMaker& c, DataType type, bool transposed) {
  const Dims m = c.Chance(0.2) ? Dims() : Part(c);
  const Dims n = Part(c);
  const Dims k = Part(c);
  const Dims w_k = c.Chance() ? k : Flat(k);
  c.Input("X", c.Random(type, Joined(m, k)));
  c.Input("W", c.Random(type, transposed ? Joined(w_k, n) : Joined(n, w_k)));
  c.Arg("axis", static_cast<int>(m.size()));
  c.Arg("axis_w", static_cast<int>((transposed ? w_k : n).size()));
  return {m, Flat(n)};
}

void FcCase(CaseMaker& c, bool transposed) {
  const DataType type = c.RealType();
  const Dims n = FcInputs(c, type, transposed).second;
  c.Input("b", c.Random(type, n));
  c.Output("Y");
}

std::vector<Tensor> FcReference(const OpCase& c, bool transposed) {
  const Matrix x(c.in(0), c.Arg<int>("axis"), false);
  const Matrix w(c.in(1), c.Arg<int>("axis_w"), !transposed);
  Dims dims(c.in(0).dims().begin(), c.in(0).dims().begin() + c.Arg<int>("axis"));
  dims.push_back(w.columns);
  return {Generate(c.in(0).dtype(), dims, [&](const Dims& i) {
    return ProductAt(x, w, FlatIndex(dims, i)) + At(c.in(2), {i.back()});
  })};
}

void FcAccumulateCase(CaseMaker& c, bool transposed) {
  const DataType type = c.RealType();
  const auto [m, n] = FcInputs(c, type, transposed);
  c.Input("dY", c.Random(type, Joined(m, n)));
  c.Input("dW", c.Random(type, c.result().in(1).dims()));
  c.Input("db", c.Random(type, n));
  c.Output("dW");
  c.Output("db");
  if (c.Chance()) c.Output("dX");
}

std::vector<Tensor> FcAccumulateReference(const OpCase& c, bool transposed) {
  const int64_t axis = c.Arg<int>("axis");
  const Tensor& w = c.in(1);
  const Matrix left(transposed ? c.in(0) : c.in(2), axis, true);
  const Matrix right(transposed ? c.in(2) : c.in(0), axis, false);
  const Matrix dy(c.in(2), axis, false);
  std::vector<Tensor> results = {Generate(w.dtype(), w.dims(),
                                          [&](const Dims& i) {
                                            return At(c.in(3), i) +
                                                   ProductAt(left, right, FlatIndex(w.dims(), i));
                                          }),
                                 Generate(w.dtype(), c.in(4).dims(), [&](const Dims& i) {
                                   double sum = At(c.in(4), i);
                                   for (int64_t row = 0; row < dy.rows; ++row)
                                     sum += dy.at(row, i[0]);
                                   return sum;
                                 })};
  if (c.def.output_size() < 3) return results;
  const Matrix factors(w, c.Arg<int>("axis_w"), transposed);
  results.push_back(Generate(w.dtype(), c.in(0).dims(), [&](const Dims& i) {
    return ProductAt(dy, factors, FlatIndex(c.in(0).dims(), i));
  }));
  return results;
}

DOPPIO_OP_ROW(FC)
    .Case([](CaseMaker& c) { FcCase(c, false); })
    .Reference([](const OpCase& c) { return FcReference(c, false); })
    .Tolerance(1e-4)
    .NeverScalar("X has at least one dimension of features")
    .Differentiable({0, 1, 2});
DOPPIO_OP_ROW(FCGradient).CheckedByGradientOf("FC").Tolerance(1e-4).NeverScalar("as FC");

DOPPIO_OP_ROW(FCTransposed)
    .Case([](CaseMaker& c) { FcCase(c, true); })
    .Reference([](const OpCase& c) { return FcReference(c, true); })
    .Tolerance(1e-4)
    .NeverScalar("X has at least one dimension of features")
    .Differentiable({0, 1, 2});
DOPPIO_OP_ROW(FCTransposedGradient)
    .CheckedByGradientOf("FCTransposed")
    .Tolerance(1e-4)
    .NeverScalar("as FCTransposed");

DOPPIO_OP_ROW(FCGradientAccumulate)
    .Case([](CaseMaker& c) { FcAccumulateCase(c, false); })
    .Reference([](const OpCase& c) { return FcAccumulateReference(c, false); })
    .Tolerance(1e-4)
    .NeverScalar("as FC");
DOPPIO_OP_ROW(FCTransposedGradientAccumulate)
    .Case([](CaseMaker& c) { FcAccumulateCase(c, true); })
    .Reference([](const OpCase& c) { return FcAccumulateReference(c, true); })
    .Tolerance(1e-4)
    .NeverScalar("as FC");

DOPPIO_OP_ROW(Softmax)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1);
      const int rank = static_cast<int>(dims.size());
      c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), dims, -8, 8));
      const int axis = static_cast<int>(c.Int(-rank, rank - 1));
      if (axis != 1 || c.Chance()) c.Arg("axis", axis);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Matrix matrix(x, c.Arg<int>("axis", 1), false);
      std::vector<double> sums(static_cast<size_t>(x.numel() == 0 ? 0 : matrix.rows), 0.0);
      const auto row = [&](int64_t flat) { return static_cast<size_t>(flat / matrix.columns); };
      for (int64_t i = 0; i < x.numel(); ++i) sums[row(i)] += std::exp(ElementAsDouble(x, i));
      return {Generate(x.dtype(), x.dims(), [&](const Dims& index) {
        return std::exp(At(x, index)) / sums[row(FlatIndex(x.dims(), index))];
      })};
    })
    .NeverScalar("there is a dimension to sum over")
    .Differentiable({0});
DOPPIO_OP_ROW(SoftmaxGradient).CheckedByGradientOf("Softmax").NeverScalar("as Softmax");

}  // namespace
}  // namespace doppio
