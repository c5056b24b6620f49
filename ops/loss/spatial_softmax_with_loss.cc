#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/loss/labels.h"
#include "ops/loss/loss_scale.h"

namespace doppio {
namespace {

// The label of a pixel that does not count.
constexpr int64_t kNoLabel = -1;

// Logits [images, classes, pixels].
struct Pixels {
  int64_t images;
  int64_t classes;
  int64_t pixels;

  int64_t all() const { return images * pixels; }
  int64_t grain() const { return (1 << 12) / std::max<int64_t>(classes, 1) + 1; }
  // Where the logits of pixel i of all() begin.
  int64_t start(int64_t i) const { return i / pixels * classes * pixels + i % pixels; }

  // Calls body(i, count) for pixels [i, i + count) of one image, which stand side by side, once for
  // each class; on several threads.
  template <typename Body>
  void ForEachRun(Body body) const {
    ParallelFor(all(), grain(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end;) {
        const int64_t count = std::min(end - i, pixels - i % pixels);
        body(i, count);
        i += count;
      }
    });
  }
};

// `weights`: null where there are none.
absl::StatusOr<Pixels> PixelsOf(DimsView x, DimsView labels, const DimsView* weights) {
  if (x.size() != 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("the logits must be [N,D,H,W], but are ", ShapeToString(x)));
  }
  const Dims wanted = {x[0], x[2], x[3]};
  DOPPIO_ASSIGN_OR_RETURN(const int64_t count, NumElements(wanted));
  if (labels != DimsView(wanted)) {
    return absl::InvalidArgumentError(absl::StrCat("logits ", ShapeToString(x), " take labels ",
                                                   ShapeToString(wanted), ", but they are ",
                                                   ShapeToString(labels)));
  }
  if (weights != nullptr && SizeFromDim(*weights, 0) != count) {
    return absl::InvalidArgumentError(absl::StrCat(count, " pixels take as many weights, but ",
                                                   "they are ", ShapeToString(*weights)));
  }
  return Pixels{x[0], x[1], SizeFromDim(x, 2)};
}

// Of the logits, labels and, if `weighted`, weights that are the first inputs.
absl::StatusOr<Pixels> CheckInputs(const OperatorBase& op, bool weighted) {
  const auto input = [&](int i) -> const Tensor& { return *op.InputBlob(i).Get<Tensor>(); };
  const DimsView weights = weighted ? input(2).dims() : DimsView();
  for (int i = 2; i < op.InputSize(); ++i) {
    if (input(i).dtype() != input(0).dtype()) {
      return absl::InvalidArgumentError(absl::StrCat(
          op.DescribeInput(i), " must have the type of the logits ", op.DescribeInput(0)));
    }
  }
  return PixelsOf(input(0).dims(), input(1).dims(), weighted ? &weights : nullptr);
}

// The weight of all pixels that count.
template <typename Label, typename T>
double TotalWeight(absl::Span<const Label> labels, const T* weights) {
  double sum = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != kNoLabel) sum += weights == nullptr ? 1 : static_cast<double>(weights[i]);
  }
  return sum;
}

DOPPIO_OPERATOR_SCHEMA(SpatialSoftmaxWithLoss)
    .NumInputs(2, 3)
    .NumOutputs(2)
    .Doc(R"DOC(
Softmax over the classes of every pixel, and the cross entropy of its result P and the pixels' labels,
averaged with the pixels' weights (1 each where none are given):

  loss = scale * sum(-w * log(P[label])) / sum(w)

Pixels with the label -1 do not count. The loss is 0 where the weights add up to 0. Caffe2 forgets
`scale` in the loss, though not in its gradient, and counts probabilities below 1e-20 as 1e-20.

Example: logits [1,2,1,2] = [[[[0,5]],[[0,0]]]] and labels [1,1,2] = [[[1,-1]]] give the loss
0.693147, which is log(2).
)DOC")
    .FillUsing(StateLossScale)
    .Input(0, "logits", "[N,D,H,W] of float or double: log probabilities, not normalised")
    .Input(1, "labels", "[N,H,W] of int32 or int64 in [-1,D)")
    .Input(2, "weights", "tensor of the logits' type with as many elements as the labels")
    .Output(0, "softmax", "probabilities P, of the logits' shape and type")
    .Output(1, "loss", "scalar of the logits' type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 4 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const bool weighted = context->InputSize() > 2;
      const DimsView weights = weighted ? context->dims(2) : DimsView();
      DOPPIO_RETURN_IF_ERROR(
          PixelsOf(context->dims(0), context->dims(1), weighted ? &weights : nullptr).status());
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, context->dtype(0), {});
      return absl::OkStatus();
    });

template <class Context>
class SpatialSoftmaxWithLossOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SpatialSoftmaxWithLossOp(OperatorInit* init)
      : Operator<Context>(init), scale_(ReadLossScale(init)) {}

  absl::Status RunOnDevice() override {
    const bool weighted = InputSize() > 2;
    DOPPIO_ASSIGN_OR_RETURN(const Pixels shape, CheckInputs(*this, weighted));
    const Tensor& x = Input(0);
    const Tensor& labels = Input(1);
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      return DispatchType(LabelTypes(), labels.dtype(), [&](auto label_tag) -> absl::Status {
        const auto label = labels.span<typename decltype(label_tag)::type>();
        DOPPIO_RETURN_IF_ERROR(CheckLabels(label, shape.classes, kNoLabel));
        const T* weights = weighted ? Input(2).template data<T>() : nullptr;
        DOPPIO_RETURN_IF_ERROR(Normalise<T>(shape));
        const T* in = x.data<T>();
        const double* log_norm = log_norm_.data<double>();
        double loss = 0;
        for (int64_t i = 0; i < shape.all(); ++i) {
          if (label[i] == kNoLabel) continue;
          const double logit = static_cast<double>(in[shape.start(i) + label[i] * shape.pixels]);
          loss += (log_norm[i] - logit) * (weights == nullptr ? 1 : weights[i]);
        }
        const double total = TotalWeight(label, weights);
        DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(1, x.dtype(), {}));
        *output->mutable_data<T>() = total == 0 ? T(0) : static_cast<T>(scale_ * loss / total);
        return absl::OkStatus();
      });
    });
  }

 private:
  // P, and the logarithm of what each pixel's exponentials sum to.
  template <typename T>
  absl::Status Normalise(const Pixels& shape) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor * p, Output(0, DataTypeOf<T>::value, Input(0).dims()));
    DOPPIO_RETURN_IF_ERROR(max_.Resize(DataTypeOf<T>::value, {shape.all()}));
    DOPPIO_RETURN_IF_ERROR(log_norm_.Resize(DataType::kDouble, {shape.all()}));
    const T* in = Input(0).template data<T>();
    T* out = p->mutable_data<T>();
    T* max = max_.mutable_data<T>();
    double* sum = log_norm_.mutable_data<double>();
    if (shape.classes == 0) {  // every label is -1
      std::fill_n(sum, shape.all(), 0.0);
      return absl::OkStatus();
    }
    shape.ForEachRun([=](int64_t i, int64_t count) {
      const int64_t start = shape.start(i);
      std::copy_n(in + start, count, max + i);
      for (int64_t c = 1; c < shape.classes; ++c) {
        const T* row = in + start + c * shape.pixels;
        for (int64_t k = 0; k < count; ++k) max[i + k] = std::max(max[i + k], row[k]);
      }
      std::fill_n(sum + i, count, 0.0);
      for (int64_t c = 0; c < shape.classes; ++c) {
        const int64_t row = start + c * shape.pixels;
        for (int64_t k = 0; k < count; ++k) {
          out[row + k] = std::exp(in[row + k] - max[i + k]);
          sum[i + k] += static_cast<double>(out[row + k]);
        }
      }
      for (int64_t c = 0; c < shape.classes; ++c) {
        T* row = out + start + c * shape.pixels;
        for (int64_t k = 0; k < count; ++k) row[k] = static_cast<T>(row[k] / sum[i + k]);
      }
      for (int64_t k = i; k < i + count; ++k) {
        sum[k] = std::log(sum[k]) + static_cast<double>(max[k]);
      }
    });
    return absl::OkStatus();
  }

  const float scale_;
  Tensor max_;       // of every pixel
  Tensor log_norm_;  // of every pixel
};

DOPPIO_OPERATOR_SCHEMA(SpatialSoftmaxWithLossGradient)
    .NumInputs(4, 5)
    .NumOutputs(1)
    .Doc(R"DOC(
The gradient of SpatialSoftmaxWithLoss: dX = w * (P - q) * scale * dloss / sum(w), where q is 1 for the
pixel's label and 0 elsewhere. It is 0 for pixels with the label -1, and where the weights add up to 0.
)DOC")
    .FillUsing(StateLossScale)
    .Input(0, "logits", "the first input of SpatialSoftmaxWithLoss")
    .Input(1, "labels", "its second input")
    .Input(2, "weights", "its third input, if it has one; else the following move up by one")
    .Input(3, "softmax", "its first output, P")
    .Input(4, "dloss", "gradient of its second output: one element")
    .Output(0, "dX", "gradient of the logits")
    .IdenticalTypeAndShape();

template <class Context>
class SpatialSoftmaxWithLossGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SpatialSoftmaxWithLossGradientOp(OperatorInit* init)
      : Operator<Context>(init), scale_(ReadLossScale(init)) {}

  absl::Status RunOnDevice() override {
    const bool weighted = InputSize() > 4;
    DOPPIO_ASSIGN_OR_RETURN(const Pixels shape, CheckInputs(*this, weighted));
    const Tensor& labels = Input(1);
    const Tensor& p = Input(InputSize() - 2);
    const Tensor& dloss = Input(InputSize() - 1);
    if (p.dims() != Input(0).dims() || dloss.numel() != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "softmax ", DescribeInput(InputSize() - 2), " and dloss ", DescribeInput(InputSize() - 1),
          " do not belong to logits ", DescribeInput(0)));
    }
    return DispatchType(TypeList<float, double>(), p.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      return DispatchType(LabelTypes(), labels.dtype(), [&](auto label_tag) -> absl::Status {
        const auto label = labels.span<typename decltype(label_tag)::type>();
        DOPPIO_RETURN_IF_ERROR(CheckLabels(label, shape.classes, kNoLabel));
        const T* weights = weighted ? Input(2).template data<T>() : nullptr;
        const double total = TotalWeight(label, weights);
        const double scale =
            total == 0 ? 0 : scale_ / total * static_cast<double>(*dloss.data<T>());
        DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, p.dtype(), p.dims()));
        const T* in = p.data<T>();
        T* out = dx->mutable_data<T>();
        shape.ForEachRun([=](int64_t i, int64_t count) {
          for (int64_t c = 0; c < shape.classes; ++c) {
            const int64_t row = shape.start(i) + c * shape.pixels;
            for (int64_t k = 0; k < count; ++k) {
              const auto of_pixel = label[i + k];
              const bool counts = of_pixel != kNoLabel && total != 0;
              const double weight = weights == nullptr ? 1 : static_cast<double>(weights[i + k]);
              const double difference = static_cast<double>(in[row + k]) - (of_pixel == c ? 1 : 0);
              out[row + k] = counts ? static_cast<T>(difference * weight * scale) : T(0);
            }
          }
        });
        return absl::OkStatus();
      });
    });
  }

 private:
  const float scale_;
};

DOPPIO_REGISTER_CPU_OPERATOR(SpatialSoftmaxWithLoss, SpatialSoftmaxWithLossOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SpatialSoftmaxWithLossGradient,
                             SpatialSoftmaxWithLossGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SpatialSoftmaxWithLoss, GetSoftmaxLossGradient);

}  // namespace
}  // namespace doppio
