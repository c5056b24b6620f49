#include <cmath>
#include <limits>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

// A row of a reduction along `axes`: mean or sum.
OpRow& Reduce(absl::string_view type, bool mean) {
  return NewOpRow(type)
      .Case([](CaseMaker& c) {
        const Dims x = c.Shape(0, 5);
        c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32,
                                           DataType::kInt64, DataType::kFloat16}),
                              x, -9, 9));
        if (c.Chance(0.8)) {
          std::vector<int64_t> axes;
          const int rank = static_cast<int>(x.size());
          for (int axis : c.Permutation(rank)) {
            if (c.Chance()) axes.push_back(c.Chance(0.3) ? axis - rank : axis);
          }
          c.Arg("axes", axes);
        }
        if (c.Chance(0.7)) c.Arg<int>("keepdims", c.Chance() ? 1 : 0);
        c.Output("Y");
      })
      .Reference([mean](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& x = c.in(0);
        std::vector<int64_t> axes = c.Args<int64_t>("axes");
        std::vector<bool> reduced(static_cast<size_t>(x.rank()), axes.empty());
        for (int64_t axis : axes)
          reduced[static_cast<size_t>(axis < 0 ? axis + x.rank() : axis)] = true;
        Dims kept;
        Dims pruned;
        int64_t count = 1;
        for (int i = 0; i < x.rank(); ++i) {
          kept.push_back(reduced[static_cast<size_t>(i)] ? 1 : x.dim(i));
          if (reduced[static_cast<size_t>(i)]) {
            count *= x.dim(i);
          } else {
            pruned.push_back(x.dim(i));
          }
        }
        std::vector<double> sums(static_cast<size_t>(NumElements(kept).value()), 0.0);
        ForEachIndex(x.dims(), [&](const Dims& index) {
          sums[static_cast<size_t>(FlatIndex(kept, index))] += At(x, index);
        });
        const Dims& y = c.Arg<bool>("keepdims", true) ? kept : pruned;
        return {Generate(x.dtype(), y, [&](const Dims& index) {
          const double sum = sums[static_cast<size_t>(FlatIndex(y, index))];
          if (!mean) return sum;
          if (count == 0 && !IsFloatingPoint(x.dtype())) return 0.0;
          return sum / static_cast<double>(count);
        })};
      })
      .Tolerance(2e-5)
      .Differentiable({0});
}

[[maybe_unused]] const bool reduce_rows = [] {
  Reduce("ReduceSum", false);
  Reduce("ReduceMean", true);
  NewOpRow("ReduceSumGradient").CheckedByGradientOf("ReduceSum");
  NewOpRow("ReduceMeanGradient").CheckedByGradientOf("ReduceMean");
  return true;
}();

std::vector<Tensor> SumReference(const OpCase& c) {
  const Tensor& x = c.in(0);
  double sum = 0;
  ForEachIndex(x.dims(), [&](const Dims& index) { sum += At(x, index); });
  if (c.Arg<bool>("average")) {
    const bool none = x.numel() == 0 && !IsFloatingPoint(x.dtype());
    sum = none ? 0 : sum / static_cast<double>(x.numel());
  }
  return {Generate(x.dtype(), {}, [&](const Dims&) { return sum; })};
}

DOPPIO_OP_ROW(SumElements)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32,
                                         DataType::kInt64}),
                            c.Shape(), -9, 9));
      if (c.Chance()) c.Arg<int>("average", c.Chance() ? 1 : 0);
      c.Output("sum");
    })
    .Reference(SumReference)
    .Tolerance(1e-4)
    .Differentiable({0});

DOPPIO_OP_ROW(SumElementsGradient).CheckedByGradientOf("SumElements");

DOPPIO_OP_ROW(SumElementsInt)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), c.Shape(), -99, 99));
      c.Output("sum");
    })
    .Reference(SumReference)
    .Tolerance(0);

DOPPIO_OP_ROW(ArgMax)
    .Case([](CaseMaker& c) {
      Dims x = c.Shape(1, 4);
      const int rank = static_cast<int>(x.size());
      const int axis = static_cast<int>(c.Int(0, rank - 1));
      x[static_cast<size_t>(axis)] = std::max<int64_t>(x[static_cast<size_t>(axis)], 1);
      c.Input("X", c.Random(c.OneOf({DataType::kFloat, DataType::kDouble, DataType::kInt32,
                                     DataType::kInt64, DataType::kUInt8, DataType::kBool}),
                            x, 0, 3));
      if (axis != rank - 1 || c.Chance()) c.Arg<int>("axis", c.Chance() ? axis : axis - rank);
      if (c.Chance(0.7)) c.Arg<int>("keepdims", c.Chance() ? 1 : 0);
      c.Output("Indices");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int given = c.Arg<int>("axis", -1);
      const int axis = given < 0 ? given + x.rank() : given;
      Dims dims(x.dims().begin(), x.dims().end());
      const bool keepdims = c.Arg<bool>("keepdims", true);
      dims[static_cast<size_t>(axis)] = 1;
      if (!keepdims) dims.erase(dims.begin() + axis);
      return {Generate(DataType::kInt64, dims, [&](const Dims& index) {
        Dims at = index;
        if (!keepdims) at.insert(at.begin() + axis, 0);
        int64_t best = 0;
        for (int64_t i = 1; i < x.dim(axis); ++i) {
          Dims here = at;
          here[static_cast<size_t>(axis)] = i;
          at[static_cast<size_t>(axis)] = best;
          if (At(x, here) > At(x, at)) best = i;
        }
        return static_cast<double>(best);
      })};
    })
    .NeverScalar("there is no dimension to search along");

}  // namespace
}  // namespace doppio
