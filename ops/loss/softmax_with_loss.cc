#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/loss/labels.h"
#include "ops/loss/loss_scale.h"
#include "src/kernel/softmax.h"

namespace doppio {
namespace {

// Probabilities below this count as this much, so that their logarithm is finite.
constexpr double kLogThreshold = 1e-20;
constexpr double kSumTolerance = 1e-5;

// The arguments, and the checks that both directions share.
struct LossArguments {
  explicit LossArguments(ArgumentReader* args)
      : axis(args->GetSingleArgument<int>("axis")),
        scale(ReadLossScale(args)),
        label_prob(args->GetSingleArgument<bool>("label_prob")),
        average_by_batch_size(args->GetSingleArgument<bool>("average_by_batch_size")) {}

  int axis;
  float scale;
  bool label_prob;
  bool average_by_batch_size;
};

struct Batch {
  int64_t n;  // examples
  int64_t d;  // classes
};

absl::StatusOr<Batch> BatchOf(const LossArguments& args, DimsView x, DimsView labels,
                              const DimsView* weights) {
  DOPPIO_ASSIGN_OR_RETURN(int axis, CanonicalAxis(args.axis, static_cast<int>(x.size())));
  const Batch batch{SizeToDim(x, axis), SizeFromDim(x, axis)};
  const int64_t columns = args.label_prob ? batch.d : 1;
  const bool fits = static_cast<int>(labels.size()) >= axis && SizeToDim(labels, axis) == batch.n &&
                    SizeFromDim(labels, axis) == columns;
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("logits ", ShapeToString(x), " with axis ", axis, " are ", batch.n,
                     " examples of ", batch.d, " classes, which take ",
                     args.label_prob ? "as many probabilities" : "a label each",
                     ", but the labels are ", ShapeToString(labels)));
  }
  if (weights != nullptr) {
    DOPPIO_ASSIGN_OR_RETURN(int64_t count, NumElements(*weights));
    if (count != batch.n) {
      return absl::InvalidArgumentError(absl::StrCat(
          batch.n, " examples take as many weights, but they are ", ShapeToString(*weights)));
    }
  }
  return batch;
}

// Every row of `labels` is a probability distribution.
template <typename T>
absl::Status CheckDistributions(const T* labels, Batch batch) {
  for (int64_t i = 0; i < batch.n; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < batch.d; ++j) {
      const T label = labels[i * batch.d + j];
      if (!(label >= 0)) {
        return absl::InvalidArgumentError(absl::StrCat("the label of example ", i, " gives class ",
                                                       j, " the probability ", label));
      }
      sum += label;
    }
    if (!(std::abs(sum - 1) < kSumTolerance)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the probabilities of example ", i, "'s label add up to ", sum, ", must be 1 +- 1e-5"));
    }
  }
  return absl::OkStatus();
}

// What the losses, summed with their weights, are divided by: 0 when there is no weight at all.
template <typename T>
double Denominator(const LossArguments& args, const T* weights, int64_t n) {
  double sum = static_cast<double>(n);
  if (weights != nullptr) {
    sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += weights[i];
  }
  return sum != 0 && args.average_by_batch_size ? static_cast<double>(n) : sum;
}

OpSchema& AddArguments(OpSchema& schema) {
  return schema.Arg<int>("axis", "the first dimension of the logits that counts as class", 1)
      .FillUsing(StateLossScale)
      .Arg<bool>("label_prob", "whether labels are probabilities instead of classes", false)
      .Arg<bool>("average_by_batch_size",
                 "whether the loss is divided by the number of examples instead of their weight",
                 false);
}

[[maybe_unused]] const OpSchema& schema =
    AddArguments(OpSchemaRegistry::NewSchema("SoftmaxWithLoss", __FILE__, __LINE__))
        .NumInputs(2, 3)
        .NumOutputs(2)
        .Doc(R"DOC(
Softmax, and the cross entropy of its result P and labels, averaged over the examples with their
weights (1 each where none are given):

  loss = scale * sum_i(-w[i] * log(P[i, label[i]])) / sum_i(w[i])

With label_prob the labels are distributions q instead of classes, and the logarithm becomes
sum_j(q[i,j] * log(max(P[i,j], 1e-20))). The loss is 0 where the weights add up to 0: for a batch of
0 too. Logits of other ranks are read as a matrix: dimensions from `axis` on are the classes.
)DOC")
        .Input(0, "logits", "[N,D] of float or double: log probabilities, not normalised")
        .Input(
            1, "labels",
            "[N] or [N,1] of int32 or int64 in [0,D); with label_prob [N,D] of the logits' type, "
            "where every row adds up to 1")
        .Input(2, "weights", "[N] of the logits' type: the weight of every example")
        .Output(0, "softmax", "probabilities P, of the logits' shape and type")
        .Output(1, "loss", "scalar of the logits' type")
        .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
          return 4 * SizeFromDim(*inputs[0].dims, 0);
        })
        .TensorInference([](InferenceContext* context) -> absl::Status {
          const bool weighted = context->InputSize() > 2;
          const DimsView weights = weighted ? context->dims(2) : DimsView();
          DOPPIO_RETURN_IF_ERROR(BatchOf(LossArguments(context), context->dims(0), context->dims(1),
                                         weighted ? &weights : nullptr)
                                     .status());
          context->SetOutput(0, context->dtype(0), context->dims(0));
          context->SetOutput(1, context->dtype(0), {});
          return absl::OkStatus();
        });

template <class Context>
class SoftmaxWithLossOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SoftmaxWithLossOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& labels = Input(1);
    const bool weighted = InputSize() > 2;
    const DimsView weights = weighted ? Input(2).dims() : DimsView();
    DOPPIO_ASSIGN_OR_RETURN(Batch batch,
                            BatchOf(args_, x.dims(), labels.dims(), weighted ? &weights : nullptr));
    if ((args_.label_prob && labels.dtype() != x.dtype()) ||
        (weighted && Input(2).dtype() != x.dtype())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "weights, and labels that are probabilities, must have the logits' type: they are ",
          DescribeInput(0), ", ", DescribeInput(1), weighted ? ", " : "",
          weighted ? DescribeInput(2) : ""));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const T* w = weighted ? Input(2).template data<T>() : nullptr;
      if (args_.label_prob) {
        DOPPIO_RETURN_IF_ERROR(CheckDistributions(labels.data<T>(), batch));
        DOPPIO_RETURN_IF_ERROR(RunSoftmax<T>(batch));
        return SetLoss(DistributionLoss(Output0<T>(), labels.data<T>(), w, batch), w, batch);
      }
      return DispatchType(LabelTypes(), labels.dtype(), [&](auto label_tag) -> absl::Status {
        const auto label = labels.span<typename decltype(label_tag)::type>();
        DOPPIO_RETURN_IF_ERROR(CheckLabels(label, batch.d));
        DOPPIO_RETURN_IF_ERROR(RunSoftmax<T>(batch));
        const T* in = x.data<T>();
        const T* row_max = row_max_.data<T>();
        const T* log_norm = log_norm_.data<T>();
        double loss = 0;
        for (int64_t i = 0; i < batch.n; ++i) {
          const T log_p = in[i * batch.d + label[i]] - row_max[i] - log_norm[i];
          loss -= static_cast<double>(log_p) * (w == nullptr ? 1 : w[i]);
        }
        return SetLoss(loss, w, batch);
      });
    });
  }

 private:
  template <typename T>
  const T* Output0() {
    return OutputBlob(0)->template Get<Tensor>()->template data<T>();
  }

  template <typename T>
  absl::Status RunSoftmax(Batch batch) {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * p, Output(0, x.dtype(), x.dims()));
    DOPPIO_RETURN_IF_ERROR(row_max_.Resize(x.dtype(), {batch.n}));
    DOPPIO_RETURN_IF_ERROR(log_norm_.Resize(x.dtype(), {batch.n}));
    Softmax(x.data<T>(), batch.n, batch.d, p->mutable_data<T>(), row_max_.mutable_data<T>(),
            log_norm_.mutable_data<T>(), &context_);
    return absl::OkStatus();
  }

  template <typename T>
  static double DistributionLoss(const T* p, const T* labels, const T* weights, Batch batch) {
    double loss = 0;
    for (int64_t i = 0; i < batch.n; ++i) {
      double example = 0;
      for (int64_t j = i * batch.d; j < (i + 1) * batch.d; ++j)
        example -= std::log(std::max(p[j], static_cast<T>(kLogThreshold))) * labels[j];
      loss += example * (weights == nullptr ? 1 : weights[i]);
    }
    return loss;
  }

  template <typename T>
  absl::Status SetLoss(double loss, const T* weights, Batch batch) {
    const double denominator = Denominator(args_, weights, batch.n);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(1, DataTypeOf<T>::value, {}));
    *output->mutable_data<T>() =
        denominator == 0 ? T(0) : static_cast<T>(loss * args_.scale / denominator);
    return absl::OkStatus();
  }

  const LossArguments args_;
  Tensor row_max_;   // of every example
  Tensor log_norm_;  // log(sum(exp(x - max))) of every example
};

[[maybe_unused]] const OpSchema& gradient_schema =
    AddArguments(OpSchemaRegistry::NewSchema("SoftmaxWithLossGradient", __FILE__, __LINE__))
        .NumInputs(4, 5)
        .NumOutputs(1)
        .Doc(R"DOC(
The gradient of SoftmaxWithLoss: dX[i] = w[i] * (P[i] - q[i]) * scale * dloss / sum(w), where q[i] is
the label's distribution (1 for its class, 0 elsewhere).
)DOC")
        .Input(0, "logits", "the first input of SoftmaxWithLoss")
        .Input(1, "labels", "its second input")
        .Input(2, "weights", "its third input, if it has one; else the following move up by one")
        .Input(3, "softmax", "its first output, P")
        .Input(4, "dloss", "gradient of its second output: one element")
        .Output(0, "dX", "gradient of the logits")
        .IdenticalTypeAndShape();

template <class Context>
class SoftmaxWithLossGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SoftmaxWithLossGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& labels = Input(1);
    const Tensor& p = Input(InputSize() - 2);
    const Tensor& dloss = Input(InputSize() - 1);
    const bool weighted = InputSize() > 4;
    const DimsView weights = weighted ? Input(2).dims() : DimsView();
    DOPPIO_ASSIGN_OR_RETURN(Batch batch,
                            BatchOf(args_, x.dims(), labels.dims(), weighted ? &weights : nullptr));
    if (p.dims() != x.dims() || dloss.numel() != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "softmax ", DescribeInput(InputSize() - 2), " and dloss ", DescribeInput(InputSize() - 1),
          " do not belong to logits ", DescribeInput(0)));
    }
    for (int i = 2; i < InputSize(); ++i) {
      if (Input(i).dtype() != x.dtype()) {
        return absl::InvalidArgumentError(
            absl::StrCat(DescribeInput(i), " must have the type of the logits ", DescribeInput(0)));
      }
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const T* w = weighted ? Input(2).template data<T>() : nullptr;
      const double denominator = Denominator(args_, w, batch.n);
      const double scale =
          denominator == 0 ? 0 : args_.scale / denominator * static_cast<double>(*dloss.data<T>());
      if (args_.label_prob) {
        if (labels.dtype() != x.dtype()) {
          return absl::InvalidArgumentError(absl::StrCat(
              "labels ", DescribeInput(1), " must have the type of the logits ", DescribeInput(0)));
        }
        const T* q = labels.data<T>();
        return Differences<T>(p, batch, w, scale, [&](int64_t i, T* row) {
          for (int64_t j = 0; j < batch.d; ++j) row[j] -= q[i * batch.d + j];
        });
      }
      return DispatchType(LabelTypes(), labels.dtype(), [&](auto label_tag) -> absl::Status {
        const auto label = labels.span<typename decltype(label_tag)::type>();
        DOPPIO_RETURN_IF_ERROR(CheckLabels(label, batch.d));
        return Differences<T>(p, batch, w, scale, [&](int64_t i, T* row) { row[label[i]] -= 1; });
      });
    });
  }

 private:
  // dX = scale * weight * (P - q), where `subtract` takes q[i] from row i.
  template <typename T, typename Subtract>
  absl::Status Differences(const Tensor& p, Batch batch, const T* weights, double scale,
                           Subtract subtract) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, p.dtype(), p.dims()));
    const T* in = p.data<T>();
    T* out = dx->mutable_data<T>();
    if (batch.d == 0) return absl::OkStatus();
    for (int64_t i = 0; i < batch.n; ++i) {
      T* row = out + i * batch.d;
      std::copy_n(in + i * batch.d, batch.d, row);
      subtract(i, row);
      const T factor = static_cast<T>(weights == nullptr ? scale : scale * weights[i]);
      for (int64_t j = 0; j < batch.d; ++j) row[j] *= factor;
    }
    return absl::OkStatus();
  }

  const LossArguments args_;
};

DOPPIO_REGISTER_CPU_OPERATOR(SoftmaxWithLoss, SoftmaxWithLossOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SoftmaxWithLossGradient, SoftmaxWithLossGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SoftmaxWithLoss, GetSoftmaxLossGradient);

}  // namespace
}  // namespace doppio
