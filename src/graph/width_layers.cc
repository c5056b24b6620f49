#include "src/graph/width_layers.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "doppio/arguments.h"

namespace doppio {
namespace {

constexpr char kMaxPool[] = "max";
constexpr char kFullyConnected[] = "fc";
constexpr char kOut[] = "out";
constexpr int64_t kMostRepetitions = 1000;

// "3", "3g" with groups, "1x7" where height and width differ.
std::string KindOfConvolution(const OperatorDef& op) {
  ArgumentReader args(op, nullptr);
  std::vector<int64_t> kernel = args.GetRepeatedArgument<int64_t>("kernels");
  if (kernel.empty()) {
    const int64_t both = args.GetSingleArgument<int64_t>("kernel", 0);
    kernel = {args.GetSingleArgument<int64_t>("kernel_h", both),
              args.GetSingleArgument<int64_t>("kernel_w", both)};
  }
  std::string kind = absl::StrCat(kernel[0]);
  for (const int64_t size : kernel) {
    if (size != kernel[0]) kind = absl::StrJoin(kernel, "x");
  }
  return kind + (args.GetSingleArgument<int64_t>("group", 1) > 1 ? "g" : "");
}

}  // namespace

absl::Status ReadLayers(absl::string_view text, std::vector<PublishedWidths::Layer>* layers) {
  int64_t times = 1;
  std::vector<PublishedWidths::Layer> group;
  const auto finish = [&] {
    for (; times > 0; --times) layers->insert(layers->end(), group.begin(), group.end());
    group.clear();
    times = 1;
  };
  bool is_open = false;
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const absl::string_view whole = word;
    const size_t star = word.find("*(");
    if (star != absl::string_view::npos) {
      if (is_open || !absl::SimpleAtoi(word.substr(0, star), &times) || times < 1 ||
          times > kMostRepetitions) {
        return absl::InvalidArgumentError(absl::StrCat("\"", whole, "\": write N*(...)"));
      }
      is_open = true;
      word.remove_prefix(star + 2);
    }
    const bool closes = absl::ConsumeSuffix(&word, ")");
    PublishedWidths::Layer layer;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(word, absl::MaxSplits(':', 1));
    layer.kind = std::string(parts.first);
    const bool has_width = absl::SimpleAtoi(parts.second, &layer.outputs) && layer.outputs > 0;
    if (layer.kind.empty() || (layer.kind == kMaxPool) != parts.second.empty() ||
        (layer.kind != kMaxPool && !has_width) || (closes && !is_open)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", whole, "\": write KERNEL:OUTPUTS, fc:OUTPUTS, out:OUTPUTS or max"));
    }
    group.push_back(std::move(layer));
    if (closes) is_open = false;
    if (!is_open) finish();
  }
  if (is_open) return absl::InvalidArgumentError("a \")\" is missing");
  return absl::OkStatus();
}

std::vector<NetLayer> LayersOf(const NetDef& net) {
  std::vector<NetLayer> layers;
  for (const OperatorDef& op : net.op()) {
    if (op.type() == "MaxPool") layers.push_back({kMaxPool, ""});
    if (op.input_size() < 2) continue;
    const bool is_convolution = op.type() == "Conv" || op.type() == "Conv2D";
    if (is_convolution) layers.push_back({KindOfConvolution(op), op.input(1)});
    if (op.type() == "FC" || op.type() == "FCTransposed") {
      layers.push_back({kFullyConnected, op.input(1)});
    }
  }
  return layers;
}

bool AreLayersOf(const std::vector<PublishedWidths::Layer>& layers,
                 const std::vector<NetLayer>& of_net) {
  return std::equal(layers.begin(), layers.end(), of_net.begin(), of_net.end(),
                    [](const PublishedWidths::Layer& layer, const NetLayer& other) {
                      if (layer.kind != kOut) return layer.kind == other.kind;
                      return other.kind == kFullyConnected || other.kind == "1";
                    });
}

}  // namespace doppio
