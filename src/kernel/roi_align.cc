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

// Adds `weight` of a pixel to a list in ascending order, of which the last two may be that pixel.
template <typename T>
void AddWeight(int64_t pixel, T weight, size_t first, std::vector<AxisWeight<T>>* weights) {
  for (size_t back = 1; back <= 2 && weights->size() >= first + back; ++back) {
    AxisWeight<T>& known = (*weights)[weights->size() - back];
    if (known.pixel != pixel) continue;
    known.weight += weight;
    return;
  }
  weights->push_back({pixel, weight});
}

// Appends the pixels that the samples of bin `bin` touch along an axis of `size` pixels. A region
// may reach so far beyond the map that most of its samples lie outside, so those inside are found
// by bisection.
template <typename T>
void AddAxis(T start, T bin_size, int64_t bin, int64_t grid, int64_t size,
             std::vector<AxisWeight<T>>* weights) {
  const size_t first = weights->size();
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
    const T fraction = at - static_cast<T>(low);
    AddWeight(low, T(1) - fraction, first, weights);
    if (low + 1 < size) AddWeight(low + 1, fraction, first, weights);
  }
}

// Lists the pixels of all bins of a region: those of their rows, then those of their columns. A bin
// is the sum of weight by weight by pixel over both lists, since samples are a grid and bilinear
// interpolation is linear along both axes. Bins do not overlap, so the lists together are hardly
// longer than the map and the output.
template <typename T>
void WeighRegion(const AlignedRegion<T>& region, const RoIAlignShape& shape,
                 RegionWeights<T>* lists) {
  lists->weights.clear();
  lists->begins.clear();
  const bool is_empty =
      shape.height == 0 || shape.width == 0 || region.grid_x == 0 || region.grid_y == 0;
  const T bin_height = region.height / static_cast<T>(shape.pooled_height);
  const T bin_width = region.width / static_cast<T>(shape.pooled_width);
  for (int64_t ph = 0; ph < shape.pooled_height; ++ph) {
    lists->begins.push_back(lists->weights.size());
    if (is_empty) continue;
    AddAxis(region.y1, bin_height, ph, region.grid_y, shape.height, &lists->weights);
  }
  for (int64_t pw = 0; pw < shape.pooled_width; ++pw) {
    lists->begins.push_back(lists->weights.size());
    if (is_empty) continue;
    AddAxis(region.x1, bin_width, pw, region.grid_x, shape.width, &lists->weights);
  }
  lists->begins.push_back(lists->weights.size());
}

// Calls f(bin, rows, columns) for each bin of a region that was weighed.
template <typename T, typename F>
void ForEachBin(const RegionWeights<T>& lists, const RoIAlignShape& shape, F f) {
  const auto list = [&](int64_t i) {
    const size_t* begin = &lists.begins[static_cast<size_t>(i)];
    return absl::Span<const AxisWeight<T>>(lists.weights).subspan(begin[0], begin[1] - begin[0]);
  };
  for (int64_t bin = 0; bin < shape.pooled_height * shape.pooled_width; ++bin) {
    f(bin, list(bin / shape.pooled_width), list(shape.pooled_height + bin % shape.pooled_width));
  }
}

// By how much the sum of the samples of a bin is multiplied.
template <typename T>
T ScaleOf(const AlignedRegion<T>& region) {
  return T(1) / static_cast<T>(std::max<int64_t>(region.grid_x * region.grid_y, 1));
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

// Channels [begin, end) of one region, whose feature map and outputs begin at `map` and `y`.
template <typename T>
void PoolRegion(const T* map, const RoIAlignShape& shape, const RegionWeights<T>& lists, T scale,
                int64_t begin, int64_t end, T* y) {
  const int64_t bins = shape.pooled_height * shape.pooled_width;
  if (shape.channels_last) {
    ForEachBin(lists, shape, [&](int64_t bin, auto rows, auto columns) {
      T* out = y + bin * shape.channels;
      std::fill(out + begin, out + end, T(0));
      for (const AxisWeight<T>& row : rows) {
        for (const AxisWeight<T>& column : columns) {
          const T weight = row.weight * column.weight * scale;
          const T* x = map + (row.pixel * shape.width + column.pixel) * shape.channels;
          for (int64_t c = begin; c < end; ++c) out[c] += weight * x[c];
        }
      }
    });
    return;
  }
  // A few channels at a time: enough to foresee how long the lists are, and few enough that their
  // planes around a bin stay in the cache until the next one.
  constexpr int64_t kBlock = 32;
  const int64_t plane = shape.height * shape.width;
  for (int64_t first = begin; first < end; first += kBlock) {
    ForEachBin(lists, shape, [&](int64_t bin, auto rows, auto columns) {
      for (int64_t c = first; c < std::min(end, first + kBlock); ++c) {
        T sum = 0;
        for (const AxisWeight<T>& row : rows) {
          const T* line = map + c * plane + row.pixel * shape.width;
          T part = 0;
          for (const AxisWeight<T>& column : columns) part += column.weight * line[column.pixel];
          sum += row.weight * part;
        }
        y[c * bins + bin] = sum * scale;
      }
    });
  }
}

// The other way round: adds what dy says to the pixels.
template <typename T>
void SpreadRegion(const T* dy, const RoIAlignShape& shape, const RegionWeights<T>& lists, T scale,
                  int64_t begin, int64_t end, T* map) {
  const int64_t plane = shape.height * shape.width;
  const int64_t bins = shape.pooled_height * shape.pooled_width;
  // How far apart channels are, in the map and in dy.
  const int64_t map_step = shape.channels_last ? 1 : plane;
  const int64_t dy_step = shape.channels_last ? 1 : bins;
  ForEachBin(lists, shape, [&](int64_t bin, auto rows, auto columns) {
    const T* in = dy + (shape.channels_last ? bin * shape.channels : bin);
    for (const AxisWeight<T>& row : rows) {
      for (const AxisWeight<T>& column : columns) {
        const T weight = row.weight * column.weight * scale;
        const int64_t pixel = row.pixel * shape.width + column.pixel;
        T* out = map + (shape.channels_last ? pixel * shape.channels : pixel);
        for (int64_t c = begin; c < end; ++c) out[c * map_step] += weight * in[c * dy_step];
      }
    }
  });
}

constexpr int64_t kGrain = 1 << 14;  // numbers of the output that are worth a thread

}  // namespace

template <typename T>
void RoIAlign(const T* x, absl::Span<const AlignedRegion<T>> regions, const RoIAlignShape& shape,
              T* y, RoIAlignScratch<T>* scratch) {
  const int64_t channels = shape.channels;
  const int64_t plane = shape.height * shape.width;
  const int64_t bins = shape.pooled_height * shape.pooled_width;
  // A unit is a channel of a region.
  const int64_t units = static_cast<int64_t>(regions.size()) * channels;
  ForEachPiece<T>(units, kGrain / bins + 1, scratch, [&](int64_t begin, int64_t end, auto* lists) {
    for (int64_t unit = begin; unit < end;) {
      const int64_t r = unit / channels;
      const int64_t first = unit - r * channels;
      const int64_t last = std::min(channels, end - r * channels);
      const AlignedRegion<T>& region = regions[static_cast<size_t>(r)];
      WeighRegion(region, shape, lists);
      PoolRegion(x + region.image * channels * plane, shape, *lists, ScaleOf(region), first, last,
                 y + r * channels * bins);
      unit = r * channels + last;
    }
  });
}

template <typename T>
void RoIAlignGradient(const T* dy, absl::Span<const AlignedRegion<T>> regions,
                      const RoIAlignShape& shape, T* dx, RoIAlignScratch<T>* scratch) {
  const int64_t channels = shape.channels;
  const int64_t plane = shape.height * shape.width;
  const int64_t bins = shape.pooled_height * shape.pooled_width;
  const int64_t count = static_cast<int64_t>(regions.size());
  if (count == 0 || channels == 0) return;
  // Regions overlap, so threads share the channels among them: each adds in the same order.
  ForEachPiece<T>(channels, kGrain / (count * bins) + 1, scratch,
                  [&](int64_t begin, int64_t end, auto* lists) {
                    for (int64_t r = 0; r < count; ++r) {
                      const AlignedRegion<T>& region = regions[static_cast<size_t>(r)];
                      WeighRegion(region, shape, lists);
                      SpreadRegion(dy + r * channels * bins, shape, *lists, ScaleOf(region), begin,
                                   end, dx + region.image * channels * plane);
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
