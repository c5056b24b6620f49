#ifndef DOPPIO_OPS_LOSS_TOTAL_LOSS_H_
#define DOPPIO_OPS_LOSS_TOTAL_LOSS_H_

// Losses that are one number: the sum of what elements lose, times a factor. The operators are
//   <Loss>(X, ...) -> loss
//   <Loss>Gradient(X, ..., dloss) -> dX

#include <algorithm>
#include <vector>

#include "absl/types/span.h"
#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/loss/loss_scale.h"

namespace doppio {

// The sum of loss(i) over [0, n), in pieces that do not depend on the number of threads.
class LossSum {
 public:
  template <typename F>
  double operator()(int64_t n, F loss) {
    constexpr int64_t kPiece = 2048;
    pieces_.assign(static_cast<size_t>((n + kPiece - 1) / kPiece), 0.0);
    ParallelFor(static_cast<int64_t>(pieces_.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        double sum = 0;
        for (int64_t i = p * kPiece; i < std::min(n, (p + 1) * kPiece); ++i) sum += loss(i);
        pieces_[static_cast<size_t>(p)] = sum;
      }
    });
    double total = 0;
    for (double sum : pieces_) total += sum;
    return total;
  }

 private:
  std::vector<double> pieces_;  // kept from run to run
};

// The only element of a tensor of float or double, which is called `name`.
inline absl::StatusOr<double> ReadNumber(const Tensor& tensor, absl::string_view name) {
  if (tensor.numel() == 1 && tensor.Is<float>()) return double{*tensor.data<float>()};
  if (tensor.numel() == 1 && tensor.Is<double>()) return *tensor.data<double>();
  return absl::InvalidArgumentError(absl::StrCat(name, " must be one element of float or double, ",
                                                 "but is ", tensor.TypeAndShape()));
}

// What a loss is divided by: max(1, normalizer), and NaN for NaN.
inline absl::StatusOr<double> ReadNormalizer(const Tensor& tensor) {
  DOPPIO_ASSIGN_OR_RETURN(const double normalizer, ReadNumber(tensor, "normalizer"));
  return normalizer < 1 ? 1 : normalizer;
}

using LossInputs = absl::Span<const Tensor* const>;

inline absl::Status CheckSameType(const Tensor& x, const Tensor& other, absl::string_view name) {
  if (other.dtype() == x.dtype()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " is ", other.TypeAndShape(),
                                                 ", but must have the type of ", x.TypeAndShape()));
}

// The schema of the gradient operator, whose inputs 1 to `inputs` - 1 are stated by the loss.
inline void StateTotalLossGradient(OpSchema& schema, int inputs) {
  schema.NumInputs(inputs + 1)
      .NumOutputs(1)
      .Input(inputs, "d_loss", "gradient of the loss: one element")
      .IdenticalTypeAndShape();
}

// A loss of each element of X. Loss has
//   static constexpr int kInputs;
//   explicit Loss(ArgumentReader*);
//   template <typename T> absl::StatusOr<Terms> Bind(LossInputs) const: checks the inputs, X's type
//     being T. Terms has `double factor`, and what element i loses and the derivative of that by
//     the element, both without the factor: `double Loss(int64_t i) const`, `double Slope(...)`.
template <class Context, class Loss>
class ElementLossOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ElementLossOp(OperatorInit* init) : Operator<Context>(init), loss_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor* inputs[Loss::kInputs];
    for (int i = 0; i < Loss::kInputs; ++i) inputs[i] = &Input(i);
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(const auto terms, (loss_.template Bind<T>(inputs)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * loss, Output(0, x.dtype(), {}));
      const double sum = sum_(x.numel(), [&](int64_t i) { return terms.Loss(i); });
      // Where there is nothing, the factor may be infinite.
      *loss->mutable_data<T>() = static_cast<T>(x.numel() == 0 ? 0 : terms.factor * sum);
      return absl::OkStatus();
    });
  }

 private:
  const Loss loss_;
  LossSum sum_;
};

template <class Context, class Loss>
class ElementLossGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ElementLossGradientOp(OperatorInit* init) : Operator<Context>(init), loss_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor* inputs[Loss::kInputs];
    for (int i = 0; i < Loss::kInputs; ++i) inputs[i] = &Input(i);
    DOPPIO_ASSIGN_OR_RETURN(const double dloss, ReadNumber(Input(Loss::kInputs), "d_loss"));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(const auto terms, (loss_.template Bind<T>(inputs)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, x.dtype(), x.dims()));
      T* dx = output->template mutable_data<T>();
      const double factor = terms.factor * dloss;
      ParallelFor(x.numel(), 2048, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) dx[i] = static_cast<T>(factor * terms.Slope(i));
      });
      return absl::OkStatus();
    });
  }

 private:
  const Loss loss_;
};

// Of any loss here whose gradient operator takes its inputs and then d_loss.
class GetTotalLossGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs;
    for (int i = 0; i < InputSize(); ++i) inputs.push_back(I(i));
    inputs.push_back(GO(0));
    return SingleGradientDef(Def().type() + "Gradient", "", inputs, {GI(0)});
  }
};

}  // namespace doppio

#endif  // DOPPIO_OPS_LOSS_TOTAL_LOSS_H_
