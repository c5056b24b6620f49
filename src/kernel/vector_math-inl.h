// Other elementary functions of vectors, in the manner of vector_exp-inl.h; compiled once for each
// instruction set (Highway's foreach_target includes this file again and again, hence no plain
// include guard). Reductions follow FreeBSD's msun (e_asin.c, s_atan.c, s_erf.c).
#if defined(DOPPIO_KERNEL_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNEL_VECTOR_MATH_INL_H_
#undef DOPPIO_KERNEL_VECTOR_MATH_INL_H_
#else
#define DOPPIO_KERNEL_VECTOR_MATH_INL_H_
#endif

#include <cmath>

#include "hwy/highway.h"
#include "src/kernel/vector_exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// What sines and cosines are made of: x = n pi/2 + r, where |r| <= pi/4.
template <class V, class VI>
struct AngleParts {
  V sin_r;
  V cos_r;
  VI n;  // its last two bits
};

// (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4, of r^2.
constexpr double kSin[] = {-0.16666666666666632,   0.008333333333322403,    -0.00019841269829800863,
                           2.7557313689857537e-06, -2.5050757831179573e-08, 1.5896780856896083e-10};
constexpr double kShortSin[] = {-0.16666654901050906, 0.008332176007768994,
                                -0.00019517051338440515};
constexpr double kCos[] = {0.0416666666666666,     -0.0013888888888874127,
                           2.4801587289484725e-05, -2.7557314353193885e-07,
                           2.087572340291604e-09,  -1.1359654999459767e-11};
constexpr double kShortCos[] = {0.041666646816399956, -0.0013887365322188853,
                                2.443822025494171e-05};

// Angles up to here are reduced as if pi had 85 bits, those of doubles as if it had 120: n has 21
// bits and the first parts of pi/2 have 32, so that their products are exact. A float's n is
// computed as a float, and up to here the right one.
template <typename T>
constexpr T kLargestAngle = sizeof(T) == sizeof(double) ? T(3e6) : T(1e5);

// The reduction of a float, in doubles.
struct AngleMinusQuarters {
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x, V n) {
    V r = hn::NegMulAdd(n, hn::Set(d, 1.5707963267341256), x);
    if constexpr (kFull) {
      const V part = hn::Mul(n, hn::Set(d, 6.077100506303966e-11));
      const V high = hn::Sub(r, part);
      const V low = hn::Sub(hn::Sub(r, high), part);
      return hn::Add(high, hn::NegMulAdd(n, hn::Set(d, 2.0222662487959506e-21), low));
    }
    return hn::NegMulAdd(n, hn::Set(d, 6.077100506506192e-11), r);
  }
};

template <class D, class V>
HWY_INLINE AngleParts<V, hn::Vec<hn::RebindToSigned<D>>> ReducedAngle(D d, V x) {
  using T = hn::TFromD<D>;
  const V n = hn::Round(hn::Mul(x, hn::Set(d, T(0.6366197723675814))));
  const V r = Compute<AngleMinusQuarters>(d, x, n);
  const V z = hn::Mul(r, r);
  const V one = hn::Set(d, T(1));
  const V half_z = hn::Mul(hn::Set(d, T(0.5)), z);
  const V sin_r = hn::MulAdd(hn::Mul(z, Polynomial<kIsDouble<D>>(d, z, kSin, kShortSin)), r, r);
  const V rest = hn::Mul(hn::Mul(z, z), Polynomial<kIsDouble<D>>(d, z, kCos, kShortCos));
  const V near_cos = hn::Sub(one, half_z);
  const V cos_r = hn::Add(near_cos, hn::Add(hn::Sub(hn::Sub(one, near_cos), half_z), rest));
  return {sin_r, cos_r, IntegerBits(d, n)};
}

template <class D, class VI>
HWY_INLINE hn::Mask<D> LastBitIsSet(D d, VI bits) {
  const hn::RebindToSigned<D> di;
  return hn::RebindMask(d, hn::Ne(hn::And(bits, hn::Set(di, 1)), hn::Zero(di)));
}

// y, negated where the second last bit is set.
template <class D, class V, class VI>
HWY_INLINE V NegateBySecondBit(D d, V y, VI bits) {
  const hn::RebindToSigned<D> di;
  constexpr int kToSign = 8 * sizeof(hn::TFromD<D>) - 2;
  return hn::Xor(y, hn::BitCast(d, hn::ShiftLeft<kToSign>(hn::And(bits, hn::Set(di, 2)))));
}

// Of |x| <= kLargestAngle<T>, as CosOfAngle and TanOfAngle.
struct SinOfAngle {
  template <class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    const auto parts = ReducedAngle(d, x);
    const V y = hn::IfThenElse(LastBitIsSet(d, parts.n), parts.cos_r, parts.sin_r);
    return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, NegateBySecondBit(d, y, parts.n));
  }
};

struct CosOfAngle {
  template <class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    const auto parts = ReducedAngle(d, x);
    const V y = hn::IfThenElse(LastBitIsSet(d, parts.n), parts.sin_r, parts.cos_r);
    return NegateBySecondBit(d, y, hn::Add(parts.n, hn::Set(hn::RebindToSigned<D>(), 1)));
  }
};

template <class D, class V>
HWY_INLINE hn::Mask<D> IsPlainAngle(D d, V x) {
  return hn::Le(hn::Abs(x), hn::Set(d, kLargestAngle<hn::TFromD<D>>));
}

// Of any x.
template <class D, class V>
HWY_INLINE V Sine(D d, V x) {
  return CorrectOthers(
      d, IsPlainAngle(d, x), SinOfAngle::Of(d, x),
      [](hn::TFromD<D> value) { return std::sin(value); }, x);
}
template <class D, class V>
HWY_INLINE V Cosine(D d, V x) {
  return CorrectOthers(
      d, IsPlainAngle(d, x), CosOfAngle::Of(d, x),
      [](hn::TFromD<D> value) { return std::cos(value); }, x);
}

struct TanOfAngle {
  template <class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    const auto parts = ReducedAngle(d, x);
    const auto is_odd = LastBitIsSet(d, parts.n);
    const V y = hn::Div(hn::IfThenElse(is_odd, hn::Neg(parts.cos_r), parts.sin_r),
                        hn::IfThenElse(is_odd, parts.sin_r, parts.cos_r));
    return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, y);
  }
};

// pi/2, and what it lacks when it has been rounded.
template <typename T>
constexpr T kHalfPi = static_cast<T>(1.5707963267948966);
template <typename T>
constexpr T kHalfPiRest = static_cast<T>(1.5707963267948966 - static_cast<double>(kHalfPi<T>) +
                                         6.123233995736766e-17);

// (asin(x) - x) / x^3, of x^2 for |x| <= 1/2.
constexpr double kAsin[] = {0.16666666666665375,  0.07500000000344759,   0.044642856822031084,
                            0.030381959392684482, 0.022371752013028823,  0.01735979442806511,
                            0.01388436289276504,  0.012174859339540212,  0.006503880315344757,
                            0.019593359142452315, -0.016325162959755193, 0.0319806510144593};
constexpr double kShortAsin[] = {0.16666659852196175, 0.0750051213284041,   0.04451547571279354,
                                 0.03181975589416324, 0.014394103426232248, 0.03757768613134827};

// For |x| < 1/2 asin(|x|) = y + rest; for others that of the root of (1 - |x|) / 2, which is half
// of acos(|x|).
template <class V, class M>
struct AsinParts {
  M is_near;
  V y;
  V rest;
};

template <class D, class V>
HWY_INLINE AsinParts<V, hn::Mask<D>> ReducedAsin(D d, V x) {
  using T = hn::TFromD<D>;
  const V half = hn::Set(d, T(0.5));
  const V magnitude = hn::Abs(x);
  const auto is_near = hn::Lt(magnitude, half);
  const V z = hn::IfThenElse(is_near, hn::Mul(x, x), hn::NegMulAdd(magnitude, half, half));
  const V root = hn::Sqrt(z);
  // The root in two parts, of which the first has half of the bits, so that its square is exact:
  // (z - high^2) / (root + high) is what it lacks.
  const hn::RebindToUnsigned<D> du;
  using TU = hn::TFromD<decltype(du)>;
  constexpr TU kHighBits = static_cast<TU>(~TU{0} << (kIsDouble<D> ? 27 : 12));
  const V high = hn::BitCast(d, hn::And(hn::BitCast(du, root), hn::Set(du, kHighBits)));
  const V low = hn::Div(hn::NegMulAdd(high, high, z), hn::Add(root, high));
  const V lost = hn::IfThenZeroElse(hn::Or(is_near, hn::Eq(root, hn::Zero(d))), low);
  const V whole = hn::IfThenElse(is_near, magnitude, root);
  return {is_near, hn::IfThenElse(is_near, magnitude, high),
          hn::MulAdd(hn::Mul(whole, z), Polynomial<kIsDouble<D>>(d, z, kAsin, kShortAsin), lost)};
}

struct AsinOfAny {
  template <class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    using T = hn::TFromD<D>;
    const auto parts = ReducedAsin(d, x);
    const V two = hn::Set(d, T(2));
    // pi/2 - 2 (y + rest), where y has few enough bits for pi/4 - 2 y.
    const V quarter = hn::Set(d, kHalfPi<T> / 2);
    const V large = hn::Sub(hn::NegMulAdd(two, parts.y, quarter),
                            hn::MulSub(two, parts.rest, hn::Set(d, kHalfPiRest<T>)));
    const V y =
        hn::IfThenElse(parts.is_near, hn::Add(parts.y, parts.rest), hn::Add(quarter, large));
    return hn::CopySign(y, x);
  }
};

struct AcosOfAny {
  template <class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    using T = hn::TFromD<D>;
    const auto parts = ReducedAsin(d, x);
    const V half_pi = hn::Set(d, kHalfPi<T>);
    const V lost = hn::Set(d, kHalfPiRest<T>);
    const V signed_y = hn::CopySign(parts.y, x);
    const V signed_rest = hn::CopySign(parts.rest, x);
    const V near = hn::Sub(half_pi, hn::Sub(signed_y, hn::Sub(lost, signed_rest)));
    const V of_positive = hn::Add(parts.y, parts.rest);
    const V of_negative = hn::Sub(half_pi, hn::Add(parts.y, hn::Sub(parts.rest, lost)));
    const V far = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), of_negative, of_positive);
    return hn::IfThenElse(parts.is_near, near, hn::Add(far, far));
  }
};

// (atan(x) - x) / x^3, of x^2 for |x| <= tan(pi/8).
constexpr double kAtan[] = {-0.33333333333333326, 0.1999999999999769,   -0.14285714285390597,
                            0.11111111088340553,  -0.09090908150443822, 0.07692282893221476,
                            -0.06666228754672386, 0.05877041444632452,  -0.05218531369520993,
                            0.0450406766481426,   -0.03348656340245126, 0.015207488527582679};
constexpr double kShortAtan[] = {-0.33333332513390446, 0.19999905089581407,  -0.14282039441949185,
                                 0.11045061828436623,  -0.08478231284858201, 0.047479151035594885};

struct AtanOfAny {
  // atan(x) = pi/4 + atan((x - 1) / (x + 1)) = pi/2 + atan(-1 / x).
  template <class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    using T = hn::TFromD<D>;
    const V one = hn::Set(d, T(1));
    const V magnitude = hn::Abs(x);
    const auto is_mid = hn::Gt(magnitude, hn::Set(d, T(0.41421356237309503)));
    const auto is_far = hn::Gt(magnitude, hn::Set(d, T(2.414213562373095)));
    const V above = hn::IfThenElse(is_far, hn::Set(d, T(-1)),
                                   hn::IfThenElse(is_mid, hn::Sub(magnitude, one), magnitude));
    const V below =
        hn::IfThenElse(is_far, magnitude, hn::IfThenElse(is_mid, hn::Add(magnitude, one), one));
    const V start = hn::IfThenElse(is_far, hn::Set(d, kHalfPi<T>),
                                   hn::IfThenElseZero(is_mid, hn::Set(d, kHalfPi<T> / 2)));
    const V lost = hn::IfThenElse(is_far, hn::Set(d, kHalfPiRest<T>),
                                  hn::IfThenElseZero(is_mid, hn::Set(d, kHalfPiRest<T> / 2)));
    const V r = hn::Div(above, below);
    const V z = hn::Mul(r, r);
    const V rest =
        hn::MulAdd(hn::Mul(r, z), Polynomial<kIsDouble<D>>(d, z, kAtan, kShortAtan), lost);
    return hn::CopySign(hn::Add(start, hn::Add(r, rest)), x);
  }
};

// erf(x) / x - 1, of x^2 for |x| < 1.
constexpr double kErf[] = {0.12837916709551256 - 8.293429618227207e-18,
                           -0.3761263890318352,
                           0.11283791670944143,
                           -0.02686617064310527,
                           0.0052239776060704094,
                           -0.0008548325927114213,
                           0.00012055293513558903,
                           -1.4924711123365376e-05,
                           1.6447117415315454e-06,
                           -1.6206207818342782e-07,
                           1.3710531217805273e-08,
                           -7.778644562467937e-10};
constexpr double kShortErf[] = {0.12837916709551256 - 3.758325780135603e-11,
                                -0.37612638433766094,
                                0.11283781959761123,
                                -0.026865399162766982,
                                0.0052209428585292,
                                -0.0008482790115902995,
                                0.00011256658833553116,
                                -9.640668282651745e-06};
// -ln(1 - erf(x)), of x - 1 for 1 <= x <= 6, and of x - 2.5 for 1 <= x <= 4.
constexpr double kErfc[] = {
    1.8496055099332482,      2.638967514234788,       0.8431072563586818,
    0.04156109804171737,     -0.010033825373562488,   0.0019779025632358357,
    -0.00023732246461726246, -2.6277917089476696e-05, 2.7159187855822585e-05,
    -9.609001427122039e-06,  2.0598739081857266e-06,  -1.4295328989286178e-07,
    -9.75022022264018e-08,   5.201819595631962e-08,   -1.4905130433061683e-08,
    2.8625938780878865e-09,  -3.680257071757884e-10,  2.8795038211568856e-11,
    -1.038242624594348e-12};
constexpr double kShortErfc[] = {
    7.8068153010768775,    5.352680588992879,      0.943891798791488,      0.010853598033467606,
    -0.002166149349779183, 0.00043135455300018287, -6.158828718470769e-05, 2.1731483148038344e-05};

struct ErfOfAny {
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    const V one = hn::Set(d, 1.0);
    const V magnitude = hn::Abs(x);
    const V z = hn::Mul(x, x);
    const V near = hn::MulAdd(x, Polynomial<kFull>(d, z, kErf, kShortErf), x);
    const V end = hn::Set(d, kFull ? 6.0 : 4.0);  // from there on it is 1
    const V t = hn::Sub(hn::Min(magnitude, end), hn::Set(d, kFull ? 1.0 : 2.5));
    const V e = ExpInRange<kFull>(d, hn::Neg(Polynomial<kFull>(d, t, kErfc, kShortErfc)));
    const V far = hn::CopySign(hn::Sub(one, e), x);
    return hn::IfThenElse(hn::Lt(magnitude, one), near, hn::IfThenElse(hn::Eq(x, x), far, x));
  }
};

struct ExpOfMinusSquare {
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    const V exponent = hn::Neg(hn::Mul(x, x));
    if constexpr (kFull) return ExpOfAny::Of<true>(d, exponent);
    return ExpInRange<false>(d, hn::Max(exponent, hn::Set(d, -110.0)));  // where it is 0
  }
};

struct ExpOfMinusHalfSquare {
  template <bool kFull, class D, class V>
  static HWY_INLINE V Of(D d, V x) {
    static_assert(!kFull);  // beyond -110 it is 0
    const V exponent = hn::Mul(hn::Mul(x, x), hn::Set(d, -0.5));
    return ExpInRange<false>(d, hn::Max(exponent, hn::Set(d, -110.0)));
  }
};

// exp(u^2) (1 - erf(u)) / (2 t), of t = 1 / (1 + u / 2), for 0.49 <= u <= 10.4.
constexpr double kNormalTail[] = {0.14104343522017612,  0.14115503042218552,  0.1221682247406041,
                                  0.09622087445934036,  0.010204476624135194, 0.07416628757102713,
                                  -0.13343789069386164, 0.029509954244164218, 0.03429475878092709,
                                  -0.015338944413379848};
// (P(N <= x) - 1/2) / x, of x^2 for |x| <= 0.7.
constexpr double kNormalCentre[] = {0.3989422799118672, -0.06649033049700592, 0.009972749294338992,
                                    -0.0011826939989887661, 0.00010446339831923139};

// P(N <= x) for a normally distributed N, of floats: what is small is as exact as what is near 1.
template <class D, class V>
HWY_INLINE V NormalDistribution(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V half = hn::Set(d, 0.5f);
  const V magnitude = hn::Abs(x);
  const V half_u = hn::Mul(hn::Min(magnitude, hn::Set(d, 14.7f)), hn::Set(d, 0.35355339059327379f));
  const V t = hn::Div(one, hn::Add(half_u, one));
  const V tail = hn::Mul(hn::Mul(t, PolynomialFrom<0>(d, t, kNormalTail)),
                         Compute<ExpOfMinusHalfSquare>(d, x));
  const V side = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
  const V centre = hn::MulAdd(x, PolynomialFrom<0>(d, hn::Mul(x, x), kNormalCentre), half);
  const V y = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.7f)), centre, side);
  return hn::IfThenElse(hn::Eq(x, x), y, x);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
