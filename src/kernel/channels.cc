#include "src/kernel/channels.h"

#include <algorithm>

#include "doppio/parallel.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 32768;

// Calls body(offset, c, n) for n elements of channel c that follow each other from `offset` on, or,
// where channels are innermost, across(offset, n) for one element of each of the n channels.
template <typename Body, typename Across>
void ForEachRow(const ChannelShape& shape, const Body& body, const Across& across) {
  if (shape.inner == 1) {
    const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(shape.channels, 1));
    ParallelFor(shape.outer, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) across(i * shape.channels, shape.channels);
    });
    return;
  }
  // Pieces of rows, so that few large rows are shared out too.
  const int64_t piece = std::min<int64_t>(std::max<int64_t>(shape.inner, 1), kGrain);
  const int64_t pieces = (shape.inner + piece - 1) / piece;
  const int64_t grain = std::max<int64_t>(1, kGrain / piece);
  ParallelFor(shape.outer * shape.channels * pieces, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / pieces;
      const int64_t start = i % pieces * piece;
      body(row * shape.inner + start, row % shape.channels, std::min(piece, shape.inner - start));
    }
  });
}

// Sums of f(i) over the elements of each channel.
template <typename T, typename F>
void SumChannels(const ChannelShape& shape, const F& f, T* sums) {
  const int64_t elements = std::max<int64_t>(shape.outer * shape.inner, 1);
  if (shape.inner == 1) {
    constexpr int64_t kBlock = 64;
    const int64_t blocks = (shape.channels + kBlock - 1) / kBlock;
    const int64_t grain = std::max<int64_t>(1, kGrain / kBlock / elements);
    ParallelFor(blocks, grain, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const int64_t first = block * kBlock;
        const int64_t count = std::min(kBlock, shape.channels - first);
        double total[kBlock] = {};
        for (int64_t i = 0; i < shape.outer; ++i) {
          const int64_t offset = i * shape.channels + first;
          for (int64_t c = 0; c < count; ++c) total[c] += f(offset + c);
        }
        for (int64_t c = 0; c < count; ++c) sums[first + c] = static_cast<T>(total[c]);
      }
    });
    return;
  }
  ParallelFor(shape.channels, std::max<int64_t>(1, kGrain / elements),
              [&](int64_t begin, int64_t end) {
                for (int64_t c = begin; c < end; ++c) {
                  double total = 0;
                  for (int64_t i = 0; i < shape.outer; ++i) {
                    const int64_t offset = (i * shape.channels + c) * shape.inner;
                    for (int64_t k = 0; k < shape.inner; ++k) total += f(offset + k);
                  }
                  sums[c] = static_cast<T>(total);
                }
              });
}

}  // namespace

template <typename T>
void Prelu(const T* x, const T* slope, const ChannelShape& shape, T* y, CPUContext*) {
  ForEachRow(
      shape,
      [&](int64_t offset, int64_t c, int64_t n) {
        const T w = slope[c];
        const T* in = x + offset;
        T* out = y + offset;
        for (int64_t i = 0; i < n; ++i) out[i] = in[i] > 0 ? in[i] : w * in[i];
      },
      [&](int64_t offset, int64_t n) {
        const T* in = x + offset;
        T* out = y + offset;
        for (int64_t i = 0; i < n; ++i) out[i] = in[i] > 0 ? in[i] : slope[i] * in[i];
      });
}

template <typename T>
void PreluGradient(const T* dy, const T* x, const T* slope, const ChannelShape& shape, T* dx,
                   T* dslope, CPUContext*) {
  SumChannels(
      shape, [&](int64_t i) { return x[i] > 0 ? 0.0 : static_cast<double>(dy[i]) * x[i]; }, dslope);
  ForEachRow(
      shape,
      [&](int64_t offset, int64_t c, int64_t n) {
        const T w = slope[c];
        for (int64_t i = offset; i < offset + n; ++i) dx[i] = x[i] > 0 ? dy[i] : w * dy[i];
      },
      [&](int64_t offset, int64_t n) {
        for (int64_t c = 0; c < n; ++c) {
          const int64_t i = offset + c;
          dx[i] = x[i] > 0 ? dy[i] : slope[c] * dy[i];
        }
      });
}

template <typename T>
void ChannelAffine(const T* x, const T* scale, const T* bias, const ChannelShape& shape, T* y,
                   CPUContext*) {
  ForEachRow(
      shape,
      [&](int64_t offset, int64_t c, int64_t n) {
        const T a = scale[c];
        const T b = bias == nullptr ? T(0) : bias[c];
        const T* in = x + offset;
        T* out = y + offset;
        for (int64_t i = 0; i < n; ++i) out[i] = a * in[i] + b;
      },
      [&](int64_t offset, int64_t n) {
        const T* in = x + offset;
        T* out = y + offset;
        if (bias == nullptr) {
          for (int64_t i = 0; i < n; ++i) out[i] = scale[i] * in[i];
        } else {
          for (int64_t i = 0; i < n; ++i) out[i] = scale[i] * in[i] + bias[i];
        }
      });
}

template <typename T>
void ChannelSums(const T* a, const T* b, const ChannelShape& shape, T* sums, CPUContext*) {
  if (b == nullptr) {
    SumChannels(
        shape, [&](int64_t i) { return static_cast<double>(a[i]); }, sums);
  } else {
    SumChannels(
        shape, [&](int64_t i) { return static_cast<double>(a[i]) * b[i]; }, sums);
  }
}

#define DOPPIO_INSTANTIATE_(T)                                                              \
  template void Prelu<T>(const T*, const T*, const ChannelShape&, T*, CPUContext*);         \
  template void PreluGradient<T>(const T*, const T*, const T*, const ChannelShape&, T*, T*, \
                                 CPUContext*);                                              \
  template void ChannelAffine<T>(const T*, const T*, const T*, const ChannelShape&, T*,     \
                                 CPUContext*);                                              \
  template void ChannelSums<T>(const T*, const T*, const ChannelShape&, T*, CPUContext*);
DOPPIO_INSTANTIATE_(float)
DOPPIO_INSTANTIATE_(double)
#undef DOPPIO_INSTANTIATE_

}  // namespace doppio
