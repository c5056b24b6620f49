#include "src/graph/weight_rules.h"

#include <algorithm>
#include <map>

#include "src/operator/storage_order.h"

namespace doppio {

const Dims* WeightContext::dims(int input) const {
  if (input >= InputSize() || !inputs_[input].dims) return nullptr;
  return &*inputs_[input].dims;
}

int WeightContext::ChannelAxis() {
  const int rank = static_cast<int>(dims(0)->size());
  const bool is_last = ReadStorageOrder(this) == StorageOrder::kNHWC;
  return is_last ? rank - 1 : std::min(1, rank - 1);
}

void WeightContext::Set(int input, Dims dims, WeightRole role, int64_t fan_in) {
  if (input >= InputSize() || inputs_[input].IsKnown() || !may_be_weight_[input]) return;
  inputs_[input].dtype = inputs_[0].dtype;
  inputs_[input].dims = dims;
  WeightShape weight;
  weight.blob = def().input(input);
  weight.info = inputs_[input];
  weight.role = role;
  weight.fan_in = fan_in;
  found_.push_back(std::move(weight));
}

namespace {

// One size for each spatial dimension, or nothing where the operator does not say.
std::vector<int64_t> Kernel(WeightContext* context, size_t spatial) {
  std::vector<int64_t> kernel = context->GetRepeatedArgument<int64_t>("kernels");
  if (kernel.empty() && spatial == 2 && context->HasArgument("kernel_h")) {
    kernel = {context->GetSingleArgument<int64_t>("kernel_h", 0),
              context->GetSingleArgument<int64_t>("kernel_w", 0)};
  }
  if (kernel.empty()) kernel.assign(spatial, context->GetSingleArgument<int64_t>("kernel", 0));
  const bool is_sound = kernel.size() == spatial &&
                        std::all_of(kernel.begin(), kernel.end(), [](int64_t k) { return k > 0; });
  return is_sound ? kernel : std::vector<int64_t>();
}

// The number of outputs, where the weights are there or somebody knows it.
std::optional<int64_t> Outputs(WeightContext* context, int weight_dim, int64_t per_group,
                               int64_t channels, int64_t groups) {
  if (const Dims* w = context->dims(1)) {
    if (weight_dim >= static_cast<int>(w->size())) return std::nullopt;
    return (*w)[weight_dim] * per_group;
  }
  if (const Dims* b = context->dims(2); b != nullptr && b->size() == 1) return (*b)[0];
  return context->Width(1, channels, groups);
}

// W [M, C/group, k...] or [M, k..., C/group]; of ConvTranspose [C, M/group, k...] and [C, k...,
// M/group].
void ConvolutionWeights(WeightContext* context, bool transposed) {
  const Dims& x = *context->dims(0);
  const int64_t groups = context->GetSingleArgument<int64_t>("group", 1);
  if (x.size() < 3 || groups < 1) return;
  const std::vector<int64_t> kernel = Kernel(context, x.size() - 2);
  if (kernel.empty()) return;
  const int axis = context->ChannelAxis();
  const int64_t channels = x[axis];
  const std::optional<int64_t> outputs =
      Outputs(context, transposed ? axis : 0, transposed ? groups : 1, channels, groups);
  if (!outputs) return;
  Dims w = {transposed ? channels : *outputs};
  const int64_t second = (transposed ? *outputs : channels) / groups;
  if (axis == 1) w.push_back(second);
  w.insert(w.end(), kernel.begin(), kernel.end());
  if (axis != 1) w.push_back(second);
  int64_t fan_in = channels / groups;
  for (const int64_t k : kernel) fan_in = CheckedProduct(fan_in, k).value_or(0);
  context->Set(1, w, WeightRole::kFactors, fan_in);
  context->Set(2, {*outputs}, WeightRole::kBias);
}

void ConvWeights(WeightContext* context) { ConvolutionWeights(context, false); }
void ConvTransposeWeights(WeightContext* context) { ConvolutionWeights(context, true); }

// W is a matrix [N,K] when it is cut before `axis_w` ([K,N] of FCTransposed); of a W with more
// dimensions, as old nets have them, all others are 1.
void FullyConnectedWeights(WeightContext* context, bool transposed) {
  const Dims& x = *context->dims(0);
  const auto axis =
      CanonicalAxis(context->GetSingleArgument<int64_t>("axis", 1), static_cast<int>(x.size()));
  const int64_t axis_w = context->GetSingleArgument<int64_t>("axis_w", 1);
  if (!axis.ok() || axis_w < 1 || axis_w >= kMaxRank) return;
  const int64_t k = SizeFromDim(x, *axis);
  std::optional<int64_t> n;
  if (const Dims* b = context->dims(2); b != nullptr && b->size() == 1) n = (*b)[0];
  if (const Dims* w = context->dims(1)) {
    if (static_cast<int64_t>(w->size()) <= axis_w) return;
    n = transposed ? SizeFromDim(*w, static_cast<int>(axis_w))
                   : SizeToDim(*w, static_cast<int>(axis_w));
  }
  if (!n) n = context->Width(1, k, 1);
  if (!n) return;
  Dims w(axis_w - 1, 1);
  w.push_back(transposed ? k : *n);
  w.push_back(transposed ? *n : k);
  context->Set(1, w, WeightRole::kFactors, k);
  context->Set(2, {*n}, WeightRole::kBias);
}

void FcWeights(WeightContext* context) { FullyConnectedWeights(context, false); }
void FcTransposedWeights(WeightContext* context) { FullyConnectedWeights(context, true); }

void ForEachChannel(WeightContext* context, std::initializer_list<WeightRole> roles) {
  if (context->dims(0)->empty()) return;
  const int64_t channels = (*context->dims(0))[context->ChannelAxis()];
  int input = 1;
  for (const WeightRole role : roles) context->Set(input++, {channels}, role);
}

void SpatialBNWeights(WeightContext* context) {
  ForEachChannel(context,
                 {WeightRole::kScale, WeightRole::kBias, WeightRole::kMean, WeightRole::kVariance});
}
void ScaleAndBias(WeightContext* context) {
  ForEachChannel(context, {WeightRole::kScale, WeightRole::kBias});
}
void PReluWeights(WeightContext* context) { ForEachChannel(context, {WeightRole::kSlope}); }

// The second operand of an old broadcast lies along `axis`, or along the last dimension. Without
// a broadcast the operands are taken to be alike.
void SecondOperand(WeightContext* context, WeightRole role) {
  const Dims& x = *context->dims(0);
  if (!context->GetSingleArgument<bool>("broadcast", false)) return context->Set(1, x, role);
  const int rank = static_cast<int>(x.size());
  const auto axis = CanonicalAxis(context->GetSingleArgument<int64_t>("axis", -1), rank);
  if (axis.ok()) context->Set(1, {x[*axis]}, role);
}

void AddendWeights(WeightContext* context) { SecondOperand(context, WeightRole::kBias); }
void FactorWeights(WeightContext* context) { SecondOperand(context, WeightRole::kScale); }

// scores [N,A,H,W], deltas, im_info, anchors [A,4].
void AnchorWeights(WeightContext* context) {
  const Dims& scores = *context->dims(0);
  if (scores.size() == 4) context->Set(3, {scores[1], 4}, WeightRole::kAnchors);
}

// As many proposals as may be left in each picture: rois [R,5] and their scores [R].
std::vector<Dims> MostProposals(WeightContext* context) {
  const Dims* scores = context->dims(0);
  if (scores == nullptr || scores->size() != 4) return {};
  const auto rows = CheckedProduct(
      std::max<int64_t>((*scores)[0], 0),
      std::max<int64_t>(context->GetSingleArgument<int64_t>("post_nms_topN", 300), 0));
  if (!rows.ok()) return {};
  return {{*rows, 5}, {*rows}};
}

// As many detections as may be left: scores [D], boxes [D,4], classes [D].
std::vector<Dims> MostDetections(WeightContext* context) {
  const int64_t most = context->GetSingleArgument<int64_t>("detections_per_im", 100);
  if (most < 0) return {};
  return {{most}, {most, 4}, {most}};
}

const std::map<std::string, WeightRule, std::less<>>& Rules() {
  static const auto* rules = new std::map<std::string, WeightRule, std::less<>>{
      {"Conv", {ConvWeights, false, nullptr, 1}},
      {"Conv1D", {ConvWeights, false, nullptr, 1}},
      {"Conv2D", {ConvWeights, false, nullptr, 1}},
      {"Conv3D", {ConvWeights, false, nullptr, 1}},
      {"ConvTranspose", {ConvTransposeWeights, false, nullptr, 1}},
      {"FC", {FcWeights, false, nullptr, 1}},
      {"FCTransposed", {FcTransposedWeights, false, nullptr, 1}},
      {"SpatialBN", {SpatialBNWeights, true, nullptr, 1}},
      {"InstanceNorm", {ScaleAndBias, true, nullptr, 1}},
      {"GroupNorm", {ScaleAndBias, true, nullptr, 1}},
      {"AffineChannel", {ScaleAndBias, true, nullptr, 1}},
      {"LayerNorm", {nullptr, false, nullptr, 1}},
      {"PRelu", {PReluWeights, true, nullptr, 1}},
      {"Add", {AddendWeights, true}},
      {"Sub", {AddendWeights, true}},
      {"Mul", {FactorWeights, true}},
      {"Div", {FactorWeights, true}},
      {"Sum", {nullptr, true}},
      {"Relu", {nullptr, true}},
      {"Sigmoid", {nullptr, true}},
      {"Tanh", {nullptr, true}},
      {"Clip", {nullptr, true}},
      {"Dropout", {nullptr, true}},
      {"LRN", {nullptr, true}},
      {"MaxPool", {nullptr, true}},
      {"AveragePool", {nullptr, true}},
      {"ResizeNearest", {nullptr, true}},
      {"ResizeBilinear", {nullptr, true}},
      {"UpsampleNearest", {nullptr, true}},
      {"PadImage", {nullptr, true}},
      {"ChannelShuffle", {nullptr, true}},
      {"RoIAlign", {nullptr, true}},
      {"RoIPool", {nullptr, true}},
      {"GenerateProposals", {AnchorWeights, false, MostProposals, 3}},
      {"BoxWithNMSLimit", {nullptr, false, MostDetections}},
  };
  return *rules;
}

}  // namespace

const WeightRule& WeightRuleOf(absl::string_view type) {
  static const WeightRule none;
  const auto found = Rules().find(type);
  return found == Rules().end() ? none : found->second;
}

}  // namespace doppio
