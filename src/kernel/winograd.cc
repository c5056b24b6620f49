#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/winograd.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>

#include "doppio/parallel.h"
#include "hwy/highway.h"
#include "src/kernel/convolution_ending-inl.h"
#include "src/kernel/winograd.h"
#include "src/kernel/winograd_transforms-inl.h"

#ifndef DOPPIO_KERNEL_WINOGRAD_SHARED_
#define DOPPIO_KERNEL_WINOGRAD_SHARED_
namespace doppio {
namespace {

constexpr int kTile = 6;    // rows and columns of the image
constexpr int kPlaces = 4;  // of the result
constexpr int kTaps = 3;
constexpr int kPoints = kTile * kTile;
constexpr int kLanes = static_cast<int>(kWinogradLanes);

constexpr int kMostTiles = 6;          // that are multiplied at once, with
constexpr int kColumns = 16;           // so many output channels: what registers hold
constexpr int kUnitTiles = 24;         // whose sums are kept until they are transformed back
constexpr int64_t kRoom = 128 * 1024;  // floats of transformed tiles

// Tiles are counted over all images.
struct Tiles {
  explicit Tiles(const WinogradConvolution& c)
      : across((c.out_columns + kPlaces - 1) / kPlaces),
        of_image((c.out_rows + kPlaces - 1) / kPlaces * across),
        count(c.batch * of_image) {}

  int64_t across;
  int64_t of_image;
  int64_t count;
};

// Where a tile's places begin.
struct Place {
  Place(const Tiles& tiles, int64_t tile)
      : image(tile / tiles.of_image),
        row(tile % tiles.of_image / tiles.across * kPlaces),
        column(tile % tiles.across * kPlaces) {}

  int64_t image;
  int64_t row;
  int64_t column;
};

struct Range {
  int64_t begin;
  int64_t end;
  int64_t size() const { return end - begin; }
};

// Some tiles that are transformed together, in blocks of at most kMostTiles. Their numbers are
// stored [blocks, kPoints, channels / 8, tiles of the block, 8].
struct Chunk {
  Chunk(const WinogradConvolution& c, int64_t first, int64_t tiles)
      : begin(first),
        size(tiles),
        blocks((tiles + kMostTiles - 1) / kMostTiles),
        point_stride((c.in_channels() * kMostTiles / kLine | 1) * kLine) {}

  int64_t block_stride() const { return kPoints * point_stride; }
  // Block i, in tiles of the chunk. All have about the same size.
  Range BlockAt(int64_t i) const { return {size * i / blocks, size * (i + 1) / blocks}; }

  static constexpr int64_t kLine = 16;  // floats of a cache line

  int64_t begin;
  int64_t size;
  int64_t blocks;
  // From a point to the next: an odd number of cache lines, so that those of one tile are not all
  // for the same places in the cache.
  int64_t point_stride;
};

// Of the chunks that pieces are cut into: the largest piece decides, so that none needs more room.
int64_t ChunkSize(const WinogradConvolution& c, int64_t pieces) {
  const int64_t tiles = (Tiles(c).count - 1) / pieces + 1;
  const int64_t fitting = kRoom / (kPoints * c.in_channels());
  const int64_t chunks = (tiles - 1) / std::max<int64_t>(fitting, kUnitTiles) + 1;
  return (tiles - 1) / chunks + 1;
}

// Those of one of some pieces.
Range TilesOf(const WinogradConvolution& c, int64_t piece, int64_t pieces) {
  const int64_t all = Tiles(c).count;
  return {all * piece / pieces, all * (piece + 1) / pieces};
}

int64_t RoomOfPiece(const WinogradConvolution& c, int64_t pieces) {
  const Chunk chunk(c, 0, ChunkSize(c, pieces));
  return chunk.blocks * chunk.block_stride();
}

// Where a channel, the first of eight, begins.
int64_t InChannel(const WinogradConvolution& c, int64_t image, int64_t channel) {
  return (image * c.in_channels() + channel) * c.in_rows * c.in_columns;
}
int64_t OutChannel(const WinogradConvolution& c, int64_t image, int64_t channel) {
  return (image * c.out_channels() + channel) * c.out_rows * c.out_columns;
}

// One number of the result, tap by tap.
float SumOfTaps(const WinogradConvolution& c, const float* x, const float* w, int64_t image,
                int64_t channel, int64_t row, int64_t column) {
  float sum = 0;
  const int64_t first = channel / c.outputs * c.inputs;
  for (int64_t k = 0; k < c.inputs; ++k) {
    const float* from = x + InChannel(c, image, first + k / kLanes * kLanes) + k % kLanes;
    const float* taps = w + (channel * c.inputs + k) * kTaps * kTaps;
    for (int64_t i = 0; i < kTaps; ++i) {
      const int64_t at = row + i - c.pad_top;
      if (at < 0 || at >= c.in_rows) continue;
      for (int64_t j = 0; j < kTaps; ++j) {
        const int64_t beside = column + j - c.pad_left;
        if (beside < 0 || beside >= c.in_columns) continue;
        sum += taps[i * kTaps + j] * from[(at * c.in_columns + beside) * kLanes];
      }
    }
  }
  return sum;
}

}  // namespace
}  // namespace doppio
#endif  // once for all instruction sets

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// The tile of eight channels at x, where `pitch` is a row of the image; what is at a point goes to
// to[point * stride].
HWY_INLINE void TransformTile(const float* x, int64_t pitch, float* to, int64_t stride) {
  const D d;
  for (int lane = 0; lane < kLanes; lane += kN) {
    V rows[kTile][kTile];
    for (int j = 0; j < kTile; ++j) {
      V column[kTile];
      V points[kTile];
      for (int i = 0; i < kTile; ++i) column[i] = hn::LoadU(d, x + i * pitch + j * kLanes + lane);
      ToPoints(column, points);
      for (int i = 0; i < kTile; ++i) rows[i][j] = points[i];
    }
    for (int i = 0; i < kTile; ++i) {
      V points[kTile];
      ToPoints(rows[i], points);
      for (int j = 0; j < kTile; ++j) hn::Store(points[j], d, to + (i * kTile + j) * stride + lane);
    }
  }
}

// Transforms the eight channels from `channel` on of one block's tiles.
void TransformBlock(const WinogradConvolution& c, const Chunk& chunk, int64_t block,
                    int64_t channel, const float* x, float* room) {
  const Tiles tiles(c);
  const Range range = chunk.BlockAt(block);
  const int64_t pitch = c.in_columns * kLanes;
  float* to = room + block * chunk.block_stride() + channel * range.size();
  HWY_ALIGN float padded[kPoints * kLanes];
  for (int64_t tile = range.begin; tile < range.end; ++tile, to += kLanes) {
    const Place place(tiles, chunk.begin + tile);
    const float* image = x + InChannel(c, place.image, channel);
    const int64_t row = place.row - c.pad_top;
    const int64_t column = place.column - c.pad_left;
    if (row >= 0 && column >= 0 && row + kTile <= c.in_rows && column + kTile <= c.in_columns) {
      TransformTile(image + row * pitch + column * kLanes, pitch, to, chunk.point_stride);
      continue;
    }
    std::fill_n(padded, kPoints * kLanes, 0.0F);
    const int64_t first = std::max<int64_t>(column, 0);
    const int64_t last = std::min(column + kTile, c.in_columns);
    for (int64_t i = std::max<int64_t>(-row, 0); i < std::min<int64_t>(kTile, c.in_rows - row);
         ++i) {
      if (first >= last) break;
      std::copy_n(image + (row + i) * pitch + first * kLanes, (last - first) * kLanes,
                  padded + (i * kTile + first - column) * kLanes);
    }
    TransformTile(padded, kTile * kLanes, to, chunk.point_stride);
  }
}

// m [kTiles, kWidth] = the sums over channels of v [channels / 8, kTiles, 8] and
// u [channels, kWidth].
template <int kTiles, int kWidth>
HWY_INLINE void Multiply(const float* v, const float* u, int64_t channels, float* m) {
  const D d;
  constexpr int kVectors = kWidth / kN;
  V sums[kTiles][kVectors];  // in registers, which unrolled loops are for
#pragma GCC unroll 8
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 16
    for (int i = 0; i < kVectors; ++i) sums[t][i] = hn::Zero(d);
  }
  for (int64_t c = 0; c < channels; c += kLanes, v += kTiles * kLanes) {
#pragma GCC unroll 1
    for (int lane = 0; lane < kLanes; ++lane, u += kWidth) {
      V filters[kVectors];
#pragma GCC unroll 16
      for (int i = 0; i < kVectors; ++i) filters[i] = hn::Load(d, u + i * kN);
#pragma GCC unroll 8
      for (int t = 0; t < kTiles; ++t) {
        const V x = hn::Set(d, v[t * kLanes + lane]);
#pragma GCC unroll 16
        for (int i = 0; i < kVectors; ++i) sums[t][i] = hn::MulAdd(x, filters[i], sums[t][i]);
      }
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 16
    for (int i = 0; i < kVectors; ++i) hn::Store(sums[t][i], d, m + t * kWidth + i * kN);
  }
}

template <int kWidth>
void MultiplyTiles(int64_t tiles, const float* v, const float* u, int64_t channels, float* m) {
  static_assert(kMostTiles == 6, "the cases below");
  switch (tiles) {
    case 1:
      return Multiply<1, kWidth>(v, u, channels, m);
    case 2:
      return Multiply<2, kWidth>(v, u, channels, m);
    case 3:
      return Multiply<3, kWidth>(v, u, channels, m);
    case 4:
      return Multiply<4, kWidth>(v, u, channels, m);
    case 5:
      return Multiply<5, kWidth>(v, u, channels, m);
    default:
      return Multiply<6, kWidth>(v, u, channels, m);
  }
}

// Transforms back what is at m[point * stride]. False where a place is not finite.
HWY_INLINE bool TransformBack(const float* m, int64_t stride, V (*places)[kPlaces]) {
  const D d;
  V rows[kTile][kPlaces];
  for (int i = 0; i < kTile; ++i) {
    V points[kTile];
    for (int j = 0; j < kTile; ++j) points[j] = hn::Load(d, m + (i * kTile + j) * stride);
    FromPoints(points, rows[i]);
  }
  V check = hn::Zero(d);  // becomes NaN where a number is not finite
  for (int j = 0; j < kPlaces; ++j) {
    V points[kTile];
    V column[kPlaces];
    for (int i = 0; i < kTile; ++i) points[i] = rows[i][j];
    FromPoints(points, column);
    for (int i = 0; i < kPlaces; ++i) {
      check = hn::MulAdd(column[i], hn::Zero(d), check);
      places[i][j] = column[i];
    }
  }
  return hn::AllTrue(d, hn::Eq(check, hn::Zero(d)));
}

// Writes the places of one tile for kN channels from `channel` on.
void FinishTile(const WinogradConvolution& c, const Place& place, int64_t channel, const float* m,
                int64_t stride, const float* x, const WinogradFilters& filters,
                const ConvolutionEnding& ending, float* y) {
  const D d;
  const int64_t rows = std::min<int64_t>(kPlaces, c.out_rows - place.row);
  const int64_t columns = std::min<int64_t>(kPlaces, c.out_columns - place.column);
  const V bias = filters.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, filters.bias + channel);
  V places[kPlaces][kPlaces];
  if (!TransformBack(m, stride, places)) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        HWY_ALIGN float sums[kN];
        for (int lane = 0; lane < kN; ++lane) {
          sums[lane] = SumOfTaps(c, x, filters.w, place.image, channel + lane, place.row + i,
                                 place.column + j);
        }
        places[i][j] = hn::Load(d, sums);
      }
    }
  }
  y += OutChannel(c, place.image, channel / kLanes * kLanes) + channel % kLanes;
  for (int64_t i = 0; i < rows; ++i) {
    float* to = y + ((place.row + i) * c.out_columns + place.column) * kLanes;
    for (int64_t j = 0; j < columns; ++j, to += kLanes) {
      End(ending, hn::Add(places[i][j], bias), to);
    }
  }
}

// Multiplies some blocks of a chunk by the filters of kWidth output channels, all of one group,
// from `channel` on.
template <int kWidth>
void MultiplyBlocks(const WinogradConvolution& c, const Chunk& chunk, const Range& blocks,
                    int64_t channel, const float* room, const float* x,
                    const WinogradFilters& filters, const ConvolutionEnding& ending, float* y) {
  HWY_ALIGN float m[kPoints * kUnitTiles * kWidth];
  const Range range = {chunk.BlockAt(blocks.begin).begin, chunk.BlockAt(blocks.end - 1).end};
  const int64_t stride = range.size() * kWidth;
  const float* u = filters.transformed + channel * c.inputs * kPoints;
  const int64_t first_input = channel / c.outputs * c.inputs;
  for (int point = 0; point < kPoints; ++point, u += c.inputs * kWidth) {
    for (int64_t b = blocks.begin; b < blocks.end; ++b) {
      const Range block = chunk.BlockAt(b);
      const float* v = room + b * chunk.block_stride() + point * chunk.point_stride;
      MultiplyTiles<kWidth>(block.size(), v + first_input * block.size(), u, c.inputs,
                            m + point * stride + (block.begin - range.begin) * kWidth);
    }
  }
  const Tiles tiles(c);
  for (int64_t t = range.begin; t < range.end; ++t) {
    const Place place(tiles, chunk.begin + t);
    for (int k = 0; k < kWidth; k += kN) {
      FinishTile(c, place, channel + k, m + (t - range.begin) * kWidth + k, stride, x, filters,
                 ending, y);
    }
  }
}

// In chunks of at most `most` tiles.
void ConvolveTiles(const WinogradConvolution& c, const Range& tiles, int64_t most, const float* x,
                   const WinogradFilters& filters, const ConvolutionEnding& ending, float* room,
                   float* y) {
  constexpr int64_t kWork = 1 << 16;  // multiply-adds, or as much, that are worth a thread
  const int64_t lanes = c.in_channels() / kLanes;
  const int64_t columns = (c.outputs + kColumns - 1) / kColumns;  // of a group
  for (int64_t begin = tiles.begin; begin < tiles.end; begin += most) {
    const Chunk chunk(c, begin, std::min(most, tiles.end - begin));
    constexpr int64_t kTransform = kMostTiles * kPoints * kLanes * 8;
    ParallelFor(chunk.blocks * lanes, kWork / kTransform + 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        TransformBlock(c, chunk, i / lanes, i % lanes * kLanes, x, room);
      }
    });
    const int64_t units = (chunk.blocks * kMostTiles + kUnitTiles - 1) / kUnitTiles;
    const int64_t work = chunk.size / units * kPoints * kColumns * (c.inputs + kLanes);
    ParallelFor(c.groups * columns * units, kWork / work + 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t unit = i % units;
        const Range blocks = {chunk.blocks * unit / units, chunk.blocks * (unit + 1) / units};
        const int64_t group = i / units / columns;
        const int64_t output = i / units % columns * kColumns;
        const auto multiply =
            c.outputs - output >= kColumns ? &MultiplyBlocks<kColumns> : &MultiplyBlocks<kLanes>;
        multiply(c, chunk, blocks, group * c.outputs + output, room, x, filters, ending, y);
      }
    });
  }
}

void Convolve(const WinogradConvolution& c, const float* x, const WinogradFilters& filters,
              const ConvolutionEnding& ending, int64_t pieces, float* room, float* y) {
  const int64_t most = ChunkSize(c, pieces);
  if (pieces == 1) return ConvolveTiles(c, TilesOf(c, 0, 1), most, x, filters, ending, room, y);
  const int64_t room_of_piece = RoomOfPiece(c, pieces);
  ParallelFor(pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      ConvolveTiles(c, TilesOf(c, i, pieces), most, x, filters, ending, room + i * room_of_piece,
                    y);
    }
  });
}

// The filters of kN output channels for one channel of the image, whose first one is at w and the
// next one `pitch` further on; what is at a point goes to to[point * stride].
void TransformFilter(const float* w, int64_t pitch, float* to, int64_t stride) {
  const D d;
  HWY_ALIGN float taps[kTaps * kTaps][kN];
  for (int lane = 0; lane < kN; ++lane) {
    for (int tap = 0; tap < kTaps * kTaps; ++tap) taps[tap][lane] = w[lane * pitch + tap];
  }
  V rows[kTile][kTaps];
  for (int j = 0; j < kTaps; ++j) {
    V column[kTaps];
    V points[kTile];
    for (int i = 0; i < kTaps; ++i) column[i] = hn::Load(d, taps[i * kTaps + j]);
    FilterToPoints(column, points);
    for (int i = 0; i < kTile; ++i) rows[i][j] = points[i];
  }
  for (int i = 0; i < kTile; ++i) {
    V points[kTile];
    FilterToPoints(rows[i], points);
    for (int j = 0; j < kTile; ++j) hn::Store(points[j], d, to + (i * kTile + j) * stride);
  }
}

// To [groups, outputs / kColumns, kPoints, inputs, kColumns], where the last columns of a group may
// be fewer.
void TransformFilters(const WinogradFilterShape& shape, const float* w, float* to) {
  const int64_t pitch = shape.inputs * kTaps * kTaps;
  ParallelFor(shape.groups * shape.outputs / kLanes, 1, [&](int64_t first, int64_t last) {
    for (int64_t k = first * kLanes; k < last * kLanes; k += kN) {
      const int64_t begin = k - k % shape.outputs % kColumns;
      const int64_t width = std::min<int64_t>(kColumns, shape.outputs - begin % shape.outputs);
      float* columns = to + begin * shape.inputs * kPoints + k - begin;
      for (int64_t c = 0; c < shape.inputs; ++c) {
        TransformFilter(w + k * pitch + c * kTaps * kTaps, pitch, columns + c * width,
                        shape.inputs * width);
      }
    }
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

HWY_EXPORT(TransformFilters);
HWY_EXPORT(Convolve);

int64_t WinogradTiles(const WinogradConvolution& c) { return Tiles(c).count; }

int64_t WinogradFilterSize(const WinogradFilterShape& shape) {
  return shape.groups * shape.outputs * shape.inputs * kPoints;
}

void TransformWinogradFilters(const WinogradFilterShape& shape, const float* w, float* to,
                              CPUContext*) {
  HWY_DYNAMIC_DISPATCH(TransformFilters)(shape, w, to);
}

int64_t WinogradPieces(const WinogradConvolution& c, int threads) {
  return Tiles(c).count >= int64_t{kUnitTiles} * threads ? threads : 1;
}

int64_t WinogradRoomSize(const WinogradConvolution& c, int64_t pieces) {
  return pieces * RoomOfPiece(c, pieces);
}

void ConvolveWinograd(const WinogradConvolution& c, const float* x, const WinogradFilters& filters,
                      const ConvolutionEnding& ending, int64_t pieces, float* room, float* y,
                      CPUContext*) {
  HWY_DYNAMIC_DISPATCH(Convolve)(c, x, filters, ending, pieces, room, y);
}

}  // namespace doppio
#endif  // HWY_ONCE
