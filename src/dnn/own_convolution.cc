#include "src/dnn/own_convolution.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "src/base/threads.h"
#include "src/dnn/channel_layout.h"
#include "src/kernel/convolve_groups.h"
#include "src/kernel/winograd.h"

namespace doppio {
namespace {

bool AreAll(const Dims& numbers, int64_t value) { return numbers == Dims(numbers.size(), value); }

bool IsBlocked(const dnnl::memory::desc& desc) {
  const ChannelLayout* layout = ChannelLayoutOf(desc);
  return layout != nullptr && layout->group > 1;
}

// The blocks in which oneDNN's convolutions have channels on this processor.
int64_t BlockHere() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  const bool is_narrow = isa == dnnl::cpu_isa::sse41 || isa == dnnl::cpu_isa::avx ||
                         isa == dnnl::cpu_isa::avx2 || isa == dnnl::cpu_isa::avx2_vnni;
  return is_narrow ? 8 : 16;
}

// Channels of a block, for the image and places: those that one of them has, where that is said.
int64_t BlockFor(const OwnConvolutionOptions& options) {
  if (IsBlocked(options.image)) return ChannelLayoutOf(options.image)->group;
  if (IsBlocked(options.places)) return ChannelLayoutOf(options.places)->group;
  return BlockHere();
}

std::optional<ConvolutionEnding> EndingOf(const PostOperations& post) {
  using Activation = ConvolutionEnding::Activation;
  const DnnlActivation& activation = post.activation();
  ConvolutionEnding ending;
  ending.adds = post.has_sum();
  switch (activation.algorithm) {
    case dnnl::algorithm::undef:
      return ending;
    case dnnl::algorithm::eltwise_relu:
      ending.activation = Activation::kRelu;
      ending.slope = activation.alpha;
      return ending;
    case dnnl::algorithm::eltwise_clip:
      ending.activation = Activation::kClip;
      ending.least = activation.alpha;
      ending.most = activation.beta;
      return ending;
    default:
      return std::nullopt;
  }
}

const float* Floats(const Tensor& tensor) { return static_cast<const float*>(tensor.raw_data()); }

class Winograd final : public OwnConvolution {
 public:
  Winograd(const ConvShape& shape, const ConvolutionEnding& ending) : ending_(ending) {
    const Window& window = shape.window;
    shape_ = {window.batch,
              shape.groups,
              shape.in_channels / shape.groups,
              shape.out_channels / shape.groups,
              window.in[0],
              window.in[1],
              window.out[0],
              window.out[1],
              window.pad_head[0],
              window.pad_head[1]};
  }

  static bool IsFor(const ConvShape& shape) {
    const Window& window = shape.window;
    return AreAll(window.kernel, 3) && AreAll(window.stride, 1) && AreAll(window.dilation, 1) &&
           shape.in_channels / shape.groups % kWinogradLanes == 0 &&
           shape.out_channels / shape.groups % kWinogradLanes == 0;
  }

  // Filters are four times as large as before: few tiles cost as much to read them as they save,
  // and the memory besides. Tiles should be well filled, and sums long enough to pay for the
  // transforms.
  bool Pays() const {
    constexpr int64_t kLeastTiles = 8;
    constexpr int64_t kLeastPlaces = 8;  // of the 16 of a tile
    const int64_t least_channels = shape_.groups == 1 ? 16 : 32;
    const int64_t tiles = WinogradTiles(shape_);
    return tiles >= kLeastTiles &&
           shape_.batch * shape_.out_rows * shape_.out_columns >= tiles * kLeastPlaces &&
           shape_.inputs >= least_channels && shape_.outputs >= least_channels;
  }

  absl::Status Init(const PackedWeights& weights, const dnnl::memory::desc& plain) {
    const WinogradFilterShape filters = {shape_.groups, shape_.outputs, shape_.inputs};
    DOPPIO_ASSIGN_OR_RETURN(w_, weights.Get(plain, plain));
    DOPPIO_ASSIGN_OR_RETURN(
        transformed_,
        weights.GetForm(absl::StrCat("winograd, groups ", shape_.groups), plain,
                        [&](const float* w, Tensor* to) -> absl::Status {
                          DOPPIO_RETURN_IF_ERROR(
                              to->Resize(DataType::kFloat, {WinogradFilterSize(filters)}));
                          CPUContext context;
                          TransformWinogradFilters(filters, w, to->mutable_data<float>(), &context);
                          return absl::OkStatus();
                        }));
    return absl::OkStatus();
  }

  absl::Status Run(const void* x, const void* bias, void* y) override {
    const int64_t pieces = WinogradPieces(shape_, ThreadsHere());
    const int64_t bytes = WinogradRoomSize(shape_, pieces) * static_cast<int64_t>(sizeof(float));
    DOPPIO_ASSIGN_OR_RETURN(void* room, DnnlScratch(0, bytes));
    CPUContext context;
    ConvolveWinograd(shape_, static_cast<const float*>(x),
                     {Floats(*w_), Floats(*transformed_), static_cast<const float*>(bias)}, ending_,
                     pieces, static_cast<float*>(room), static_cast<float*>(y), &context);
    return absl::OkStatus();
  }

 private:
  WinogradConvolution shape_;
  ConvolutionEnding ending_;
  std::shared_ptr<const Tensor> w_;
  std::shared_ptr<const Tensor> transformed_;
};

class Groups final : public OwnConvolution {
 public:
  Groups(const ConvShape& shape, int64_t block, const ConvolutionEnding& ending) : ending_(ending) {
    const Window& window = shape.window;
    shape_ = {window.batch,
              shape.in_channels,
              block,
              shape.in_channels / shape.groups,
              window.in[0],
              window.in[1],
              window.out[0],
              window.out[1],
              window.kernel[0],
              window.kernel[1],
              window.stride[0],
              window.stride[1],
              window.dilation[0],
              window.dilation[1],
              window.pad_head[0],
              window.pad_head[1]};
  }

  // oneDNN is fast with groups of eight channels, but less so.
  static bool IsFor(const ConvShape& shape, bool onednn_is_fast) {
    const bool are_eight = shape.groups > 1 && shape.in_channels == 8 * shape.groups;
    return shape.in_channels == shape.out_channels && (are_eight || !onednn_is_fast);
  }
  bool CanDo() const { return ConvolvesByGroups(shape_); }

  // False where filters are not finite.
  absl::StatusOr<bool> Init(const PackedWeights& weights, const dnnl::memory::desc& plain) {
    DOPPIO_ASSIGN_OR_RETURN(const int64_t size, NumElements(weights.dims()));
    DOPPIO_ASSIGN_OR_RETURN(
        filters_, weights.GetForm("groups", plain, [&](const float* w, Tensor* to) -> absl::Status {
          DOPPIO_RETURN_IF_ERROR(to->Resize(DataType::kFloat, {size}));
          PackGroupFilters(shape_, w, to->mutable_data<float>());
          return absl::OkStatus();
        }));
    const float* begin = Floats(*filters_);
    return std::all_of(begin, begin + size, [](float value) { return std::isfinite(value); });
  }

  absl::Status Run(const void* x, const void* bias, void* y) override {
    CPUContext context;
    ConvolveGroups(shape_, static_cast<const float*>(x), Floats(*filters_),
                   static_cast<const float*>(bias), ending_, static_cast<float*>(y), &context);
    return absl::OkStatus();
  }

 private:
  GroupConvolution shape_;
  ConvolutionEnding ending_;
  std::shared_ptr<const Tensor> filters_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<OwnConvolution>> MakeOwnConvolution(
    const ConvShape& shape, const PackedWeights& weights, const PostOperations& post,
    const OwnConvolutionOptions& options) {
  const Window& window = shape.window;
  const std::optional<ConvolutionEnding> ending = EndingOf(post);
  const int64_t block = BlockFor(options);
  if (!ending.has_value() || window.rank() != 2 || !window.IsOrdinary() ||
      shape.in_channels % block != 0 || shape.out_channels % block != 0) {
    return nullptr;
  }
  const DnnlConv conv(shape);
  const dnnl::memory::desc image = BlockedBy(conv.image.dims(), block);
  const dnnl::memory::desc places = BlockedBy(conv.places.dims(), block);
  const bool is_free = options.places.data.format_kind == dnnl_format_kind_any;
  if (!is_free && options.places != places) return nullptr;
  if (IsBlocked(options.image) && options.image != image) return nullptr;

  std::unique_ptr<OwnConvolution> made;
  if (options.may_use_winograd && block == kWinogradLanes && Winograd::IsFor(shape)) {
    auto winograd = std::make_unique<Winograd>(shape, *ending);
    if (winograd->Pays()) {
      DOPPIO_RETURN_IF_ERROR(winograd->Init(weights, conv.filter));
      made = std::move(winograd);
    }
  }
  if (made == nullptr && Groups::IsFor(shape, options.onednn_is_fast)) {
    auto groups = std::make_unique<Groups>(shape, block, *ending);
    if (groups->CanDo()) {
      DOPPIO_ASSIGN_OR_RETURN(const bool is_finite, groups->Init(weights, conv.filter));
      if (is_finite) made = std::move(groups);
    }
  }
  if (made != nullptr) made->SetLayouts(image, places);
  return made;
}

}  // namespace doppio
