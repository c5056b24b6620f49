#include "src/kernel/roi_align.h"

#include <algorithm>
#include <cmath>

#include "doppio/parallel.h"

namespace doppio {
namespace {

// The first of the numbers [0, count) for which is_true holds, which then holds for all after it.
template <typename F>
int64_t FirstWhere(int64_t count, F is_true) {
  int64_t low = 0;
  while (low < count) {
    const int64_t middle = low + (count - low) / 2;
    if (is_true(middle)) {
      count = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// Appends the samples of bin `bin` along an axis of `size` pixels. A region may reach so far beyond
// the map that most of its samples lie outside, so those inside are found by bisection.
template <typename T>
void AddSamples(T start, T bin_size, int64_t bin, int64_t grid, int64_t size,
                std::vector<AxisSample<T>>* samples) {
  const T step = bin_size / static_cast<T>(grid);
  const auto position = [&](int64_t i) {
    return start + static_cast<T>(bin) * bin_size + (static_cast<T>(i) + T(0.5)) * step;
  };
  const int64_t begin = FirstWhere(grid, [&](int64_t i) { return position(i) >= T(-1); });
  const int64_t end =
      FirstWhere(grid, [&](int64_t i) { return position(i) > static_cast<T>(size); });
  for (int64_t i = begin; i < end; ++i) {
    const T at = std::min(std::max(position(i), T(0)), static_cast<T>(size - 1));
    const int64_t low = std::min(static_cast<int64_t>(at), size - 1);
    samples->push_back({low, std::min(low + 1, size - 1), at - static_cast<T>(low)});
  }
}

// The samples of a bin: those along y, then those along x, and the weight of each.
template <typename T>
struct BinSamples {
  absl::Span<const AxisSample<T>> y;
  absl::Span<const AxisSample<T>> x;
  T scale;
};

template <typename T>
BinSamples<T> SamplesOfBin(const AlignedRegion<T>& region, const RoIAlignShape& shape, int64_t ph,
                           int64_t pw, std::vector<AxisSample<T>>* scratch) {
  scratch->clear();
  if (shape.height == 0 || shape.width == 0 || region.grid_x == 0 || region.grid_y == 0) {
    return {{}, {}, T(0)};
  }
  AddSamples(region.y1, region.height / static_cast<T>(shape.pooled_height), ph, region.grid_y,
             shape.height, scratch);
  const size_t rows = scratch->size();
  AddSamples(region.x1, region.width / static_cast<T>(shape.pooled_width), pw, region.grid_x,
             shape.width, scratch);
  const absl::Span<const AxisSample<T>> all(*scratch);
  return {all.subspan(0, rows), all.subspan(rows),
          T(1) / static_cast<T>(region.grid_x * region.grid_y)};
}

// Calls f(low row, high row, low column, high column, weights of the four corners) for each sample
// of the bin.
template <typename T, typename F>
void ForEachSample(const BinSamples<T>& bin, int64_t width, F f) {
  for (const AxisSample<T>& y : bin.y) {
    const T above = T(1) - y.fraction;
    for (const AxisSample<T>& x : bin.x) {
      const T left = T(1) - x.fraction;
      const int64_t corners[4] = {y.low * width + x.low, y.low * width + x.high,
                                  y.high * width + x.low, y.high * width + x.high};
      const T weights[4] = {above * left, above * x.fraction, y.fraction * left,
                            y.fraction * x.fraction};
      f(corners, weights);
    }
  }
}

// Cuts [0, size) into pieces of at least `grain`, each with scratch of its own.
template <typename T, typename F>
void ForEachPiece(int64_t size, int64_t grain, RoIAlignScratch<T>* scratch, F body) {
  const int64_t pieces =
      std::max<int64_t>(1, std::min<int64_t>(NumThreads(), size / std::max<int64_t>(grain, 1)));
  if (scratch->size() < static_cast<size_t>(pieces)) scratch->resize(static_cast<size_t>(pieces));
  const int64_t each = size / pieces;
  const int64_t rest = size % pieces;
  ParallelFor(pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p) {
      const int64_t begin = p * each + std::min(p, rest);
      body(begin, begin + each + (p < rest ? 1 : 0), &(*scratch)[static_cast<size_t>(p)]);
    }
  });
}

constexpr int64_t kGrain = 1 << 14;  // numbers of the output that are worth a thread

}  // namespace

template <typename T>
void RoIAlign(const T* x, absl::Span<const AlignedRegion<T>> regions, const RoIAlignShape& shape,
              T* y, RoIAlignScratch<T>* scratch) {
  const int64_t plane = shape.height * shape.width;
  const int64_t bins = shape.pooled_height * shape.pooled_width;
  const int64_t row = shape.channels * shape.pooled_width;
  if (row == 0) return;
  // A unit is a row of bins of one region.
  const int64_t units = static_cast<int64_t>(regions.size()) * shape.pooled_height;
  ForEachPiece<T>(units, kGrain / row + 1, scratch, [&](int64_t begin, int64_t end, auto* samples) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t r = unit / shape.pooled_height;
      const int64_t ph = unit % shape.pooled_height;
      const AlignedRegion<T>& region = regions[static_cast<size_t>(r)];
      const T* map = x + region.image * shape.channels * plane;
      for (int64_t pw = 0; pw < shape.pooled_width; ++pw) {
        const BinSamples<T> bin = SamplesOfBin(region, shape, ph, pw, samples);
        const int64_t place = ph * shape.pooled_width + pw;
        if (shape.channels_last) {
          T* out = y + (r * bins + place) * shape.channels;
          std::fill_n(out, shape.channels, T(0));
          ForEachSample(bin, shape.width, [&](const int64_t* corners, const T* weights) {
            const T* a = map + corners[0] * shape.channels;
            const T* b = map + corners[1] * shape.channels;
            const T* c = map + corners[2] * shape.channels;
            const T* d = map + corners[3] * shape.channels;
            for (int64_t i = 0; i < shape.channels; ++i) {
              out[i] +=
                  weights[0] * a[i] + weights[1] * b[i] + weights[2] * c[i] + weights[3] * d[i];
            }
          });
          for (int64_t i = 0; i < shape.channels; ++i) out[i] *= bin.scale;
        } else {
          for (int64_t i = 0; i < shape.channels; ++i) {
            const T* in = map + i * plane;
            T sum = 0;
            ForEachSample(bin, shape.width, [&](const int64_t* corners, const T* weights) {
              sum += weights[0] * in[corners[0]] + weights[1] * in[corners[1]] +
                     weights[2] * in[corners[2]] + weights[3] * in[corners[3]];
            });
            y[(r * shape.channels + i) * bins + place] = sum * bin.scale;
          }
        }
      }
    }
  });
}

template <typename T>
void RoIAlignGradient(const T* dy, absl::Span<const AlignedRegion<T>> regions,
                      const RoIAlignShape& shape, T* dx, RoIAlignScratch<T>* scratch) {
  const int64_t plane = shape.height * shape.width;
  const int64_t bins = shape.pooled_height * shape.pooled_width;
  const int64_t count = static_cast<int64_t>(regions.size());
  if (count == 0 || shape.channels == 0) return;
  // Regions overlap, so threads share the channels among them: each adds in the same order.
  ForEachPiece<T>(
      shape.channels, kGrain / (count * bins) + 1, scratch,
      [&](int64_t begin, int64_t end, auto* samples) {
        for (int64_t r = 0; r < count; ++r) {
          const AlignedRegion<T>& region = regions[static_cast<size_t>(r)];
          T* map = dx + region.image * shape.channels * plane;
          for (int64_t place = 0; place < bins; ++place) {
            const BinSamples<T> bin = SamplesOfBin(region, shape, place / shape.pooled_width,
                                                   place % shape.pooled_width, samples);
            ForEachSample(bin, shape.width, [&](const int64_t* corners, const T* weights) {
              for (int64_t i = begin; i < end; ++i) {
                const T gradient =
                    bin.scale * (shape.channels_last ? dy[(r * bins + place) * shape.channels + i]
                                                     : dy[(r * shape.channels + i) * bins + place]);
                for (int k = 0; k < 4; ++k) {
                  T* out = shape.channels_last ? map + corners[k] * shape.channels + i
                                               : map + i * plane + corners[k];
                  *out += weights[k] * gradient;
                }
              }
            });
          }
        }
      });
}

template void RoIAlign(const float*, absl::Span<const AlignedRegion<float>>, const RoIAlignShape&,
                       float*, RoIAlignScratch<float>*);
template void RoIAlign(const double*, absl::Span<const AlignedRegion<double>>, const RoIAlignShape&,
                       double*, RoIAlignScratch<double>*);
template void RoIAlignGradient(const float*, absl::Span<const AlignedRegion<float>>,
                               const RoIAlignShape&, float*, RoIAlignScratch<float>*);
template void RoIAlignGradient(const double*, absl::Span<const AlignedRegion<double>>,
                               const RoIAlignShape&, double*, RoIAlignScratch<double>*);

}  // namespace doppio
