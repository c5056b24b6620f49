#include "src/kernel/convolve_rows.h"

#include <algorithm>
#include <cstring>

#include "doppio/parallel.h"

namespace doppio {
namespace {

constexpr int64_t kMostInputs = 8;     // channels of a group
constexpr int64_t kRoom = 16 * 1024;   // elements of the padded rows that are worked on
constexpr int64_t kMostColumns = 512;  // of a block
constexpr int kLanes = 4;              // numbers that are multiplied at once
constexpr int kVectors = 4;
constexpr int64_t kStep = kLanes * kVectors;
constexpr int64_t kWork = 1 << 18;  // multiply-adds that are worth a thread

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));

int64_t RoundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// A block of places: some rows and columns of one group of one image.
struct Block {
  explicit Block(const PlainConvolution& c)
      : reach_rows((c.kernel[1] - 1) * c.dilation[1] + 1),
        reach_columns((c.kernel[2] - 1) * c.dilation[2]),
        columns(std::min(RoundUp(c.out[2], kStep), kMostColumns)),
        pitch(columns + reach_columns) {
    const int64_t fitting = kRoom / (c.inputs * pitch);  // rows of the image
    if (fitting >= reach_rows) rows = std::min((fitting - reach_rows) / c.stride[1] + 1, c.out[1]);
  }

  int64_t reach_rows;     // of the image, for one row of places
  int64_t reach_columns;  // beyond the columns of places
  int64_t columns;
  int64_t pitch;     // of a padded row
  int64_t rows = 0;  // none: the window is too large
};

// Copies what the places from (row, column) on need, with zeros where there is no image.
void CopyRows(const PlainConvolution& c, const Block& block, int64_t rows, int64_t row,
              int64_t column, const float* x, float* room) {
  const int64_t needed = (rows - 1) * c.stride[1] + block.reach_rows;
  const int64_t first = column - c.pad[2];  // column of the image
  const int64_t begin = std::clamp<int64_t>(-first, 0, block.pitch);
  const int64_t end = std::clamp<int64_t>(c.in[2] - first, begin, block.pitch);
  for (int64_t k = 0; k < c.inputs; ++k) {
    for (int64_t r = 0; r < needed; ++r, room += block.pitch) {
      const int64_t at = row * c.stride[1] - c.pad[1] + r;
      if (at < 0 || at >= c.in[1] || begin == end) {
        std::fill_n(room, block.pitch, 0.0F);
        continue;
      }
      const float* from = x + k * c.x.inner + at * c.x.spatial[1] + first;
      std::fill_n(room, begin, 0.0F);
      std::copy(from + begin, from + end, room + begin);
      std::fill_n(room + end, block.pitch - end, 0.0F);
    }
  }
}

// kStep places next to each other of kOutputs channels, whose filters and biases begin at w and b.
template <int kOutputs>
void Places(const PlainConvolution& c, const Block& block, int64_t room_rows, const float* from,
            const float* w, const float* b, Vector (*results)[kVectors]) {
  Vector sums[kOutputs][kVectors];  // in registers, which unrolled loops are for
#pragma GCC unroll 4
  for (int m = 0; m < kOutputs; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[m][v] = Vector{} + (b == nullptr ? 0.0F : b[m]);
  }
  for (int64_t k = 0; k < c.inputs; ++k) {
    for (int64_t i = 0; i < c.kernel[1]; ++i) {
      const float* row = from + (k * room_rows + i * c.dilation[1]) * block.pitch;
      const float* taps = w + k * c.w.inner + i * c.w.spatial[1];
      for (int64_t j = 0; j < c.kernel[2]; ++j) {
        Vector x[kVectors];
        std::memcpy(x, row + j * c.dilation[2], sizeof(x));
#pragma GCC unroll 4
        for (int m = 0; m < kOutputs; ++m) {
          const float tap = taps[m * c.w.outer + j];
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) sums[m][v] += tap * x[v];
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int m = 0; m < kOutputs; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) results[m][v] = sums[m][v];
  }
}

template <int kOutputs>
void Rows(const PlainConvolution& c, const Block& block, int64_t rows, int64_t columns,
          const float* room, const float* w, const float* b, float* y) {
  const int64_t room_rows = (rows - 1) * c.stride[1] + block.reach_rows;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t column = 0; column < columns; column += kStep) {
      Vector sums[kOutputs][kVectors];
      Places<kOutputs>(c, block, room_rows, room + r * c.stride[1] * block.pitch + column, w, b,
                       sums);
      const int64_t size = std::min(kStep, columns - column);
      for (int m = 0; m < kOutputs; ++m) {
        float* to = y + m * c.y.inner + r * c.y.spatial[1] + column;
        std::memcpy(to, sums[m], static_cast<size_t>(size) * sizeof(float));
      }
    }
  }
}

}  // namespace

bool ConvolvesByRows(const PlainConvolution& c) {
  const bool is_flat = c.in[0] == 1 && c.kernel[0] == 1 && c.out[0] == 1 && c.pad[0] == 0;
  const bool is_row_major = c.x.spatial[2] == 1 && c.w.spatial[2] == 1 && c.y.spatial[2] == 1;
  if (!is_flat || !is_row_major || c.stride[2] != 1 || c.inputs > kMostInputs) return false;
  if (c.kernel[2] > kRoom || c.dilation[2] > kRoom || c.kernel[1] > kRoom ||
      c.dilation[1] > kRoom) {
    return false;
  }
  return Block(c).rows > 0;
}

void ConvolveRows(const PlainConvolution& c, const float* x, const float* w, const float* b,
                  float* y, CPUContext*) {
  const Block block(c);
  const int64_t down = (c.out[1] - 1) / block.rows + 1;
  const int64_t across = (c.out[2] - 1) / block.columns + 1;
  const int64_t work =
      block.rows * block.columns * c.inputs * c.outputs * c.kernel[1] * c.kernel[2];
  ParallelFor(
      c.batch * c.groups * down * across, kWork / work + 1, [&](int64_t begin, int64_t end) {
        alignas(64) float room[kRoom];
        for (int64_t i = begin; i < end; ++i) {
          const int64_t n = i / across / down / c.groups;
          const int64_t group = i / across / down % c.groups;
          const int64_t row = i / across % down * block.rows;
          const int64_t column = i % across * block.columns;
          const int64_t rows = std::min(block.rows, c.out[1] - row);
          const int64_t columns = std::min(block.columns, c.out[2] - column);
          CopyRows(c, block, rows, row, column, x + n * c.x.outer + group * c.inputs * c.x.inner,
                   room);
          for (int64_t m = 0; m < c.outputs;) {
            const int64_t channel = group * c.outputs + m;
            float* to = y + n * c.y.outer + channel * c.y.inner + row * c.y.spatial[1] + column;
            const float* filters = w + channel * c.w.outer;
            const float* bias = b == nullptr ? nullptr : b + channel;
            if (c.outputs - m >= 2) {
              Rows<2>(c, block, rows, columns, room, filters, bias, to);
              m += 2;
            } else {
              Rows<1>(c, block, rows, columns, room, filters, bias, to);
              ++m;
            }
          }
        }
      });
}

}  // namespace doppio
