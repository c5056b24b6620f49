#include "src/onnx/import/slice.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace doppio {
namespace onnx {
namespace {

using Ints = std::vector<int64_t>;

struct Bounds {
  Ints starts;
  Ints ends;
};

// Whether a bound of Caffe2's, counted from one past the end where it is negative, is the place
// that ONNX means in a dimension of that size, so that nothing had to be moved into it.
bool IsInside(int64_t bound, int64_t size) { return bound >= -size - 1; }

// The arguments of Caffe2's Slice, where it can not give another part for any size: it refuses
// bounds before the beginning and those in the wrong order, of which ONNX makes something. Whether
// there are such is told by the sizes that are known now, or by the bounds alone.
std::optional<Bounds> Caffe2Bounds(const std::optional<Dims>& dims, std::optional<int> rank,
                                   const Ints& starts, const Ints& ends, const Ints& axes) {
  Bounds bounds;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axes[i] < 0 && rank.has_value() ? axes[i] + *rank : axes[i];
    if (axis < 0 || axis >= rank.value_or(kMaxRank)) return std::nullopt;
    const auto d = static_cast<size_t>(axis);
    while (bounds.starts.size() <= d) {
      bounds.starts.push_back(0);
      bounds.ends.push_back(-1);
    }
    if (bounds.starts[d] != 0 || bounds.ends[d] != -1) return std::nullopt;  // twice
    const int64_t start = starts[i] < 0 ? starts[i] - 1 : starts[i];
    const int64_t end = ends[i] < 0 ? ends[i] - 1 : ends[i];
    if (starts[i] == std::numeric_limits<int64_t>::min() ||
        ends[i] == std::numeric_limits<int64_t>::min()) {
      return std::nullopt;
    }
    bounds.starts[d] = start;
    bounds.ends[d] = end;
    if (dims.has_value()) {
      const int64_t size = (*dims)[d];
      const auto place = [=](int64_t at) { return at < 0 ? size + 1 + at : std::min(at, size); };
      if (!IsInside(start, size) || !IsInside(end, size) || place(end) < place(start)) {
        return std::nullopt;
      }
    } else if (start < 0 || end < start) {
      return std::nullopt;
    }
  }
  return bounds;
}

}  // namespace

absl::Status AddSlice(NodeImport& node, const std::string& input, const IntsGiven& starts,
                      const IntsGiven& ends, const IntsGiven& axes, const IntsGiven& steps,
                      const std::string& output) {
  const bool are_known = starts.values.has_value() && ends.values.has_value() &&
                         (!axes.is_given || axes.values.has_value()) &&
                         (!steps.is_given || steps.values.has_value());
  if (are_known) {
    Ints places = axes.is_given ? *axes.values : Ints();
    for (size_t i = 0; !axes.is_given && i < starts.values->size(); ++i) {
      places.push_back(static_cast<int64_t>(i));
    }
    const Ints paces = steps.is_given ? *steps.values : Ints(places.size(), 1);
    const size_t count = places.size();
    if (starts.values->size() != count || ends.values->size() != count || paces.size() != count) {
      return absl::InvalidArgumentError("there are not as many starts as ends, axes and steps");
    }
    const bool has_no_steps =
        std::all_of(paces.begin(), paces.end(), [](int64_t pace) { return pace == 1; });
    const TensorInfo& info = node.Info(input);
    std::optional<int> rank;
    if (info.dims.has_value()) rank = static_cast<int>(info.dims->size());
    const std::optional<Bounds> bounds =
        Caffe2Bounds(info.dims, rank, *starts.values, *ends.values, places);
    if (has_no_steps && bounds.has_value()) {
      node.Op("Slice", {input}, {output},
              {MakeArgument("starts", bounds->starts), MakeArgument("ends", bounds->ends)});
      return absl::OkStatus();
    }
  }
  std::vector<std::string> inputs = {input, starts.Blob(node, "starts"), ends.Blob(node, "ends")};
  if (axes.is_given) {
    inputs.push_back(axes.Blob(node, "axes"));
  } else if (steps.is_given) {
    // They are the first ones, of which there are as many as of the others.
    Ints first;
    for (const IntsGiven* bounds : {&starts, &ends, &steps}) {
      if (bounds->values.has_value()) first = *bounds->values;
    }
    std::iota(first.begin(), first.end(), 0);
    if (first.empty()) {
      return node.Unsupported("bounds and steps that are not known before the net runs, no axes");
    }
    inputs.push_back(node.ConstantInts("axes", first));
  }
  if (steps.is_given) inputs.push_back(steps.Blob(node, "steps"));
  node.Op("OnnxSlice", inputs, {output});
  return absl::OkStatus();
}

}  // namespace onnx
}  // namespace doppio
