#ifndef DOPPIO_OPS_NN_POOL_OPERATOR_H_
#define DOPPIO_OPS_NN_POOL_OPERATOR_H_

// The operators of pools, but for their names and documentation. Gradients are computed in plain
// loops, since Caffe2's rule for ties among maxima is not oneDNN's.

#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/operator.h"
#include "doppio/registry.h"
#include "ops/nn/window_arguments.h"
#include "src/dnn/pooling.h"
#include "src/kernel/pooling_loops.h"

namespace doppio {

// Everything but the documentation.
void StatePool(OpSchema& schema, PoolKind kind);
void StatePoolGradient(OpSchema& schema, PoolKind kind);

inline bool CountIncludePad(ArgumentReader* reader, PoolKind kind) {
  return kind == PoolKind::kAverage && reader->GetSingleArgument<bool>("count_include_pad");
}

template <class Context, PoolKind kKind>
class PoolOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PoolOp(OperatorInit* init)
      : Operator<Context>(init),
        settings_(ReadWindowArguments(init, WindowUse::kPool)),
        pooling_(kKind, CountIncludePad(init, kKind)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceWindow(settings_, x.dims()));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PooledDims(window));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      return pooling_.Forward(window, x.data<T>(), y->mutable_data<T>(), &context_);
    });
  }

 private:
  const WindowSettings settings_;
  Pooling pooling_;
};

template <class Context, PoolKind kKind>
class PoolGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PoolGradientOp(OperatorInit* init)
      : Operator<Context>(init),
        settings_(ReadWindowArguments(init, WindowUse::kPool)),
        count_include_pad_(CountIncludePad(init, kKind)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& y = Input(1);
    const Tensor& dy = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceWindow(settings_, x.dims()));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PooledDims(window));
    for (int i : {1, 2}) {
      if (Input(i).dtype() == x.dtype() && Input(i).dims() == DimsView(dims)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("Y and dY must be of X's type and of shape ", ShapeToString(dims),
                       ", but there is ", DescribeInput(i), " for X ", DescribeInput(0)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      if (window.batch == 0) return absl::OkStatus();
      const PlainPool plain = ToPlainPool(window);
      T* out = dx->mutable_data<T>();
      if constexpr (kKind == PoolKind::kMax) {
        MaxPoolGradient(plain, x.data<T>(), y.data<T>(), dy.data<T>(), out, &context_);
      } else {
        AveragePoolGradient(plain, count_include_pad_, dy.data<T>(), out, &context_);
      }
      return absl::OkStatus();
    });
  }

 private:
  const WindowSettings settings_;
  const bool count_include_pad_;
};

class GetPoolGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef(Def().type() + "Gradient", "", {I(0), O(0), GO(0)}, {GI(0)});
  }
};

// Four names for one operator: Type, Type1D, Type2D and Type3D.
#define DOPPIO_POOL_OPERATOR_(Type, Kind, Forward, Backward)                      \
  DOPPIO_OPERATOR_SCHEMA(Type).FillUsing(Forward);                                \
  DOPPIO_OPERATOR_SCHEMA(Type##Gradient).FillUsing(Backward);                     \
  DOPPIO_REGISTER_CPU_OPERATOR(Type, PoolOp<CPUContext, Kind>);                   \
  DOPPIO_REGISTER_CPU_OPERATOR(Type##Gradient, PoolGradientOp<CPUContext, Kind>); \
  DOPPIO_REGISTER_GRADIENT(Type, GetPoolGradient)
#define DOPPIO_POOL_OPERATORS(Type, Kind, Forward, Backward) \
  DOPPIO_POOL_OPERATOR_(Type, Kind, Forward, Backward);      \
  DOPPIO_POOL_OPERATOR_(Type##1D, Kind, Forward, Backward);  \
  DOPPIO_POOL_OPERATOR_(Type##2D, Kind, Forward, Backward);  \
  DOPPIO_POOL_OPERATOR_(Type##3D, Kind, Forward, Backward)

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_POOL_OPERATOR_H_
