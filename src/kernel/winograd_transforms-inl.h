// The transforms of Winograd's algorithm F(4, 3), eight channels side by side, compiled once for
// each instruction set (Highway's foreach_target includes this file again and again, hence no plain
// include guard).
//
// Four numbers of a convolution by three taps are coefficients of a product of polynomials, or of
// what is transposed to it: they follow from values at six points. Rows and columns are transformed
// one after the other. Of points, 0 and infinity cost least; the others, a, -a, b and -b, decide
// how large errors get. 5/8 and 3/2 halve those of the well-known 1 and 2.
#if defined(DOPPIO_KERNEL_WINOGRAD_TRANSFORMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNEL_WINOGRAD_TRANSFORMS_INL_H_
#undef DOPPIO_KERNEL_WINOGRAD_TRANSFORMS_INL_H_
#else
#define DOPPIO_KERNEL_WINOGRAD_TRANSFORMS_INL_H_
#endif

#include "hwy/highway.h"
#include "src/kernel/convolution_ending-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

constexpr double kA = 0.625;
constexpr double kB = 1.5;
constexpr double kAA = kA * kA;
constexpr double kBB = kB * kB;

HWY_INLINE V Number(double value) { return hn::Set(D(), static_cast<float>(value)); }

// Six numbers of the image.
HWY_INLINE void ToPoints(const V* x, V* points) {
  const V aa = Number(kAA);
  const V bb = Number(kBB);
  const V sum = Number(kAA + kBB);
  const V product = Number(kAA * kBB);
  const V even_a = hn::NegMulAdd(bb, x[2], x[4]);
  const V odd_a = hn::NegMulAdd(bb, x[1], x[3]);
  const V even_b = hn::NegMulAdd(aa, x[2], x[4]);
  const V odd_b = hn::NegMulAdd(aa, x[1], x[3]);
  points[0] = hn::MulAdd(product, x[0], hn::NegMulAdd(sum, x[2], x[4]));
  points[1] = hn::MulAdd(Number(kA), odd_a, even_a);
  points[2] = hn::NegMulAdd(Number(kA), odd_a, even_a);
  points[3] = hn::MulAdd(Number(kB), odd_b, even_b);
  points[4] = hn::NegMulAdd(Number(kB), odd_b, even_b);
  points[5] = hn::MulAdd(product, x[1], hn::NegMulAdd(sum, x[3], x[5]));
}

// Three taps of a filter.
HWY_INLINE void FilterToPoints(const V* w, V* points) {
  const V a = Number(1 / (2 * kAA * (kAA - kBB)));
  const V b = Number(1 / (2 * kBB * (kBB - kAA)));
  const V even_a = hn::Mul(a, hn::MulAdd(Number(kAA), w[2], w[0]));
  const V even_b = hn::Mul(b, hn::MulAdd(Number(kBB), w[2], w[0]));
  const V odd_a = hn::Mul(a, hn::Mul(Number(kA), w[1]));
  const V odd_b = hn::Mul(b, hn::Mul(Number(kB), w[1]));
  points[0] = hn::Mul(Number(1 / (kAA * kBB)), w[0]);
  points[1] = hn::Add(even_a, odd_a);
  points[2] = hn::Sub(even_a, odd_a);
  points[3] = hn::Add(even_b, odd_b);
  points[4] = hn::Sub(even_b, odd_b);
  points[5] = w[2];
}

// Back to four places of the result.
HWY_INLINE void FromPoints(const V* points, V* y) {
  const V even_a = hn::Add(points[1], points[2]);
  const V odd_a = hn::Sub(points[1], points[2]);
  const V even_b = hn::Add(points[3], points[4]);
  const V odd_b = hn::Sub(points[3], points[4]);
  y[0] = hn::Add(hn::Add(even_a, even_b), points[0]);
  y[1] = hn::MulAdd(Number(kA), odd_a, hn::Mul(Number(kB), odd_b));
  y[2] = hn::MulAdd(Number(kAA), even_a, hn::Mul(Number(kBB), even_b));
  y[3] = hn::MulAdd(Number(kA * kAA), odd_a, hn::MulAdd(Number(kB * kBB), odd_b, points[5]));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
