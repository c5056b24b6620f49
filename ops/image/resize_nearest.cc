#include <algorithm>

#include "doppio/registry.h"
#include "ops/image/resize.h"
#include "src/kernel/pixels.h"

namespace doppio {
namespace {

int64_t NoFlops(const OperatorDef&, const std::vector<TensorInfo>&,
                const std::vector<TensorInfo>&) {
  return 0;
}

DOPPIO_OPERATOR_SCHEMA(ResizeNearest)
    .FillUsing(StateResize)
    .Doc(R"DOC(
Resizes images: each pixel of Y is the one of X at its place divided by the scale, rounded down (and
at most the last).

Example: the row 1 2 3 with width_scale = 2 becomes 1 1 2 2 3 3, with 0.67 it becomes 1 2.
)DOC")
    .Input(0, "X", "four dimensions, any numbers")
    .Flops(NoFlops);
DOPPIO_OPERATOR_SCHEMA(ResizeNearestGradient).FillUsing(StateResizeGradient).Doc(R"DOC(
The gradient of ResizeNearest: each pixel of dX is the sum of dY over the pixels that were copied
from it.
)DOC");

struct PixelMap {
  PixelSources rows, columns;

  void Assign(const ResizeRun& run) {
    const auto assign = [](int64_t to, int64_t from, float scale, PixelSources* sources) {
      sources->Assign(to, [&](int64_t i) {
        return std::min(static_cast<int64_t>(static_cast<float>(i) / scale), from - 1);
      });
    };
    assign(run.large.height, run.small.height, run.scales.height, &rows);
    assign(run.large.width, run.small.width, run.scales.width, &columns);
  }
};

template <class Context>
class ResizeNearestOp final : public ResizeOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ResizeNearestOp(OperatorInit* init) : ResizeOperator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const ResizeRun run, this->Prepare(0));
    return DispatchType(AllNumericTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), run.output));
      if (y->numel() == 0) return absl::OkStatus();
      map_.Assign(run);
      const T unused{};
      SelectPixels(sizeof(T), x.raw_data(), run.small.count, run.small.height, run.small.width,
                   run.small.inner, map_.rows, map_.columns, &unused, y->raw_mutable_data(),
                   &context_);
      return absl::OkStatus();
    });
  }

 private:
  PixelMap map_;
};

template <class Context>
class ResizeNearestGradientOp final : public ResizeOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ResizeNearestGradientOp(OperatorInit* init) : ResizeOperator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const ResizeRun run, this->Prepare(1));
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), run.output));
      if (dx->numel() == 0) return absl::OkStatus();
      map_.Assign(run);
      SelectPixelsGradient(dy.data<T>(), run.small.count, run.small.height, run.small.width,
                           run.small.inner, map_.rows, map_.columns, dx->mutable_data<T>(),
                           &context_);
      return absl::OkStatus();
    });
  }

 private:
  PixelMap map_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ResizeNearest, ResizeNearestOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ResizeNearestGradient, ResizeNearestGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(ResizeNearest, GetResizeGradient);

}  // namespace
}  // namespace doppio
