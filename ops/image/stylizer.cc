// The two ends of style transfer nets: pictures as phones hold them, and planes of floats.

#include <cmath>
#include <random>

#include "doppio/gradient_maker.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"
#include "src/kernel/packed_pixels.h"

namespace doppio {
namespace {

// The shape of the picture `x` in the other form.
absl::StatusOr<Dims> OtherShape(DimsView x, DimsView mean, bool packed) {
  if (x.size() != 4 || x[packed ? 3 : 1] != (packed ? 4 : 3)) {
    return absl::InvalidArgumentError(absl::StrCat("X must be ", packed ? "[N,H,W,4]" : "[N,3,H,W]",
                                                   ", but is ", ShapeToString(x)));
  }
  DOPPIO_ASSIGN_OR_RETURN(const int64_t means, NumElements(mean));
  if (means != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("mean must have 3 elements, one for a channel, but is ", ShapeToString(mean)));
  }
  const Dims y = packed ? Dims{x[0], 3, x[1], x[2]} : Dims{x[0], x[2], x[3], 4};
  DOPPIO_RETURN_IF_ERROR(NumElements(y).status());
  return y;
}

template <bool kPacked>
absl::Status Infer(InferenceContext* context) {
  DOPPIO_ASSIGN_OR_RETURN(const Dims y, OtherShape(context->dims(0), context->dims(1), kPacked));
  context->SetOutput(0, kPacked ? DataType::kFloat : DataType::kUInt8, y);
  return absl::OkStatus();
}

absl::Status CheckTypes(const Tensor& x, DataType wanted, const Tensor& mean) {
  if (x.dtype() == wanted && mean.Is<float>()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("X must be ", DataTypeName(wanted),
                                                 " and mean float, but they are ", x.TypeAndShape(),
                                                 " and ", mean.TypeAndShape()));
}

constexpr int64_t kMostNoise = int64_t{1} << 24;

DOPPIO_OPERATOR_SCHEMA(PackedInt8BGRANHWCToNCHWCStylizerPreprocess)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes planes of floats of packed pixels: Y[n,c,h,w] = X[n,h,w,c] - mean[c] + noise, for the channels
blue, green and red; alpha is dropped.

The noise is drawn once, on the first run, from the normal distribution around 0: noise_size numbers,
which are used again and again from the start of each picture on, channel after channel of pixel after
pixel. A random_seed in the device option makes them repeatable. Each operator has noise of its own.
)DOC")
    .Arg<float>("noise_std", "standard deviation of the noise; 0: none", 10.0f)
    .Arg<int64_t>("noise_size", "how many numbers of noise there are", 491)
    .Input(0, "X", "uint8 [N,H,W,4]: pixels of blue, green, red, alpha")
    .Input(1, "mean", "3 floats: of blue, green, red")
    .Output(0, "Y", "float [N,3,H,W]")
    .Flops([](const OperatorDef&, const auto&, const std::vector<TensorInfo>& outputs) {
      return 2 * SizeFromDim(*outputs[0].dims, 0);
    })
    .TensorInference(Infer<true>);

template <class Context>
class StylizerPreprocessOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit StylizerPreprocessOp(OperatorInit* init)
      : Operator<Context>(init),
        noise_std_(init->GetSingleArgument<float>("noise_std")),
        noise_size_(init->GetSingleArgument<int64_t>("noise_size")) {
    if (!(noise_std_ >= 0) || !std::isfinite(noise_std_)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("noise_std must be 0 or more, but is ", noise_std_)));
    }
    if (noise_size_ < 1 || noise_size_ > kMostNoise) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("noise_size must be from 1 to ", kMostNoise, ", but is ", noise_size_)));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& mean = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckTypes(x, DataType::kUInt8, mean));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, OtherShape(x.dims(), mean.dims(), true));
    PlaneNoise noise = {};
    if (noise_std_ > 0) {
      DOPPIO_RETURN_IF_ERROR(MakeNoise());
      const float* channels = noise_.data<float>();
      noise = {{channels, channels + noise_size_, channels + 2 * noise_size_}, noise_size_};
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, dims));
    UnpackPixels(x.data<uint8_t>(), dims[0], SizeFromDim(dims, 2), mean.data<float>(), noise,
                 y->mutable_data<float>(), &context_);
    return absl::OkStatus();
  }

 private:
  // noise_ [3, noise_size]: what the channels of pixel 0, 1, 2, ... get when the numbers are dealt
  // out in turn.
  absl::Status MakeNoise() {
    if (noise_.numel() > 0) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(Tensor drawn, Tensor::Create(DataType::kFloat, {noise_size_}));
    DOPPIO_ASSIGN_OR_RETURN(Tensor dealt, Tensor::Create(DataType::kFloat, {3, noise_size_}));
    std::normal_distribution<float> distribution(0.0f, noise_std_);
    float* numbers = drawn.mutable_data<float>();
    for (int64_t i = 0; i < noise_size_; ++i) numbers[i] = distribution(context_.RandomGenerator());
    float* out = dealt.mutable_data<float>();
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t i = 0; i < noise_size_; ++i) *out++ = numbers[(3 * i + c) % noise_size_];
    }
    noise_ = std::move(dealt);
    return absl::OkStatus();
  }

  const float noise_std_;
  const int64_t noise_size_;
  Tensor noise_;
};

DOPPIO_OPERATOR_SCHEMA(BRGNCHWCToPackedInt8BGRAStylizerDeprocess)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes packed pixels of planes of floats: Y[n,h,w,c] = X[n,c,h,w] + mean[c], cut off to [0, 255] and
to whole numbers (towards 0); alpha is 255.
)DOC")
    .Input(0, "X", "float [N,3,H,W]: blue, green, red")
    .Input(1, "mean", "3 floats: of blue, green, red")
    .Output(0, "Y", "uint8 [N,H,W,4]: pixels of blue, green, red, alpha")
    .TensorInference(Infer<false>);

template <class Context>
class StylizerDeprocessOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit StylizerDeprocessOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& mean = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckTypes(x, DataType::kFloat, mean));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, OtherShape(x.dims(), mean.dims(), false));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kUInt8, dims));
    PackPixels(x.data<float>(), dims[0], SizeBetween(dims, 1, 3), mean.data<float>(),
               y->mutable_data<uint8_t>(), &context_);
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(PackedInt8BGRANHWCToNCHWCStylizerPreprocess,
                             StylizerPreprocessOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(BRGNCHWCToPackedInt8BGRAStylizerDeprocess,
                             StylizerDeprocessOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(PackedInt8BGRANHWCToNCHWCStylizerPreprocess);
DOPPIO_SHOULD_NOT_DO_GRADIENT(BRGNCHWCToPackedInt8BGRAStylizerDeprocess);

}  // namespace
}  // namespace doppio
