#include <optional>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "ops/nn/blocked_arguments.h"
#include "ops/nn/blocked_operator.h"
#include "ops/nn/window_arguments.h"
#include "src/dnn/conv_pieces.h"
#include "src/dnn/conv_shape.h"
#include "src/dnn/operand.h"
#include "src/dnn/own_convolution.h"
#include "src/dnn/packed_weights.h"

namespace doppio {
namespace {

[[maybe_unused]] const OpSchema& conv_schema =
    OpSchemaRegistry::NewSchema("BlockedConv", __FILE__, __LINE__)
        .FillUsing([](OpSchema& schema) {
          StateWindowArguments(schema, WindowUse::kConvolution);
          StatePostOperations(schema);
          StateChannelSlice(schema);
          StateBlocked(schema, "Conv", 3);
        })
        .Arg<bool>("winograd",
                   "whether 3 x 3 taps may be computed with fewer multiplications, and a larger "
                   "rounding error, where that is faster",
                   false)
        .NumInputs(2, 4)
        .AllowInplace({{2, 0}, {3, 0}})
        .Doc(R"DOC(
Conv, order NCHW, with packed weights and a blocked result. After X, W and the bias, if there is
one, comes the tensor that is added (`sum`), or, where the result is a part of a larger tensor
(`into_channels`) and not the first one, that tensor.
)DOC")
        .Input(0, "X", "image, [N, C, spatial...]")
        .Input(1, "W", "the weights, as PackWeights makes them")
        .Input(2, "b", "optional: the bias, a vector of the output's channels");

class BlockedConvOp final : public BlockedOperator {
 public:
  explicit BlockedConvOp(OperatorInit* init)
      : BlockedOperator(init),
        settings_(ReadWindowArguments(init, WindowUse::kConvolution)),
        post_(ReadPostOperations(init)),
        slice_(ReadChannelSlice(init)),
        may_use_winograd_(init->GetSingleArgument<bool>("winograd")),
        has_bias_(InputSize() > 2 + ExtraInputs()) {
    const int wanted = 2 + (has_bias_ ? 1 : 0) + ExtraInputs();
    if (InputSize() != wanted) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there must be ", wanted, " inputs, but there are ", InputSize())));
    }
    if (slice_.is_part() && post_.has_sum()) {
      init->Fail(absl::InvalidArgumentError("a part of a larger tensor can not be added to"));
    }
    if (settings_.channels_last) init->Unsupported("blocked convolutions are for order NCHW");
  }

  absl::Status RunOnDevice() override {
    bool changed = false;
    DOPPIO_RETURN_IF_ERROR(Look(0, &changed));
    for (int i = 2; i < InputSize(); ++i) DOPPIO_RETURN_IF_ERROR(Look(i, &changed));
    if (changed) {
      conv_.Reset();
      own_.reset();
    }
    if (own_ == nullptr && !conv_.IsFor({})) DOPPIO_RETURN_IF_ERROR(Prepare());

    DOPPIO_ASSIGN_OR_RETURN(const void* x, source_.Read(data(0)));
    DOPPIO_ASSIGN_OR_RETURN(BlockedTensor * whole, Target());
    void* y = whole->mutable_data();
    if (slice_.is_part()) {
      DOPPIO_ASSIGN_OR_RETURN(y, slice_.Target(whole->mutable_data()));
    }
    DOPPIO_RETURN_IF_ERROR(Convolve(x, has_bias_ ? data(2) : nullptr, y));
    return slice_.is_part() ? slice_.Finish(whole->mutable_data()) : absl::OkStatus();
  }

 private:
  using PrimitiveDesc = dnnl::convolution_forward::primitive_desc;

  static constexpr int kSourceSlot = 1;  // of DnnlScratch

  int ExtraInputs() const { return post_.has_sum() || slice_.continues() ? 1 : 0; }
  // The input whose elements the output begins with: what is added to, or other parts; or -1.
  int CarriedInput() const { return ExtraInputs() > 0 ? InputSize() - 1 : -1; }

  absl::Status Convolve(const void* x, const void* bias, void* y) {
    if (own_ != nullptr) return own_->Run(x, bias, y);
    conv_.Bind(0, x);
    conv_.Bind(1, weights_->raw_data());
    conv_.Bind(2, y);
    if (has_bias_) conv_.Bind(3, bias);
    std::optional<SerialScope> serial;
    if (serial_) serial.emplace();
    return conv_.Execute();
  }

  absl::Status Prepare() {
    const auto* packed = InputBlob(1).Get<PackedWeights>();
    if (packed == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(1), " must be weights that PackWeights made"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const ConvShape shape, ShapeOfConv(settings_, dims(0), packed->dims()));
    if (!shape.window.IsOrdinary()) {
      return absl::UnimplementedError("oneDNN has no such window; run the net without optimizing");
    }
    const int64_t channels = shape.out_channels;
    if (has_bias_) DOPPIO_RETURN_IF_ERROR(CheckConvBias(channels, dims(2)));
    return CallDnnl([&]() -> absl::Status {
      const DnnlConv conv(shape);
      const dnnl::memory::desc output = conv.places;
      if (post_.has_sum() && desc(CarriedInput()).dims() != output.dims()) {
        return absl::InvalidArgumentError(
            absl::StrCat("what is added has the shape ", ShapeToString(dims(CarriedInput())),
                         ", must have that of the result, ", ShapeToString(output.dims())));
      }
      PrimitiveDesc best = Choose(conv, output, channels);
      serial_ = !IsFast(best);
      if (serial_) {  // the bits that such a one gives depend on the number of threads
        const OpenMpThreads one(1);
        best = Choose(conv, output, channels);
      }
      OwnConvolutionOptions options = {desc(0), Wanted(output)};
      options.may_use_winograd = may_use_winograd_;
      options.onednn_is_fast = !serial_;
      DOPPIO_ASSIGN_OR_RETURN(own_, MakeOwnConvolution(shape, *packed, post_, options));
      const dnnl::memory::desc source = own_ != nullptr ? own_->image() : best.src_desc();
      target_ = own_ != nullptr ? own_->places() : best.dst_desc();
      DOPPIO_RETURN_IF_ERROR(source_.InitInput(desc(0), source, kSourceSlot));
      if (slice_.is_part()) {
        DOPPIO_RETURN_IF_ERROR(slice_.Init(target_, Whole()));
        target_ = slice_.whole();
      }
      if (own_ != nullptr) return absl::OkStatus();
      DOPPIO_ASSIGN_OR_RETURN(weights_, packed->Get(conv.filter, best.weights_desc()));
      return InitConv(best, channels);
    });
  }

  // Layouts: the input's own where oneDNN is fast with it, else one of its choice.
  PrimitiveDesc Choose(const DnnlConv& conv, const dnnl::memory::desc& output, int64_t channels) {
    constexpr int64_t kImageChannels = 4;  // oneDNN's first convolutions read plain pictures
    const dnnl::memory::desc target = Wanted(output);
    const bool try_own = !IsPlain(0) || desc(0).dims()[1] <= kImageChannels;
    const dnnl::primitive_attr attributes = post_.Attributes();
    if (try_own) {
      PrimitiveDesc own(Describe(conv, desc(0), target, channels), attributes, DnnlEngine(),
                        /*allow_empty=*/true);
      if (own.get(true) != nullptr && IsFast(own)) return own;
    }
    return PrimitiveDesc(Describe(conv, DnnlAnyLayout(desc(0)), target, channels), attributes,
                         DnnlEngine());
  }

  // The layout that the result has to have, or any.
  dnnl::memory::desc Wanted(const dnnl::memory::desc& output) const {
    if (post_.has_sum()) return desc(CarriedInput());
    return slice_.is_part() ? slice_.Wanted(output, Whole()) : DnnlAnyLayout(output);
  }

  dnnl::memory::desc Whole() const {
    return slice_.continues() ? desc(CarriedInput()) : dnnl::memory::desc();
  }

  dnnl::convolution_forward::desc Describe(const DnnlConv& conv, const dnnl::memory::desc& source,
                                           const dnnl::memory::desc& target,
                                           int64_t channels) const {
    const auto kind = dnnl::prop_kind::forward_inference;
    const dnnl::memory::desc weights = DnnlAnyLayout(conv.filter);
    const dnnl::memory::desc bias = has_bias_ ? DnnlRowMajor({channels}) : dnnl::memory::desc();
    return {kind,          dnnl::algorithm::convolution_direct,
            source,        weights,
            bias,          target,
            conv.strides,  conv.dilates,
            conv.pad_head, conv.pad_tail};
  }

  absl::Status InitConv(const PrimitiveDesc& desc, int64_t channels) {
    std::vector<DnnlPrimitive::Argument> arguments = {{DNNL_ARG_SRC, desc.src_desc()},
                                                      {DNNL_ARG_WEIGHTS, desc.weights_desc()},
                                                      {DNNL_ARG_DST, desc.dst_desc()}};
    if (has_bias_) arguments.push_back({DNNL_ARG_BIAS, DnnlRowMajor({channels})});
    return conv_.Init(desc, arguments);
  }

  // The output, which already holds what the convolution is to be added to, or other parts.
  absl::StatusOr<BlockedTensor*> Target() {
    const int carried = CarriedInput();
    return carried < 0 ? BlockedOutput(target_) : CarriedOutput(carried, target_);
  }

  const WindowSettings settings_;
  const PostOperations post_;
  ChannelSlice slice_;
  const bool may_use_winograd_;
  const bool has_bias_;
  bool serial_ = false;
  DnnlOperand source_;
  std::shared_ptr<const Tensor> weights_;
  dnnl::memory::desc target_;
  DnnlPrimitive conv_;
  std::unique_ptr<OwnConvolution> own_;  // instead
};

DOPPIO_REGISTER_CPU_OPERATOR(BlockedConv, BlockedConvOp);
DOPPIO_NO_GRADIENT(BlockedConv);

}  // namespace
}  // namespace doppio
