#include "src/kernel/convolution_loops.h"

#include <algorithm>

#include "doppio/parallel.h"

namespace doppio {
namespace {

constexpr double kThreadWork = 1 << 16;  // multiply-adds that are worth a thread

int64_t Size(const Spatial& s) { return s[0] * s[1] * s[2]; }

template <typename F>
void ForEach(const Spatial& size, F&& f) {
  ForEachSpatial({0, 0, 0}, size, f);
}

// Calls f(i) for i in [0, count); each does `work` multiply-adds.
template <typename F>
void InParallel(int64_t count, double work, F&& f) {
  const auto grain = static_cast<int64_t>(std::max(1.0, kThreadWork / std::max(work, 1.0)));
  ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i);
  });
}

double Work(int64_t a, const Spatial& b, const Spatial& c) {
  return static_cast<double>(a) * static_cast<double>(Size(b)) * static_cast<double>(Size(c));
}

}  // namespace

template <typename T>
void Convolve(const PlainConvolution& c, const T* x, const T* w, const T* b, T* y, CPUContext*) {
  const int64_t channels = c.groups * c.outputs;
  InParallel(c.batch * channels, Work(c.inputs, c.out, c.kernel), [&](int64_t i) {
    const int64_t n = i / channels;
    const int64_t m = i % channels;
    const T* x_group = x + n * c.x.outer + m / c.outputs * c.inputs * c.x.inner;
    const T* filter = w + m * c.w.outer;
    T* y_channel = y + n * c.y.outer + m * c.y.inner;
    ForEach(c.out, [&](const Spatial& place) {
      T sum = b == nullptr ? T(0) : b[m];
      ForEach(c.kernel, [&](const Spatial& tap) {
        const int64_t at = c.OffsetUnder(place, tap, c.x.spatial);
        if (at < 0) return;
        const T* from = x_group + at;
        const T* factor = filter + Offset(tap, c.w.spatial);
        for (int64_t k = 0; k < c.inputs; ++k) sum += from[k * c.x.inner] * factor[k * c.w.inner];
      });
      y_channel[Offset(place, c.y.spatial)] = sum;
    });
  });
}

template <typename T>
void ConvolveBackwardData(const PlainConvolution& c, const T* dy, const T* w, T* dx, CPUContext*) {
  const int64_t channels = c.groups * c.inputs;
  InParallel(c.batch * channels, Work(c.outputs, c.out, c.kernel), [&](int64_t i) {
    const int64_t n = i / channels;
    const int64_t k = i % channels;
    const int64_t first = k / c.inputs * c.outputs;  // of the group's outputs
    T* dx_channel = dx + n * c.x.outer + k * c.x.inner;
    const T* dy_group = dy + n * c.y.outer + first * c.y.inner;
    const T* filters = w + first * c.w.outer + k % c.inputs * c.w.inner;
    ForEach(c.in, [&](const Spatial& s) { dx_channel[Offset(s, c.x.spatial)] = T(0); });
    ForEach(c.out, [&](const Spatial& place) {
      const T* from = dy_group + Offset(place, c.y.spatial);
      ForEach(c.kernel, [&](const Spatial& tap) {
        const int64_t at = c.OffsetUnder(place, tap, c.x.spatial);
        if (at < 0) return;
        const T* factor = filters + Offset(tap, c.w.spatial);
        T sum = 0;
        for (int64_t m = 0; m < c.outputs; ++m) sum += from[m * c.y.inner] * factor[m * c.w.outer];
        dx_channel[at] += sum;
      });
    });
  });
}

template <typename T>
void ConvolveBackwardWeights(const PlainConvolution& c, const T* x, const T* dy, T* dw,
                             CPUContext*) {
  const int64_t channels = c.groups * c.outputs;
  InParallel(channels * c.inputs, Work(c.batch, c.out, c.kernel), [&](int64_t i) {
    const int64_t m = i / c.inputs;
    const int64_t k = i % c.inputs;
    const T* x_channel = x + (m / c.outputs * c.inputs + k) * c.x.inner;
    const T* dy_channel = dy + m * c.y.inner;
    ForEach(c.kernel, [&](const Spatial& tap) {
      T sum = 0;
      for (int64_t n = 0; n < c.batch; ++n) {
        ForEach(c.out, [&](const Spatial& place) {
          const int64_t at = c.OffsetUnder(place, tap, c.x.spatial);
          if (at < 0) return;
          sum += x_channel[n * c.x.outer + at] *
                 dy_channel[n * c.y.outer + Offset(place, c.y.spatial)];
        });
      }
      dw[m * c.w.outer + k * c.w.inner + Offset(tap, c.w.spatial)] = sum;
    });
  });
}

#define DOPPIO_CONVOLVE_(T)                                                                 \
  template void Convolve<T>(const PlainConvolution&, const T*, const T*, const T*, T*,      \
                            CPUContext*);                                                   \
  template void ConvolveBackwardData<T>(const PlainConvolution&, const T*, const T*, T*,    \
                                        CPUContext*);                                       \
  template void ConvolveBackwardWeights<T>(const PlainConvolution&, const T*, const T*, T*, \
                                           CPUContext*);
DOPPIO_CONVOLVE_(float)
DOPPIO_CONVOLVE_(double)
#undef DOPPIO_CONVOLVE_

}  // namespace doppio
