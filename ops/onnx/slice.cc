#include <algorithm>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"
#include "src/kernel/pick_grid.h"
#include "src/operator/shape_input.h"

namespace doppio {
namespace {

// The places along a dimension that `start`, `end` and `step` mean, as Python counts them.
struct Run {
  int64_t first;
  int64_t step;
  int64_t count;
};

Run RunOf(int64_t size, int64_t start, int64_t end, int64_t step) {
  // One before the first place, and one past the last, are where a run may begin and end.
  const int64_t least = step < 0 ? -1 : 0;
  const int64_t most = step < 0 ? size - 1 : size;
  const auto resolve = [=](int64_t at) { return std::clamp(at < 0 ? at + size : at, least, most); };
  const int64_t first = resolve(start);
  const int64_t last = resolve(end);
  // The step's opposite may not exist.
  const auto distance = static_cast<uint64_t>(step < 0 ? first - last : last - first);
  const uint64_t pace = step < 0 ? 0 - static_cast<uint64_t>(step) : static_cast<uint64_t>(step);
  if (step < 0 ? first <= last : first >= last) return {first, step, 0};
  return {first, step, static_cast<int64_t>((distance - 1) / pace + 1)};
}

using Runs = absl::InlinedVector<Run, 8>;

// The tensors are inputs 1 to 4; null where they are left out.
absl::StatusOr<Runs> RunsOf(DimsView x, absl::Span<const Tensor* const> bounds) {
  constexpr const char* kNames[] = {"starts", "ends", "axes", "steps"};
  const int rank = static_cast<int>(x.size());
  Dims values[4];
  for (size_t i = 0; i < bounds.size(); ++i) {
    DOPPIO_ASSIGN_OR_RETURN(values[i], ShapeFromTensor(*bounds[i], kNames[i]));
  }
  auto& [starts, ends, axes, steps] = values;
  if (bounds.size() < 3) {
    for (size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  }
  if (bounds.size() < 4) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there must be as many starts ", ShapeToString(starts), " as ends ", ShapeToString(ends),
        ", axes ", ShapeToString(axes), " and steps ", ShapeToString(steps)));
  }
  Runs runs;
  for (const int64_t size : x) runs.push_back({0, 1, size});
  absl::InlinedVector<bool, 8> seen(x.size(), false);
  for (size_t i = 0; i < starts.size(); ++i) {
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axes[i], rank));
    if (seen[axis]) return absl::InvalidArgumentError(absl::StrCat("axis ", axis, " comes twice"));
    seen[axis] = true;
    if (steps[i] == 0) return absl::InvalidArgumentError("a step is 0");
    runs[axis] = RunOf(x[axis], starts[i], ends[i], steps[i]);
  }
  return runs;
}

Dims DimsOf(const Runs& runs) {
  Dims dims;
  for (const Run& run : runs) dims.push_back(run.count);
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(OnnxSlice)
    .NumInputs(3, 5)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's Slice: the elements from `starts` on, before `ends`, `steps` apart, along some axes. As in
Python, bounds that are negative count from the end, those outside are moved to the end that they are
beyond, and with a negative step elements come backwards. (Caffe2's Slice counts negative bounds from
one past the end, and has no steps.)

Example: X = [0,1,2,3,4,5], starts = [-2], ends = [0], axes = [0] and steps = [-2] give [4,2].
)DOC")
    .Input(0, "data", "tensor of any type")
    .Input(1, "starts", "vector of int32 or int64: where to begin, for each of `axes`")
    .Input(2, "ends", "vector of int32 or int64, as long: one past the last")
    .Input(3, "axes",
           "vector of int32 or int64, as long: the dimensions, from the back if negative; default: "
           "the first ones")
    .Input(4, "steps", "vector of int32 or int64, as long, none 0; default: 1")
    .Output(0, "output", "tensor of data's type and rank")
    .Flops(NoOperations)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      absl::InlinedVector<const Tensor*, 4> bounds;
      for (int i = 1; i < context->InputSize(); ++i) bounds.push_back(context->value(i));
      if (std::count(bounds.begin(), bounds.end(), nullptr) > 0) return absl::OkStatus();
      DOPPIO_ASSIGN_OR_RETURN(const Runs runs, RunsOf(context->dims(0), bounds));
      context->SetOutput(0, context->dtype(0), DimsOf(runs));
      return absl::OkStatus();
    });

template <class Context>
class OnnxSliceOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxSliceOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    absl::InlinedVector<const Tensor*, 4> bounds;
    for (int i = 1; i < InputSize(); ++i) bounds.push_back(&Input(i));
    DOPPIO_ASSIGN_OR_RETURN(const Runs runs, RunsOf(x.dims(), bounds));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), DimsOf(runs)));
    if (y->numel() == 0) return absl::OkStatus();
    places_.resize(runs.size());
    for (size_t d = 0; d < runs.size(); ++d) {
      places_[d].clear();
      for (int64_t i = 0; i < runs[d].count; ++i) {
        places_[d].push_back(runs[d].first + i * runs[d].step);
      }
    }
    return DispatchMoved(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      PickGrid(MovedElements<T>(x), x.dims(), places_, T(), MovedElements<T>(y));
      return absl::OkStatus();
    });
  }

 private:
  std::vector<Places> places_;
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxSlice, OnnxSliceOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxSlice);

}  // namespace
}  // namespace doppio
