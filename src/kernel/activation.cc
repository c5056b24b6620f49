#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/activation.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <cmath>

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"
#include "src/kernel/activation.h"
#include "src/kernel/elementwise-inl.h"
#include "src/kernel/elementwise_unary.h"
#include "src/kernel/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// exp(x) for x <= 0, and NaN for NaN.
template <class D, class V>
HWY_INLINE V ExpOfNegative(D d, V x) {
  if constexpr (kIsDouble<D>) {
    return ExpOfAny::Of<true>(d, x);
  } else {
    return hn::IfThenElse(hn::Eq(x, x), hn::Exp(d, x), x);
  }
}

// exp(x) - 1 for x <= 0.
template <class D, class V>
HWY_INLINE V Expm1OfNegative(D d, V x) {
  if constexpr (kIsDouble<D>) {
    return Expm1InRange<true>(d, hn::Max(x, hn::Set(d, -700.0)));
  } else {
    return hn::Expm1(d, x);
  }
}

// x / (1 + exp(-u)), for a u of x's sign.
template <class D, class V>
HWY_INLINE V TimesSigmoid(D d, V x, V u) {
  const V e = ExpOfNegative(d, hn::Neg(hn::Abs(u)));
  // Not 0 * -infinity, where e has vanished.
  const V small = hn::IfThenZeroElse(hn::Eq(e, hn::Zero(d)), hn::Mul(x, e));
  const V numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), small, x);
  return hn::Div(numerator, hn::Add(hn::Set(d, 1), e));
}

template <typename T>
struct VectorClip {  // not Min and Max, whose answers to NaN differ between processors
  T low, high;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V upper = hn::Set(d, high);
    const V lower = hn::Set(d, low);
    const V y = hn::IfThenElse(hn::Gt(x, upper), upper, x);
    return hn::IfThenElse(hn::Lt(y, lower), lower, y);
  }
};
template <typename T>
struct VectorLeakyRelu {
  T alpha, unused;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, hn::Set(d, alpha)), x);
  }
};
template <typename T>
struct VectorScaledElu {
  T alpha, scale;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V zero = hn::Zero(d);
    const V negative = hn::IfThenElse(hn::Gt(x, zero), zero, x);
    const V power = hn::Mul(hn::Set(d, alpha), Expm1OfNegative(d, negative));
    const V y = hn::IfThenElse(hn::Gt(x, zero), x, power);
    return hn::Mul(hn::Set(d, scale), hn::IfThenElse(hn::Eq(x, x), y, x));
  }
};
template <typename T>
struct VectorSwish {
  T unused[2];
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return TimesSigmoid(d, x, x);
  }
};
template <typename T>
struct VectorSoftplus {
  T unused[2];
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V e = ExpOfNegative(d, hn::Neg(hn::Abs(x)));
    const V positive = hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
    return hn::IfThenElse(hn::Eq(x, x), hn::Add(positive, Log1pOfAny::Of(d, e)), x);
  }
};
template <typename T>
struct VectorSoftsign {
  T unused[2];
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Div(x, hn::Add(hn::Set(d, 1), hn::Abs(x)));
  }
};
template <typename T>
struct VectorFastGelu {  // (1 + tanh(u)) / 2 is the logistic function of 2 u
  T unused[2];
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V cubic = hn::MulAdd(hn::Mul(hn::Set(d, T(0.044715)), hn::Mul(x, x)), x, x);
    return TimesSigmoid(d, x, hn::Mul(hn::Set(d, T(1.5957691216057308)), cubic));
  }
};

template <typename T>
struct VectorGelu {
  T unused[2];
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Mul(x, NormalDistribution(d, x));
  }
};

#define DOPPIO_DEFINE_ROW(F, T) \
  void F##_##T(const T* x, T* y, int64_t n, T p, T q) { MapRow(x, y, n, Vector##F<T>{p, q}); }
#define DOPPIO_DEFINE_COSTLY_ROW(F, T) \
  void F##_##T(const T* x, T* y, int64_t n, T p, T q) { MapCostlyRow(x, y, n, Vector##F<T>{p, q}); }
DOPPIO_DEFINE_ROW(Clip, float)
DOPPIO_DEFINE_ROW(Clip, double)
DOPPIO_DEFINE_ROW(LeakyRelu, float)
DOPPIO_DEFINE_ROW(LeakyRelu, double)
DOPPIO_DEFINE_ROW(Softsign, float)
DOPPIO_DEFINE_ROW(Softsign, double)
DOPPIO_DEFINE_COSTLY_ROW(ScaledElu, float)
DOPPIO_DEFINE_COSTLY_ROW(ScaledElu, double)
DOPPIO_DEFINE_COSTLY_ROW(Swish, float)
DOPPIO_DEFINE_COSTLY_ROW(Swish, double)
DOPPIO_DEFINE_COSTLY_ROW(Softplus, float)
DOPPIO_DEFINE_COSTLY_ROW(Softplus, double)
DOPPIO_DEFINE_COSTLY_ROW(FastGelu, float)
DOPPIO_DEFINE_COSTLY_ROW(FastGelu, double)
DOPPIO_DEFINE_COSTLY_ROW(Gelu, float)
#undef DOPPIO_DEFINE_COSTLY_ROW
#undef DOPPIO_DEFINE_ROW

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_ACTIVATION_ROW(F, T, grain, p, q)                            \
  ParallelFor(n, grain, [&](int64_t begin, int64_t end) {                   \
    HWY_DYNAMIC_DISPATCH(F##_##T)(x + begin, y + begin, end - begin, p, q); \
  })

#define DOPPIO_ACTIVATION_WITH_ARGUMENTS(T)                                    \
  HWY_EXPORT(Clip_##T);                                                        \
  template <>                                                                  \
  void Clip(const T* x, T* y, int64_t n, T low, T high, CPUContext*) {         \
    DOPPIO_ACTIVATION_ROW(Clip, T, kCheapGrain, low, high);                    \
  }                                                                            \
  HWY_EXPORT(LeakyRelu_##T);                                                   \
  template <>                                                                  \
  void LeakyRelu(const T* x, T* y, int64_t n, T alpha, CPUContext*) {          \
    DOPPIO_ACTIVATION_ROW(LeakyRelu, T, kCheapGrain, alpha, 0);                \
  }                                                                            \
  HWY_EXPORT(ScaledElu_##T);                                                   \
  template <>                                                                  \
  void ScaledElu(const T* x, T* y, int64_t n, T alpha, T scale, CPUContext*) { \
    DOPPIO_ACTIVATION_ROW(ScaledElu, T, kCostlyGrain, alpha, scale);           \
  }
DOPPIO_ACTIVATION_WITH_ARGUMENTS(float)
DOPPIO_ACTIVATION_WITH_ARGUMENTS(double)
#undef DOPPIO_ACTIVATION_WITH_ARGUMENTS

#define DOPPIO_ACTIVATION(F, T)                      \
  HWY_EXPORT(F##_##T);                               \
  template <>                                        \
  void F(const T* x, T* y, int64_t n, CPUContext*) { \
    DOPPIO_ACTIVATION_ROW(F, T, kCostlyGrain, 0, 0); \
  }
DOPPIO_ACTIVATION(Swish, float)
DOPPIO_ACTIVATION(Swish, double)
DOPPIO_ACTIVATION(Softplus, float)
DOPPIO_ACTIVATION(Softplus, double)
DOPPIO_ACTIVATION(Softsign, float)
DOPPIO_ACTIVATION(Softsign, double)
DOPPIO_ACTIVATION(FastGelu, float)
DOPPIO_ACTIVATION(FastGelu, double)
DOPPIO_ACTIVATION(Gelu, float)
#undef DOPPIO_ACTIVATION
#undef DOPPIO_ACTIVATION_ROW

template <>
void Gelu(const double* x, double* y, int64_t n, CPUContext* context) {
  constexpr double kRootHalf = 0.70710678118654752;
  MapElements([](double v) { return v * std::erfc(-v * kRootHalf) / 2; }, x, y, n, context);
}

}  // namespace doppio
#endif  // HWY_ONCE
