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

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// exp(x) for x <= 0, and NaN for NaN.
template <class D, class V>
HWY_INLINE V ExpOfNegative(D d, V x) {
  return hn::IfThenElse(hn::Eq(x, x), hn::Exp(d, x), x);
}

// x / (1 + exp(-u)), for a u of x's sign.
template <class D, class V>
HWY_INLINE V TimesSigmoid(D d, V x, V u) {
  const V e = ExpOfNegative(d, hn::Neg(hn::Abs(u)));
  // Not 0 * -infinity, where e has vanished.
  const V small = hn::IfThenZeroElse(hn::Eq(e, hn::Zero(d)), hn::Mul(x, e));
  const V numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), small, x);
  return hn::Div(numerator, hn::Add(hn::Set(d, 1.0f), e));
}

struct VectorClip {  // not Min and Max, whose answers to NaN differ between processors
  float low, high;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V upper = hn::Set(d, high);
    const V lower = hn::Set(d, low);
    const V y = hn::IfThenElse(hn::Gt(x, upper), upper, x);
    return hn::IfThenElse(hn::Lt(y, lower), lower, y);
  }
};
struct VectorLeakyRelu {
  float alpha, unused;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, hn::Set(d, alpha)), x);
  }
};
struct VectorScaledElu {
  float alpha, scale;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V zero = hn::Zero(d);
    const V negative = hn::IfThenElse(hn::Gt(x, zero), zero, x);
    const V power = hn::Mul(hn::Set(d, alpha), hn::Expm1(d, negative));
    const V y = hn::IfThenElse(hn::Gt(x, zero), x, power);
    return hn::Mul(hn::Set(d, scale), hn::IfThenElse(hn::Eq(x, x), y, x));
  }
};
struct VectorSwish {
  float unused[2];
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return TimesSigmoid(d, x, x);
  }
};
struct VectorSoftplus {
  float unused[2];
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V e = ExpOfNegative(d, hn::Neg(hn::Abs(x)));
    const V positive = hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
    return hn::IfThenElse(hn::Eq(x, x), hn::Add(positive, hn::Log1p(d, e)), x);
  }
};
struct VectorSoftsign {
  float unused[2];
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Div(x, hn::Add(hn::Set(d, 1.0f), hn::Abs(x)));
  }
};
struct VectorFastGelu {  // (1 + tanh(u)) / 2 is the logistic function of 2 u
  float unused[2];
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V cubic = hn::MulAdd(hn::Mul(hn::Set(d, 0.044715f), hn::Mul(x, x)), x, x);
    return TimesSigmoid(d, x, hn::Mul(hn::Set(d, 1.5957691216057308f), cubic));
  }
};

#define DOPPIO_DEFINE_ROW(F)                                           \
  void F##Row(const float* x, float* y, int64_t n, float p, float q) { \
    MapRow(x, y, n, Vector##F{p, q});                                  \
  }
DOPPIO_DEFINE_ROW(Clip)
DOPPIO_DEFINE_ROW(LeakyRelu)
DOPPIO_DEFINE_ROW(ScaledElu)
DOPPIO_DEFINE_ROW(Swish)
DOPPIO_DEFINE_ROW(Softplus)
DOPPIO_DEFINE_ROW(Softsign)
DOPPIO_DEFINE_ROW(FastGelu)
#undef DOPPIO_DEFINE_ROW

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_ROW_OF_FLOATS(F, grain, p, q)                               \
  ParallelFor(n, grain, [&](int64_t begin, int64_t end) {                  \
    HWY_DYNAMIC_DISPATCH(F##Row)(x + begin, y + begin, end - begin, p, q); \
  })

HWY_EXPORT(ClipRow);
template <>
void Clip(const float* x, float* y, int64_t n, float low, float high, CPUContext*) {
  DOPPIO_ROW_OF_FLOATS(Clip, kCheapGrain, low, high);
}
template <>
void Clip(const double* x, double* y, int64_t n, double low, double high, CPUContext* c) {
  const auto f = [=](double v) {
    const double upper = v > high ? high : v;
    return upper < low ? low : upper;
  };
  MapElements(f, x, y, n, c);
}

HWY_EXPORT(LeakyReluRow);
template <>
void LeakyRelu(const float* x, float* y, int64_t n, float alpha, CPUContext*) {
  DOPPIO_ROW_OF_FLOATS(LeakyRelu, kCheapGrain, alpha, 0);
}
template <>
void LeakyRelu(const double* x, double* y, int64_t n, double alpha, CPUContext* c) {
  MapElements([=](double v) { return v < 0 ? alpha * v : v; }, x, y, n, c);
}

HWY_EXPORT(ScaledEluRow);
template <>
void ScaledElu(const float* x, float* y, int64_t n, float alpha, float scale, CPUContext*) {
  DOPPIO_ROW_OF_FLOATS(ScaledElu, kCostlyGrain, alpha, scale);
}
template <>
void ScaledElu(const double* x, double* y, int64_t n, double alpha, double scale, CPUContext* c) {
  const auto f = [=](double v) { return scale * (v > 0 ? v : alpha * std::expm1(v)); };
  MapElements(f, x, y, n, c);
}

namespace {

double OneSwish(double x) { return x < -700 ? 0 : x / (1 + std::exp(-x)); }
double OneSoftplus(double x) { return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::abs(x))); }
double OneSoftsign(double x) { return x / (1 + std::abs(x)); }
double OneFastGelu(double x) {
  return x / 2 * (1 + std::tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
}

}  // namespace

#define DOPPIO_ACTIVATION(F)                                             \
  HWY_EXPORT(F##Row);                                                    \
  template <>                                                            \
  void F(const float* x, float* y, int64_t n, CPUContext*) {             \
    DOPPIO_ROW_OF_FLOATS(F, kCostlyGrain, 0, 0);                         \
  }                                                                      \
  template <>                                                            \
  void F(const double* x, double* y, int64_t n, CPUContext* c) {         \
    MapElements([](double value) { return One##F(value); }, x, y, n, c); \
  }
DOPPIO_ACTIVATION(Swish)
DOPPIO_ACTIVATION(Softplus)
DOPPIO_ACTIVATION(Softsign)
DOPPIO_ACTIVATION(FastGelu)
#undef DOPPIO_ACTIVATION
#undef DOPPIO_ROW_OF_FLOATS

}  // namespace doppio
#endif  // HWY_ONCE
