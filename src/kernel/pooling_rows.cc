#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/pooling_rows.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <limits>

#include "hwy/highway.h"
#include "src/kernel/pooling_geometry.h"
#include "src/kernel/pooling_rows-inl.h"
#include "src/kernel/pooling_rows.h"

#ifndef DOPPIO_KERNEL_POOLING_ROWS_SHARED_
#define DOPPIO_KERNEL_POOLING_ROWS_SHARED_
namespace doppio {
namespace {

constexpr int64_t kSlack = 1;  // elements behind a padded row that are read, and count for nothing

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

}  // namespace
}  // namespace doppio
#endif

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

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

// All elements put together.
template <class Op, typename T>
HWY_INLINE T CombineAll(T first, const T* from, int64_t count) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN T parts[hn::MaxLanes(d)];
  auto result = hn::Set(d, first);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) result = Op::Of(hn::LoadU(d, from + i), result);
  hn::Store(result, d, parts);
  T all = first;
  for (int64_t k = 0; k < lanes; ++k) all = Op::Of(parts[k], all, 0);
  for (; i < count; ++i) all = Op::Of(from[i], all, 0);
  return all;
}

template <typename T>
HWY_INLINE void MaxRows(const PlainPool& p, int64_t images, const T* x, T* y) {
  constexpr T kLowest = std::numeric_limits<T>::lowest();
  const int64_t in = Elements(p.in);
  if (SeesAll(p)) {
    for (int64_t i = 0; i < images; ++i) y[i] = CombineAll<Greater>(kLowest, x + i * in, in);
    return;
  }
  T row[kRoom + kSlack];
  const Inside inside(p);
  std::fill_n(row, PaddedColumns(p) + kSlack, kLowest);
  for (int64_t i = 0; i < images; ++i, x += in, y += Elements(p.out)) {
    ForRowsOfPlaces(p, [&](int64_t depth, int64_t height, int64_t to) HWY_ATTR {
      std::fill(row + inside.begin, row + inside.end, kLowest);
      ForRowsUnder(p, depth, height, [&](int64_t from) HWY_ATTR {
        Combine<Greater>(x + from + inside.column, inside.end - inside.begin, row + inside.begin);
      });
      CombineColumns<Greater>(p, kLowest, row, y + to);
    });
  }
}

template <typename T>
HWY_INLINE void AverageRows(const PlainPool& p, int64_t images, bool count_include_pad, const T* x,
                            T* y) {
  const int64_t in = Elements(p.in);
  T counts[kRoom];
  CountColumns(p, count_include_pad, counts);
  if (SeesAll(p)) {
    const T count = static_cast<T>(CountRows(p, count_include_pad, 0, 0)) * counts[0];
    for (int64_t i = 0; i < images; ++i) y[i] = CombineAll<Plus>(T(0), x + i * in, in) / count;
    return;
  }
  T row[kRoom + kSlack];
  const Inside inside(p);
  std::fill_n(row, PaddedColumns(p) + kSlack, T(0));
  for (int64_t i = 0; i < images; ++i, x += in, y += Elements(p.out)) {
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
}

// Highway exports no templates.
#define DOPPIO_DEFINE_POOLING_ROWS(T)                                                          \
  void MaxRows_##T(const PlainPool& p, int64_t images, const T* x, T* y) {                     \
    MaxRows(p, images, x, y);                                                                  \
  }                                                                                            \
  void AverageRows_##T(const PlainPool& p, int64_t images, bool count_include_pad, const T* x, \
                       T* y) {                                                                 \
    AverageRows(p, images, count_include_pad, x, y);                                           \
  }
DOPPIO_DEFINE_POOLING_ROWS(float)
DOPPIO_DEFINE_POOLING_ROWS(double)
#undef DOPPIO_DEFINE_POOLING_ROWS

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

bool PoolsByRows(const PlainPool& p) {
  // No product overflows: the columns of places lie within the image and its padding.
  const Spatial dense{p.in[1] * p.in[2], p.in[2], 1};
  const Spatial dense_places{p.out[1] * p.out[2], p.out[2], 1};
  const auto follow = [&](const ImageStrides& strides, int64_t image) {
    return (p.channels == 1 || strides.inner == image) && strides.outer == p.channels * image;
  };
  return p.x.spatial == dense && p.y.spatial == dense_places && follow(p.x, Elements(p.in)) &&
         follow(p.y, Elements(p.out)) && std::max({PaddedColumns(p), p.in[2], p.pad[2]}) <= kRoom;
}

#define DOPPIO_POOLING_ROWS(T)                                                                 \
  HWY_EXPORT(MaxRows_##T);                                                                     \
  HWY_EXPORT(AverageRows_##T);                                                                 \
  template <>                                                                                  \
  void MaxPoolRows(const PlainPool& p, int64_t images, const T* x, T* y) {                     \
    HWY_DYNAMIC_DISPATCH(MaxRows_##T)(p, images, x, y);                                        \
  }                                                                                            \
  template <>                                                                                  \
  void AveragePoolRows(const PlainPool& p, int64_t images, bool count_include_pad, const T* x, \
                       T* y) {                                                                 \
    HWY_DYNAMIC_DISPATCH(AverageRows_##T)(p, images, count_include_pad, x, y);                 \
  }
DOPPIO_POOLING_ROWS(float)
DOPPIO_POOLING_ROWS(double)
#undef DOPPIO_POOLING_ROWS

}  // namespace doppio
#endif  // HWY_ONCE
