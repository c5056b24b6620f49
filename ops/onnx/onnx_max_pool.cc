#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/window_lists.h"
#include "src/kernel/max_pool_places.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(OnnxMaxPool)
    .NumInputs(1)
    .NumOutputs(1, 2)
    .Doc(R"DOC(
ONNX's MaxPool with what MaxPool does not have: windows with dilation, padding wider than the window, whole
numbers of 8 bits, and the places of the maxima. Y[n,c,o] is the largest element under a window that begins
at o * stride - pad in each spatial dimension and takes every dilation-th element. NaN is passed over; a window
that sees padding alone gives the lowest number, and the place -1.

Example: X [1,1,4] = [[[1,3,2,4]]] with kernels = [2] and dilations = [2] gives Y = [[[2,4]]] and Indices =
[[[2,3]]].
)DOC")
    .FillUsing([](OpSchema& schema) { StateWindowLists(schema, true); })
    .Arg<int>("storage_order",
              "how Indices count within an image: 0: the last dimension fastest, 1: the first", 0)
    .Input(0, "X", "[N, C, spatial...] of float, double, int8 or uint8")
    .Output(0, "Y", "image of X's type, batch and channels")
    .Output(1, "Indices",
            "int64 of Y's shape: where the maxima stand in X, counted through all of it")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const WindowSettings settings = ReadWindowLists(context, true);
      DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceWindow(settings, context->dims(0)));
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PooledDims(window));
      context->SetOutput(0, context->dtype(0), dims);
      context->SetOutput(1, DataType::kInt64, dims);
      return absl::OkStatus();
    });

template <class Context>
class OnnxMaxPoolOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxMaxPoolOp(OperatorInit* init)
      : Operator<Context>(init),
        settings_(ReadWindowLists(init, true)),
        by_columns_(init->GetSingleArgument<int>("storage_order") == 1) {
    const int order = init->GetSingleArgument<int>("storage_order");
    if (order != 0 && order != 1) {
      init->Fail(
          absl::InvalidArgumentError(absl::StrCat("storage_order is ", order, ", must be 0 or 1")));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceWindow(settings_, x.dims()));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PooledDims(window));
    SlidingWindow sliding = ToSlidingWindow(window);
    sliding.batch *= window.channels;
    return DispatchType(
        TypeList<float, double, int8_t, uint8_t>(), x.dtype(), [&](auto tag) -> absl::Status {
          using T = typename decltype(tag)::type;
          DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
          int64_t* places = nullptr;
          if (OutputSize() > 1) {
            DOPPIO_ASSIGN_OR_RETURN(Tensor * indices, Output(1, DataType::kInt64, dims));
            places = indices->mutable_data<int64_t>();
          }
          MaxPoolPlaces(sliding, by_columns_, x.data<T>(), y->mutable_data<T>(), places);
          return absl::OkStatus();
        });
  }

 private:
  const WindowSettings settings_;
  const bool by_columns_;
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxMaxPool, OnnxMaxPoolOp<CPUContext>);
DOPPIO_NO_GRADIENT(OnnxMaxPool);

}  // namespace
}  // namespace doppio
