// Rows of reductions that have a rule of their own for what is reduced, and of products.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "doppio/shape.h"
#include "tests/table/op_table.h"
#include "tests/table/rows/front_back.h"

namespace doppio {
namespace {

// ReduceFrontSum and its like.
void FrontBack(absl::string_view type, bool front, bool mean) {
  NewOpRow(type)
      .Case([=](CaseMaker& c) {
        const Dims dims = c.Shape();
        const DataType dtype =
            mean ? c.RealType()
                 : c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32});
        c.Input("X", c.Random(dtype, dims, -9, 9));
        c.Output("Y");
        DrawFrontOrBack(c, dims, front, 0);
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        return {ReduceFrontOrBack(c, front, [=](const std::vector<double>& elements) {
          const double sum = std::accumulate(elements.begin(), elements.end(), 0.0);
          return mean ? sum / static_cast<double>(std::max<size_t>(elements.size(), 1)) : sum;
        })};
      })
      .Tolerance(1e-4)
      .Differentiable({0});
  NewOpRow(absl::StrCat(type, "Gradient")).CheckedByGradientOf(type);
}

[[maybe_unused]] const bool front_back_rows = [] {
  FrontBack("ReduceFrontSum", true, false);
  FrontBack("ReduceFrontMean", true, true);
  FrontBack("ReduceBackSum", false, false);
  FrontBack("ReduceBackMean", false, true);
  return true;
}();

// A tensor that is reduced along some of its dimensions.
void DrawReduction(CaseMaker& c, DataType type, double least, double most) {
  const Dims dims = c.Shape();
  c.Input("X", c.Random(type, dims, least, most));
  std::vector<int64_t> axes;
  for (int axis : c.Permutation(static_cast<int>(dims.size()))) {
    if (c.Chance()) axes.push_back(axis);
  }
  if (!axes.empty()) c.Arg("axes", axes);
  if (c.Chance()) c.Arg<int>("keepdims", c.Chance() ? 1 : 0);
  c.Output("Y");
}

// f(f(initial, x0), x1) ... of the elements that become one.
std::vector<Tensor> Folded(const OpCase& c, double initial,
                           const std::function<double(double, double)>& f) {
  const Tensor& x = c.in(0);
  const std::vector<int64_t> axes = c.Args<int64_t>("axes");
  Dims kept;
  Dims pruned;
  for (int d = 0; d < x.rank(); ++d) {
    const bool reduced = axes.empty() || std::count(axes.begin(), axes.end(), d) > 0;
    kept.push_back(reduced ? 1 : x.dim(d));
    if (!reduced) pruned.push_back(x.dim(d));
  }
  std::vector<double> results(static_cast<size_t>(*NumElements(kept)), initial);
  ForEachIndex(x.dims(), [&](const Dims& index) {
    double& value = results[static_cast<size_t>(FlatIndex(kept, index))];
    value = f(value, At(x, index));
  });
  const Dims& y = c.Arg<bool>("keepdims", true) ? kept : pruned;
  return {Generate(x.dtype(), y, [&](const Dims& index) {
    return results[static_cast<size_t>(FlatIndex(y, index))];
  })};
}

// ReduceMax or ReduceMin.
void Extreme(absl::string_view type, bool most) {
  NewOpRow(type)
      .Case([](CaseMaker& c) {
        DrawReduction(c, c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt64}), -99,
                      99);
      })
      .Reference([most](const OpCase& c) {
        return Folded(c, most ? -HUGE_VAL : HUGE_VAL, [most](double a, double b) {
          return most ? std::max(a, b) : std::min(a, b);
        });
      })
      .Tolerance(0)
      .NeverEmpty("nothing is the largest of nothing")
      .Differentiable({0});
  NewOpRow(absl::StrCat(type, "Gradient"))
      .CheckedByGradientOf(type)
      .NeverEmpty("as the forward operator");
}
[[maybe_unused]] const bool extreme_rows = [] {
  Extreme("ReduceMax", true);
  Extreme("ReduceMin", false);
  return true;
}();

DOPPIO_OP_ROW(ReduceProd)
    .Case([](CaseMaker& c) {
      // Of floats of about 1, products of many are numbers still; those of whole ones are 1 and -1.
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32});
      const bool is_whole = type == DataType::kInt32;
      DrawReduction(c, type, is_whole ? -1 : 0.99, is_whole ? 1 : 1.01);
    })
    .Reference([](const OpCase& c) {
      return Folded(c, 1, [](double a, double b) { return a * b; });
    })
    .Tolerance(1e-3);

DOPPIO_OP_ROW(ReduceLogSumExp)
    .Case([](CaseMaker& c) { DrawReduction(c, c.RealType(), -9, 9); })
    .Reference([](const OpCase& c) {
      return Folded(c, -HUGE_VAL,
                    [](double a, double b) { return std::log(std::exp(a) + std::exp(b)); });
    })
    .Tolerance(1e-5);

DOPPIO_OP_ROW(ArgMin)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1);
      const int rank = static_cast<int>(dims.size());
      c.Input("X", c.Random(c.OneOf({DataType::kFloat, DataType::kInt32, DataType::kFloat16}), dims,
                            -3, 3));
      if (c.Chance()) c.Arg("axis", static_cast<int>(c.Int(-rank, rank - 1)));
      if (c.Chance()) c.Arg<int>("keepdims", c.Chance() ? 1 : 0);
      c.Output("Indices");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int axis = *CanonicalAxis(c.Arg<int>("axis", -1), x.rank());
      Dims kept(x.dims().begin(), x.dims().end());
      kept[static_cast<size_t>(axis)] = 1;
      Dims pruned = kept;
      pruned.erase(pruned.begin() + axis);
      const Tensor indices = Generate(DataType::kInt64, kept, [&](const Dims& index) {
        Dims best = index;
        for (Dims at = index; at[static_cast<size_t>(axis)] < x.dim(axis);
             ++at[static_cast<size_t>(axis)]) {
          if (At(x, at) < At(x, best)) best = at;
        }
        return static_cast<double>(best[static_cast<size_t>(axis)]);
      });
      if (c.Arg<bool>("keepdims", true)) return {indices};
      return {Pick(indices, pruned, [&](const Dims& index) { return FlatIndex(pruned, index); })};
    })
    .NeverEmpty("nothing is the smallest of nothing")
    .NeverScalar("there is a dimension to choose from");

DOPPIO_OP_ROW(LpNorm)
    .Case([](CaseMaker& c) {
      const Tensor x = c.Random(c.RealType(), c.Shape());
      // Away from the kink of the absolute value.
      c.Input("X", Generate(x.dtype(), x.dims(), [&](const Dims& index) {
                return At(x, index) + (At(x, index) < 0 ? -0.01 : 0.01);
              }));
      if (c.Chance()) c.Arg("p", static_cast<int>(c.Int(1, 2)));
      if (c.Chance()) c.Arg("average", true);
      c.Output("norm");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      double sum = 0;
      ForEachIndex(x.dims(), [&](const Dims& index) {
        sum += std::pow(std::abs(At(x, index)), c.Arg<int>("p", 2));
      });
      if (c.Arg<bool>("average")) sum /= static_cast<double>(x.numel());
      return {Generate(x.dtype(), {1}, [&](const Dims&) { return sum; })};
    })
    .Differentiable({0});
DOPPIO_OP_ROW(LpNormGradient).CheckedByGradientOf("LpNorm");

DOPPIO_OP_ROW(DotProduct)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape();
      c.Input("X", c.Random(type, dims));
      c.Input("Y", c.Random(type, dims));
      c.Output("Z");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t rows = x.rank() == 0 ? 1 : x.dim(0);
      const int64_t columns = rows == 0 ? 0 : x.numel() / rows;
      return {Generate(x.dtype(), {rows}, [&](const Dims& index) {
        double sum = 0;
        for (int64_t j = 0; j < columns; ++j) {
          const int64_t at = index[0] * columns + j;
          sum += ElementAsDouble(x, at) * ElementAsDouble(c.in(1), at);
        }
        return sum;
      })};
    })
    .Tolerance(1e-4)
    .Differentiable({0, 1});
DOPPIO_OP_ROW(DotProductGradient).CheckedByGradientOf("DotProduct");

DOPPIO_OP_ROW(BatchMatMul)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      // Many matrices, but small ones: the reference is slow.
      const int64_t m = std::min<int64_t>(c.Size(), 6);
      const int64_t n = std::min<int64_t>(c.Size(), 6);
      const int64_t k = std::min<int64_t>(c.Size(), 6);
      const bool trans_a = c.Chance();
      const bool trans_b = c.Chance();
      Dims a = c.Shape(0, 2, m * n * k);
      Dims b = a;  // broadcast=1 has no gradient: batch_matmul_test.cc
      for (int64_t size : trans_a ? Dims{k, m} : Dims{m, k}) a.push_back(size);
      for (int64_t size : trans_b ? Dims{n, k} : Dims{k, n}) b.push_back(size);
      c.Input("A", c.Random(type, a));
      c.Input("B", c.Random(type, b));
      if (trans_a || c.Chance()) c.Arg("trans_a", trans_a);
      if (trans_b || c.Chance()) c.Arg("trans_b", trans_b);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& a = c.in(0);
      const Tensor& b = c.in(1);
      const bool trans_a = c.Arg<bool>("trans_a");
      const bool trans_b = c.Arg<bool>("trans_b");
      const Dims batch_a(a.dims().begin(), a.dims().end() - 2);
      const Dims batch_b(b.dims().begin(), b.dims().end() - 2);
      Dims y = *BroadcastShapes(batch_a, batch_b);
      y.push_back(a.dim(a.rank() - (trans_a ? 1 : 2)));
      y.push_back(b.dim(b.rank() - (trans_b ? 2 : 1)));
      const int64_t terms = a.dim(a.rank() - (trans_a ? 2 : 1));
      const auto at = [](const Tensor& tensor, const Dims& index, int64_t row, int64_t column,
                         bool trans) {
        Dims place(index.begin(), index.end() - 2);
        place.push_back(trans ? column : row);
        place.push_back(trans ? row : column);
        return At(tensor, place);
      };
      return {Generate(a.dtype(), y, [&](const Dims& index) {
        double sum = 0;
        for (int64_t l = 0; l < terms; ++l) {
          sum += at(a, index, index[index.size() - 2], l, trans_a) *
                 at(b, index, l, index.back(), trans_b);
        }
        return sum;
      })};
    })
    .Tolerance(1e-4)
    .NeverScalar("matrices have two dimensions")
    .Differentiable({0, 1});

DOPPIO_OP_ROW(Mean)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape();
      const int64_t count = c.Int(1, 4);
      for (int64_t i = 0; i < count; ++i) c.Input(absl::StrCat("X", i), c.Random(type, dims));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& index) {
        double sum = 0;
        for (int i = 0; i < c.def.input_size(); ++i) sum += At(c.in(i), index);
        return sum / c.def.input_size();
      })};
    })
    .Differentiable({0, 1, 2, 3});
DOPPIO_OP_ROW(MeanGradient).CheckedByGradientOf("Mean");

// Max or Min of many tensors.
void FoldRow(absl::string_view type, bool most) {
  NewOpRow(type)
      .Case([](CaseMaker& c) {
        const DataType dtype = c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32});
        const Dims dims = c.Shape();
        const int64_t count = c.Int(1, 4);
        for (int64_t i = 0; i < count; ++i) {
          c.Input(absl::StrCat("X", i), c.Random(dtype, dims, -9, 9));
        }
        c.Output("Y");
      })
      .Reference([most](const OpCase& c) -> std::vector<Tensor> {
        return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& index) {
          double extreme = At(c.in(0), index);
          for (int i = 1; i < c.def.input_size(); ++i) {
            const double value = At(c.in(i), index);
            extreme = most ? std::max(extreme, value) : std::min(extreme, value);
          }
          return extreme;
        })};
      })
      .Tolerance(0)
      .Differentiable({0, 1, 2, 3});
  NewOpRow(absl::StrCat(type, "Gradient")).CheckedByGradientOf(type);
}
[[maybe_unused]] const bool fold_rows = [] {
  FoldRow("Max", true);
  FoldRow("Min", false);
  return true;
}();

DOPPIO_OP_ROW(NanCheck)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.RealType(), c.Shape()));
      if (c.Chance(0.3)) c.Input("other", c.Random(DataType::kInt32, c.Shape()));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> { return {c.in(0)}; })
    .Tolerance(0)
    .Differentiable({0});

DOPPIO_OP_ROW(NegateGradient)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.RealType(), c.Shape()));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> { return {c.in(0)}; })
    .Tolerance(0)
    .GradientUnchecked("it is not the derivative, on purpose");

DOPPIO_OP_ROW(Alias)
    .Case([](CaseMaker& c) {
      c.Input("X",
              c.Random(c.OneOf({DataType::kFloat, DataType::kBool, DataType::kString}), c.Shape()));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> { return {c.in(0)}; })
    .Tolerance(0);

// A conversion, whose reference is that of the element type.
void HalfRow(absl::string_view type, DataType from, DataType to) {
  NewOpRow(type)
      .Case([=](CaseMaker& c) {
        c.Input("X", c.Random(from, c.Shape()));
        c.Output("Y");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        return {Generate(to, c.in(0).dims(), [&](const Dims& i) { return At(c.in(0), i); })};
      })
      .Tolerance(0)
      .GradientUnchecked("it converts between float and float16 alone");
}
[[maybe_unused]] const bool half_rows = [] {
  HalfRow("FloatToHalf", DataType::kFloat, DataType::kFloat16);
  HalfRow("HalfToFloat", DataType::kFloat16, DataType::kFloat);
  return true;
}();

}  // namespace
}  // namespace doppio
