// A ConvolutionEnding in vectors, compiled once for each instruction set (Highway's foreach_target
// includes this file again and again, hence no plain include guard).
#if defined(DOPPIO_KERNEL_CONVOLUTION_ENDING_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNEL_CONVOLUTION_ENDING_INL_H_
#undef DOPPIO_KERNEL_CONVOLUTION_ENDING_INL_H_
#else
#define DOPPIO_KERNEL_CONVOLUTION_ENDING_INL_H_
#endif

#include "hwy/highway.h"
#include "src/kernel/convolution_ending.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Eight channels are next to each other in memory; a vector has them all, or as many as fit.
using D = hn::CappedTag<float, 8>;
using V = hn::Vec<D>;
constexpr int kN = static_cast<int>(hn::MaxLanes(D()));

// Writes sums to y, as the ending says. Where a sum is not a number, that is what oneDNN makes of
// it: an activation may hide it.
HWY_INLINE void End(const ConvolutionEnding& ending, V sums, float* y) {
  using Activation = ConvolutionEnding::Activation;
  const D d;
  if (ending.adds) sums = hn::Add(sums, hn::Load(d, y));
  if (ending.activation == Activation::kClip) {
    sums = hn::Min(hn::Max(sums, hn::Set(d, ending.least)), hn::Set(d, ending.most));
  } else if (ending.activation == Activation::kRelu && ending.slope == 0) {
    sums = hn::Max(sums, hn::Zero(d));
  } else if (ending.activation == Activation::kRelu) {
    const V below = hn::Mul(sums, hn::Set(d, ending.slope));
    sums = hn::IfThenElse(hn::Gt(sums, hn::Zero(d)), sums, below);
  }
  hn::Store(sums, d, y);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
