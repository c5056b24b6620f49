// Rows of losses and distances of two tensors.

#include <algorithm>
#include <cmath>
#include <limits>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

// The rows of a tensor, a scalar being one of one element.
std::vector<double> Row(const Tensor& x, int64_t i, int64_t rows) {
  std::vector<double> row;
  const int64_t n = rows == 0 ? 0 : x.numel() / rows;
  for (int64_t j = i * n; j < (i + 1) * n; ++j) row.push_back(ElementAsDouble(x, j));
  return row;
}

using RowFunction = double (*)(const std::vector<double>& x, const std::vector<double>& y);

void RowPair(const char* type, RowFunction f) {
  NewOpRow(type)
      .Case([](CaseMaker& c) {
        const DataType dtype = c.RealType();
        const Dims dims = c.Shape();
        const Tensor x = c.Random(dtype, dims);
        c.Input("X", x);
        // No two elements are equal, where an absolute value has a kink.
        const Tensor offset = c.Random(dtype, dims, 0.25, 2);
        const double sign = c.Chance() ? 1 : -1;
        c.Input("Y", Generate(dtype, dims, [&](const Dims& i) {
                  return static_cast<float>(At(x, i) + sign * At(offset, i));
                }));
        c.Output("Z");
      })
      .Reference([f](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& x = c.in(0);
        const int64_t rows = x.rank() == 0 ? 1 : x.dim(0);
        return {Generate(x.dtype(), {rows}, [&](const Dims& i) {
          return f(Row(x, i[0], rows), Row(c.in(1), i[0], rows));
        })};
      })
      .Tolerance(1e-4)
      .Differentiable({0, 1});
  NewOpRow(absl::StrCat(type, "Gradient")).CheckedByGradientOf(type);
}

double L1(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (size_t j = 0; j < x.size(); ++j) sum += std::abs(x[j] - y[j]);
  return sum;
}

double Dot(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (size_t j = 0; j < x.size(); ++j) sum += x[j] * y[j];
  return sum;
}

double Cosine(const std::vector<double>& x, const std::vector<double>& y) {
  return Dot(x, y) / std::sqrt(std::max(Dot(x, x), 1e-12) * std::max(Dot(y, y), 1e-12));
}

[[maybe_unused]] const bool row_pair_rows = [] {
  RowPair("L1Distance", L1);
  RowPair("CosineSimilarity", Cosine);
  return true;
}();

DOPPIO_OP_ROW(DotProductWithPadding)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      Dims x = c.Shape(1, 3);
      Dims y = x;
      const bool replicate = c.Chance();
      if (replicate) {
        c.Arg("replicate", true);
        if (y.size() > 1) y.back() *= c.Int(1, 3);
      } else {
        if (y.size() > 1) y.back() = c.Size();
        if (c.Chance()) c.Arg<float>("pad_value", 1.5f);
      }
      if (c.Chance()) std::swap(x, y);
      c.Input("X", c.Random(type, x));
      c.Input("Y", c.Random(type, y));
      c.Output("Z");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t rows = c.in(0).dim(0);
      return {Generate(c.in(0).dtype(), {rows}, [&](const Dims& i) {
        std::vector<double> x = Row(c.in(0), i[0], rows);
        std::vector<double> y = Row(c.in(1), i[0], rows);
        if (x.size() > y.size()) std::swap(x, y);
        const size_t least = x.size();
        while (x.size() < y.size()) {
          const double more =
              c.Arg<bool>("replicate") ? x[x.size() % least] : c.Arg<float>("pad_value");
          x.push_back(more);
        }
        return Dot(x, y);
      })};
    })
    .Tolerance(1e-4)
    .NeverScalar("there are rows")
    .Differentiable({0, 1});
DOPPIO_OP_ROW(DotProductWithPaddingGradient)
    .CheckedByGradientOf("DotProductWithPadding")
    .NeverScalar("as the forward operator");

DOPPIO_OP_ROW(CrossEntropy)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape(1, 3);
      c.Input("X", c.Random(type, dims, 0.05, 1));
      const bool is_flat = dims.size() > 1 && c.Chance();
      c.Input("label", c.Random(type, is_flat ? Dims{dims[0], SizeFromDim(dims, 1)} : dims, 0, 1));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t rows = x.rank() == 1 ? 1 : x.dim(0);
      return {Generate(x.dtype(), {rows}, [&](const Dims& i) {
        std::vector<double> logs = Row(x, i[0], rows);
        for (double& value : logs) value = -std::log(value);
        return Dot(logs, Row(c.in(1), i[0], rows));
      })};
    })
    .Tolerance(1e-4)
    .NeverScalar("an example has classes")
    .Differentiable({0});
DOPPIO_OP_ROW(CrossEntropyGradient)
    .CheckedByGradientOf("CrossEntropy")
    .NeverScalar("as the forward operator");

DOPPIO_OP_ROW(MakeTwoClass)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.RealType(), c.Shape(), 0, 1));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      Dims dims(c.in(0).dims().begin(), c.in(0).dims().end());
      dims.push_back(2);
      return {Generate(c.in(0).dtype(), dims, [&](const Dims& i) {
        const double p = At(c.in(0), Dims(i.begin(), i.end() - 1));
        return i.back() == 1 ? p : 1 - p;
      })};
    })
    .Differentiable({0});
DOPPIO_OP_ROW(MakeTwoClassGradient).CheckedByGradientOf("MakeTwoClass");

void SigmoidCrossEntropy(const char* type, bool weighted) {
  NewOpRow(type)
      .Case([=](CaseMaker& c) {
        const DataType dtype = c.RealType();
        const Dims dims = c.Shape();
        c.Input("logits", c.Random(dtype, dims, -6, 6));
        c.Input("targets", c.Random(dtype, dims, 0, 1));
        if (weighted) c.Input("weights", c.Random(dtype, dims, 0.5, 2));
        if (!weighted && c.Chance(0.3)) c.Arg("log_D_trick", true);
        if (!weighted && c.Chance(0.3)) c.Arg("unjoined_lr_loss", true);
        c.Output("xentropy");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& x = c.in(0);
        const Dims dims(x.dims().begin(), x.dims().end() - (x.rank() > 0 ? 1 : 0));
        const int64_t d = x.rank() > 0 ? x.dim(x.rank() - 1) : 1;
        return {Generate(x.dtype(), dims, [&](const Dims& index) {
          double sum = 0;
          for (int64_t j = FlatIndex(dims, index) * d; j < (FlatIndex(dims, index) + 1) * d; ++j) {
            const double logit = ElementAsDouble(x, j);
            const double t = ElementAsDouble(c.in(1), j);
            const double p = 1 / (1 + std::exp(-logit));
            double loss = -t * std::log(p) - (1 - t) * std::log(1 - p);
            if (c.Arg<bool>("log_D_trick")) loss = -(2 * t - 1) * std::log(p);
            if (c.Arg<bool>("unjoined_lr_loss")) loss = -(1 - t) * std::log(1 - p) - t * logit;
            sum += loss * (weighted ? ElementAsDouble(c.in(2), j) : 1);
          }
          return sum / static_cast<double>(std::max<int64_t>(d, 1));
        })};
      })
      .Tolerance(1e-4)
      .Differentiable({0});
  NewOpRow(absl::StrCat(type, "Gradient")).CheckedByGradientOf(type);
}

[[maybe_unused]] const bool sigmoid_rows = [] {
  SigmoidCrossEntropy("SigmoidCrossEntropyWithLogits", false);
  SigmoidCrossEntropy("WeightedSigmoidCrossEntropyWithLogits", true);
  return true;
}();

// 1 or -1 each.
Tensor Signs(CaseMaker& c, DimsView dims) {
  const Tensor bits = c.Random(DataType::kInt32, dims, 0, 1);
  return Generate(DataType::kInt32, dims, [&](const Dims& i) { return 2 * At(bits, i) - 1; });
}

// Values away from a kink.
Tensor Away(CaseMaker& c, DataType type, DimsView dims, double kink) {
  const Tensor x = c.Random(type, dims);
  return Generate(type, dims, [&](const Dims& i) {
    return std::abs(At(x, i) - kink) < 0.01 ? kink + 0.0625 : At(x, i);
  });
}

DOPPIO_OP_ROW(CosineEmbeddingCriterion)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape();
      const float margin = c.Chance() ? 0.0f : 0.25f;
      c.Input("S", Away(c, type, dims, margin));
      c.Input("Y", Signs(c, dims));
      if (margin != 0) c.Arg("margin", margin);
      c.Output("loss");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& i) {
        const double s = At(c.in(0), i);
        return At(c.in(1), i) == 1 ? 1 - s : std::max(0.0, s - c.Arg<float>("margin", 0));
      })};
    })
    .Differentiable({0});
DOPPIO_OP_ROW(CosineEmbeddingCriterionGradient).CheckedByGradientOf("CosineEmbeddingCriterion");

DOPPIO_OP_ROW(MarginRankingCriterion)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape();
      // With whole numbers and a margin of halves no pair stands at the kink.
      c.Input("X1", *ConvertTensor(c.Random(DataType::kInt32, dims, -3, 3), type));
      c.Input("X2", *ConvertTensor(c.Random(DataType::kInt32, dims, -3, 3), type));
      c.Input("Y", Signs(c, dims));
      c.Arg("margin", 0.5f);
      c.Output("loss");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& i) {
        const double ahead = At(c.in(2), i) * (At(c.in(0), i) - At(c.in(1), i));
        return std::max(0.0, c.Arg<float>("margin") - ahead);
      })};
    })
    .Differentiable({0, 1});
DOPPIO_OP_ROW(MarginRankingCriterionGradient).CheckedByGradientOf("MarginRankingCriterion");

DOPPIO_OP_ROW(PairWiseLoss)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      // There are as many pairs as the square of the number of examples.
      const int64_t n = std::min<int64_t>(c.Size(), 40);
      const Dims dims = c.Chance() ? Dims{n} : Dims{n, 1};
      c.Input("X", c.Random(type, dims));
      c.Input("label", *ConvertTensor(c.Random(DataType::kInt32, {n}, 0, 3), type));
      c.Output("Y");
      if (c.Chance()) return;
      std::vector<int32_t> lengths;
      for (int64_t left = n; left > 0 || c.Chance(0.3);) {
        lengths.push_back(static_cast<int32_t>(c.Int(0, left)));
        left -= lengths.back();
      }
      c.Input("lengths", c.Vector<int32_t>(lengths));
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t n = c.in(0).dim(0);
      std::vector<int64_t> session(static_cast<size_t>(n), 0);
      int64_t count = n == 0 ? 0 : 1;
      if (c.def.input_size() > 2) {
        count = c.in(2).numel();
        size_t at = 0;
        for (int64_t s = 0; s < count; ++s) {
          for (int j = 0; j < ElementAsDouble(c.in(2), s); ++j) session[at++] = s;
        }
      }
      return {Generate(c.in(0).dtype(), {count}, [&](const Dims& s) {
        double sum = 0;
        int pairs = 0;
        for (int64_t i = 0; i < n; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            const bool is_pair = session[i] == s[0] && session[j] == s[0] &&
                                 ElementAsDouble(c.in(1), i) > ElementAsDouble(c.in(1), j);
            if (!is_pair) continue;
            ++pairs;
            sum +=
                std::log(1 + std::exp(ElementAsDouble(c.in(0), j) - ElementAsDouble(c.in(0), i)));
          }
        }
        return sum / std::max(pairs, 1);
      })};
    })
    .NeverScalar("there are pairs of examples")
    .Differentiable({0});
DOPPIO_OP_ROW(PairWiseLossGradient)
    .CheckedByGradientOf("PairWiseLoss")
    .NeverScalar("as the forward operator");

DOPPIO_OP_ROW(BernoulliJSD)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape();
      c.Input("X", c.Random(type, dims, 0.05, 0.95));
      c.Input("T", c.Random(type, dims, 0, 1));
      c.Output("L");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      // Half the distance of each distribution from their mean.
      const auto distance = [](double p, double mean) {
        return p == 0 ? 0 : p * std::log(p / mean) / 2;
      };
      return {Generate(x.dtype(), {x.numel()}, [&](const Dims& i) {
        const double p = ElementAsDouble(x, i[0]);
        const double q = ElementAsDouble(c.in(1), i[0]);
        const double m = (p + q) / 2;
        return distance(p, m) + distance(q, m) + distance(1 - p, 1 - m) + distance(1 - q, 1 - m);
      })};
    })
    .Differentiable({0});
DOPPIO_OP_ROW(BernoulliJSDGradient).CheckedByGradientOf("BernoulliJSD");

DOPPIO_OP_ROW(MultiClassAccuracy)
    .Case([](CaseMaker& c) {
      const int64_t d = std::max<int64_t>(c.Size(), 1);
      const int64_t n = c.Size();
      c.Input("prediction",
              *ConvertTensor(c.Random(DataType::kInt32, {n, d}, 0, 5), DataType::kFloat));
      c.Input("labels", c.Random(DataType::kInt32, {n}, 0, static_cast<double>(d - 1)));
      c.Output("accuracies");
      c.Output("amounts");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const auto count = [&](int64_t label, bool only_right) {
        double found = 0;
        for (int64_t i = 0; i < x.dim(0); ++i) {
          int64_t best = 0;
          for (int64_t j = 1; j < x.dim(1); ++j) {
            if (At(x, {i, j}) > At(x, {i, best})) best = j;
          }
          const bool is_of_label = At(c.in(1), {i}) == static_cast<double>(label);
          if (is_of_label && (!only_right || best == label)) ++found;
        }
        return found;
      };
      const Dims dims = {x.dim(1)};
      return {Generate(DataType::kFloat, dims,
                       [&](const Dims& i) {
                         return count(i[0], true) / std::max(count(i[0], false), 1.0);
                       }),
              Generate(DataType::kInt32, dims, [&](const Dims& i) { return count(i[0], false); })};
    })
    .NeverScalar("there are classes");

DOPPIO_OP_ROW(Perplexity)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.RealType(), {c.Size()}, 0.1, 1));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      double product = 1;
      for (int64_t i = 0; i < x.numel(); ++i) {
        product *= std::pow(ElementAsDouble(x, i), -1.0 / static_cast<double>(x.numel()));
      }
      return {Generate(x.dtype(), {}, [&](const Dims&) { return product; })};
    });

DOPPIO_OP_ROW(SquareRootDivide)
    .Case([](CaseMaker& c) {
      const DataType type = c.RealType();
      const Dims dims = c.Shape(1);
      c.Input("data", c.Random(type, dims));
      c.Input("scale", c.Random(c.OneOf({DataType::kFloat, DataType::kInt32, DataType::kInt64}),
                                {dims[0]}, 0, 9));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& i) {
        const double scale = At(c.in(1), {i[0]});
        return At(c.in(0), i) / (scale == 0 ? 1 : std::sqrt(scale));
      })};
    })
    .NeverScalar("there are rows")
    .Differentiable({0});

}  // namespace
}  // namespace doppio
