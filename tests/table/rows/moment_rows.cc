// Rows of norms, moments and extremes along dimensions, and of numbers for rows and channels.

#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"
#include "tests/table/rows/front_back.h"

namespace doppio {
namespace {

// Values away from 0, where an absolute value has a kink.
Tensor Away(CaseMaker& c, DimsView dims) {
  const Tensor x = c.Random(c.RealType(), dims);
  return Generate(x.dtype(), dims,
                  [&](const Dims& i) { return At(x, i) + (At(x, i) < 0 ? -0.0625 : 0.0625); });
}

// Different values in an order that says nothing, so that there is one largest.
Tensor Different(CaseMaker& c, DimsView dims) {
  const DataType type = c.RealType();
  const std::vector<int> order = c.Permutation(static_cast<int>(*NumElements(dims)));
  return Generate(type, dims, [&](const Dims& i) {
    return order[static_cast<size_t>(FlatIndex(dims, i))] / 8.0;
  });
}

void DrawAxes(CaseMaker& c, size_t rank) {
  std::vector<int64_t> axes;
  for (int axis : c.Permutation(static_cast<int>(rank))) {
    if (c.Chance()) axes.push_back(axis);
  }
  if (!axes.empty()) c.Arg("axes", axes);
  if (c.Chance()) c.Arg<int>("keepdims", c.Chance() ? 1 : 0);
}

// The elements of X that belong together along `axes`.
struct Groups {
  explicit Groups(const OpCase& c) {
    const Tensor& x = c.in(0);
    const std::vector<int64_t> axes = c.Args<int64_t>("axes");
    Dims kept;
    Dims pruned;
    for (int d = 0; d < x.rank(); ++d) {
      const bool reduced = axes.empty() || std::count(axes.begin(), axes.end(), d) > 0;
      kept.push_back(reduced ? 1 : x.dim(d));
      if (!reduced) pruned.push_back(x.dim(d));
    }
    elements.resize(static_cast<size_t>(*NumElements(kept)));
    ForEachIndex(x.dims(), [&](const Dims& i) {
      elements[static_cast<size_t>(FlatIndex(kept, i))].push_back(At(x, i));
    });
    dims = c.Arg<bool>("keepdims", true) ? kept : pruned;
    type = x.dtype();
  }

  Tensor Each(const std::function<double(const std::vector<double>&)>& f) const {
    return Generate(type, dims, [&](const Dims& i) {
      return f(elements[static_cast<size_t>(FlatIndex(dims, i))]);
    });
  }

  std::vector<std::vector<double>> elements;
  Dims dims;
  DataType type;
};

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

void Norm(const char* type, double power) {
  NewOpRow(type)
      .Case([](CaseMaker& c) {
        const Dims dims = c.Shape();
        c.Input("X", Away(c, dims));
        DrawAxes(c, dims.size());
        c.Output("Y");
      })
      .Reference([power](const OpCase& c) -> std::vector<Tensor> {
        return {Groups(c).Each([power](const std::vector<double>& values) {
          double sum = 0;
          for (double v : values) sum += std::pow(std::abs(v), power);
          return std::pow(sum, 1 / power);
        })};
      })
      .Tolerance(1e-4)
      .Differentiable({0});
  NewOpRow(absl::StrCat(type, "Gradient")).CheckedByGradientOf(type).Tolerance(1e-4);
}
[[maybe_unused]] const bool norm_rows = [] {
  Norm("ReduceL1", 1);
  Norm("ReduceL2", 2);
  return true;
}();

DOPPIO_OP_ROW(Moments)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("X", c.Random(c.RealType(), dims));
      DrawAxes(c, dims.size());
      c.Output("mean");
      c.Output("variance");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Groups groups(c);
      return {groups.Each(Mean), groups.Each([](std::vector<double> values) {
                const double mean = Mean(values);
                for (double& v : values) v = (v - mean) * (v - mean);
                return Mean(values);
              })};
    })
    .Tolerance(1e-4)
    .Differentiable({0});
DOPPIO_OP_ROW(MomentsGradient).CheckedByGradientOf("Moments").Tolerance(1e-4);

void FrontBackMax(const char* type, bool front) {
  NewOpRow(type)
      .Case([=](CaseMaker& c) {
        const Dims dims = c.Shape();
        c.Input("X", Different(c, dims));
        c.Output("Y");
        DrawFrontOrBack(c, dims, front, 1);
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        return {ReduceFrontOrBack(c, front, [](const std::vector<double>& elements) {
          return *std::max_element(elements.begin(), elements.end());
        })};
      })
      .Tolerance(0)
      .NeverEmpty("nothing is the largest of nothing")
      .Differentiable({0});
  NewOpRow(absl::StrCat(type, "Gradient"))
      .CheckedByGradientOf(type)
      .NeverEmpty("as the forward operator");
}

void MaxOfMatrices(const char* type, bool rowwise) {
  NewOpRow(type)
      .Case([](CaseMaker& c) {
        c.Input("X", Different(c, c.Shape(3, 3)));
        c.Output("Y");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& x = c.in(0);
        const Dims y = {x.dim(0), x.dim(rowwise ? 1 : 2)};
        return {Generate(x.dtype(), y, [&](const Dims& i) {
          double most = -HUGE_VAL;
          for (int64_t j = 0; j < x.dim(rowwise ? 2 : 1); ++j) {
            most = std::max(most, At(x, rowwise ? Dims{i[0], i[1], j} : Dims{i[0], j, i[1]}));
          }
          return most;
        })};
      })
      .Tolerance(0)
      .NeverEmpty("nothing is the largest of nothing")
      .NeverScalar("there are matrices")
      .Differentiable({0});
  NewOpRow(absl::StrCat(type, "Gradient"))
      .CheckedByGradientOf(type)
      .NeverEmpty("as the forward operator")
      .NeverScalar("as the forward operator");
}

[[maybe_unused]] const bool max_rows = [] {
  FrontBackMax("ReduceFrontMax", true);
  FrontBackMax("ReduceBackMax", false);
  MaxOfMatrices("RowwiseMax", true);
  MaxOfMatrices("ColwiseMax", false);
  return true;
}();

DOPPIO_OP_ROW(SumSqrElements)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.RealType(), c.Shape()));
      if (c.Chance()) c.Arg("average", true);
      c.Output("sum");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      double sum = 0;
      ForEachIndex(x.dims(), [&](const Dims& i) { sum += At(x, i) * At(x, i); });
      if (c.Arg<bool>("average")) sum /= static_cast<double>(x.numel());
      return {Generate(x.dtype(), {}, [&](const Dims&) { return sum; })};
    })
    .Tolerance(1e-4);

DOPPIO_OP_ROW(ReduceTailSum)
    .Case([](CaseMaker& c) {
      c.Input("mat", c.Random(c.RealType(), c.Shape(1)));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      std::vector<double> sums(static_cast<size_t>(x.dim(0)), 0);
      ForEachIndex(x.dims(), [&](const Dims& i) { sums[static_cast<size_t>(i[0])] += At(x, i); });
      return {Generate(x.dtype(), {x.dim(0)},
                       [&](const Dims& i) { return sums[static_cast<size_t>(i[0])]; })};
    })
    .Tolerance(1e-4)
    .NeverScalar("there are rows");

DOPPIO_OP_ROW(RowMul)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape(1);
      c.Input("mat", c.Random(type, dims));
      c.Input("w", c.Random(type, {dims[0]}));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(),
                       [&](const Dims& i) { return At(c.in(0), i) * At(c.in(1), {i[0]}); })};
    })
    .NeverScalar("there are rows")
    .Differentiable({0, 1});

// Normalises over dimensions from an axis, or goes on with them: draws the axis, and gives the
// shape of a row.
Dims DrawRow(CaseMaker& c, const Dims& dims) {
  const int rank = static_cast<int>(dims.size());
  const int axis = static_cast<int>(c.Int(-rank, rank - 1));
  c.Arg("axis", axis);
  return Dims(dims.begin() + (axis < 0 ? axis + rank : axis), dims.end());
}

DOPPIO_OP_ROW(ElementwiseLinear)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape(1);
      const int64_t columns = *NumElements(DrawRow(c, dims));
      c.Input("X", c.Random(type, dims));
      c.Input("w", c.Random(type, {columns}));
      c.Input("b", c.Random(type, {columns}));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int axis = *CanonicalAxis(c.Arg<int>("axis", 1), x.rank());
      const DimsView row = x.dims().subspan(static_cast<size_t>(axis));
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        const int64_t column = FlatIndex(row, Dims(i.begin() + axis, i.end()));
        return At(x, i) * At(c.in(1), {column}) + At(c.in(2), {column});
      })};
    })
    .Tolerance(1e-4)
    .NeverScalar("there are columns")
    .Differentiable({0, 1, 2});
DOPPIO_OP_ROW(ElementwiseLinearGradient)
    .CheckedByGradientOf("ElementwiseLinear")
    .Tolerance(1e-4)
    .NeverScalar("as the forward operator");

// The elements of each channel.
std::vector<std::vector<double>> Channels(const OpCase& c, const Tensor& x) {
  const bool last = c.Arg<std::string>("order", "NCHW") == "NHWC";
  const int axis = last ? x.rank() - 1 : 1;
  std::vector<std::vector<double>> channels(static_cast<size_t>(x.dim(axis)));
  ForEachIndex(x.dims(), [&](const Dims& i) {
    channels[static_cast<size_t>(i[static_cast<size_t>(axis)])].push_back(At(x, i));
  });
  return channels;
}

OpRow& ChannelRow(const char* type, bool mean) {
  return NewOpRow(type)
      .Case([](CaseMaker& c) {
        c.Input("X", c.Random(c.RealType(), c.Shape(2)));
        if (c.Chance()) c.Arg<std::string>("order", c.Chance() ? "NHWC" : "NCHW");
        c.Output("first");
        c.Output("second");
      })
      .Reference([mean](const OpCase& c) -> std::vector<Tensor> {
        const auto channels = Channels(c, c.in(0));
        const Dims dims = {static_cast<int64_t>(channels.size())};
        const auto each = [&](int power) {
          return Generate(c.in(0).dtype(), dims, [&](const Dims& i) {
            double sum = 0;
            const std::vector<double>& channel = channels[static_cast<size_t>(i[0])];
            for (double v : channel) sum += std::pow(v, power);
            return mean ? sum / std::max(static_cast<double>(channel.size()), 1.0) : sum;
          });
        };
        return {each(1), each(2)};
      })
      .Tolerance(1e-4)
      .NeverScalar("there are channels");
}
[[maybe_unused]] const bool channel_rows = [] {
  ChannelRow("ChannelStats", false);
  ChannelRow("BatchMoments", true).Differentiable({0});
  NewOpRow("BatchMomentsGradient")
      .CheckedByGradientOf("BatchMoments")
      .Tolerance(1e-4)
      .NeverScalar("as the forward operator");
  return true;
}();

DOPPIO_OP_ROW(ChannelBackpropStats)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape(3, 5);
      c.Input("X", c.Random(type, dims));
      c.Input("mean", c.Random(type, {dims[1]}));
      c.Input("inv_std", c.Random(type, {dims[1]}, 0.5, 2));
      c.Input("dY", c.Random(type, dims));
      c.Output("scale_grad");
      c.Output("bias_grad");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const auto x = Channels(c, c.in(0));
      const auto dy = Channels(c, c.in(3));
      const Dims dims = {static_cast<int64_t>(x.size())};
      const auto each = [&](bool scale) {
        return Generate(c.in(0).dtype(), dims, [&](const Dims& i) {
          double sum = 0;
          for (size_t j = 0; j < x[static_cast<size_t>(i[0])].size(); ++j) {
            const double distance = x[static_cast<size_t>(i[0])][j] - At(c.in(1), i);
            sum += dy[static_cast<size_t>(i[0])][j] * (scale ? distance * At(c.in(2), i) : 1);
          }
          return sum;
        });
      };
      return {each(true), each(false)};
    })
    .Tolerance(1e-4)
    .NeverScalar("there are channels");

}  // namespace
}  // namespace doppio
