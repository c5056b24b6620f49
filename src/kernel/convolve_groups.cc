#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/convolve_groups.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>

#include "doppio/parallel.h"
#include "hwy/highway.h"
#include "src/kernel/convolution_ending-inl.h"
#include "src/kernel/convolve_groups.h"

#ifndef DOPPIO_KERNEL_CONVOLVE_GROUPS_SHARED_
#define DOPPIO_KERNEL_CONVOLVE_GROUPS_SHARED_
namespace doppio {
namespace {

constexpr int kLanes = 8;
constexpr int kMostPlaces = 8;          // next to each other, whose sums are in registers
constexpr int64_t kRoom = 16 * 1024;    // floats of the padded rows that are worked on
constexpr int64_t kMostTaps = 1 << 10;  // in each direction, that sizes are computed with

// Some rows of places, and the rows of the image that they need, padded with zeros.
struct Band {
  explicit Band(const GroupConvolution& c)
      : reach((c.kernel_rows - 1) * c.row_dilation + 1),
        columns((c.out_columns - 1) * c.column_stride + (c.kernel_columns - 1) * c.column_dilation +
                1),
        pitch(columns * kLanes) {
    const int64_t fitting = kRoom / pitch;
    if (fitting >= reach) rows = std::min((fitting - reach) / c.row_stride + 1, c.out_rows);
  }

  int64_t reach;    // rows of the image, for one row of places
  int64_t columns;  // of a padded row
  int64_t pitch;
  int64_t rows = 0;  // of places; none: the window is too large
};

int64_t FilterSize(const GroupConvolution& c) {  // of eight channels
  return c.kernel_rows * c.kernel_columns * c.group * kLanes;
}

// Copies what the places from `row` on need, of eight channels of an image.
void CopyRows(const GroupConvolution& c, const Band& band, int64_t row, int64_t rows,
              const float* x, float* room) {
  const int64_t needed = (rows - 1) * c.row_stride + band.reach;
  const int64_t end = std::clamp<int64_t>(c.in_columns + c.pad_left, 0, band.columns);
  const int64_t begin = std::min(c.pad_left, end);
  for (int64_t r = 0; r < needed; ++r, room += band.pitch) {
    const int64_t at = row * c.row_stride - c.pad_top + r;
    if (at < 0 || at >= c.in_rows) {
      std::fill_n(room, band.pitch, 0.0F);
      continue;
    }
    std::fill_n(room, begin * kLanes, 0.0F);
    const float* from = x + at * c.in_columns * c.lanes;
    for (int64_t column = begin; column < end; ++column, from += c.lanes) {
      std::copy_n(from, kLanes, room + column * kLanes);
    }
    std::fill_n(room + end * kLanes, (band.columns - end) * kLanes, 0.0F);
  }
}

}  // namespace
}  // namespace doppio
#endif  // once for all instruction sets

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// For kN of the eight channels at x, from `lane` on: channel kInput of the group of each.
template <int kGroup, int kInput>
HWY_INLINE V Spread(const float* x, int lane) {
  const D d;
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(d, x[lane / kGroup * kGroup + kInput]);
#else
  if constexpr (kGroup == kLanes) {
    return hn::Set(d, x[kInput]);
  } else if constexpr (kGroup == 4) {
    return hn::Broadcast<kInput>(hn::LoadU(d, x + lane));
  } else if constexpr (kInput == 0) {
    return hn::DupEven(hn::LoadU(d, x + lane));
  } else {
    return hn::DupOdd(hn::LoadU(d, x + lane));
  }
#endif
}

// Adds one tap, for the inputs of the groups from kInput on.
template <int kGroup, int kPlaces, int kInput = 0>
HWY_INLINE void AddTap(const float* x, int64_t step, const float* w, int lane, V* sums) {
  const D d;
  const V filter = hn::Load(d, w + kInput * kLanes + lane);
#pragma GCC unroll 8
  for (int p = 0; p < kPlaces; ++p) {
    sums[p] = hn::MulAdd(Spread<kGroup, kInput>(x + p * step, lane), filter, sums[p]);
  }
  if constexpr (kInput + 1 < kGroup) {
    AddTap<kGroup, kPlaces, kInput + 1>(x, step, w, lane, sums);
  }
}

// kPlaces places of a row, whose windows begin at x. y is the first one's, the next one's are
// c.lanes further on.
template <int kGroup, int kPlaces>
void Places(const GroupConvolution& c, int64_t pitch, const float* x, const float* filters,
            const float* bias, const ConvolutionEnding& ending, float* y) {
  const D d;
  for (int lane = 0; lane < kLanes; lane += kN) {
    V sums[kPlaces];
#pragma GCC unroll 8
    for (int p = 0; p < kPlaces; ++p) {
      sums[p] = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias + lane);
    }
    const float* w = filters;
    for (int64_t i = 0; i < c.kernel_rows; ++i) {
      const float* row = x + i * c.row_dilation * pitch;
      for (int64_t j = 0; j < c.kernel_columns; ++j, w += kGroup * kLanes) {
        AddTap<kGroup, kPlaces>(row + j * c.column_dilation * kLanes, c.column_stride * kLanes, w,
                                lane, sums);
      }
    }
#pragma GCC unroll 8
    for (int p = 0; p < kPlaces; ++p) End(ending, sums[p], y + p * c.lanes + lane);
  }
}

template <int kGroup>
void PlacesOf(int64_t places, const GroupConvolution& c, int64_t pitch, const float* x,
              const float* filters, const float* bias, const ConvolutionEnding& ending, float* y) {
  static_assert(kMostPlaces == 8, "the functions below");
  static constexpr decltype(&Places<kGroup, 1>) kPlacesOf[] = {
      Places<kGroup, 1>, Places<kGroup, 2>, Places<kGroup, 3>, Places<kGroup, 4>,
      Places<kGroup, 5>, Places<kGroup, 6>, Places<kGroup, 7>, Places<kGroup, 8>};
  kPlacesOf[places - 1](c, pitch, x, filters, bias, ending, y);
}

template <int kGroup>
void Convolve(const GroupConvolution& c, const float* x, const float* filters, const float* bias,
              const ConvolutionEnding& ending, float* y) {
  constexpr int64_t kWork = 1 << 18;  // multiply-adds that are worth a thread
  const Band band(c);
  const int64_t bands = (c.out_rows - 1) / band.rows + 1;
  const int64_t blocks = c.channels / kLanes;
  const int64_t strips = (c.out_columns - 1) / kMostPlaces + 1;
  const int64_t work = band.rows * c.out_columns * FilterSize(c);
  ParallelFor(c.batch * blocks * bands, kWork / work + 1, [&](int64_t first, int64_t last) {
    HWY_ALIGN float room[kRoom];
    for (int64_t i = first; i < last; ++i) {
      const int64_t n = i / bands / blocks;
      const int64_t block = i / bands % blocks;
      const int64_t row = i % bands * band.rows;
      const int64_t rows = std::min(band.rows, c.out_rows - row);
      const int64_t channel = block * kLanes / c.lanes * c.lanes;
      const int64_t within = block * kLanes - channel;
      const int64_t plane = n * c.channels + channel;
      CopyRows(c, band, row, rows, x + plane * c.in_rows * c.in_columns + within, room);
      for (int64_t r = 0; r < rows; ++r) {
        float* to = y + (plane * c.out_rows + (row + r) * c.lanes) * c.out_columns + within;
        for (int64_t s = 0; s < strips; ++s) {
          const int64_t begin = c.out_columns * s / strips;
          const int64_t end = c.out_columns * (s + 1) / strips;
          PlacesOf<kGroup>(end - begin, c, band.pitch,
                           room + r * c.row_stride * band.pitch + begin * c.column_stride * kLanes,
                           filters + block * FilterSize(c),
                           bias == nullptr ? nullptr : bias + block * kLanes, ending,
                           to + begin * c.lanes);
        }
      }
    }
  });
}

void ConvolveOf2(const GroupConvolution& c, const float* x, const float* filters, const float* bias,
                 const ConvolutionEnding& ending, float* y) {
  Convolve<2>(c, x, filters, bias, ending, y);
}
void ConvolveOf4(const GroupConvolution& c, const float* x, const float* filters, const float* bias,
                 const ConvolutionEnding& ending, float* y) {
  Convolve<4>(c, x, filters, bias, ending, y);
}
void ConvolveOf8(const GroupConvolution& c, const float* x, const float* filters, const float* bias,
                 const ConvolutionEnding& ending, float* y) {
  Convolve<8>(c, x, filters, bias, ending, y);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

HWY_EXPORT(ConvolveOf2);
HWY_EXPORT(ConvolveOf4);
HWY_EXPORT(ConvolveOf8);

bool ConvolvesByGroups(const GroupConvolution& c) {
  if (c.group != 2 && c.group != 4 && c.group != 8) return false;
  if (c.lanes % kLanes != 0 || c.channels % c.lanes != 0 || c.batch == 0) return false;
  for (const int64_t size : {c.kernel_rows, c.kernel_columns, c.row_dilation, c.column_dilation,
                             c.row_stride, c.column_stride}) {
    if (size > kMostTaps) return false;
  }
  return Band(c).rows > 0;
}

void PackGroupFilters(const GroupConvolution& c, const float* w, float* to) {
  const int64_t taps = c.kernel_rows * c.kernel_columns;
  for (int64_t m = 0; m < c.channels; ++m) {
    for (int64_t input = 0; input < c.group; ++input) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        to[m / kLanes * FilterSize(c) + (tap * c.group + input) * kLanes + m % kLanes] =
            w[(m * c.group + input) * taps + tap];
      }
    }
  }
}

void ConvolveGroups(const GroupConvolution& c, const float* x, const float* filters,
                    const float* bias, const ConvolutionEnding& ending, float* y, CPUContext*) {
  const auto convolve = c.group == 2   ? HWY_DYNAMIC_DISPATCH(ConvolveOf2)
                        : c.group == 4 ? HWY_DYNAMIC_DISPATCH(ConvolveOf4)
                                       : HWY_DYNAMIC_DISPATCH(ConvolveOf8);
  convolve(c, x, filters, bias, ending, y);
}

}  // namespace doppio
#endif  // HWY_ONCE
