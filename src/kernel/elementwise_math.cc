#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/elementwise_math.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <cmath>
#include <limits>

#include "hwy/highway.h"
#include "src/kernel/broadcast_binary.h"
#include "src/kernel/elementwise-inl.h"
#include "src/kernel/elementwise_math.h"
#include "src/kernel/elementwise_unary.h"
#include "src/kernel/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

struct VectorSin {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return Sine(d, x);
  }
};
struct VectorCos {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return Cosine(d, x);
  }
};
struct VectorTan {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return CorrectOthers(
        d, IsPlainAngle(d, x), TanOfAngle::Of(d, x),
        [](hn::TFromD<D> value) { return std::tan(value); }, x);
  }
};
using VectorAsin = Direct<AsinOfAny>;
using VectorAcos = Direct<AcosOfAny>;
using VectorAtan = Direct<AtanOfAny>;
using VectorSinh = Computed<SinhOfAny>;
using VectorCosh = Computed<CoshOfAny>;
using VectorLog1p = Direct<Log1pOfAny>;
using VectorErf = Computed<ErfOfAny>;
using VectorCbrt = Computed<CbrtOfAny>;
struct VectorRootPower {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V infinity = hn::Set(d, std::numeric_limits<hn::TFromD<D>>::infinity());
    const V root = hn::Add(hn::Sqrt(x), hn::Zero(d));
    return hn::IfThenElse(hn::Eq(x, hn::Neg(infinity)), infinity, root);
  }
};
struct VectorPow {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    return CorrectOthers(
        d, IsPlainPower(d, x, y), Compute<PowOfFloats>(d, x, y),
        [](float base, float exponent) { return std::pow(base, exponent); }, x, y);
  }
};

// One function for each pair, Sin_float and so on, since Highway exports no templates.
#define DOPPIO_VECTOR_ROWS(X) \
  X(Sin, float)               \
  X(Sin, double)              \
  X(Cos, float)               \
  X(Cos, double)              \
  X(Tan, float)               \
  X(Tan, double)              \
  X(Asin, float)              \
  X(Asin, double)             \
  X(Acos, float)              \
  X(Acos, double)             \
  X(Atan, float)              \
  X(Atan, double)             \
  X(Sinh, float)              \
  X(Sinh, double)             \
  X(Cosh, float)              \
  X(Cosh, double)             \
  X(Log1p, float)             \
  X(Log1p, double)            \
  X(Erf, float)               \
  X(Erf, double)              \
  X(Cbrt, float)              \
  X(RootPower, float)         \
  X(RootPower, double)

#define DOPPIO_DEFINE_ROW(F, T) \
  void F##_##T(const T* x, T* y, int64_t n) { MapCostlyRow(x, y, n, Vector##F()); }
DOPPIO_VECTOR_ROWS(DOPPIO_DEFINE_ROW)
#undef DOPPIO_DEFINE_ROW

void Pow_float(const float* x, bool repeat_x, const float* exponent, bool repeat_exponent, float* y,
               int64_t n) {
  MapCostlyRows(x, repeat_x, exponent, repeat_exponent, y, n, VectorPow());
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_MATH_FUNCTION(F, T)                                      \
  HWY_EXPORT(F##_##T);                                                  \
  template <>                                                           \
  void F<T>(const T* x, T* y, int64_t n, CPUContext*) {                 \
    ParallelFor(n, kCostlyGrain, [&](int64_t begin, int64_t end) {      \
      HWY_DYNAMIC_DISPATCH(F##_##T)(x + begin, y + begin, end - begin); \
    });                                                                 \
  }
DOPPIO_VECTOR_ROWS(DOPPIO_MATH_FUNCTION)
#undef DOPPIO_MATH_FUNCTION

template <>
void Cbrt<double>(const double* x, double* y, int64_t n, CPUContext* context) {
  MapElements([](double value) { return std::cbrt(value); }, x, y, n, context);
}

HWY_EXPORT(Pow_float);
template <>
void Pow<float>(const float* x, DimsView x_dims, const float* exponent, DimsView exponent_dims,
                float* y, DimsView y_dims, CPUContext*) {
  BroadcastBinary(HWY_DYNAMIC_DISPATCH(Pow_float), x, x_dims, exponent, exponent_dims, y, y_dims,
                  kCostlyGrain);
}

namespace {

void PowRow(const double* x, bool repeat_x, const double* exponent, bool repeat_exponent, double* y,
            int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    y[i] = std::pow(x[repeat_x ? 0 : i], exponent[repeat_exponent ? 0 : i]);
  }
}

}  // namespace

template <>
void Pow<double>(const double* x, DimsView x_dims, const double* exponent, DimsView exponent_dims,
                 double* y, DimsView y_dims, CPUContext*) {
  BroadcastBinary(PowRow, x, x_dims, exponent, exponent_dims, y, y_dims, kCostlyGrain);
}

}  // namespace doppio
#endif  // HWY_ONCE
