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
#include "src/kernel/vector_math-inl.h"

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

struct VectorFloor {
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return hn::Floor(x);
  }
};
struct VectorCeil {
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return hn::Ceil(x);
  }
};
struct VectorSign {  // 0 for NaN
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V one = hn::Set(d, 1);
    const V negative = hn::IfThenElseZero(hn::Lt(x, hn::Zero(d)), hn::Set(d, -1));
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), one, negative);
  }
};
struct VectorReciprocal {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Div(hn::Set(d, 1), x);
  }
};
struct VectorRsqrt {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Div(hn::Set(d, 1), hn::Sqrt(x));
  }
};
struct VectorCube {
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return hn::Mul(hn::Mul(x, x), x);
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
    const V y = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625f)), near_zero, far);
    return hn::CopySign(y, x);
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
  X(Floor, float)             \
  X(Floor, double)            \
  X(Ceil, float)              \
  X(Ceil, double)             \
  X(Sign, float)              \
  X(Sign, double)             \
  X(Sign, int32_t)            \
  X(Sign, int64_t)            \
  X(Reciprocal, float)        \
  X(Reciprocal, double)       \
  X(Rsqrt, float)             \
  X(Rsqrt, double)            \
  X(Cube, float)              \
  X(Cube, double)             \
  X(Exp, float)               \
  X(Log, float)               \
  X(Tanh, float)              \
  X(Sigmoid, float)

#define DOPPIO_DEFINE_ROW(F, T) \
  void F##_##T(const T* x, T* y, int64_t n) { MapRow(x, y, n, Vector##F()); }
DOPPIO_VECTOR_ROWS(DOPPIO_DEFINE_ROW)
#undef DOPPIO_DEFINE_ROW

void Exp_double(const double* x, double* y, int64_t n) {
  MapCostlyRow(x, y, n, Computed<ExpOfAny>());
}
void Log_double(const double* x, double* y, int64_t n) {
  MapCostlyRow(x, y, n, Direct<LogOfAny>());
}
void Tanh_double(const double* x, double* y, int64_t n) {
  MapCostlyRow(x, y, n, Computed<TanhOfAny>());
}
void Sigmoid_double(const double* x, double* y, int64_t n) {
  MapCostlyRow(x, y, n, Computed<SigmoidOfAny>());
}

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
HWY_EXPORT(Exp_double);
HWY_EXPORT(Log_double);
HWY_EXPORT(Tanh_double);
HWY_EXPORT(Sigmoid_double);

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

template <typename T>
T OneFloor(T x) {
  return std::floor(x);
}
template <typename T>
T OneCeil(T x) {
  return std::ceil(x);
}
template <typename T>
T OneSign(T x) {
  return static_cast<T>(T(x > 0) - T(x < 0));
}
template <typename T>
T OneReciprocal(T x) {
  return 1 / x;
}
template <typename T>
T OneRsqrt(T x) {
  return 1 / std::sqrt(x);
}
template <typename T>
T OneCube(T x) {
  return x * x * x;
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
DOPPIO_CHEAP_FUNCTION(Floor, float)
DOPPIO_CHEAP_FUNCTION(Floor, double)
DOPPIO_CHEAP_FUNCTION(Ceil, float)
DOPPIO_CHEAP_FUNCTION(Ceil, double)
DOPPIO_CHEAP_FUNCTION(Sign, float)
DOPPIO_CHEAP_FUNCTION(Sign, double)
DOPPIO_CHEAP_FUNCTION(Sign, int32_t)
DOPPIO_CHEAP_FUNCTION(Sign, int64_t)
DOPPIO_CHEAP_FUNCTION(Reciprocal, float)
DOPPIO_CHEAP_FUNCTION(Reciprocal, double)
DOPPIO_CHEAP_FUNCTION(Rsqrt, float)
DOPPIO_CHEAP_FUNCTION(Rsqrt, double)
DOPPIO_CHEAP_FUNCTION(Cube, float)
DOPPIO_CHEAP_FUNCTION(Cube, double)
#undef DOPPIO_CHEAP_FUNCTION

#define DOPPIO_COSTLY_FUNCTION(F, T)                                    \
  template <>                                                           \
  void F<T>(const T* x, T* y, int64_t n, CPUContext*) {                 \
    ParallelFor(n, kCostlyGrain, [&](int64_t begin, int64_t end) {      \
      HWY_DYNAMIC_DISPATCH(F##_##T)(x + begin, y + begin, end - begin); \
    });                                                                 \
  }
DOPPIO_COSTLY_FUNCTION(Exp, float)
DOPPIO_COSTLY_FUNCTION(Exp, double)
DOPPIO_COSTLY_FUNCTION(Log, float)
DOPPIO_COSTLY_FUNCTION(Log, double)
DOPPIO_COSTLY_FUNCTION(Tanh, float)
DOPPIO_COSTLY_FUNCTION(Tanh, double)
DOPPIO_COSTLY_FUNCTION(Sigmoid, float)
DOPPIO_COSTLY_FUNCTION(Sigmoid, double)
#undef DOPPIO_COSTLY_FUNCTION

}  // namespace doppio
#endif  // HWY_ONCE
