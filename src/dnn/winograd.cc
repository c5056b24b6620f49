#include "src/dnn/winograd.h"

#include "src/dnn/channel_layout.h"

namespace doppio {
namespace {

bool IsInLanes(const dnnl::memory::desc& desc) {
  const ChannelLayout* layout = ChannelLayoutOf(desc);
  return layout != nullptr && layout->group == kWinogradLanes && desc.dims().size() == 4 &&
         desc.dims()[1] % kWinogradLanes == 0;
}

bool AreAll(const Dims& numbers, int64_t value) { return numbers == Dims(numbers.size(), value); }

std::optional<WinogradEnding> EndingOf(const PostOperations& post) {
  using Activation = WinogradEnding::Activation;
  const DnnlActivation& activation = post.activation();
  WinogradEnding ending;
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

// Filters are four times as large as before: few tiles cost as much to read them as they save, and
// the memory besides. Tiles should be well filled, and sums long enough to pay for the transforms.
bool Pays(const WinogradConvolution& c) {
  constexpr int64_t kLeastTiles = 8;
  constexpr int64_t kLeastPlaces = 8;  // of the 16 of a tile
  constexpr int64_t kLeastChannels = 16;
  const int64_t tiles = WinogradTiles(c);
  return tiles >= kLeastTiles && c.batch * c.out_rows * c.out_columns >= tiles * kLeastPlaces &&
         c.in_channels >= kLeastChannels && c.out_channels >= kLeastChannels;
}

}  // namespace

std::optional<WinogradForward> WinogradForward::For(const ConvShape& shape,
                                                    const dnnl::memory::desc& image,
                                                    const dnnl::memory::desc& places,
                                                    const PostOperations& post) {
  const Window& window = shape.window;
  if (shape.groups != 1 || window.rank() != 2 || !window.IsOrdinary() ||
      !AreAll(window.kernel, 3) || !AreAll(window.stride, 1) || !AreAll(window.dilation, 1) ||
      !IsInLanes(image) || !IsInLanes(places)) {
    return std::nullopt;
  }
  const std::optional<WinogradEnding> ending = EndingOf(post);
  WinogradForward forward;
  forward.shape_ = {window.batch,  shape.in_channels,  shape.out_channels,
                    window.in[0],  window.in[1],       window.out[0],
                    window.out[1], window.pad_head[0], window.pad_head[1]};
  if (!ending.has_value() || !Pays(forward.shape_)) return std::nullopt;
  forward.ending_ = *ending;
  return forward;
}

absl::Status WinogradForward::Init(const PackedWeights& weights, const dnnl::memory::desc& plain) {
  DOPPIO_ASSIGN_OR_RETURN(transformed_, weights.GetWinograd(plain));
  DOPPIO_ASSIGN_OR_RETURN(w_, weights.Get(plain, plain));
  return absl::OkStatus();
}

absl::Status WinogradForward::Run(const void* x, const void* bias, void* y) {
  const int64_t bytes = WinogradRoomSize(shape_) * static_cast<int64_t>(sizeof(float));
  DOPPIO_ASSIGN_OR_RETURN(void* room, DnnlScratch(0, bytes));
  const WinogradFilters filters = {static_cast<const float*>(w_->raw_data()),
                                   static_cast<const float*>(transformed_->raw_data()),
                                   static_cast<const float*>(bias)};
  CPUContext context;
  ConvolveWinograd(shape_, static_cast<const float*>(x), filters, ending_,
                   static_cast<float*>(room), static_cast<float*>(y), &context);
  return absl::OkStatus();
}

}  // namespace doppio
