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

// The pixels beside a point of an axis of `size` pixels, which may be a pixel outside: `low`, and
// with the weight `fraction` the one after it, if there is one.
template <typename T>
struct Neighbours {
  Neighbours(T position, int64_t size) {
    const T at = std::min(std::max(position, T(0)), static_cast<T>(size - 1));
    low = std::min(static_cast<int64_t>(at), size - 1);
    fraction = at - static_cast<T>(low);
  }
  int64_t low;
  T fraction;
};

// Adds `weight` of a pixel to a list in ascending order, of which the last two may be that pixel.
template <typename T>
void AddWeight(int64_t pixel, T weight, size_t first, std::vector<PixelWeight<T>>* weights) {
  for (size_t back = 1; back <= 2 && weights->size() >= first + back; ++back) {
    PixelWeight<T>& known = (*weights)[weights->size() - back];
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
             std::vector<PixelWeight<T>>* weights) {
  const size_t first = weights->size();
  const T step = bin_size / static_cast<T>(grid);
  const auto position = [&](int64_t i) {
    return start + static_cast<T>(bin) * bin_size + (static_cast<T>(i) + T(0.5)) * step;
  };
  const int64_t begin = FirstWhere(grid, [&](int64_t i) { return position(i) >= T(-1); });
  const int64_t end =
      FirstWhere(grid, [&](int64_t i) { return position(i) > static_cast<T>(size); });
  for (int64_t i = begin; i < end; ++i) {
    const Neighbours<T> pixels(position(i), size);
    AddWeight(pixels.low, T(1) - pixels.fraction, first, weights);
    if (pixels.low + 1 < size) AddWeight(pixels.low + 1, pixels.fraction, first, weights);
  }
}

// Appends the four pixels around a point of a plane (fewer at its end).
template <typename T>
void AddSample(T x, T y, const RoIAlignShape& shape, std::vector<PixelWeight<T>>* weights) {
  const Neighbours<T> column(x, shape.width);
  const Neighbours<T> row(y, shape.height);
  for (int64_t dy = 0; dy < std::min<int64_t>(2, shape.height - row.low); ++dy) {
    const T row_weight = dy == 0 ? T(1) - row.fraction : row.fraction;
    const int64_t line = (row.low + dy) * shape.width + column.low;
    weights->push_back({line, row_weight * (T(1) - column.fraction)});
    if (column.low + 1 < shape.width) weights->push_back({line + 1, row_weight * column.fraction});
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
  lists->by_axis = true;
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

// The samples [begin, end) of `count` at which position(i) is on an axis of `size` pixels, or less
// than a pixel outside. The positions go up, or down.
struct SampleRange {
  template <typename F>
  SampleRange(int64_t count, int64_t size, bool up, F position) {
    using T = decltype(position(int64_t{0}));
    const auto is_low = [&](int64_t i) { return position(i) < T(-1); };
    const auto is_high = [&](int64_t i) { return position(i) > static_cast<T>(size); };
    if (up) {
      begin = FirstWhere(count, [&](int64_t i) { return !is_low(i); });
      end = FirstWhere(count, is_high);
    } else {
      begin = FirstWhere(count, [&](int64_t i) { return !is_high(i); });
      end = FirstWhere(count, is_low);
    }
  }
  int64_t begin;
  int64_t end;
};

// Makes one of the weights from `first` on that are of the same pixel.
template <typename T>
void MergePixels(size_t first, std::vector<PixelWeight<T>>* weights) {
  if (first == weights->size()) return;
  PixelWeight<T>* all = weights->data();
  // By their weights too, so that sums do not depend on how it is sorted.
  std::sort(all + first, all + weights->size(),
            [](const PixelWeight<T>& a, const PixelWeight<T>& b) {
              return a.pixel != b.pixel ? a.pixel < b.pixel : a.weight < b.weight;
            });
  size_t last = first;
  for (size_t i = first + 1; i < weights->size(); ++i) {
    if (all[i].pixel == all[last].pixel) {
      all[last].weight += all[i].weight;
    } else {
      all[++last] = all[i];
    }
  }
  weights->resize(last + 1);
}

// Lists the pixels of all bins of a region: the four around each sample on the map, merged so that
// the lists together are hardly longer than the map and the output.
template <typename T>
void WeighRegion(const RotatedRegion<T>& region, const RoIAlignShape& shape,
                 RegionWeights<T>* lists) {
  lists->weights.clear();
  lists->begins.clear();
  lists->by_axis = false;
  const bool is_empty =
      shape.height == 0 || shape.width == 0 || region.grid_x == 0 || region.grid_y == 0;
  const T bin_height = region.height / static_cast<T>(shape.pooled_height);
  const T bin_width = region.width / static_cast<T>(shape.pooled_width);
  // Of a sample, before the region is turned and its centre moved from 0.
  const auto offset = [](T size, T bin_size, int64_t bin, int64_t sample, int64_t grid) {
    return -size / T(2) + static_cast<T>(bin) * bin_size +
           (static_cast<T>(sample) + T(0.5)) * bin_size / static_cast<T>(grid);
  };
  for (int64_t bin = 0; bin < shape.pooled_height * shape.pooled_width; ++bin) {
    lists->begins.push_back(lists->weights.size());
    if (is_empty) continue;
    for (int64_t iy = 0; iy < region.grid_y; ++iy) {
      const T down = offset(region.height, bin_height, bin / shape.pooled_width, iy, region.grid_y);
      const auto right = [&](int64_t ix) {
        return offset(region.width, bin_width, bin % shape.pooled_width, ix, region.grid_x);
      };
      const auto x = [&](int64_t ix) {
        return right(ix) * region.cosine + (down * region.sine + region.x);
      };
      const auto y = [&](int64_t ix) {
        return (down * region.cosine + region.y) - right(ix) * region.sine;
      };
      const SampleRange columns(region.grid_x, shape.width, region.cosine >= 0, x);
      const SampleRange rows(region.grid_x, shape.height, region.sine <= 0, y);
      for (int64_t ix = std::max(columns.begin, rows.begin); ix < std::min(columns.end, rows.end);
           ++ix) {
        AddSample(x(ix), y(ix), shape, &lists->weights);
      }
    }
    MergePixels(lists->begins.back(), &lists->weights);
  }
  lists->begins.push_back(lists->weights.size());
}

// Calls f(bin, rows, columns) for each bin of a region that was weighed. Where lists are not by
// axis, all pixels of a plane are columns of one row.
template <typename T, typename F>
void ForEachBin(const RegionWeights<T>& lists, const RoIAlignShape& shape, F f) {
  const auto list = [&](int64_t i) {
    const size_t* begin = &lists.begins[static_cast<size_t>(i)];
    return absl::Span<const PixelWeight<T>>(lists.weights).subspan(begin[0], begin[1] - begin[0]);
  };
  const PixelWeight<T> one_row{0, T(1)};
  for (int64_t bin = 0; bin < shape.pooled_height * shape.pooled_width; ++bin) {
    if (lists.by_axis) {
      f(bin, list(bin / shape.pooled_width), list(shape.pooled_height + bin % shape.pooled_width));
    } else {
      f(bin, absl::MakeConstSpan(&one_row, 1), list(bin));
    }
  }
}

// By how much the sum of the samples of a bin is multiplied.
template <typename T, typename Region>
T ScaleOf(const Region& region) {
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
      for (const PixelWeight<T>& row : rows) {
        for (const PixelWeight<T>& column : columns) {
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
        for (const PixelWeight<T>& row : rows) {
          const T* line = map + c * plane + row.pixel * shape.width;
          T part = 0;
          for (const PixelWeight<T>& column : columns) part += column.weight * line[column.pixel];
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
    for (const PixelWeight<T>& row : rows) {
      for (const PixelWeight<T>& column : columns) {
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

template <typename T, typename Region>
void RoIAlign(const T* x, absl::Span<const Region> regions, const RoIAlignShape& shape, T* y,
              RoIAlignScratch<T>* scratch) {
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
      const Region& region = regions[static_cast<size_t>(r)];
      WeighRegion(region, shape, lists);
      PoolRegion(x + region.image * channels * plane, shape, *lists, ScaleOf<T>(region), first,
                 last, y + r * channels * bins);
      unit = r * channels + last;
    }
  });
}

template <typename T, typename Region>
void RoIAlignGradient(const T* dy, absl::Span<const Region> regions, const RoIAlignShape& shape,
                      T* dx, RoIAlignScratch<T>* scratch) {
  const int64_t channels = shape.channels;
  const int64_t plane = shape.height * shape.width;
  const int64_t bins = shape.pooled_height * shape.pooled_width;
  const int64_t count = static_cast<int64_t>(regions.size());
  if (count == 0 || channels == 0) return;
  // Regions overlap, so threads share the channels among them: each adds in the same order.
  ForEachPiece<T>(channels, kGrain / (count * bins) + 1, scratch,
                  [&](int64_t begin, int64_t end, auto* lists) {
                    for (int64_t r = 0; r < count; ++r) {
                      const Region& region = regions[static_cast<size_t>(r)];
                      WeighRegion(region, shape, lists);
                      SpreadRegion(dy + r * channels * bins, shape, *lists, ScaleOf<T>(region),
                                   begin, end, dx + region.image * channels * plane);
                    }
                  });
}

#define DOPPIO_ROI_ALIGN(T, Region)                                                               \
  template void RoIAlign(const T*, absl::Span<const Region<T>>, const RoIAlignShape&, T*,         \
                         RoIAlignScratch<T>*);                                                    \
  template void RoIAlignGradient(const T*, absl::Span<const Region<T>>, const RoIAlignShape&, T*, \
                                 RoIAlignScratch<T>*)
DOPPIO_ROI_ALIGN(float, AlignedRegion);
DOPPIO_ROI_ALIGN(float, RotatedRegion);
DOPPIO_ROI_ALIGN(double, AlignedRegion);
DOPPIO_ROI_ALIGN(double, RotatedRegion);
#undef DOPPIO_ROI_ALIGN

}  // namespace doppio
