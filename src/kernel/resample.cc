#include "src/kernel/resample.h"

#include <algorithm>
#include <cstring>

#include "doppio/parallel.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements

}  // namespace

void ResampleTaps::Start(int64_t out, int taps) {
  out_ = out;
  taps_ = taps;
  indices_.resize(static_cast<size_t>(out * taps));
  weights_.resize(static_cast<size_t>(out * taps));
}

void ResampleTaps::Set(int64_t o, int tap, int64_t index, double weight, int64_t in) {
  const auto at = static_cast<size_t>(o * taps_ + tap);
  indices_[at] = std::clamp<int64_t>(index, 0, in - 1);
  weights_[at] = weight;
}

bool ResampleTaps::IsIdentity(int64_t in) const {
  if (out_ != in) return false;
  for (int64_t o = 0; o < out_; ++o) {
    for (int tap = 0; tap < taps_; ++tap) {
      const double own = index(o, tap) == o ? 1 : 0;
      if (weight(o, tap) != own && weight(o, tap) != 0) return false;
    }
  }
  return true;
}

template <typename T>
void Resample(const T* x, int64_t outer, int64_t in, int64_t inner, const ResampleTaps& taps,
              T* y) {
  ParallelFor(outer * taps.out(), kGrain / (inner * taps.taps() + 1) + 1,
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  const T* from = x + i / taps.out() * in * inner;
                  T* to = y + i * inner;
                  std::fill_n(to, inner, T(0));
                  for (int tap = 0; tap < taps.taps(); ++tap) {
                    const auto weight = static_cast<T>(taps.weight(i % taps.out(), tap));
                    if (weight == 0) continue;
                    const T* line = from + taps.index(i % taps.out(), tap) * inner;
                    for (int64_t k = 0; k < inner; ++k) to[k] += weight * line[k];
                  }
                }
              });
}

void ResampleNearest(size_t element_size, const void* x, int64_t outer, int64_t in, int64_t inner,
                     const ResampleTaps& taps, void* y) {
  const auto bytes = static_cast<int64_t>(element_size) * inner;
  const auto* from = static_cast<const char*>(x);
  auto* to = static_cast<char*>(y);
  ParallelFor(outer * taps.out(), kGrain / (inner + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t line = i / taps.out() * in + taps.index(i % taps.out(), 0);
      std::memcpy(to + i * bytes, from + line * bytes, static_cast<size_t>(bytes));
    }
  });
}

template void Resample(const float*, int64_t, int64_t, int64_t, const ResampleTaps&, float*);
template void Resample(const double*, int64_t, int64_t, int64_t, const ResampleTaps&, double*);

}  // namespace doppio
