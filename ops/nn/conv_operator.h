#ifndef DOPPIO_OPS_NN_CONV_OPERATOR_H_
#define DOPPIO_OPS_NN_CONV_OPERATOR_H_

// What Conv and ConvTranspose, and their gradients, have in common: nearly everything, since each
// is made of the other's parts.

#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/operator.h"
#include "doppio/registry.h"
#include "ops/nn/same_types.h"
#include "ops/nn/window_arguments.h"
#include "src/dnn/convolution.h"
#include "src/kernel/elementwise_unary.h"

namespace doppio {

constexpr WindowUse ConvUse(bool transposed) {
  return transposed ? WindowUse::kTransposedConvolution : WindowUse::kConvolution;
}

inline absl::StatusOr<ConvShape> ShapeOf(bool transposed, const WindowSettings& settings,
                                         DimsView x, DimsView w) {
  return transposed ? ShapeOfConvTranspose(settings, x, w) : ShapeOfConv(settings, x, w);
}
// Of the output, for ConvTranspose the image.
inline Dims ConvOutputDims(bool transposed, const ConvShape& shape) {
  return transposed ? shape.image() : shape.places();
}
inline int64_t ConvOutputChannels(bool transposed, const ConvShape& shape) {
  return transposed ? shape.in_channels : shape.out_channels;
}

// Everything but the documentation.
void StateConv(OpSchema& schema, bool transposed);
void StateConvGradient(OpSchema& schema, bool transposed);

// Which outputs of a gradient operator are which; -1: not there.
struct ConvGradientOutputs {
  ConvGradientOutputs(ArgumentReader* reader, int count)
      : bias(reader->GetSingleArgument<bool>("no_bias") ? -1 : 1), x(bias == -1 ? 1 : 2) {
    if (count > x + 1 || count < x) {
      reader->Fail(absl::InvalidArgumentError(
          absl::StrCat("outputs must be dW", bias == -1 ? "" : ", db", " and perhaps dX",
                       bias == -1 ? " (no_bias is set)" : "", ", but there are ", count)));
    }
    if (count <= x) x = -1;
  }
  int bias;
  int x;
};

// Of kRectified, what is below 0 becomes 0.
template <class Context, bool kTransposed, bool kRectified = false>
class ConvOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ConvOp(OperatorInit* init)
      : Operator<Context>(init), settings_(ReadWindowArguments(init, ConvUse(kTransposed))) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& w = Input(1);
    const Tensor* b = InputSize() > 2 ? &Input(2) : nullptr;
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const ConvShape shape,
                            ShapeOf(kTransposed, settings_, x.dims(), w.dims()));
    if (b != nullptr)
      DOPPIO_RETURN_IF_ERROR(CheckConvBias(ConvOutputChannels(kTransposed, shape), b->dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), ConvOutputDims(kTransposed, shape)));
      DOPPIO_RETURN_IF_ERROR(compute_.Run(shape, x.data<T>(), w.data<T>(),
                                          b == nullptr ? nullptr : b->data<T>(),
                                          y->mutable_data<T>(), &context_));
      if constexpr (kRectified) Relu(y->data<T>(), y->mutable_data<T>(), y->numel(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const WindowSettings settings_;
  std::conditional_t<kTransposed, ConvolutionBackwardData, ConvolutionForward> compute_;
};

template <class Context, bool kTransposed>
class ConvGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ConvGradientOp(OperatorInit* init)
      : Operator<Context>(init),
        settings_(ReadWindowArguments(init, ConvUse(kTransposed))),
        outputs_(init, init->def().output_size()) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& w = Input(1);
    const Tensor& dy = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const ConvShape shape,
                            ShapeOf(kTransposed, settings_, x.dims(), w.dims()));
    const Dims y = ConvOutputDims(kTransposed, shape);
    if (dy.dims() != DimsView(y)) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY is ", DescribeInput(2), ", but the output is ", ShapeToString(y)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      return RunWithType<typename decltype(tag)::type>(shape, x, w, dy);
    });
  }

 private:
  template <typename T>
  absl::Status RunWithType(const ConvShape& shape, const Tensor& x, const Tensor& w,
                           const Tensor& dy) {
    const Tensor& image = kTransposed ? dy : x;
    const Tensor& places = kTransposed ? x : dy;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dw, Output(0, w.dtype(), w.dims()));
    DOPPIO_RETURN_IF_ERROR(
        weights_.Run(shape, image.data<T>(), places.data<T>(), dw->mutable_data<T>(), &context_));
    if (outputs_.bias >= 0) {
      const int64_t channels = ConvOutputChannels(kTransposed, shape);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * db, Output(outputs_.bias, w.dtype(), {channels}));
      DOPPIO_RETURN_IF_ERROR(SumOverImages(dy.dims(), settings_.channels_last, dy.data<T>(),
                                           db->mutable_data<T>(), &context_));
    }
    if (outputs_.x < 0) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(outputs_.x, x.dtype(), x.dims()));
    return data_.Run(shape, dy.data<T>(), w.data<T>(), static_cast<const T*>(nullptr),
                     dx->mutable_data<T>(), &context_);
  }

  const WindowSettings settings_;
  const ConvGradientOutputs outputs_;
  ConvolutionBackwardWeights weights_;
  std::conditional_t<kTransposed, ConvolutionForward, ConvolutionBackwardData> data_;
};

// The gradient of X is left out where the argument no_gradient_to_input says so, and that of the
// bias where there is none; `no_bias` is then added to the arguments.
class ConvGradientMaker : public GradientMakerBase {
 public:
  ConvGradientMaker(const OperatorDef& def, const std::vector<GradientWrapper>& g_output,
                    Argument no_bias)
      : GradientMakerBase(def, g_output), no_bias_(std::move(no_bias)) {}

 protected:
  std::vector<OperatorDef> GetGradientDefs() override;

 private:
  Argument no_bias_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_CONV_OPERATOR_H_
