#include "src/kernel/fourier.h"

#include <algorithm>
#include <cmath>

namespace doppio {
namespace {

using Complex = std::complex<double>;

int64_t LeastFactor(int64_t size) {
  for (int64_t p = 2; p <= size / p; ++p) {
    if (size % p == 0) return p;
  }
  return size;
}

// What is the same for all parts of a transform.
struct Whole {
  const Complex* roots;
  int64_t size;
  Complex* room;
};

// Every p-th element is a part of its own, whose transforms are put together column by column.
void TransformPart(const Whole& whole, const Complex* in, int64_t stride, int64_t size,
                   Complex* out) {
  if (size == 1) {
    *out = *in;
    return;
  }
  const int64_t p = LeastFactor(size);
  const int64_t m = size / p;
  for (int64_t r = 0; r < p; ++r) TransformPart(whole, in + r * stride, stride * p, m, out + r * m);
  const int64_t step = whole.size / size;
  for (int64_t k = 0; k < m; ++k) {
    for (int64_t q = 0; q < p; ++q) {
      Complex sum = 0;
      const int64_t turn = q * m + k;
      int64_t at = 0;  // r * turn, modulo size
      for (int64_t r = 0; r < p; ++r) {
        sum += out[r * m + k] * whole.roots[at * step];
        at += turn;
        at -= at >= size ? size : 0;
      }
      whole.room[q] = sum;
    }
    for (int64_t q = 0; q < p; ++q) out[q * m + k] = whole.room[q];
  }
}

}  // namespace

void FourierRoots(int64_t size, bool inverse, Complex* roots) {
  const double pi = std::acos(-1.0);
  const Complex quarters[] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};  // which sin and cos round
  for (int64_t k = 0; k < size; ++k) {
    if (4 * k % size == 0) {
      const Complex quarter = quarters[4 * k / size];
      roots[k] = inverse ? quarter : std::conj(quarter);
      continue;
    }
    const double angle = 2 * pi * static_cast<double>(k) / static_cast<double>(size);
    roots[k] = {std::cos(angle), inverse ? std::sin(angle) : -std::sin(angle)};
  }
}

void FourierTransform(const Complex* roots, int64_t size, bool inverse, const Complex* in,
                      Complex* room, Complex* out) {
  TransformPart({roots, size, room}, in, 1, size, out);
  if (!inverse) return;
  std::for_each(out, out + size, [=](Complex& value) { value /= static_cast<double>(size); });
}

}  // namespace doppio
