#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/lrn.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "doppio/parallel.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"
#include "src/kernel/elementwise-inl.h"
#include "src/kernel/lrn.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kChunk = 512;  // elements that are worked on at a time

// x^-beta. What most nets have, 3/4, needs no logarithm.
struct VectorPower {
  float beta;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    if (beta == 0.75f) {
      const V root = hn::Sqrt(x);
      return hn::Div(hn::Set(d, 1.0f), hn::Mul(root, hn::Sqrt(root)));
    }
    return hn::Exp(d, hn::Mul(hn::Set(d, -beta), hn::Log(d, x)));
  }
};
HWY_INLINE void Powers(const float* x, int64_t n, double beta, float* y) {
  MapRow(x, y, n, VectorPower{static_cast<float>(beta)});
}
HWY_INLINE void Powers(const double* x, int64_t n, double beta, double* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::pow(x[i], -beta);
}

// A piece of a row: elements [at, at + length) of the tensor, whose channel is `channel` (and where
// the channels are last, the next ones).
struct Piece {
  int64_t at;
  int64_t channel;
  int64_t length;
};

// sums[i] = the sum of f(index) over those indices of the tensor that lie `first` to `last`
// channels from element i of the piece.
template <typename T, typename F>
HWY_INLINE void WindowSums(const LrnShape& shape, const Piece& piece, int64_t first, int64_t last,
                           T* sums, const F& f) {
  std::fill_n(sums, piece.length, T(0));
  first = std::max(first, 1 - shape.channels);
  last = std::min(last, shape.channels - 1);
  for (int64_t offset = first; offset <= last; ++offset) {
    int64_t begin = 0;
    int64_t end = piece.length;
    if (shape.inner == 1) {
      begin = std::max<int64_t>(0, -offset - piece.channel);
      end = std::min(end, shape.channels - offset - piece.channel);
    } else if (piece.channel + offset < 0 || piece.channel + offset >= shape.channels) {
      continue;
    }
    const int64_t from = piece.at + offset * shape.inner;
    for (int64_t i = begin; i < end; ++i) sums[i] += f(from + i);
  }
}

// Calls f(piece) for the pieces of rows [begin, end): of one channel's `inner` elements, or where
// channels are last of all channels.
template <typename F>
HWY_INLINE void ForPieces(const LrnShape& shape, int64_t begin, int64_t end, const F& f) {
  const bool last = shape.inner == 1;
  const int64_t row_size = last ? shape.channels : shape.inner;
  for (int64_t row = begin; row < end; ++row) {
    for (int64_t i = 0; i < row_size; i += kChunk) {
      f(Piece{row * row_size + i, last ? i : row % shape.channels, std::min(kChunk, row_size - i)});
    }
  }
}

template <typename T>
HWY_INLINE void ScalesOf(const T* x, const LrnShape& shape, const LrnWindow& window,
                         const Piece& piece, T* scales) {
  const int64_t before = (window.size - 1) / 2;
  const T factor = static_cast<T>(window.alpha / static_cast<double>(window.size));
  const T bias = static_cast<T>(window.bias);
  WindowSums(shape, piece, -before, window.size - 1 - before, scales,
             [=](int64_t i) { return x[i] * x[i]; });
  for (int64_t i = 0; i < piece.length; ++i) scales[i] = bias + factor * scales[i];
}

// As many elements of a piece as fill vectors, in one go; returns how many. For images whose
// channels are apart (inner > 1).
HWY_INLINE int64_t LrnVectors(const float* x, const LrnShape& shape, const LrnWindow& window,
                              const Piece& piece, float* y, float* scale) {
  const Tag<float> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t before = (window.size - 1) / 2;
  const int64_t first = std::max(-before, -piece.channel);
  const int64_t last = std::min(window.size - 1 - before, shape.channels - 1 - piece.channel);
  const V factor = hn::Set(d, static_cast<float>(window.alpha / static_cast<double>(window.size)));
  const V bias = hn::Set(d, static_cast<float>(window.bias));
  const VectorPower power = {static_cast<float>(window.beta)};
  int64_t i = 0;
  for (; i + 2 * lanes <= piece.length; i += 2 * lanes) {
    const int64_t at = piece.at + i;
    V sum0 = hn::Zero(d);
    V sum1 = hn::Zero(d);
    for (int64_t offset = first; offset <= last; ++offset) {
      const float* from = x + at + offset * shape.inner;
      const V v0 = hn::LoadU(d, from);
      const V v1 = hn::LoadU(d, from + lanes);
      sum0 = hn::MulAdd(v0, v0, sum0);
      sum1 = hn::MulAdd(v1, v1, sum1);
    }
    const V scale0 = hn::MulAdd(factor, sum0, bias);
    const V scale1 = hn::MulAdd(factor, sum1, bias);
    if (scale != nullptr) {
      hn::StoreU(scale0, d, scale + at);
      hn::StoreU(scale1, d, scale + at + lanes);
    }
    hn::StoreU(hn::Mul(hn::LoadU(d, x + at), power(d, scale0)), d, y + at);
    hn::StoreU(hn::Mul(hn::LoadU(d, x + at + lanes), power(d, scale1)), d, y + at + lanes);
  }
  return i;
}

template <typename T>
HWY_INLINE void LrnRows(const T* x, const LrnShape& shape, const LrnWindow& window, int64_t begin,
                        int64_t end, T* y, T* scale) {
  T scales[kChunk];
  T powers[kChunk];
  ForPieces(shape, begin, end, [&](Piece piece) {
    if constexpr (std::is_same_v<T, float>) {
      const int64_t done = shape.inner > 1 ? LrnVectors(x, shape, window, piece, y, scale) : 0;
      piece.at += done;
      piece.length -= done;
    }
    ScalesOf(x, shape, window, piece, scales);
    Powers(scales, piece.length, window.beta, powers);
    if (scale != nullptr) std::copy_n(scales, piece.length, scale + piece.at);
    for (int64_t i = 0; i < piece.length; ++i) y[piece.at + i] = x[piece.at + i] * powers[i];
  });
}

template <typename T>
HWY_INLINE void RatioRows(const T* x, const T* y, const T* dy, const LrnShape& shape,
                          const LrnWindow& window, int64_t begin, int64_t end, T* scale, T* ratio) {
  ForPieces(shape, begin, end, [&](const Piece& piece) {
    T* scales = scale + piece.at;
    ScalesOf(x, shape, window, piece, scales);
    for (int64_t i = 0; i < piece.length; ++i) {
      ratio[piece.at + i] = dy[piece.at + i] * y[piece.at + i] / scales[i];
    }
  });
}

template <typename T>
HWY_INLINE void GradientRows(const T* x, const T* dy, const T* scale, const T* ratio,
                             const LrnShape& shape, const LrnWindow& window, int64_t begin,
                             int64_t end, T* dx) {
  const int64_t before = (window.size - 1) / 2;
  const T factor =
      static_cast<T>(2 * window.alpha * window.beta / static_cast<double>(window.size));
  T sums[kChunk];
  T powers[kChunk];
  ForPieces(shape, begin, end, [&](const Piece& piece) {
    // The channels whose windows this one is in.
    WindowSums(shape, piece, before - window.size + 1, before, sums,
               [=](int64_t i) { return ratio[i]; });
    Powers(scale + piece.at, piece.length, window.beta, powers);
    for (int64_t i = 0; i < piece.length; ++i) {
      dx[piece.at + i] = dy[piece.at + i] * powers[i] - factor * x[piece.at + i] * sums[i];
    }
  });
}

// Highway exports no templates.
#define DOPPIO_DEFINE_LRN(T)                                                                    \
  void LrnRows_##T(const T* x, const LrnShape& shape, const LrnWindow& window, int64_t begin,   \
                   int64_t end, T* y, T* scale) {                                               \
    LrnRows(x, shape, window, begin, end, y, scale);                                            \
  }                                                                                             \
  void RatioRows_##T(const T* x, const T* y, const T* dy, const LrnShape& shape,                \
                     const LrnWindow& window, int64_t begin, int64_t end, T* scale, T* ratio) { \
    RatioRows(x, y, dy, shape, window, begin, end, scale, ratio);                               \
  }                                                                                             \
  void GradientRows_##T(const T* x, const T* dy, const T* scale, const T* ratio,                \
                        const LrnShape& shape, const LrnWindow& window, int64_t begin,          \
                        int64_t end, T* dx) {                                                   \
    GradientRows(x, dy, scale, ratio, shape, window, begin, end, dx);                           \
  }
DOPPIO_DEFINE_LRN(float)
DOPPIO_DEFINE_LRN(double)
#undef DOPPIO_DEFINE_LRN

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {
namespace {

template <typename Rows>
void ForRows(const LrnShape& shape, const Rows& rows) {
  constexpr int64_t kGrain = 8192;  // elements that are worth a thread
  if (shape.size() == 0) return;
  const int64_t row_size = shape.inner == 1 ? shape.channels : shape.inner;
  ParallelFor(shape.size() / row_size, kGrain / row_size + 1, rows);
}

}  // namespace

#define DOPPIO_LRN(T)                                                                  \
  HWY_EXPORT(LrnRows_##T);                                                             \
  HWY_EXPORT(RatioRows_##T);                                                           \
  HWY_EXPORT(GradientRows_##T);                                                        \
  template <>                                                                          \
  void Lrn(const T* x, const LrnShape& shape, const LrnWindow& window, T* y, T* scale, \
           CPUContext*) {                                                              \
    ForRows(shape, [&](int64_t begin, int64_t end) {                                   \
      HWY_DYNAMIC_DISPATCH(LrnRows_##T)(x, shape, window, begin, end, y, scale);       \
    });                                                                                \
  }                                                                                    \
  template <>                                                                          \
  void LrnGradient(const T* x, const T* y, const T* dy, const LrnShape& shape,         \
                   const LrnWindow& window, T* scale, T* ratio, T* dx, CPUContext*) {  \
    ForRows(shape, [&](int64_t begin, int64_t end) {                                   \
      HWY_DYNAMIC_DISPATCH(RatioRows_##T)                                              \
      (x, y, dy, shape, window, begin, end, scale, ratio);                             \
    });                                                                                \
    ForRows(shape, [&](int64_t begin, int64_t end) {                                   \
      HWY_DYNAMIC_DISPATCH(GradientRows_##T)                                           \
      (x, dy, scale, ratio, shape, window, begin, end, dx);                            \
    });                                                                                \
  }
DOPPIO_LRN(float)
DOPPIO_LRN(double)
#undef DOPPIO_LRN

}  // namespace doppio
#endif  // HWY_ONCE
