#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/pooling_rows.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <limits>

#include "hwy/highway.h"
#include "src/kernel/pooling_rows.h"

#ifndef DOPPIO_KERNEL_POOLING_ROWS_SHARED_
#define DOPPIO_KERNEL_POOLING_ROWS_SHARED_
namespace doppio {
namespace {

constexpr int64_t kRoom = 4096;  // elements of a padded row
constexpr int64_t kSlack = 1;    // elements behind it that are read, and count for nothing

// Columns from the first window's first to the last one's last, padding included.
int64_t PaddedColumns(const PlainPool& p) { return (p.out[2] - 1) * p.stride[2] + p.kernel[2]; }

// The columns of a padded row that lie in the image, and the image's column under the first.
struct Inside {
  explicit Inside(const PlainPool& p)
      : begin(std::clamp<int64_t>(p.pad[2], 0, PaddedColumns(p))),
        end(std::clamp<int64_t>(p.pad[2] + p.in[2], begin, PaddedColumns(p))),
        column(begin - p.pad[2]) {}

  int64_t begin;
  int64_t end;
  int64_t column;
};

// The taps of a window at `place` that lie in the image.
struct Taps {
  Taps(const PlainPool& p, size_t d, int64_t place)
      : begin(std::max<int64_t>(place * p.stride[d] - p.pad[d], 0)),
        end(std::min(place * p.stride[d] - p.pad[d] + p.kernel[d], p.in[d])) {}

  int64_t size() const { return std::max<int64_t>(end - begin, 0); }

  int64_t begin;
  int64_t end;
};

// Calls f(row of X, row of Y) for every row of the image under a row of places.
template <typename F>
void ForRowsUnder(const PlainPool& p, int64_t depth, int64_t height, const F& f) {
  const Taps deep(p, 0, depth);
  const Taps high(p, 1, height);
  for (int64_t i = deep.begin; i < deep.end; ++i) {
    for (int64_t j = high.begin; j < high.end; ++j) {
      f(i * p.x.spatial[0] + j * p.x.spatial[1]);
    }
  }
}

// Calls f(depth, height, row of Y) for every row of places.
template <typename F>
void ForRowsOfPlaces(const PlainPool& p, const F& f) {
  for (int64_t i = 0; i < p.out[0]; ++i) {
    for (int64_t j = 0; j < p.out[1]; ++j) {
      f(i, j, i * p.y.spatial[0] + j * p.y.spatial[1]);
    }
  }
}

// The numbers by which the sums of a row of places are divided: of the columns under each.
template <typename T>
void CountColumns(const PlainPool& p, bool count_include_pad, T* counts) {
  std::fill_n(counts, p.out[2], static_cast<T>(p.kernel[2]));
  if (count_include_pad) return;
  const auto reaches_out = [&](int64_t w) {
    const int64_t first = w * p.stride[2] - p.pad[2];
    return first < 0 || first + p.kernel[2] > p.in[2];
  };
  int64_t w = 0;
  for (; w < p.out[2] && reaches_out(w); ++w) counts[w] = static_cast<T>(Taps(p, 2, w).size());
  for (int64_t v = p.out[2] - 1; v > w && reaches_out(v); --v) {
    counts[v] = static_cast<T>(Taps(p, 2, v).size());
  }
}

int64_t CountRows(const PlainPool& p, bool count_include_pad, int64_t depth, int64_t height) {
  return count_include_pad ? p.kernel[0] * p.kernel[1]
                           : Taps(p, 0, depth).size() * Taps(p, 1, height).size();
}

}  // namespace
}  // namespace doppio
#endif

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

struct Greater {
  template <class V>
  static HWY_INLINE V Of(V x, V most) {
    return hn::IfThenElse(hn::Gt(x, most), x, most);  // NaN is passed over
  }
  template <typename T>
  static HWY_INLINE T Of(T x, T most, int) {
    return x > most ? x : most;
  }
};

struct Plus {
  template <class V>
  static HWY_INLINE V Of(V x, V sum) {
    return hn::Add(x, sum);
  }
  template <typename T>
  static HWY_INLINE T Of(T x, T sum, int) {
    return x + sum;
  }
};

// into[i] = Op(from[i], into[i]).
template <class Op, typename T>
HWY_INLINE void Combine(const T* from, int64_t count, T* into) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(Op::Of(hn::LoadU(d, from + i), hn::LoadU(d, into + i)), d, into + i);
  }
  for (; i < count; ++i) into[i] = Op::Of(from[i], into[i], 0);
}

// to[i] = from[i] / (rows * columns[i]).
template <typename T>
HWY_INLINE void DivideByCounts(const T* from, T rows, const T* columns, int64_t count, T* to) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto all_rows = hn::Set(d, rows);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto divisor = hn::Mul(all_rows, hn::LoadU(d, columns + i));
    hn::StoreU(hn::Div(hn::LoadU(d, from + i), divisor), d, to + i);
  }
  for (; i < count; ++i) to[i] = from[i] / (rows * columns[i]);
}

// y[w] = the columns row[w * stride + k] of each window, put together.
template <class Op, typename T>
HWY_INLINE void CombineColumns(const PlainPool& p, T first, const T* row, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t taps = p.kernel[2];
  const int64_t stride = p.stride[2];
  int64_t w = 0;
  if (stride == 1) {
    for (; w + lanes <= p.out[2]; w += lanes) {
      auto result = hn::Set(d, first);
      for (int64_t k = 0; k < taps; ++k) result = Op::Of(hn::LoadU(d, row + w + k), result);
      hn::StoreU(result, d, y + w);
    }
  } else if (stride == 2) {
    for (; w + lanes <= p.out[2]; w += lanes) {
      auto result = hn::Set(d, first);
      for (int64_t k = 0; k < taps; k += 2) {
        hn::Vec<decltype(d)> even, odd;
        hn::LoadInterleaved2(d, row + 2 * w + k, even, odd);
        result = Op::Of(even, result);
        if (k + 1 < taps) result = Op::Of(odd, result);
      }
      hn::StoreU(result, d, y + w);
    }
  }
  for (; w < p.out[2]; ++w) {
    T result = first;
    for (int64_t k = 0; k < taps; ++k) result = Op::Of(row[w * stride + k], result, 0);
    y[w] = result;
  }
}

// What a window gives to the columns under it: `dy`, or `dy` to those that are its maximum.
template <typename T>
struct ToAll {
  template <class V>
  HWY_INLINE V Of(V, V, V dy) const {
    return dy;
  }
  HWY_INLINE T Of(T, T, T dy, int) const { return dy; }
};
template <typename T>
struct ToMaxima {
  template <class V>
  HWY_INLINE V Of(V x, V y, V dy) const {
    return hn::IfThenElseZero(hn::Eq(x, y), dy);
  }
  HWY_INLINE T Of(T x, T y, T dy, int) const { return x == y ? dy : T(0); }
};

// dx[w * stride + k] += what the window w gives to it.
template <class Share, typename T>
HWY_INLINE void SpreadOverColumns(const PlainPool& p, const T* x, const T* y, const T* dy, T* dx) {
  const Share share;
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t taps = p.kernel[2];
  const int64_t stride = p.stride[2];
  int64_t done = 0;  // windows
  if (stride == 1) {
    done = p.out[2] / lanes * lanes;
    for (int64_t k = 0; k < taps; ++k) {
      for (int64_t w = 0; w < done; w += lanes) {
        const auto given =
            share.Of(hn::LoadU(d, x + w + k), hn::LoadU(d, y + w), hn::LoadU(d, dy + w));
        hn::StoreU(hn::Add(hn::LoadU(d, dx + w + k), given), d, dx + w + k);
      }
    }
  } else if (stride == 2) {
    done = p.out[2] / lanes * lanes;
    for (int64_t k = 0; k < taps; k += 2) {
      for (int64_t w = 0; w < done; w += lanes) {
        const auto most = hn::LoadU(d, y + w);
        const auto gradient = hn::LoadU(d, dy + w);
        hn::Vec<decltype(d)> even, odd, even_sum, odd_sum;
        hn::LoadInterleaved2(d, x + 2 * w + k, even, odd);
        hn::LoadInterleaved2(d, dx + 2 * w + k, even_sum, odd_sum);
        even_sum = hn::Add(even_sum, share.Of(even, most, gradient));
        if (k + 1 < taps) odd_sum = hn::Add(odd_sum, share.Of(odd, most, gradient));
        hn::StoreInterleaved2(even_sum, odd_sum, d, dx + 2 * w + k);
      }
    }
  }
  for (int64_t w = done; w < p.out[2]; ++w) {
    for (int64_t k = 0; k < taps; ++k) {
      dx[w * stride + k] += share.Of(x[w * stride + k], y[w], dy[w], 0);
    }
  }
}

template <typename T>
HWY_INLINE void MaxRows(const PlainPool& p, const T* x, T* y) {
  T row[kRoom + kSlack];
  const Inside inside(p);
  std::fill_n(row, PaddedColumns(p) + kSlack, std::numeric_limits<T>::lowest());
  ForRowsOfPlaces(p, [&](int64_t depth, int64_t height, int64_t to) HWY_ATTR {
    std::fill(row + inside.begin, row + inside.end, std::numeric_limits<T>::lowest());
    ForRowsUnder(p, depth, height, [&](int64_t from) HWY_ATTR {
      Combine<Greater>(x + from + inside.column, inside.end - inside.begin, row + inside.begin);
    });
    CombineColumns<Greater>(p, std::numeric_limits<T>::lowest(), row, y + to);
  });
}

template <typename T>
HWY_INLINE void AverageRows(const PlainPool& p, bool count_include_pad, const T* x, T* y) {
  T row[kRoom + kSlack];
  T counts[kRoom];
  const Inside inside(p);
  std::fill_n(row, PaddedColumns(p) + kSlack, T(0));
  CountColumns(p, count_include_pad, counts);
  ForRowsOfPlaces(p, [&](int64_t depth, int64_t height, int64_t to) HWY_ATTR {
    std::fill(row + inside.begin, row + inside.end, T(0));
    ForRowsUnder(p, depth, height, [&](int64_t from) HWY_ATTR {
      Combine<Plus>(x + from + inside.column, inside.end - inside.begin, row + inside.begin);
    });
    T* sums = y + to;
    CombineColumns<Plus>(p, T(0), row, sums);
    const auto rows = static_cast<T>(CountRows(p, count_include_pad, depth, height));
    DivideByCounts(sums, rows, counts, p.out[2], sums);
  });
}

template <typename T>
HWY_INLINE void MaxGradientRows(const PlainPool& p, const T* x, const T* y, const T* dy, T* dx) {
  T row[kRoom + kSlack];
  T sums[kRoom + kSlack];
  const Inside inside(p);
  const int64_t columns = inside.end - inside.begin;
  // Equals no maximum.
  std::fill_n(row, PaddedColumns(p) + kSlack, std::numeric_limits<T>::quiet_NaN());
  std::fill_n(dx, p.in[0] * p.in[1] * p.in[2], T(0));
  ForRowsOfPlaces(p, [&](int64_t depth, int64_t height, int64_t places) HWY_ATTR {
    ForRowsUnder(p, depth, height, [&](int64_t from) HWY_ATTR {
      std::copy_n(x + from + inside.column, columns, row + inside.begin);
      std::fill_n(sums, PaddedColumns(p) + kSlack, T(0));
      SpreadOverColumns<ToMaxima<T>>(p, row, y + places, dy + places, sums);
      Combine<Plus>(sums + inside.begin, columns, dx + from + inside.column);
    });
  });
}

template <typename T>
HWY_INLINE void AverageGradientRows(const PlainPool& p, bool count_include_pad, const T* dy,
                                    T* dx) {
  T shares[kRoom];
  T counts[kRoom];
  T sums[kRoom + kSlack];
  const Inside inside(p);
  CountColumns(p, count_include_pad, counts);
  std::fill_n(dx, p.in[0] * p.in[1] * p.in[2], T(0));
  ForRowsOfPlaces(p, [&](int64_t depth, int64_t height, int64_t places) HWY_ATTR {
    const auto rows = static_cast<T>(CountRows(p, count_include_pad, depth, height));
    DivideByCounts(dy + places, rows, counts, p.out[2], shares);
    std::fill_n(sums, PaddedColumns(p) + kSlack, T(0));
    SpreadOverColumns<ToAll<T>>(p, sums, shares, shares, sums);
    ForRowsUnder(p, depth, height, [&](int64_t from) HWY_ATTR {
      Combine<Plus>(sums + inside.begin, inside.end - inside.begin, dx + from + inside.column);
    });
  });
}

void MaxFloat(const PlainPool& p, const float* x, float* y) { MaxRows(p, x, y); }
void AverageFloat(const PlainPool& p, bool count_include_pad, const float* x, float* y) {
  AverageRows(p, count_include_pad, x, y);
}
void MaxGradientFloat(const PlainPool& p, const float* x, const float* y, const float* dy,
                      float* dx) {
  MaxGradientRows(p, x, y, dy, dx);
}
void AverageGradientFloat(const PlainPool& p, bool count_include_pad, const float* dy, float* dx) {
  AverageGradientRows(p, count_include_pad, dy, dx);
}

void MaxDouble(const PlainPool& p, const double* x, double* y) { MaxRows(p, x, y); }
void AverageDouble(const PlainPool& p, bool count_include_pad, const double* x, double* y) {
  AverageRows(p, count_include_pad, x, y);
}
void MaxGradientDouble(const PlainPool& p, const double* x, const double* y, const double* dy,
                       double* dx) {
  MaxGradientRows(p, x, y, dy, dx);
}
void AverageGradientDouble(const PlainPool& p, bool count_include_pad, const double* dy,
                           double* dx) {
  AverageGradientRows(p, count_include_pad, dy, dx);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

HWY_EXPORT(MaxFloat);
HWY_EXPORT(AverageFloat);
HWY_EXPORT(MaxGradientFloat);
HWY_EXPORT(AverageGradientFloat);
HWY_EXPORT(MaxDouble);
HWY_EXPORT(AverageDouble);
HWY_EXPORT(MaxGradientDouble);
HWY_EXPORT(AverageGradientDouble);

bool PoolsByRows(const PlainPool& p) {
  // No product overflows: the columns of places lie within the image and its padding.
  const Spatial dense{p.in[1] * p.in[2], p.in[2], 1};
  return p.x.spatial == dense && p.y.spatial[2] == 1 && PaddedColumns(p) <= kRoom;
}

template <>
void MaxPoolRows(const PlainPool& p, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(MaxFloat)(p, x, y);
}
template <>
void AveragePoolRows(const PlainPool& p, bool count_include_pad, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(AverageFloat)(p, count_include_pad, x, y);
}
template <>
void MaxPoolGradientRows(const PlainPool& p, const float* x, const float* y, const float* dy,
                         float* dx) {
  HWY_DYNAMIC_DISPATCH(MaxGradientFloat)(p, x, y, dy, dx);
}
template <>
void AveragePoolGradientRows(const PlainPool& p, bool count_include_pad, const float* dy,
                             float* dx) {
  HWY_DYNAMIC_DISPATCH(AverageGradientFloat)(p, count_include_pad, dy, dx);
}
template <>
void MaxPoolRows(const PlainPool& p, const double* x, double* y) {
  HWY_DYNAMIC_DISPATCH(MaxDouble)(p, x, y);
}
template <>
void AveragePoolRows(const PlainPool& p, bool count_include_pad, const double* x, double* y) {
  HWY_DYNAMIC_DISPATCH(AverageDouble)(p, count_include_pad, x, y);
}
template <>
void MaxPoolGradientRows(const PlainPool& p, const double* x, const double* y, const double* dy,
                         double* dx) {
  HWY_DYNAMIC_DISPATCH(MaxGradientDouble)(p, x, y, dy, dx);
}
template <>
void AveragePoolGradientRows(const PlainPool& p, bool count_include_pad, const double* dy,
                             double* dx) {
  HWY_DYNAMIC_DISPATCH(AverageGradientDouble)(p, count_include_pad, dy, dx);
}

}  // namespace doppio
#endif  // HWY_ONCE
