// Rows of the losses of detectors: of boxes, and of classes at anchors.

#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

// One element, which may be below 1.
Tensor Normalizer(CaseMaker& c) {
  return c.Random(c.OneOf({DataType::kFloat, DataType::kDouble}), c.Chance() ? Dims{} : Dims{1}, 0,
                  4);
}

std::vector<Tensor> ScalarLoss(const OpCase& c, double loss) {
  return {Generate(c.in(0).dtype(), {}, [&](const Dims&) { return loss; })};
}

// The argument scale, divided by max(1, input i).
double Factor(const OpCase& c, int normalizer) {
  return static_cast<double>(c.Arg<float>("scale", 1)) /
         std::max(1.0, ElementAsDouble(c.in(normalizer), 0));
}

double Smooth(const OpCase& c, double x) {
  const double beta = c.Arg<float>("beta", 1);
  return std::abs(x) < beta ? x * x / beta / 2 : std::abs(x) - beta / 2;
}

void CurveArguments(CaseMaker& c) {
  if (c.Chance()) c.Arg("beta", c.OneOf({0.5f, 2.0f}));
  if (c.Chance()) c.Arg("scale", c.OneOf({0.0f, 1.5f}));
}

DOPPIO_OP_ROW(SmoothL1Loss)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape(1);
      // The same elements and examples, in another shape.
      const Dims flat = {dims[0], SizeFromDim(dims, 1)};
      c.Input("Y_hat", c.Random(type, dims));
      c.Input("Y", c.Random(type, c.Chance() ? flat : dims));
      c.Input("alpha_in", c.Random(type, c.Chance() ? flat : dims));
      c.Input("alpha_out", c.Random(type, dims));
      CurveArguments(c);
      c.Output("loss");
    })
    .Reference([](const OpCase& c) {
      double sum = 0;
      for (int64_t i = 0; i < c.in(0).numel(); ++i) {
        const double difference = ElementAsDouble(c.in(0), i) - ElementAsDouble(c.in(1), i);
        sum += ElementAsDouble(c.in(3), i) * Smooth(c, ElementAsDouble(c.in(2), i) * difference);
      }
      if (sum != 0) sum *= c.Arg<float>("scale", 1) / static_cast<double>(c.in(0).dim(0));
      return ScalarLoss(c, sum);
    })
    .NeverScalar("there are examples")
    .Differentiable({0});
DOPPIO_OP_ROW(SmoothL1LossGradient)
    .CheckedByGradientOf("SmoothL1Loss")
    .NeverScalar("as SmoothL1Loss");

DOPPIO_OP_ROW(SelectSmoothL1Loss)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      Dims dims = c.Shape(4, 4);
      const int64_t count = SizeFromDim(dims, 0) == 0 ? 0 : c.Size();
      dims[1] += 3;
      Tensor locations = *Tensor::Create(DataType::kFloat, {count, 4});
      for (int64_t i = 0; i < count; ++i) {
        for (int64_t k = 0; k < 4; ++k) {
          const int64_t last = dims[static_cast<size_t>(k)] - (k == 1 ? 4 : 1);
          locations.mutable_data<float>()[4 * i + k] = static_cast<float>(c.Int(0, last));
        }
      }
      c.Input("Y_hat", c.Random(type, dims));
      c.Input("Y", c.Random(type, {count, 4}));
      c.Input("locations", locations);
      c.Input("normalizer", Normalizer(c));
      CurveArguments(c);
      c.Output("loss");
    })
    .Reference([](const OpCase& c) {
      double sum = 0;
      for (int64_t i = 0; i < c.in(1).dim(0); ++i) {
        Dims at;
        for (int64_t k = 0; k < 4; ++k) at.push_back(static_cast<int64_t>(At(c.in(2), {i, k})));
        for (int64_t j = 0; j < 4; ++j, ++at[1]) {
          sum += Smooth(c, At(c.in(0), at) - At(c.in(1), {i, j}));
        }
      }
      return ScalarLoss(c, sum * Factor(c, 3));
    })
    .NeverScalar("maps have four dimensions")
    .Differentiable({0});
DOPPIO_OP_ROW(SelectSmoothL1LossGradient)
    .CheckedByGradientOf("SelectSmoothL1Loss")
    .NeverScalar("as SelectSmoothL1Loss");

DOPPIO_OP_ROW(SigmoidCrossEntropyLoss)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      c.Input("X", c.Random(c.RealType(), dims, -8, 8));
      c.Input("targets", c.Random(DataType::kInt32, dims, -1, 1));
      if (c.Chance()) c.Arg("normalize", c.Chance() ? 1 : 0);
      if (c.Chance()) c.Arg("scale", 1.5f);
      c.Output("loss");
    })
    .Reference([](const OpCase& c) {
      double sum = 0;
      double count = 0;
      for (int64_t i = 0; i < c.in(0).numel(); ++i) {
        const double t = ElementAsDouble(c.in(1), i);
        if (t < 0) continue;
        const double p = 1 / (1 + std::exp(-ElementAsDouble(c.in(0), i)));
        sum -= t * std::log(p) + (1 - t) * std::log(1 - p);
        ++count;
      }
      if (c.Arg<int>("normalize", 1) != 0 && count > 0) sum /= count;
      return ScalarLoss(c, sum * static_cast<double>(c.Arg<float>("scale", 1)));
    })
    .Differentiable({0});
DOPPIO_OP_ROW(SigmoidCrossEntropyLossGradient).CheckedByGradientOf("SigmoidCrossEntropyLoss");

// Scores of A anchors of num_classes each, [N,A,H,W] being drawn; labels are in [-1, most].
void FocalCase(CaseMaker& c, int64_t classes, int64_t most) {
  const Dims dims = c.Shape(4, 4);
  const DataType type = c.RealType();
  c.Input("scores", c.Random(type, {dims[0], dims[1] * classes, dims[2], dims[3]}, -4, 4));
  c.Input("labels", c.Random(DataType::kInt32, dims, -1, static_cast<double>(most)));
  c.Input("normalizer", Normalizer(c));
  c.Arg("num_classes", static_cast<int>(classes));
  if (c.Chance()) c.Arg("alpha", 0.75f);
  if (c.Chance()) c.Arg("gamma", c.OneOf({0.0f, 0.5f, 2.0f}));
  if (c.Chance()) c.Arg("scale", 1.5f);
  c.Output("loss");
}

// Calls f(label, scores of its anchor) for every label of [N,A,H,W].
template <typename F>
void ForEachAnchor(const OpCase& c, F f) {
  const int64_t classes = c.Arg<int>("num_classes");
  ForEachIndex(c.in(1).dims(), [&](const Dims& i) {
    std::vector<double> scores;
    for (int64_t k = 0; k < classes; ++k) {
      scores.push_back(At(c.in(0), {i[0], i[1] * classes + k, i[2], i[3]}));
    }
    f(static_cast<int64_t>(At(c.in(1), i)), scores);
  });
}

double Focal(const OpCase& c, double p, double weight) {
  return -weight * std::pow(1 - p, static_cast<double>(c.Arg<float>("gamma", 1))) * std::log(p);
}

DOPPIO_OP_ROW(SigmoidFocalLoss)
    .Case([](CaseMaker& c) {
      const int64_t classes = c.Int(1, 4);
      FocalCase(c, classes, classes);
    })
    .Reference([](const OpCase& c) {
      const double alpha = c.Arg<float>("alpha", 0.25f);
      double sum = 0;
      ForEachAnchor(c, [&](int64_t label, const std::vector<double>& scores) {
        for (size_t k = 0; k < scores.size() && label >= 0; ++k) {
          const double p = 1 / (1 + std::exp(-scores[k]));
          sum += label == static_cast<int64_t>(k) + 1 ? Focal(c, p, alpha)
                                                      : Focal(c, 1 - p, 1 - alpha);
        }
      });
      return ScalarLoss(c, sum * Factor(c, 2));
    })
    .NeverScalar("maps have four dimensions")
    .Differentiable({0});
DOPPIO_OP_ROW(SigmoidFocalLossGradient)
    .CheckedByGradientOf("SigmoidFocalLoss")
    .NeverScalar("as SigmoidFocalLoss");

// Softmax of each group of `classes` channels.
Tensor GroupSoftmax(const Tensor& x, int64_t classes) {
  return Generate(x.dtype(), x.dims(), [&](const Dims& i) {
    double sum = 0;
    for (int64_t k = 0; k < classes; ++k) {
      sum += std::exp(At(x, {i[0], i[1] / classes * classes + k, i[2], i[3]}));
    }
    return std::exp(At(x, i)) / sum;
  });
}

DOPPIO_OP_ROW(SoftmaxFocalLoss)
    .Case([](CaseMaker& c) {
      const int64_t classes = c.Int(2, 4);
      FocalCase(c, classes, classes - 1);
      c.Output("probabilities");
    })
    .Reference([](const OpCase& c) {
      const double alpha = c.Arg<float>("alpha", 0.25f);
      double sum = 0;
      ForEachAnchor(c, [&](int64_t label, const std::vector<double>& scores) {
        if (label < 0) return;
        double all = 0;
        for (double score : scores) all += std::exp(score);
        sum += Focal(c, std::exp(scores[static_cast<size_t>(label)]) / all,
                     label == 0 ? 1 - alpha : alpha);
      });
      std::vector<Tensor> outputs = ScalarLoss(c, sum * Factor(c, 2));
      outputs.push_back(GroupSoftmax(c.in(0), c.Arg<int>("num_classes")));
      return outputs;
    })
    .NeverScalar("maps have four dimensions")
    .OutputGradients({0})
    .Differentiable({0});
DOPPIO_OP_ROW(SoftmaxFocalLossGradient)
    .CheckedByGradientOf("SoftmaxFocalLoss")
    .NeverScalar("as SoftmaxFocalLoss");

DOPPIO_OP_ROW(GroupSpatialSoftmax)
    .Case([](CaseMaker& c) {
      const int64_t classes = c.Int(1, 4);
      const Dims dims = c.Shape(4, 4);
      c.Input("scores",
              c.Random(c.RealType(), {dims[0], dims[1] * classes, dims[2], dims[3]}, -4, 4));
      c.Arg("num_classes", static_cast<int>(classes));
      c.Output("probabilities");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {GroupSoftmax(c.in(0), c.Arg<int>("num_classes"))};
    })
    .NeverScalar("maps have four dimensions")
    .Differentiable({0});
DOPPIO_OP_ROW(GroupSpatialSoftmaxGradient)
    .CheckedByGradientOf("GroupSpatialSoftmax")
    .NeverScalar("as GroupSpatialSoftmax");

}  // namespace
}  // namespace doppio
