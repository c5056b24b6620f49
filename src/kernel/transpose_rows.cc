#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/transpose_rows.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cmath>

#include "doppio/parallel.h"
#include "hwy/highway.h"
#include "src/kernel/transpose_rows.h"

#ifndef DOPPIO_KERNEL_TRANSPOSE_ROWS_SHARED_
#define DOPPIO_KERNEL_TRANSPOSE_ROWS_SHARED_
namespace doppio {
namespace {

constexpr int64_t kMostImageChannels = 16;  // of a group; of more than six oneDNN fills its blocks,
constexpr int64_t kMostUnfilled = 6;        // which is as fast where the stride is 1 or places have
constexpr int64_t kFewPlaceChannels = 64;   // more channels than this
constexpr int64_t kMostTaps = 64;           // along a dimension
constexpr int64_t kMostStride = 2;          // along the rows
constexpr int64_t kRoom = 32 * 1024;        // floats of the padded rows that are worked on
constexpr int64_t kMostColumns = 256;       // of a block
constexpr int64_t kStep = 16;               // columns that are worked on at once, or twice as many
constexpr int64_t kLeastRows = 4;           // of a block, that pay for copying rows of places
constexpr int64_t kWork = 1 << 17;          // multiply-adds that are worth a thread

int64_t DivideUp(int64_t n, int64_t by) { return (n + by - 1) / by; }

// A block of the image: some rows, and columns q * stride + phase - pad for some q and all phases
// from 0 to stride - 1. Such a column is a sum of the places q, q - 1, ..., for each channel and
// tap row.
struct Block {
  explicit Block(const PlainConvolution& c)
      : taps_down(DivideUp(c.kernel[1], c.stride[1])),
        taps_across(DivideUp(c.kernel[2], c.stride[2])),
        first_q(c.pad[2] / c.stride[2]),
        all_columns((c.in[2] - 1 + c.pad[2]) / c.stride[2] + 1 - first_q) {
    const int64_t least_rows = taps_down + 1;  // of places
    const int64_t fitting = kRoom / (c.outputs * least_rows) - (taps_across - 1);
    const int64_t most = std::min(kMostColumns, fitting / kStep * kStep);
    if (most <= 0) return;
    across = DivideUp(all_columns, most);
    columns = DivideUp(DivideUp(all_columns, across), kStep) * kStep;
    pitch = columns + taps_across - 1;
    const int64_t place_rows = kRoom / (c.outputs * pitch);
    rows = std::min((place_rows - least_rows) * c.stride[1] + 1, c.in[1]);
  }

  int64_t taps_down;    // that meet in a row
  int64_t taps_across;  // in a column
  int64_t first_q;
  int64_t all_columns;  // q's, of the whole image
  int64_t across = 0;   // blocks
  int64_t columns = 0;
  int64_t pitch = 0;  // of a padded row
  int64_t rows = 0;   // none: there are too many channels or taps
};

// A row of taps that meets a row of the image, and the row of places that it multiplies.
struct Meeting {
  int64_t tap;
  int64_t place;
};

// In the order of the taps; returns how many.
int Meetings(const PlainConvolution& c, int64_t row, Meeting* meetings) {
  int count = 0;
  for (int64_t tap = 0; tap < c.kernel[1]; ++tap) {
    const int64_t from = row + c.pad[1] - tap;
    if (from < 0 || from % c.stride[1] != 0 || from / c.stride[1] >= c.out[1]) continue;
    meetings[count++] = {tap, from / c.stride[1]};
  }
  return count;
}

// Copies rows [first, first + rows) of places, of all channels, as far as the columns from q on
// need them, with zeros where there is none.
void CopyRows(const PlainConvolution& c, const Block& block, int64_t first, int64_t rows, int64_t q,
              const float* y, float* room) {
  const int64_t left = q - (block.taps_across - 1);
  const int64_t begin = std::clamp<int64_t>(-left, 0, block.pitch);
  const int64_t end = std::clamp<int64_t>(c.out[2] - left, begin, block.pitch);
  for (int64_t k = 0; k < c.outputs; ++k) {
    for (int64_t r = 0; r < rows; ++r, room += block.pitch) {
      std::fill_n(room, begin, 0.0F);
      if (begin < end) {
        const float* from = y + k * c.y.inner + (first + r) * c.y.spatial[1] + left;
        std::copy(from + begin, from + end, room + begin);
      }
      std::fill_n(room + end, block.pitch - end, 0.0F);
    }
  }
}

}  // namespace
}  // namespace doppio
#endif  // once for all instruction sets

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 8>;
using V = hn::Vec<D>;
constexpr int kN = static_cast<int>(hn::MaxLanes(D()));

// Adds the places at `from`, times the first kTaps of the taps of each channel, to as many phases.
template <int kTaps, int kPhases, int kOutputs, int kVectors>
HWY_INLINE void AddTaps(const float* from, const float* taps, int64_t channel_stride,
                        V (&sums)[kOutputs][kPhases][kVectors]) {
  const D d;
  V places[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) places[v] = hn::LoadU(d, from + v * kN);
#pragma GCC unroll 4
  for (int m = 0; m < kOutputs; ++m) {
#pragma GCC unroll 2
    for (int p = 0; p < kTaps; ++p) {
      const V tap = hn::Set(d, taps[m * channel_stride + p]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[m][p][v] = hn::MulAdd(tap, places[v], sums[m][p][v]);
    }
  }
}

// What a row of the image is made of: the rows of places in `room` and of taps that meet.
struct Sources {
  const Meeting* meetings;
  int count;
  const float* room;
  int64_t first_place;  // the first row of places there
  int64_t place_rows;   // of a channel
  const float* w;
  const float* b;
};

// kSteps steps of a row of kOutputs channels of the image, from column q on; what is at column q of
// phase p goes to to[m * kMostStride * kMostColumns + q * kPhases + p].
template <int kPhases, int kOutputs, int kSteps>
void Columns(const PlainConvolution& c, const Block& block, const Sources& sources, int64_t q,
             float* to) {
  const D d;
  constexpr int kVectors = kSteps * static_cast<int>(kStep) / kN;
  V sums[kOutputs][kPhases][kVectors];  // in registers, which unrolled loops are for
#pragma GCC unroll 4
  for (int m = 0; m < kOutputs; ++m) {
    const V bias = hn::Set(d, sources.b == nullptr ? 0.0F : sources.b[m]);
#pragma GCC unroll 2
    for (int p = 0; p < kPhases; ++p) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[m][p][v] = bias;
    }
  }
  const int64_t pairs = c.kernel[2] / kPhases;  // or single taps
  const bool has_odd = c.kernel[2] % kPhases != 0;
  const int64_t place_stride = sources.place_rows * block.pitch;
  const int64_t filter_stride = c.w.outer;
  const int64_t channel_stride = c.w.inner;
  for (int i = 0; i < sources.count; ++i) {
    const Meeting& meeting = sources.meetings[i];
    const float* places = sources.room + (meeting.place - sources.first_place) * block.pitch + q +
                          block.taps_across - 1;
    const float* filter = sources.w + meeting.tap * c.w.spatial[1];
    for (int64_t k = c.outputs; k > 0; --k, places += place_stride, filter += filter_stride) {
#pragma GCC unroll 1
      for (int64_t j = 0; j < pairs; ++j) {
        AddTaps<kPhases>(places - j, filter + j * kPhases, channel_stride, sums);
      }
      if (has_odd) AddTaps<1>(places - pairs, filter + pairs * kPhases, channel_stride, sums);
    }
  }
#pragma GCC unroll 4
  for (int m = 0; m < kOutputs; ++m) {
    float* columns = to + m * kMostStride * kMostColumns + q * kPhases;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      if constexpr (kPhases == 1) {
        hn::StoreU(sums[m][0][v], d, columns + v * kN);
      } else {
        hn::StoreInterleaved2(sums[m][0][v], sums[m][1][v], d, columns + v * kN * kPhases);
      }
    }
  }
}

// All columns of a block, of one to three channels.
template <int kPhases>
void Row(const PlainConvolution& c, const Block& block, const Sources& sources, int64_t outputs,
         float* to) {
  for (int64_t q = 0; q < block.columns; q += kStep) {
    if (outputs == 3) {
      Columns<kPhases, 3, 1>(c, block, sources, q, to);
    } else if (outputs == 2) {
      Columns<kPhases, 2, 1>(c, block, sources, q, to);
    } else if (q + 2 * kStep <= block.columns) {
      Columns<kPhases, 1, 2>(c, block, sources, q, to);
      q += kStep;
    } else {
      Columns<kPhases, 1, 1>(c, block, sources, q, to);
    }
  }
}

// One block of the image of one group, whose first row and column are `row` and q.
template <int kPhases>
void TransposeBlock(const PlainConvolution& c, const Block& block, int64_t row, int64_t q,
                    const float* y, const float* w, const float* b, float* x) {
  alignas(64) float room[kRoom];
  constexpr int64_t kMostOutputs = 3;  // whose sums registers hold
  alignas(64) float sums[kMostOutputs * kMostStride * kMostColumns];
  const int64_t rows = std::min(block.rows, c.in[1] - row);
  // Rows of places that some tap meets.
  const int64_t first_place = std::clamp<int64_t>(
      DivideUp(std::max<int64_t>(row + c.pad[1] - c.kernel[1] + 1, 0), c.stride[1]), 0, c.out[1]);
  const int64_t end_place =
      std::clamp((row + rows - 1 + c.pad[1]) / c.stride[1] + 1, first_place, c.out[1]);
  CopyRows(c, block, first_place, end_place - first_place, q, y, room);

  const int64_t left = q * kPhases - c.pad[2];  // the column of the image where sums begin
  const int64_t begin = std::max<int64_t>(left, 0);
  const int64_t end = std::min(left + block.columns * kPhases, c.in[2]);
  for (int64_t r = row; r < row + rows; ++r) {
    Meeting meetings[kMostTaps];
    const int count = Meetings(c, r, meetings);
    for (int64_t m = 0; m < c.inputs; m += kMostOutputs) {
      const int64_t outputs = std::min(kMostOutputs, c.inputs - m);
      const Sources sources = {meetings,
                               count,
                               room,
                               first_place,
                               end_place - first_place,
                               w + m * c.w.inner,
                               b == nullptr ? nullptr : b + m};
      Row<kPhases>(c, block, sources, outputs, sums);
      for (int64_t i = 0; i < outputs; ++i) {
        const float* from = sums + i * kMostStride * kMostColumns - left;
        std::copy(from + begin, from + end, x + (m + i) * c.x.inner + r * c.x.spatial[1] + begin);
      }
    }
  }
}

void Transpose(const PlainConvolution& c, const float* y, const float* w, const float* b,
               float* x) {
  const Block block(c);
  const int64_t down = DivideUp(c.in[1], block.rows);
  const int64_t across = block.across;
  const int64_t work = block.rows * block.columns * c.inputs * c.outputs * c.kernel[2] *
                       DivideUp(c.kernel[1], c.stride[1]);
  ParallelFor(
      c.batch * c.groups * down * across, kWork / work + 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t n = i / across / down / c.groups;
          const int64_t group = i / across / down % c.groups;
          const auto run = c.stride[2] == 1 ? TransposeBlock<1> : TransposeBlock<2>;
          run(c, block, i / across % down * block.rows, block.first_q + i % across * block.columns,
              y + n * c.y.outer + group * c.outputs * c.y.inner, w + group * c.outputs * c.w.outer,
              b == nullptr ? nullptr : b + group * c.inputs,
              x + n * c.x.outer + group * c.inputs * c.x.inner);
        }
      });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

HWY_EXPORT(Transpose);

bool TransposesByRows(const PlainConvolution& c, const float* w) {
  const bool is_flat = c.in[0] == 1 && c.kernel[0] == 1 && c.out[0] == 1 && c.pad[0] == 0;
  const bool is_row_major = c.x.spatial[2] == 1 && c.w.spatial[2] == 1 && c.y.spatial[2] == 1;
  if (!is_flat || !is_row_major || c.stride[2] > kMostStride || c.pad[1] < 0 || c.pad[2] < 0 ||
      std::max(c.dilation[1], c.dilation[2]) > 1 ||
      std::max(c.kernel[1], c.kernel[2]) > kMostTaps) {
    return false;
  }
  const bool blocks_are_fast = c.stride[2] == 1 || c.outputs > kFewPlaceChannels;
  const int64_t most = blocks_are_fast ? kMostUnfilled : kMostImageChannels;
  if (c.inputs > most || Block(c).rows < std::min(kLeastRows, c.in[1])) return false;
  return std::all_of(w, w + c.groups * c.outputs * c.w.outer,
                     [](float value) { return std::isfinite(value); });
}

void TransposeRows(const PlainConvolution& c, const float* y, const float* w, const float* b,
                   float* x, CPUContext*) {
  HWY_DYNAMIC_DISPATCH(Transpose)(c, y, w, b, x);
}

}  // namespace doppio
#endif  // HWY_ONCE
