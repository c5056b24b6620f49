#include "ops/nn/pool_operator.h"

#include "src/dnn/gemm.h"

namespace doppio {
namespace {

int64_t FlopsOf(const OperatorDef& def, const std::vector<TensorInfo>& inputs) {
  InferenceContext context(def, OpSchemaRegistry::Schema(def.type()), {});
  const auto window = PlaceWindow(ReadWindowArguments(&context, WindowUse::kPool), *inputs[0].dims);
  if (!window.ok()) return 0;
  const absl::StatusOr<Dims> dims = PooledDims(*window);
  // One operation for each element of a window.
  return dims.ok() ? GemmMultiplyAdds(SizeFromDim(*dims, 0), window->kernel_size(), 1) : 0;
}

void StateArguments(OpSchema& schema, PoolKind kind) {
  StateWindowArguments(schema, WindowUse::kPool);
  schema.Flops([](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
    return FlopsOf(def, inputs);
  });
  if (kind == PoolKind::kAverage) {
    schema.Arg<bool>("count_include_pad",
                     "divide by the size of the window, also where it reaches into the padding",
                     false);
  }
}

}  // namespace

void StatePool(OpSchema& schema, PoolKind kind) {
  StateArguments(schema, kind);
  schema.NumInputs(1)
      .NumOutputs(1)
      .Input(0, "X", "image of float or double: [N, C, spatial...], or [N, spatial..., C] for NHWC")
      .Output(0, "Y", "image of X's type, batch and channels")
      .TensorInference([](InferenceContext* context) -> absl::Status {
        const WindowSettings settings = ReadWindowArguments(context, WindowUse::kPool);
        DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceWindow(settings, context->dims(0)));
        DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PooledDims(window));
        context->SetOutput(0, context->dtype(0), dims);
        return absl::OkStatus();
      });
}

void StatePoolGradient(OpSchema& schema, PoolKind kind) {
  StateArguments(schema, kind);
  schema.NumInputs(3)
      .NumOutputs(1)
      .Input(0, "X", "input of the pool")
      .Input(1, "Y", "its output")
      .Input(2, "dY", "gradient of the output")
      .Output(0, "dX", "gradient of X, of X's shape and type")
      .IdenticalTypeAndShape();
}

}  // namespace doppio
