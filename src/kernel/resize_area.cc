#include "src/kernel/resize_area.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace doppio {
namespace {

// Half to even, as OpenCV rounds.
uint8_t Rounded(float value) {
  return static_cast<uint8_t>(std::clamp(std::nearbyintf(value), 0.0F, 255.0F));
}

// --- Both sides divided by a whole number: plain means. ---

void ShrinkByWholeNumbers(const PictureView& picture, int64_t rows, int64_t columns, int64_t height,
                          int64_t width, uint8_t* out) {
  const int64_t channels = picture.channels;
  const float scale = 1.0F / static_cast<float>(rows * columns);
  // OpenCV takes another way for these, which rounds halves up.
  const bool is_quarter = rows == 2 && columns == 2 && channels != 2;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const uint8_t* corner = picture.data + y * rows * picture.row_stride + x * columns * channels;
      for (int64_t c = 0; c < channels; ++c) {
        int64_t sum = 0;
        for (int64_t r = 0; r < rows; ++r) {
          const uint8_t* in = corner + r * picture.row_stride + c;
          for (int64_t k = 0; k < columns; ++k) sum += in[k * channels];
        }
        *out++ = is_quarter ? static_cast<uint8_t>((sum + 2) >> 2)
                            : Rounded(static_cast<float>(sum) * scale);
      }
    }
  }
}

// --- Areas whose borders lie inside of pixels. ---

// How much a pixel of the source adds to one of the result.
struct Share {
  int64_t from;
  int64_t to;
  float weight;
};

// In the order of `to`, then of `from`.
std::vector<Share> SharesOf(int64_t source, int64_t count, double scale) {
  constexpr double kNothing = 1e-3;  // narrower strips are left out
  std::vector<Share> shares;
  for (int64_t to = 0; to < count; ++to) {
    const double begin = static_cast<double>(to) * scale;
    const double end = begin + scale;
    const double size = std::min(scale, static_cast<double>(source) - begin);
    const int64_t last = std::min(static_cast<int64_t>(std::floor(end)), source - 1);
    const int64_t first = std::min(static_cast<int64_t>(std::ceil(begin)), last);
    const auto add = [&](int64_t from, double weight) {
      shares.push_back({from, to, static_cast<float>(weight)});
    };
    if (static_cast<double>(first) - begin > kNothing) {
      add(first - 1, (static_cast<double>(first) - begin) / size);
    }
    for (int64_t from = first; from < last; ++from) add(from, 1.0 / size);
    const double rest = end - static_cast<double>(last);
    if (rest > kNothing) add(last, std::min(std::min(rest, 1.0), size) / size);
  }
  return shares;
}

void ShrinkByAreas(const PictureView& picture, double row_scale, double column_scale,
                   int64_t height, int64_t width, uint8_t* out) {
  const int64_t channels = picture.channels;
  const std::vector<Share> columns = SharesOf(picture.width, width, column_scale);
  const std::vector<Share> rows = SharesOf(picture.height, height, row_scale);
  const size_t row = static_cast<size_t>(width * channels);
  std::vector<float> narrow(row);
  std::vector<float> sum(row);
  int64_t written = 0;
  const auto write = [&] {
    for (size_t i = 0; i < row; ++i) *out++ = Rounded(sum[i]);
    ++written;
  };
  for (const Share& share : rows) {
    std::fill(narrow.begin(), narrow.end(), 0.0F);
    const uint8_t* in = picture.data + share.from * picture.row_stride;
    for (const Share& column : columns) {
      for (int64_t c = 0; c < channels; ++c) {
        narrow[static_cast<size_t>(column.to * channels + c)] +=
            static_cast<float>(in[column.from * channels + c]) * column.weight;
      }
    }
    if (share.to != written) {
      write();
      std::fill(sum.begin(), sum.end(), 0.0F);
    }
    for (size_t i = 0; i < row; ++i) sum[i] += share.weight * narrow[i];
  }
  write();
}

// --- Enlarging, in whole numbers of 11 bits. ---

constexpr int kOne = 1 << 11;

// The result's place lies between `first` and `second`.
struct Between {
  int64_t first;
  int64_t second;
  int first_weight;
  int second_weight;
};

std::vector<Between> PlacesBetween(int64_t source, int64_t count, bool is_clipped) {
  const double inverse = static_cast<double>(count) / static_cast<double>(source);
  const double scale = 1.0 / inverse;
  std::vector<Between> places;
  for (int64_t i = 0; i < count; ++i) {
    auto first = static_cast<int64_t>(std::floor(static_cast<double>(i) * scale));
    auto part =
        static_cast<float>(static_cast<double>(i + 1) - static_cast<double>(first + 1) * inverse);
    part = part <= 0 ? 0.0F : part - std::floor(part);
    // Columns behind the last one are cut off before the weights are made, rows after.
    if (is_clipped && first >= source - 1) {
      first = source - 1;
      part = 0;
    }
    const auto weight = [](float value) {
      return static_cast<int>(std::nearbyintf(value * static_cast<float>(kOne)));
    };
    places.push_back({std::min(first, source - 1), std::min(first + 1, source - 1),
                      weight(1.0F - part), weight(part)});
  }
  return places;
}

void Enlarge(const PictureView& picture, int64_t height, int64_t width, uint8_t* out) {
  const int64_t channels = picture.channels;
  const std::vector<Between> columns = PlacesBetween(picture.width, width, true);
  const std::vector<Between> rows = PlacesBetween(picture.height, height, false);
  const size_t row = static_cast<size_t>(width * channels);
  // Two rows of the source, made as wide as the result.
  std::vector<int> wide[2] = {std::vector<int>(row), std::vector<int>(row)};
  int64_t held[2] = {-1, -1};
  const auto widen = [&](int64_t y, int slot) {
    if (held[slot] == y) return;
    held[slot] = y;
    const uint8_t* in = picture.data + y * picture.row_stride;
    int* to = wide[slot].data();
    for (const Between& place : columns) {
      for (int64_t c = 0; c < channels; ++c) {
        *to++ = in[place.first * channels + c] * place.first_weight +
                in[place.second * channels + c] * place.second_weight;
      }
    }
  };
  for (const Between& place : rows) {
    if (held[1] == place.first) {
      std::swap(wide[0], wide[1]);
      std::swap(held[0], held[1]);
    }
    widen(place.first, 0);
    widen(place.second, 1);
    for (size_t i = 0; i < row; ++i) {
      const int sum = ((place.first_weight * (wide[0][i] >> 4)) >> 16) +
                      ((place.second_weight * (wide[1][i] >> 4)) >> 16);
      *out++ = static_cast<uint8_t>((sum + 2) >> 2);
    }
  }
}

}  // namespace

void ResizeArea(const PictureView& picture, int64_t height, int64_t width, uint8_t* out) {
  if (height == picture.height && width == picture.width) {
    const int64_t row = width * picture.channels;
    for (int64_t y = 0; y < height; ++y) {
      std::memcpy(out + y * row, picture.data + y * picture.row_stride, static_cast<size_t>(row));
    }
    return;
  }
  const double row_scale =
      1.0 / (static_cast<double>(height) / static_cast<double>(picture.height));
  const double column_scale =
      1.0 / (static_cast<double>(width) / static_cast<double>(picture.width));
  if (row_scale < 1 || column_scale < 1) return Enlarge(picture, height, width, out);
  const auto whole_rows = static_cast<int64_t>(std::nearbyint(row_scale));
  const auto whole_columns = static_cast<int64_t>(std::nearbyint(column_scale));
  constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  if (std::abs(row_scale - static_cast<double>(whole_rows)) < kEpsilon &&
      std::abs(column_scale - static_cast<double>(whole_columns)) < kEpsilon) {
    return ShrinkByWholeNumbers(picture, whole_rows, whole_columns, height, width, out);
  }
  ShrinkByAreas(picture, row_scale, column_scale, height, width, out);
}

}  // namespace doppio
