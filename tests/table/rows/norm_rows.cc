#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

using Key = std::function<int64_t(const Dims&)>;

// Mean and variance of the elements of x with the same key (of `count`).
struct Moments {
  Moments(const Tensor& x, int64_t count, const Key& key)
      : mean(static_cast<size_t>(count)), var(mean), number(mean) {
    ForEachIndex(x.dims(), [&](const Dims& i) {
      mean[Place(key(i))] += At(x, i);
      number[Place(key(i))] += 1;
    });
    for (size_t k = 0; k < mean.size(); ++k) mean[k] /= std::max(number[k], 1.0);
    ForEachIndex(x.dims(), [&](const Dims& i) {
      const double off = At(x, i) - mean[Place(key(i))];
      var[Place(key(i))] += off * off / number[Place(key(i))];
    });
  }
  static size_t Place(int64_t key) { return static_cast<size_t>(key); }

  std::vector<double> mean;
  std::vector<double> var;
  std::vector<double> number;
};

Tensor FromVector(DataType type, const Dims& dims, const std::vector<double>& values) {
  return Generate(type, dims,
                  [&](const Dims& i) { return values[static_cast<size_t>(FlatIndex(dims, i))]; });
}

// Where the channel stands in an index of X.
size_t ChannelAxis(const OpCase& c) {
  return c.Arg<std::string>("order", "NCHW") == "NHWC" ? static_cast<size_t>(c.in(0).rank() - 1)
                                                       : 1;
}
int64_t Channels(const OpCase& c) { return c.in(0).dim(static_cast<int>(ChannelAxis(c))); }

// X with a random order, drawn from values that are far enough from each other.
Tensor Image(CaseMaker& c, DataType type, int64_t channels) {
  Dims dims = c.Shape(1, 3, channels);
  if (c.Chance()) {
    dims.insert(dims.begin() + 1, channels);
    if (c.Chance()) c.Arg<std::string>("order", "NCHW");
  } else {
    dims.push_back(channels);
    c.Arg<std::string>("order", "NHWC");
  }
  return c.Random(type, dims);
}

Tensor PerChannel(CaseMaker& c, DataType type, int64_t channels, double least = -2) {
  return c.Random(type, {channels}, least, 2);
}

DOPPIO_OP_ROW(SpatialBN)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const int64_t channels = c.Size();
      c.Input("X", Image(c, type, channels));
      c.Input("scale", PerChannel(c, type, channels));
      c.Input("bias", PerChannel(c, type, channels));
      c.Input("mean", PerChannel(c, type, channels));
      c.Input("var", PerChannel(c, type, channels, 0.1));
      c.Output("Y");
      if (c.Chance()) c.Arg<float>("epsilon", 0.125f);
      if (c.Chance(0.3)) {
        c.Arg("is_test", 1);
        return;
      }
      if (c.Chance()) c.Arg<float>("momentum", 0.75f);
      for (const char* name : {"mean", "var", "saved_mean", "saved_inv_std"}) c.Output(name);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const DataType type = c.in(0).dtype();
      const size_t axis = ChannelAxis(c);
      const bool test = c.Arg<bool>("is_test");
      const double epsilon = c.Arg<float>("epsilon", 1e-5f);
      const double keep = c.Arg<float>("momentum", 0.9f);
      Moments m(c.in(0), Channels(c), [&](const Dims& i) { return i[axis]; });
      std::vector<double> new_mean;
      std::vector<double> new_var;
      std::vector<double> inv_std;
      for (int64_t k = 0; k < Channels(c); ++k) {
        const size_t at = static_cast<size_t>(k);
        const double n = m.number[at];
        const double old_mean = At(c.in(3), {k});
        const double old_var = At(c.in(4), {k});
        const double unbiased = m.var[at] * (n > 1 ? n / (n - 1) : 1);
        new_mean.push_back(n == 0 ? old_mean : keep * old_mean + (1 - keep) * m.mean[at]);
        new_var.push_back(n == 0 ? old_var : keep * old_var + (1 - keep) * unbiased);
        if (test) m.mean[at] = old_mean;
        const bool is_empty = !test && c.in(0).numel() == 0;
        inv_std.push_back(is_empty ? 0 : 1 / std::sqrt((test ? old_var : m.var[at]) + epsilon));
      }
      std::vector<Tensor> outputs = {Generate(type, c.in(0).dims(), [&](const Dims& i) {
        const size_t k = static_cast<size_t>(i[axis]);
        return (At(c.in(0), i) - m.mean[k]) * inv_std[k] * At(c.in(1), {i[axis]}) +
               At(c.in(2), {i[axis]});
      })};
      if (test) return outputs;
      for (const auto& values : {new_mean, new_var, m.mean, inv_std}) {
        outputs.push_back(FromVector(type, {Channels(c)}, values));
      }
      return outputs;
    })
    .Tolerance(1e-4)
    .NeverScalar("X has images and channels")
    .Differentiable({0, 1, 2})
    .OutputGradients({0});
DOPPIO_OP_ROW(SpatialBNGradient)
    .CheckedByGradientOf("SpatialBN")
    .Tolerance(1e-4)
    .NeverScalar("as SpatialBN");

DOPPIO_OP_ROW(LRN)
    .Case([](CaseMaker& c) {
      c.Input("X", Image(c, c.RealType(), c.Size()));
      c.Arg("size", static_cast<int>(c.Int(1, 6)));
      c.Arg<float>("alpha", static_cast<float>(c.Real(0.1, 1)));
      c.Arg<float>("beta", c.Chance() ? 0.75f : static_cast<float>(c.Real(0.1, 1)));
      if (c.Chance()) c.Arg<float>("bias", 2.0f);
      c.Output("Y");
      if (c.Chance()) c.Output("scale");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const size_t axis = ChannelAxis(c);
      const int64_t size = c.Arg<int>("size");
      const Tensor scale = Generate(DataType::kDouble, x.dims(), [&](const Dims& index) {
        double sum = 0;
        for (int64_t k = 0; k < size; ++k) {
          Dims at = index;
          at[axis] += k - (size - 1) / 2;
          if (at[axis] < 0 || at[axis] >= Channels(c)) continue;
          sum += At(x, at) * At(x, at);
        }
        return c.Arg<float>("bias", 1) + c.Arg<float>("alpha") / static_cast<double>(size) * sum;
      });
      std::vector<Tensor> outputs = {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        return At(x, i) * std::pow(At(scale, i), -c.Arg<float>("beta"));
      })};
      if (c.def.output_size() > 1) {
        outputs.push_back(
            Generate(x.dtype(), x.dims(), [&](const Dims& i) { return At(scale, i); }));
      }
      return outputs;
    })
    .NeverScalar("X has images and channels")
    .Differentiable({0})
    .OutputGradients({0});
DOPPIO_OP_ROW(LRNGradient).CheckedByGradientOf("LRN").NeverScalar("as LRN");

// Images in groups of channels: Y, and mean and inverse standard deviation of each group.
std::vector<Tensor> GroupReference(const OpCase& c, int64_t groups) {
  const Tensor& x = c.in(0);
  const size_t axis = ChannelAxis(c);
  const Dims statistics = {x.dim(0), groups};
  const auto key = [&](const Dims& i) { return i[0] * groups + i[axis] / (Channels(c) / groups); };
  const Moments m(x, *NumElements(statistics), key);
  std::vector<double> inv_std;
  for (double var : m.var) inv_std.push_back(1 / std::sqrt(var + c.Arg<float>("epsilon", 1e-5f)));
  const Tensor y = Generate(x.dtype(), x.dims(), [&](const Dims& i) {
    const size_t k = static_cast<size_t>(key(i));
    return (At(x, i) - m.mean[k]) * inv_std[k] * At(c.in(1), {i[axis]}) + At(c.in(2), {i[axis]});
  });
  std::vector<Tensor> outputs = {y, FromVector(x.dtype(), statistics, m.mean),
                                 FromVector(x.dtype(), statistics, inv_std)};
  outputs.resize(static_cast<size_t>(c.def.output_size()));
  return outputs;
}

DOPPIO_OP_ROW(InstanceNorm)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const int64_t channels = c.Size();
      c.Input("X", Image(c, type, channels));
      c.Input("scale", PerChannel(c, type, channels));
      c.Input("bias", PerChannel(c, type, channels));
      c.Arg<float>("epsilon", 0.125f);
      c.Output("Y");
      if (c.Chance(0.6)) c.Output("mean");
      if (c.def().output_size() > 1 && c.Chance(0.8)) c.Output("inv_stdev");
    })
    .Reference([](const OpCase& c) { return GroupReference(c, Channels(c)); })
    .Tolerance(1e-4)
    .NeverScalar("X has images and channels")
    .Differentiable({0, 1, 2})
    .OutputGradients({0});
DOPPIO_OP_ROW(InstanceNormGradient)
    .CheckedByGradientOf("InstanceNorm")
    .Tolerance(1e-4)
    .NeverScalar("as InstanceNorm");

void GroupNormCase(CaseMaker& c, bool statistics) {
  const DataType type = c.RealType();
  const int64_t group = c.Int(1, 3);
  const int64_t channels = group * c.Int(1, 3);
  c.Input("X", Image(c, type, channels));
  c.Input("gamma", PerChannel(c, type, channels));
  c.Input("beta", PerChannel(c, type, channels));
  c.Arg("group", static_cast<int>(group));
  c.Arg<float>("epsilon", 0.125f);
  c.Output("Y");
  if (!statistics) return;
  c.Output("mean");
  c.Output("inv_std");
}

DOPPIO_OP_ROW(GroupNorm)
    .Case([](CaseMaker& c) { GroupNormCase(c, true); })
    .Reference([](const OpCase& c) { return GroupReference(c, c.Arg<int>("group")); })
    .Tolerance(1e-4)
    .NeverScalar("X has images and channels")
    .Differentiable({0, 1, 2})
    .OutputGradients({0});
DOPPIO_OP_ROW(GroupNormGradient)
    .CheckedByGradientOf("GroupNorm")
    .Tolerance(1e-4)
    .NeverScalar("as GroupNorm");

DOPPIO_OP_ROW(LayerNorm)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape(2);
      const int rank = static_cast<int>(dims.size());
      const int axis = c.Chance(0.3) ? 1 : static_cast<int>(c.Int(-rank, rank - 1));
      if (axis != 1 || c.Chance()) c.Arg("axis", axis);
      c.Arg<float>("epsilon", 0.125f);
      c.Input("X", c.Random(type, dims));
      if (c.Chance()) {
        c.Arg("elementwise_affine", true);
        const Dims row(dims.begin() + (axis < 0 ? axis + rank : axis), dims.end());
        c.Input("gamma", c.Random(type, row));
        c.Input("beta", c.Random(type, row));
      }
      for (const char* name : {"Y", "mean", "stddev"}) c.Output(name);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int axis = *CanonicalAxis(c.Arg<int>("axis", 1), x.rank());
      Dims statistics(x.dims().begin(), x.dims().begin() + axis);
      statistics.push_back(1);
      const auto key = [&](const Dims& i) {
        Dims at(i.begin(), i.begin() + axis);
        at.push_back(0);
        return FlatIndex(statistics, at);
      };
      const Moments m(x, *NumElements(statistics), key);
      std::vector<double> stddev;
      for (double var : m.var) stddev.push_back(std::sqrt(var + c.Arg<float>("epsilon")));
      const Tensor y = Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        const size_t k = static_cast<size_t>(key(i));
        const double normal = (At(x, i) - m.mean[k]) / stddev[k];
        if (c.def.input_size() == 1) return normal;
        const Dims at(i.begin() + axis, i.end());
        return normal * At(c.in(1), at) + At(c.in(2), at);
      });
      return {y, FromVector(x.dtype(), statistics, m.mean),
              FromVector(x.dtype(), statistics, stddev)};
    })
    .Tolerance(1e-4)
    .NeverScalar("X has rows and columns")
    .Differentiable({0, 1, 2})
    .OutputGradients({0});
DOPPIO_OP_ROW(LayerNormGradient)
    .CheckedByGradientOf("LayerNorm")
    .Tolerance(1e-4)
    .NeverScalar("as LayerNorm");

}  // namespace
}  // namespace doppio
