// Exponential functions, logarithms and powers of vectors, compiled once for each instruction set
// (Highway's foreach_target includes this file again and again, hence no plain include guard).
//
// Functions that need more digits on the way than the result has are computed in doubles, also of
// floats, by classes with
//   template <bool kFull, class D, class V> static V Of(D d, V x);
// where kFull asks for a double's digits, and else for a float's: then polynomials are shorter, and
// the result, which is right to 30 bits at least, is rounded once. The others are computed in the
// type that they are asked for, by classes without kFull. An element's result depends on its value
// alone. tests/kernel/vector_math_test.cc says how exact each function is.
//
// Polynomials were fitted for the least relative error of the function (least squares at
// Chebyshev's points, weighted anew until the largest errors are alike). How arguments are reduced
// and errors kept small follows FreeBSD's msun (e_log.c, s_log1p.c).
#if defined(DOPPIO_KERNEL_VECTOR_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNEL_VECTOR_EXP_INL_H_
#undef DOPPIO_KERNEL_VECTOR_EXP_INL_H_
#else
#define DOPPIO_KERNEL_VECTOR_EXP_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <limits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
inline constexpr bool kIsDouble = sizeof(hn::TFromD<D>) == sizeof(double);

// f(tag, x...) of floats as doubles.
template <class D, typename F, class V, class... Vs>
HWY_INLINE V InDoubles(D d, F f, V x, Vs... more) {
#if HWY_TARGET == HWY_SCALAR
  const hn::Rebind<double, D> wide;
  const auto y = f(wide, hn::PromoteTo(wide, x), hn::PromoteTo(wide, more)...);
  return hn::Set(d, static_cast<float>(hn::GetLane(y)));  // DemoteTo has no infinity here
#else
  const hn::Half<D> half;
  const hn::Rebind<double, decltype(half)> wide;
  const auto low = f(wide, hn::PromoteTo(wide, hn::LowerHalf(half, x)),
                     hn::PromoteTo(wide, hn::LowerHalf(half, more))...);
  const auto high = f(wide, hn::PromoteTo(wide, hn::UpperHalf(half, x)),
                      hn::PromoteTo(wide, hn::UpperHalf(half, more))...);
  return hn::Combine(d, hn::DemoteTo(half, high), hn::DemoteTo(half, low));
#endif
}

// Function of floats or doubles.
template <class Function, class D, class V, class... Vs>
HWY_INLINE V Compute(D d, V x, Vs... more) {
  if constexpr (kIsDouble<D>) {
    return Function::template Of<true>(d, x, more...);
  } else {
    return InDoubles(
        d,
        [](auto wide, auto first, auto... others)
            HWY_ATTR { return Function::template Of<false>(wide, first, others...); },
        x, more...);
  }
}

// What rows are mapped with: a function by Compute, and one that is right for any x as it is.
template <class F>
struct Computed {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return Compute<F>(d, x);
  }
};
template <class F>
struct Direct {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return F::Of(d, x);
  }
};

// y, with f(x) in its place where `good` is false: for the few arguments that a function of vectors
// does not know.
template <class D, class V, class M, typename F, typename... Vs>
HWY_INLINE V CorrectOthers(D d, M good, V y, F f, Vs... x) {
  if (HWY_LIKELY(hn::AllTrue(d, good))) return y;
  using T = hn::TFromD<D>;
  constexpr size_t kLanes = HWY_MAX_BYTES / sizeof(T);
  HWY_ALIGN T ys[kLanes];
  HWY_ALIGN T is_good[kLanes];
  HWY_ALIGN T xs[sizeof...(Vs)][kLanes];
  size_t next = 0;
  (hn::Store(x, d, xs[next++]), ...);
  hn::Store(y, d, ys);
  hn::Store(hn::IfThenElseZero(good, hn::Set(d, T(1))), d, is_good);
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    if (is_good[i] != 0) continue;
    if constexpr (sizeof...(Vs) == 1) {
      ys[i] = f(xs[0][i]);
    } else {
      ys[i] = f(xs[0][i], xs[1][i]);
    }
  }
  return hn::Load(d, ys);
}

// c[kFrom] + c[kFrom + 1] z + ...
template <size_t kFrom, class D, class V, size_t kSize>
HWY_INLINE V PolynomialFrom(D d, V z, const double (&c)[kSize]) {
  if constexpr (kFrom + 1 == kSize) {
    return hn::Set(d, static_cast<hn::TFromD<D>>(c[kFrom]));
  } else {
    return hn::MulAdd(PolynomialFrom<kFrom + 1>(d, z, c), z,
                      hn::Set(d, static_cast<hn::TFromD<D>>(c[kFrom])));
  }
}
template <bool kFull, class D, class V, size_t kSize, size_t kShortSize>
HWY_INLINE V Polynomial(D d, V z, const double (&c)[kSize], const double (&short_c)[kShortSize]) {
  if constexpr (kFull) {
    return PolynomialFrom<0>(d, z, c);
  } else {
    return PolynomialFrom<0>(d, z, short_c);
  }
}

// The bits of an integer of which the last ones are those of n, which is whole and below 2^51, or
// 2^22 where it is a float.
template <class D, class V>
HWY_INLINE hn::Vec<hn::RebindToSigned<D>> IntegerBits(D d, V n) {
  constexpr double kLastBitIsOne = kIsDouble<D> ? 6755399441055744.0 : 12582912.0;  // 1.5 * 2^m
  return hn::BitCast(hn::RebindToSigned<D>(),
                     hn::Add(n, hn::Set(d, static_cast<hn::TFromD<D>>(kLastBitIsOne))));
}

// 2^n for whole n in [-1022, 1023]; infinity for 1024.
template <class D, class V>
HWY_INLINE V PowerOfTwo(D d, V n) {
  const hn::Rebind<int64_t, D> di;
  return hn::BitCast(d, hn::ShiftLeft<52>(hn::Add(IntegerBits(d, n), hn::Set(di, int64_t{1023}))));
}

// exp(x) = 2^n (1 + p), where |p| < 0.42.
template <class V>
struct ExpParts {
  V n;
  V p;
};

// (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2.
constexpr double kExp[] = {0.5,
                           0.16666666666666677,
                           0.0416666666666667,
                           0.008333333333321612,
                           0.0013888888888866884,
                           0.000198412698861659,
                           2.4801587360450294e-05,
                           2.755724417514963e-06,
                           2.7557242856480913e-07,
                           2.5109047079859095e-08,
                           2.092441211520703e-09};
constexpr double kShortExp[] = {0.5000000047011676,    0.16666666794446913,
                                0.04166635311635854,   0.008333278395644784,
                                0.0013941098614163089, 0.00019911215557425068};

template <bool kFull, class D, class V>
HWY_INLINE ExpParts<V> ReducedExp(D d, V x) {
  const V n = hn::Round(hn::Mul(x, hn::Set(d, 1.4426950408889634)));
  V r = hn::NegMulAdd(n, hn::Set(d, 0.6931471805592082), x);  // 41 bits of ln(2): exact
  r = hn::NegMulAdd(n, hn::Set(d, 7.371002565167799e-13), r);
  return {n, hn::MulAdd(hn::Mul(r, r), Polynomial<kFull>(d, r, kExp, kShortExp), r)};
}

// exp(x) for -708 <= x <= 709.
template <bool kFull, class D, class V>
HWY_INLINE V ExpInRange(D d, V x) {
  const auto e = ReducedExp<kFull>(d, x);
  const V power = PowerOfTwo(d, e.n);
  return hn::MulAdd(power, e.p, power);
}

// exp(x) - 1 for -708 <= x <= 709.
template <bool kFull, class D, class V>
HWY_INLINE V Expm1InRange(D d, V x) {
  const auto e = ReducedExp<kFull>(d, x);
  const V power = PowerOfTwo(d, e.n);
  return hn::MulAdd(power, e.p, hn::Sub(power, hn::Set(d, 1.0)));
}

struct ExpOfAny {
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    const V within = hn::Max(hn::Min(x, hn::Set(d, 710.0)), hn::Set(d, -746.0));
    const auto e = ReducedExp<kFull>(d, within);
    // In two steps, since 2^n may be no normal number; the result is rounded once.
    const V half = hn::Round(hn::Mul(e.n, hn::Set(d, 0.5)));
    const V y = hn::Mul(hn::Mul(hn::Add(e.p, hn::Set(d, 1.0)), PowerOfTwo(d, half)),
                        PowerOfTwo(d, hn::Sub(e.n, half)));
    return hn::IfThenElse(hn::Eq(x, x), y, x);
  }
};

struct TanhOfAny {
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    const V magnitude = hn::Min(hn::Abs(x), hn::Set(d, 22.0));  // from there on it is 1
    const V t = Expm1InRange<kFull>(d, hn::Add(magnitude, magnitude));
    const V y = hn::CopySign(hn::Div(t, hn::Add(t, hn::Set(d, 2.0))), x);
    return hn::IfThenElse(hn::Eq(x, x), y, x);
  }
};

struct SigmoidOfAny {  // e / (1 + e) or 1 / (1 + e), so that e = exp(-|x|) is never large
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    const V one = hn::Set(d, 1.0);
    const V e = ExpOfAny::Of<kFull>(d, hn::Neg(hn::Abs(x)));
    return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
  }
};

// From a quarter of exp(|x|) - 1 or exp(|x|), which is finite where the result is.
struct SinhOfAny {
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    const V magnitude = hn::Min(hn::Abs(x), hn::Set(d, 710.6));
    const auto e = ReducedExp<kFull>(d, magnitude);
    const V power = PowerOfTwo(d, hn::Sub(e.n, hn::Set(d, 2.0)));
    const V t = hn::MulAdd(power, e.p, hn::Sub(power, hn::Set(d, 0.25)));
    const V whole = hn::MulAdd(hn::Set(d, 4.0), t, hn::Set(d, 1.0));
    const V y = hn::CopySign(hn::Mul(hn::Set(d, 2.0), hn::Add(t, hn::Div(t, whole))), x);
    return hn::IfThenElse(hn::Eq(x, x), y, x);
  }
};

struct CoshOfAny {
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    const V magnitude = hn::Min(hn::Abs(x), hn::Set(d, 710.6));
    const auto e = ReducedExp<kFull>(d, magnitude);
    const V power = PowerOfTwo(d, hn::Sub(e.n, hn::Set(d, 2.0)));
    const V t = hn::MulAdd(power, e.p, power);
    const V y = hn::Mul(hn::Set(d, 2.0), hn::Add(t, hn::Div(hn::Set(d, 0.0625), t)));
    return hn::IfThenElse(hn::Eq(x, x), y, x);
  }
};

// x = 2^k (1 + f), where 1 + f is between the roots of 1/2 and 2, for normal positive x.
template <class V>
struct LogParts {
  V k;
  V f;
};

template <class D, class V>
HWY_INLINE LogParts<V> ReducedLog(D d, V x) {
  using T = hn::TFromD<D>;
  const hn::RebindToUnsigned<D> du;
  using TU = hn::TFromD<decltype(du)>;
  constexpr bool kDouble = kIsDouble<D>;
  constexpr int kMantissaBits = kDouble ? 52 : 23;
  constexpr TU kMantissa = (TU{1} << kMantissaBits) - 1;
  constexpr TU kOne = static_cast<TU>(kDouble ? 0x3FF0000000000000 : 0x3F800000);
  constexpr TU kRootOfHalf = static_cast<TU>(kDouble ? 0x3FE6A09E667F3BCD : 0x3F3504F3);
  // 2^52 or 2^23, in whose last bits the exponent becomes a number.
  constexpr TU kPowerBits = static_cast<TU>(kDouble ? 0x4330000000000000 : 0x4B000000);
  constexpr T kPowerAndBias = static_cast<T>(kDouble ? 4503599627370496.0 + 1023 : 8388608.0 + 127);
  const auto bits = hn::Add(hn::BitCast(du, x), hn::Set(du, kOne - kRootOfHalf));
  const auto exponent = hn::Or(hn::ShiftRight<kMantissaBits>(bits), hn::Set(du, kPowerBits));
  const auto mantissa = hn::Add(hn::And(bits, hn::Set(du, kMantissa)), hn::Set(du, kRootOfHalf));
  return {hn::Sub(hn::BitCast(d, exponent), hn::Set(d, kPowerAndBias)),
          hn::Sub(hn::BitCast(d, mantissa), hn::Set(d, T(1)))};
}

// (ln((1 + s) / (1 - s)) / s - 2) / s^2, of s^2.
constexpr double kLog[] = {0.6666666666666735,  0.3999999999941293,  0.2857142874280202,
                           0.22222198527982664, 0.18183566813619692, 0.153139834422276,
                           0.14796655031358258};
constexpr double kShortLog[] = {0.6666666667585257, 0.39999995606021177, 0.2857211074708065,
                                0.22176124145978943, 0.19585068318485083};

// s and what ln(1 + f) / s is beyond 2.
template <bool kFull, class D, class V>
HWY_INLINE void LogSeries(D d, V f, V* s, V* rest) {
  *s = hn::Div(f, hn::Add(f, hn::Set(d, hn::TFromD<D>(2))));
  const V z = hn::Mul(*s, *s);
  *rest = hn::Mul(z, Polynomial<kFull>(d, z, kLog, kShortLog));
}

// k ln(2) + ln(1 + f) + c to the last digit, for a c that is small.
template <class D, class V>
HWY_INLINE V LogFromParts(D d, V k, V f, V c) {
  using T = hn::TFromD<D>;
  V s, rest;
  LogSeries<kIsDouble<D>>(d, f, &s, &rest);
  // The first part of ln(2) has so few bits that its product with k is exact.
  const V ln2 = hn::Set(d, static_cast<T>(kIsDouble<D> ? 0.6931471805592082 : 0.693359375));
  const V ln2_rest =
      hn::Set(d, static_cast<T>(kIsDouble<D> ? 7.371002565167799e-13 : -2.1219444005469058e-4));
  const V half_square = hn::Mul(hn::Set(d, T(0.5)), hn::Mul(f, f));
  const V low = hn::MulAdd(k, ln2_rest, c);
  const V correction = hn::Sub(half_square, hn::MulAdd(s, hn::Add(half_square, rest), low));
  return hn::MulSub(k, ln2, hn::Sub(correction, f));
}

// ln(x) of a double that was a float, normal and positive, to a float's digits.
template <class D, class V>
HWY_INLINE V ShortLog(D d, V x) {
  const auto parts = ReducedLog(d, x);
  V s, rest;
  LogSeries<false>(d, parts.f, &s, &rest);
  return hn::MulAdd(parts.k, hn::Set(d, 0.6931471805599453),
                    hn::Mul(s, hn::Add(hn::Set(d, 2.0), rest)));
}

struct LogOfAny {
  template <class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    using T = hn::TFromD<D>;
    const V infinity = hn::Set(d, std::numeric_limits<T>::infinity());
    const V nan = hn::Set(d, std::numeric_limits<T>::quiet_NaN());
    const V zero = hn::Zero(d);
    const auto denormal = hn::Lt(x, hn::Set(d, std::numeric_limits<T>::min()));
    const V normal = hn::IfThenElse(denormal, hn::Mul(x, hn::Set(d, T(18014398509481984.0))), x);
    const V more = hn::IfThenElseZero(denormal, hn::Set(d, T(-54)));  // 2^-54
    const auto parts = ReducedLog(d, normal);
    const V y = LogFromParts(d, hn::Add(parts.k, more), parts.f, zero);
    return hn::IfThenElse(
        hn::Eq(x, zero), hn::Neg(infinity),
        hn::IfThenElse(hn::Lt(x, zero), nan, hn::IfThenElse(hn::Lt(x, infinity), y, x)));
  }
};

struct Log1pOfAny {
  template <class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    using T = hn::TFromD<D>;
    const V infinity = hn::Set(d, std::numeric_limits<T>::infinity());
    const V nan = hn::Set(d, std::numeric_limits<T>::quiet_NaN());
    const V zero = hn::Zero(d);
    const V one = hn::Set(d, T(1));
    const V u = hn::Add(x, one);
    const auto parts = ReducedLog(d, u);
    // What was lost when u was rounded; where k is 0 nothing has to be, since f is x.
    const V lost = hn::IfThenElse(hn::Ge(hn::Abs(x), one), hn::Sub(one, hn::Sub(u, x)),
                                  hn::Sub(x, hn::Sub(u, one)));
    const auto is_near = hn::Eq(parts.k, zero);
    const V f = hn::IfThenElse(is_near, x, parts.f);
    const V c = hn::IfThenZeroElse(is_near, hn::Div(lost, u));
    const V y = LogFromParts(d, parts.k, f, c);
    const V end = hn::IfThenElse(hn::Eq(u, zero), hn::Neg(infinity), nan);
    const V within = hn::IfThenElse(hn::Eq(x, zero), x, y);  // of -0 it is -0
    return hn::IfThenElse(hn::Le(u, zero), end, hn::IfThenElse(hn::Lt(x, infinity), within, x));
  }
};

// The cube root, of a float only.
struct CbrtOfAny {
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    static_assert(!kFull);
    const V magnitude = hn::Abs(x);
    const V y = ExpInRange<false>(d, hn::Mul(ShortLog(d, magnitude), hn::Set(d, 1.0 / 3)));
    const auto is_itself =
        hn::Or(hn::Eq(magnitude, hn::Zero(d)),
               hn::Not(hn::Lt(magnitude, hn::Set(d, std::numeric_limits<double>::infinity()))));
    return hn::IfThenElse(is_itself, x, hn::CopySign(y, x));
  }
};

// x^y, of floats, for what IsPlainPower says; other results are anything.
struct PowOfFloats {
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x, V y) {
    static_assert(!kFull);
    const V half = hn::Set(d, 0.5);
    const V log = ShortLog(d, hn::Abs(x));
    // Beyond 110 a float's results are 0 and infinite.
    const V limit = hn::Set(d, 110.0);
    const V exponent = hn::Max(hn::Min(hn::Mul(y, log), limit), hn::Neg(limit));
    const V magnitude = ExpInRange<false>(d, exponent);
    const V half_y = hn::Mul(y, half);
    const auto is_odd = hn::Ne(hn::Round(half_y), half_y);
    const auto is_whole = hn::Eq(hn::Round(y), y);
    const V of_negative =
        hn::IfThenElse(is_whole, hn::IfThenElse(is_odd, hn::Neg(magnitude), magnitude),
                       hn::Set(d, std::numeric_limits<double>::quiet_NaN()));
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), of_negative, magnitude);
  }
};

// Neither x is 0 nor one of them infinite or NaN.
template <class D, class V>
HWY_INLINE hn::Mask<D> IsPlainPower(D d, V x, V y) {
  const V infinity = hn::Set(d, std::numeric_limits<hn::TFromD<D>>::infinity());
  return hn::And(hn::And(hn::Ne(x, hn::Zero(d)), hn::Lt(hn::Abs(x), infinity)),
                 hn::Lt(hn::Abs(y), infinity));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
