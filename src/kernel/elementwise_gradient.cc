#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/elementwise_gradient.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "doppio/parallel.h"
#include "hwy/highway.h"
#include "src/kernel/elementwise-inl.h"
#include "src/kernel/elementwise_gradient.h"
#include "src/kernel/elementwise_unary.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// Of (x or y, dy). Products and sums are fused by name, so that no compiler decides it.
struct VectorReluGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy) const {
    return hn::IfThenElseZero(hn::Gt(y, hn::Zero(d)), dy);
  }
};
struct VectorAbsGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    const V zero = hn::Zero(d);
    const V positive = hn::IfThenElseZero(hn::Gt(x, zero), dy);
    return hn::IfThenElse(hn::Lt(x, zero), hn::Neg(dy), positive);
  }
};
struct VectorTanhGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy) const {
    return hn::Mul(dy, hn::NegMulAdd(y, y, hn::Set(d, 1)));
  }
};
struct VectorSigmoidGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D, V y, V dy) const {
    return hn::Mul(dy, hn::NegMulAdd(y, y, y));
  }
};

#define DOPPIO_VECTOR_ROWS(X) \
  X(ReluGradient, float)      \
  X(ReluGradient, double)     \
  X(AbsGradient, float)       \
  X(AbsGradient, double)      \
  X(TanhGradient, float)      \
  X(TanhGradient, double)     \
  X(SigmoidGradient, float)   \
  X(SigmoidGradient, double)

#define DOPPIO_DEFINE_ROW(F, T)                             \
  void F##_##T(const T* a, const T* dy, T* dx, int64_t n) { \
    MapRows<false, false>(a, dy, dx, n, Vector##F());       \
  }
DOPPIO_VECTOR_ROWS(DOPPIO_DEFINE_ROW)
#undef DOPPIO_DEFINE_ROW

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_GRADIENT(F, T)                                                        \
  namespace {                                                                        \
  HWY_EXPORT(F##_##T);                                                               \
  }                                                                                  \
  template <>                                                                        \
  void F<T>(const T* a, const T* dy, T* dx, int64_t n, CPUContext*) {                \
    ParallelFor(n, kCheapGrain, [&](int64_t begin, int64_t end) {                    \
      HWY_DYNAMIC_DISPATCH(F##_##T)(a + begin, dy + begin, dx + begin, end - begin); \
    });                                                                              \
  }
DOPPIO_VECTOR_ROWS(DOPPIO_GRADIENT)
#undef DOPPIO_GRADIENT

}  // namespace doppio
#endif  // HWY_ONCE
