#include <cmath>
#include <optional>

#include "doppio/op_def.h"
#include "src/graph/rewriting.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

// y = scale * x + offset, a pair of numbers for each channel (dimension 1 of x). A single number
// holds for all channels; no numbers are a scale of 1 or an offset of 0.
struct ChannelMap {
  std::vector<float> scale;
  std::vector<float> offset;

  static float At(const std::vector<float>& values, int64_t channel, float none) {
    if (values.empty()) return none;
    return values[values.size() == 1 ? 0 : static_cast<size_t>(channel)];
  }
  float ScaleAt(int64_t channel) const { return At(scale, channel, 1); }
  float OffsetAt(int64_t channel) const { return At(offset, channel, 0); }
  bool Fits(int64_t channels) const {
    const auto fits = [channels](const std::vector<float>& values) {
      return values.size() <= 1 || static_cast<int64_t>(values.size()) == channels;
    };
    return fits(scale) && fits(offset);
  }
};

std::optional<std::vector<float>> Floats(const Tensor* tensor) {
  if (tensor == nullptr || !tensor->Is<float>()) return std::nullopt;
  const absl::Span<const float> values = tensor->span<float>();
  return std::vector<float>(values.begin(), values.end());
}

std::optional<ChannelMap> BatchNormalisation(const Rewriting& net, const OperatorDef& op) {
  ArgumentReader args(op, OpSchemaRegistry::Schema(op.type()));
  if (op.input_size() != 5 || !args.GetSingleArgument<bool>("is_test")) return std::nullopt;
  const float epsilon = args.GetSingleArgument<float>("epsilon");
  const auto scale = Floats(net.Constant(op.input(1)));
  const auto bias = Floats(net.Constant(op.input(2)));
  const auto mean = Floats(net.Constant(op.input(3)));
  const auto variance = Floats(net.Constant(op.input(4)));
  if (!scale || !bias || !mean || !variance || bias->size() != scale->size() ||
      mean->size() != scale->size() || variance->size() != scale->size()) {
    return std::nullopt;
  }
  ChannelMap map{*scale, *bias};
  for (size_t c = 0; c < scale->size(); ++c) {
    map.scale[c] /= std::sqrt((*variance)[c] + epsilon);
    map.offset[c] -= (*mean)[c] * map.scale[c];
  }
  return map;
}

// Whether Mul or Add with a constant of these dimensions treats every channel alike.
bool IsPerChannel(const OperatorDef& op, DimsView dims, int rank) {
  const Argument* broadcast = FindArgument(op, "broadcast");
  const Argument* axis = FindArgument(op, "axis");
  if (SizeFromDim(dims, 0) == 1) return static_cast<int>(dims.size()) <= rank;
  if (broadcast != nullptr && broadcast->i() != 0) {
    return dims.size() == 1 && axis != nullptr && axis->i() == 1;
  }
  // NumPy's rule: [C,1,1] or [1,C,1,1].
  const int channel = static_cast<int>(dims.size()) - (rank - 1);
  if (channel < 0 || channel > 1) return false;
  for (int i = 0; i < static_cast<int>(dims.size()); ++i) {
    if (i != channel && dims[i] != 1) return false;
  }
  return true;
}

// What `op` does to each channel of `blob`, which has `rank` dimensions.
std::optional<ChannelMap> ChannelMapOf(const Rewriting& net, const OperatorDef& op,
                                       const std::string& blob, int rank) {
  if (op.output_size() != 1 || !IsChannelsFirst(op)) return std::nullopt;
  if (op.type() == "SpatialBN" && op.input(0) == blob) return BatchNormalisation(net, op);
  if (op.type() == "AffineChannel" && op.input_size() == 3 && op.input(0) == blob) {
    const auto scale = Floats(net.Constant(op.input(1)));
    const auto bias = Floats(net.Constant(op.input(2)));
    if (!scale || !bias) return std::nullopt;
    return ChannelMap{*scale, *bias};
  }
  if ((op.type() != "Mul" && op.type() != "Add") || op.input_size() != 2) return std::nullopt;
  const Tensor* constant = net.Constant(op.input(op.input(0) == blob ? 1 : 0));
  const auto values = Floats(constant);
  if (!values || values->empty() || !IsPerChannel(op, constant->dims(), rank)) return std::nullopt;
  return op.type() == "Mul" ? ChannelMap{*values, {}} : ChannelMap{{}, *values};
}

// The weights of a layer, by output channel: row(o) of `inner` elements each `repeat` times.
struct Layer {
  const Tensor* weights;
  int64_t channels;
  int rank;  // of the output
};

std::optional<Layer> LayerOf(const Rewriting& net, const OperatorDef& op) {
  if (op.output_size() != 1 || op.input_size() < 2 || !IsChannelsFirst(op)) return std::nullopt;
  const Tensor* w = net.Constant(op.input(1));
  if (w == nullptr || !w->Is<float>() || w->numel() == 0) return std::nullopt;
  if (op.input_size() > 2 && !Floats(net.Constant(op.input(2)))) return std::nullopt;
  if (op.type() == "Conv" && w->rank() >= 3) return Layer{w, w->dim(0), w->rank()};
  if (op.type() == "ConvTranspose" && w->rank() >= 3) {
    ArgumentReader args(op, nullptr);
    const int64_t groups = args.GetSingleArgument<int64_t>("group", 1);
    if (groups < 1 || w->dim(0) % groups != 0) return std::nullopt;
    return Layer{w, w->dim(1) * groups, w->rank()};
  }
  const Argument* axis = FindArgument(op, "axis");
  if (op.type() == "FC" && w->rank() == 2 && (axis == nullptr || axis->i() == 1)) {
    return Layer{w, w->dim(0), 2};
  }
  return std::nullopt;
}

absl::StatusOr<Tensor> Scaled(const OperatorDef& op, const Layer& layer, const ChannelMap& map) {
  Tensor w = *layer.weights;
  DOPPIO_RETURN_IF_ERROR(w.MakeUnique());
  float* data = w.mutable_data<float>();
  // ConvTranspose has [input channels, channels of the group, ...]; the others [channels, ...].
  const bool transposed = op.type() == "ConvTranspose";
  const int64_t per_group = transposed ? w.dim(1) : layer.channels;
  const int64_t groups = layer.channels / per_group;
  const int64_t outer = transposed ? w.dim(0) : 1;
  const int64_t inner = SizeFromDim(w.dims(), transposed ? 2 : 1);
  for (int64_t i = 0; i < outer; ++i) {
    const int64_t first = i / std::max<int64_t>(outer / groups, 1) * per_group;
    for (int64_t c = 0; c < per_group; ++c) {
      const float scale = map.ScaleAt(first + c);
      for (int64_t k = 0; k < inner; ++k) *data++ *= scale;
    }
  }
  return w;
}

absl::StatusOr<Tensor> Moved(const Rewriting& net, const OperatorDef& op, const Layer& layer,
                             const ChannelMap& map) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor b, Tensor::Create(DataType::kFloat, {layer.channels}));
  const Tensor* old = op.input_size() > 2 ? net.Constant(op.input(2)) : nullptr;
  float* data = b.mutable_data<float>();
  for (int64_t c = 0; c < layer.channels; ++c) {
    const float before = old != nullptr ? old->data<float>()[c] : 0;
    data[c] = before * map.ScaleAt(c) + map.OffsetAt(c);
  }
  return b;
}

// Folds the operator that reads the result of ops[k], where that is possible.
absl::StatusOr<bool> FoldNext(Rewriting* net, int k) {
  OperatorDef& op = net->ops[k];
  const std::optional<Layer> layer = LayerOf(*net, op);
  if (!layer) return false;
  const int reader = net->OnlyReader(op.output(0));
  if (reader < 0) return false;
  OperatorDef& next = net->ops[reader];
  const std::optional<ChannelMap> map = ChannelMapOf(*net, next, op.output(0), layer->rank);
  if (!map || !map->Fits(layer->channels) || net->IsPinned(next.output(0))) return false;
  if (op.input_size() > 2 && net->Constant(op.input(2))->numel() != layer->channels) return false;

  DOPPIO_ASSIGN_OR_RETURN(Tensor b, Moved(*net, op, *layer, *map));
  const std::string bias = op.input_size() > 2 ? op.input(2) : op.output(0) + "_b";
  if (!map->scale.empty()) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor w, Scaled(op, *layer, *map));
    op.set_input(1, net->AddConstant(op.input(1), std::move(w)));
  }
  if (op.input_size() == 2) op.add_input();
  op.set_input(2, net->AddConstant(bias, std::move(b)));
  op.set_output(0, next.output(0));
  next.clear_type();
  net->Compact();
  return true;
}

}  // namespace

absl::Status FoldIntoWeights(Rewriting* net) {
  for (int k = 0; k < static_cast<int>(net->ops.size()); ++k) {
    for (bool folded = true; folded;) {
      DOPPIO_ASSIGN_OR_RETURN(folded, FoldNext(net, k));
    }
  }
  return absl::OkStatus();
}

}  // namespace doppio
