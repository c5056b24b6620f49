#ifndef DOPPIO_OPS_NN_POOL_H_
#define DOPPIO_OPS_NN_POOL_H_

// What the pools have in common. float is pooled in oneDNN, double (and float where oneDNN lacks
// the geometry) in plain loops; so are the gradients of maxima, since Caffe2's rule for ties is not
// oneDNN's.

#include <oneapi/dnnl/dnnl.hpp>
#include <type_traits>

#include "doppio/gradient_maker.h"
#include "doppio/operator.h"
#include "doppio/registry.h"
#include "ops/nn/onednn.h"
#include "ops/nn/window.h"
#include "src/kernel/pool.h"

namespace doppio {

enum class PoolKind { kMax, kAverage };

// Everything but the documentation.
void StatePool(OpSchema& schema, PoolKind kind);
void StatePoolGradient(OpSchema& schema, PoolKind kind);

// What oneDNN calls the parts of a pool, in the layouts of plain tensors.
struct DnnlPool {
  DnnlPool(const Window& window, PoolKind kind, bool count_include_pad);

  dnnl::algorithm algorithm;
  dnnl::memory::desc x;
  dnnl::memory::desc y;
  dnnl::memory::dims kernel;
  dnnl::memory::dims stride;
  dnnl::memory::dims pad_head;
  dnnl::memory::dims pad_tail;
};
// Whether it can, and gives what Caffe2 does.
bool DnnlHasPool(const Window& window);

PlainPool ToPlainPool(const Window& window);

// Computes Y from X. Belongs to one operator.
class Pooling {
 public:
  Pooling(PoolKind kind, bool count_include_pad)
      : kind_(kind), count_include_pad_(count_include_pad) {}

  template <typename T>
  absl::Status Forward(const Window& window, const T* x, T* y, CPUContext* context);

 private:
  absl::Status ForwardDnnl(const Window& window, const float* x, float* y);

  const PoolKind kind_;
  const bool count_include_pad_;
  DnnlPrimitive primitive_;
};

inline bool CountIncludePad(ArgumentReader* reader, PoolKind kind) {
  return kind == PoolKind::kAverage && reader->GetSingleArgument<bool>("count_include_pad");
}

template <class Context, PoolKind kKind>
class PoolOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PoolOp(OperatorInit* init)
      : Operator<Context>(init),
        args_(init, WindowUse::kPool),
        pooling_(kKind, CountIncludePad(init, kKind)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceWindow(args_, x.dims()));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PooledDims(window));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      return pooling_.Forward(window, x.data<T>(), y->mutable_data<T>(), &context_);
    });
  }

 private:
  const WindowArguments args_;
  Pooling pooling_;
};

template <class Context, PoolKind kKind>
class PoolGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PoolGradientOp(OperatorInit* init)
      : Operator<Context>(init),
        args_(init, WindowUse::kPool),
        count_include_pad_(CountIncludePad(init, kKind)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& y = Input(1);
    const Tensor& dy = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceWindow(args_, x.dims()));
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
  const WindowArguments args_;
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

#endif  // DOPPIO_OPS_NN_POOL_H_
