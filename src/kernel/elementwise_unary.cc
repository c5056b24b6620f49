#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/elementwise_unary.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <cmath>
#include <limits>
#include <type_traits>

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"
#include "src/kernel/elementwise-inl.h"
#include "src/kernel/elementwise_unary.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

struct VectorRelu {  // not Max, whose answer to NaN differs between processors
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
  }
};
struct VectorNegative {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    if constexpr (hwy::IsFloat<hn::TFromD<D>>()) return hn::Neg(x);
    return hn::Sub(hn::Zero(d), x);
  }
};
struct VectorAbs {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    if constexpr (hwy::IsFloat<hn::TFromD<D>>()) return hn::Abs(x);
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Sub(hn::Zero(d), x), x);
  }
};
struct VectorSqr {
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return hn::Mul(x, x);
  }
};
struct VectorSqrt {
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return hn::Sqrt(x);
  }
};

// Highway's exp for the arguments that it takes, and what IEEE 754 wants for all others.
template <class D, class V>
HWY_INLINE V ExpOf(D d, V x) {
  const V y = hn::Exp(d, hn::Min(x, hn::Set(d, 104.0f)));
  return hn::IfThenElse(hn::Eq(x, x), y, x);
}
struct VectorExp {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return ExpOf(d, x);
  }
};
struct VectorLog {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
    const V nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
    const V y = hn::IfThenElse(hn::Lt(x, infinity), hn::Log(d, x), x);
    return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity),
                          hn::IfThenElse(hn::Lt(x, hn::Zero(d)), nan, y));
  }
};
struct VectorTanh {
  // Near zero an odd polynomial, fitted for the least relative error in |x| < 0.625; elsewhere
  // 1 - 2 / (exp(2|x|) + 1), where the subtraction no longer costs digits.
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V one = hn::Set(d, 1.0f);
    const V z = hn::Mul(x, x);
    V p = hn::Set(d, -0.005704986862838268f);
    p = hn::MulAdd(p, z, hn::Set(d, 0.02063908614218235f));
    p = hn::MulAdd(p, z, hn::Set(d, -0.05373971536755562f));
    p = hn::MulAdd(p, z, hn::Set(d, 0.13331441581249237f));
    p = hn::MulAdd(p, z, hn::Set(d, -0.3333328068256378f));
    const V near_zero = hn::MulAdd(hn::Mul(p, z), x, x);
    const V magnitude = hn::Abs(x);
    const V e = ExpOf(d, hn::Add(magnitude, magnitude));
    const V far = hn::Sub(one, hn::Div(hn::Set(d, 2.0f), hn::Add(e, one)));
    return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625f)), near_zero, hn::CopySign(far, x));
  }
};
struct VectorSigmoid {  // e / (1 + e) or 1 / (1 + e), so that e = exp(-|x|) is never large
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V one = hn::Set(d, 1.0f);
    const V e = ExpOf(d, hn::Neg(hn::Abs(x)));
    return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
  }
};

// One function for each pair, Relu_float and so on, since Highway exports no templates.
#define DOPPIO_VECTOR_ROWS(X) \
  X(Relu, float)              \
  X(Relu, double)             \
  X(Negative, float)          \
  X(Negative, double)         \
  X(Negative, int32_t)        \
  X(Negative, int64_t)        \
  X(Abs, float)               \
  X(Abs, double)              \
  X(Abs, int32_t)             \
  X(Abs, int64_t)             \
  X(Sqr, float)               \
  X(Sqr, double)              \
  X(Sqrt, float)              \
  X(Sqrt, double)             \
  X(Exp, float)               \
  X(Log, float)               \
  X(Tanh, float)              \
  X(Sigmoid, float)

#define DOPPIO_DEFINE_ROW(F, T) \
  void F##_##T(const T* x, T* y, int64_t n) { MapRow(x, y, n, Vector##F()); }
DOPPIO_VECTOR_ROWS(DOPPIO_DEFINE_ROW)
#undef DOPPIO_DEFINE_ROW

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {
namespace {

#define DOPPIO_EXPORT_ROW(F, T) HWY_EXPORT(F##_##T);
DOPPIO_VECTOR_ROWS(DOPPIO_EXPORT_ROW)
#undef DOPPIO_EXPORT_ROW

// The same functions for one element, where they are cheap enough that so few elements are done
// before the vectors have been set up. They give the same bits.
constexpr int64_t kFewElements = 16;

template <typename T>
T Minus(T x) {  // integers wrap
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(std::make_unsigned_t<T>(0) - static_cast<std::make_unsigned_t<T>>(x));
  } else {
    return -x;
  }
}
template <typename T>
T OneRelu(T x) {
  return x < T(0) ? T(0) : x;
}
template <typename T>
T OneNegative(T x) {
  return Minus(x);
}
template <typename T>
T OneAbs(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::abs(x);
  return x < T(0) ? Minus(x) : x;
}
template <typename T>
T OneSqr(T x) {
  return x * x;
}
template <typename T>
T OneSqrt(T x) {
  return std::sqrt(x);
}

double OneSigmoid(double x) {
  const double e = std::exp(-std::abs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}

}  // namespace

#define DOPPIO_CHEAP_FUNCTION(F, T)                                     \
  template <>                                                           \
  void F<T>(const T* x, T* y, int64_t n, CPUContext*) {                 \
    if (n < kFewElements) {                                             \
      for (int64_t i = 0; i < n; ++i) y[i] = One##F(x[i]);              \
      return;                                                           \
    }                                                                   \
    ParallelFor(n, kCheapGrain, [&](int64_t begin, int64_t end) {       \
      HWY_DYNAMIC_DISPATCH(F##_##T)(x + begin, y + begin, end - begin); \
    });                                                                 \
  }
DOPPIO_CHEAP_FUNCTION(Relu, float)
DOPPIO_CHEAP_FUNCTION(Relu, double)
DOPPIO_CHEAP_FUNCTION(Negative, float)
DOPPIO_CHEAP_FUNCTION(Negative, double)
DOPPIO_CHEAP_FUNCTION(Negative, int32_t)
DOPPIO_CHEAP_FUNCTION(Negative, int64_t)
DOPPIO_CHEAP_FUNCTION(Abs, float)
DOPPIO_CHEAP_FUNCTION(Abs, double)
DOPPIO_CHEAP_FUNCTION(Abs, int32_t)
DOPPIO_CHEAP_FUNCTION(Abs, int64_t)
DOPPIO_CHEAP_FUNCTION(Sqr, float)
DOPPIO_CHEAP_FUNCTION(Sqr, double)
DOPPIO_CHEAP_FUNCTION(Sqrt, float)
DOPPIO_CHEAP_FUNCTION(Sqrt, double)
#undef DOPPIO_CHEAP_FUNCTION

#define DOPPIO_COSTLY_FUNCTION(F, one_double)                                \
  template <>                                                                \
  void F<float>(const float* x, float* y, int64_t n, CPUContext*) {          \
    ParallelFor(n, kCostlyGrain, [&](int64_t begin, int64_t end) {           \
      HWY_DYNAMIC_DISPATCH(F##_float)(x + begin, y + begin, end - begin);    \
    });                                                                      \
  }                                                                          \
  template <>                                                                \
  void F<double>(const double* x, double* y, int64_t n, CPUContext* c) {     \
    MapElements([](double value) { return one_double(value); }, x, y, n, c); \
  }
DOPPIO_COSTLY_FUNCTION(Exp, std::exp)
DOPPIO_COSTLY_FUNCTION(Log, std::log)
DOPPIO_COSTLY_FUNCTION(Tanh, std::tanh)
DOPPIO_COSTLY_FUNCTION(Sigmoid, OneSigmoid)
#undef DOPPIO_COSTLY_FUNCTION

}  // namespace doppio
#endif  // HWY_ONCE
