#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr double kLogThreshold = 1e-20;

struct Batch {
  int64_t n;  // examples
  int64_t d;  // classes
};

// Batches may be empty, classes not.
Batch DrawBatch(CaseMaker& c) {
  const Dims dims = c.Shape(2, 2);
  const bool is_empty = dims[0] == 0 || dims[1] == 0;
  return {is_empty ? 0 : dims[0], std::max<int64_t>(dims[1], 1)};
}

// Classes in [0, d).
Tensor Labels(CaseMaker& c, DimsView dims, int64_t d) {
  return c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), dims, 0,
                  static_cast<double>(d - 1));
}

DOPPIO_OP_ROW(SoftmaxWithLoss)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Batch batch = DrawBatch(c);
      const int64_t n = batch.n;
      const int64_t d = batch.d;
      const bool is_deep = c.Chance(0.3);
      const Dims dims = is_deep ? Dims{n, 2, d} : Dims{n, d};
      const int axis = is_deep && c.Chance() ? 2 : 1;
      const Dims rows(dims.begin(), dims.begin() + axis);
      const int64_t classes = axis == 2 || !is_deep ? d : 2 * d;
      c.Input("X", c.Random(type, dims));
      if (c.Chance(0.4)) {
        // One hot, mixed with the uniform distribution by halves.
        const Tensor hot = Labels(c, rows, classes);
        c.Input("label", Generate(type, dims, [&](const Dims& i) {
                  const int64_t flat = FlatIndex(dims, i);
                  const bool is_hot =
                      ElementAsDouble(hot, flat / classes) == static_cast<double>(flat % classes);
                  return (is_hot ? 0.5 : 0.0) + 0.5 / static_cast<double>(classes);
                }));
        c.Arg("label_prob", 1);
      } else {
        Dims shape = rows;
        if (c.Chance()) shape.push_back(1);
        c.Input("label", Labels(c, shape, classes));
      }
      if (c.Chance()) c.Input("weights", c.Random(type, {*NumElements(rows)}, 0.5, 2));
      if (axis != 1) c.Arg("axis", axis);
      if (c.Chance()) c.Arg("scale", 1.5f);
      if (c.Chance()) c.Arg("average_by_batch_size", 1);
      c.Output("P");
      c.Output("loss");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Tensor& label = c.in(1);
      const int axis = c.Arg<int>("axis", 1);
      const int64_t n = SizeToDim(x.dims(), axis);
      const int64_t d = SizeFromDim(x.dims(), axis);
      std::vector<double> p(static_cast<size_t>(x.numel()));
      double loss = 0;
      double weight_sum = 0;
      for (int64_t i = 0; i < n; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < d; ++j) sum += std::exp(ElementAsDouble(x, i * d + j));
        const double w = c.def.input_size() > 2 ? ElementAsDouble(c.in(2), i) : 1;
        for (int64_t j = 0; j < d; ++j) {
          const int64_t at = i * d + j;
          p[static_cast<size_t>(at)] = std::exp(ElementAsDouble(x, at)) / sum;
          const double q = c.Arg<bool>("label_prob")
                               ? ElementAsDouble(label, at)
                               : (ElementAsDouble(label, i) == static_cast<double>(j) ? 1 : 0);
          loss -= w * q * std::log(p[static_cast<size_t>(at)]);
        }
        weight_sum += w;
      }
      const double count =
          c.Arg<bool>("average_by_batch_size") ? static_cast<double>(n) : weight_sum;
      if (n > 0) loss *= c.Arg<float>("scale", 1) / count;
      return {
          Generate(x.dtype(), x.dims(),
                   [&](const Dims& i) { return p[static_cast<size_t>(FlatIndex(x.dims(), i))]; }),
          Generate(x.dtype(), {}, [&](const Dims&) { return loss; })};
    })
    .OutputGradients({1})
    .Differentiable({0});
DOPPIO_OP_ROW(SoftmaxWithLossGradient).CheckedByGradientOf("SoftmaxWithLoss");

DOPPIO_OP_ROW(LabelCrossEntropy)
    .Case([](CaseMaker& c) {
      // Batches may be empty, classes not.
      Dims dims = c.Chance(0.2) ? c.Shape(1, 1) : c.Shape(2);
      if (dims.size() > 1 && SizeFromDim(dims, 0) == 0) dims[0] = 0;
      for (size_t i = dims.size() > 1 ? 1 : 0; i < dims.size(); ++i)
        dims[i] = std::max<int64_t>(dims[i], 1);
      const int64_t n = dims.size() > 1 ? dims[0] : 1;
      const int64_t d = SizeFromDim(dims, dims.size() > 1 ? 1 : 0);
      c.Input("X", c.Random(c.RealType(), dims, 0.1, 1));
      c.Input("label", Labels(c, c.Chance() ? Dims{n} : Dims{n, 1}, d));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t n = c.in(1).dim(0);
      const int64_t d = SizeFromDim(x.dims(), x.rank() > 1 ? 1 : 0);
      return {Generate(x.dtype(), {n}, [&](const Dims& i) {
        const int64_t at = i[0] * d + static_cast<int64_t>(ElementAsDouble(c.in(1), i[0]));
        return -std::log(std::max(ElementAsDouble(x, at), kLogThreshold));
      })};
    })
    .NeverScalar("there is a dimension of classes")
    .Differentiable({0});
DOPPIO_OP_ROW(LabelCrossEntropyGradient)
    .CheckedByGradientOf("LabelCrossEntropy")
    .NeverScalar("as LabelCrossEntropy");

DOPPIO_OP_ROW(SquaredL2Distance)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape();
      c.Input("X", c.Random(type, dims));
      c.Input("Y", c.Random(type, dims));
      c.Output("Z");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Dims dims = {x.rank() == 0 ? 1 : x.dim(0)};
      return {Generate(x.dtype(), dims, [&](const Dims& i) {
        const int64_t d = x.numel() / dims[0];
        double sum = 0;
        for (int64_t j = i[0] * d; j < (i[0] + 1) * d; ++j)
          sum += std::pow(ElementAsDouble(x, j) - ElementAsDouble(c.in(1), j), 2);
        return sum / 2;
      })};
    })
    .Differentiable({0, 1});
DOPPIO_OP_ROW(SquaredL2DistanceGradient).CheckedByGradientOf("SquaredL2Distance");

DOPPIO_OP_ROW(AveragedLoss)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.RealType(), c.Shape()));
      c.Output("loss");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      double sum = 0;
      for (int64_t i = 0; i < x.numel(); ++i) sum += ElementAsDouble(x, i);
      return {Generate(x.dtype(), {}, [&](const Dims&) {
        return x.numel() == 0 ? 0 : sum / static_cast<double>(x.numel());
      })};
    })
    .Differentiable({0});
DOPPIO_OP_ROW(AveragedLossGradient).CheckedByGradientOf("AveragedLoss");

DOPPIO_OP_ROW(Accuracy)
    .Case([](CaseMaker& c) {
      const Batch batch = DrawBatch(c);
      const int64_t n = batch.n;
      const int64_t d = batch.d;
      // Few values, so that some predictions are equal.
      const Tensor rough = c.Random(DataType::kInt32, {n, d}, 0, 3);
      c.Input("predictions", *ConvertTensor(rough, c.RealType()));
      c.Input("labels", Labels(c, {n}, d));
      if (c.Chance()) c.Arg("top_k", static_cast<int>(c.Int(1, 4)));
      c.Output("accuracy");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t n = x.dim(0);
      const int64_t d = x.dim(1);
      double correct = 0;
      for (int64_t i = 0; i < n; ++i) {
        std::vector<int64_t> order;
        for (int64_t j = 0; j < d; ++j) order.push_back(j);
        std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
          return ElementAsDouble(x, i * d + a) > ElementAsDouble(x, i * d + b);
        });
        for (int64_t k = 0; k < std::min<int64_t>(d, c.Arg<int>("top_k", 1)); ++k) {
          if (static_cast<double>(order[static_cast<size_t>(k)]) == ElementAsDouble(c.in(1), i))
            ++correct;
        }
      }
      const double accuracy = n == 0 ? 0 : correct / static_cast<double>(n);
      return {Generate(DataType::kFloat, {}, [&](const Dims&) { return accuracy; })};
    });

}  // namespace
}  // namespace doppio
