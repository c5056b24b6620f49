#ifndef DOPPIO_TESTS_TABLE_ROWS_BOXES_H_
#define DOPPIO_TESTS_TABLE_ROWS_BOXES_H_

// What the rows of operators on boxes have in common.

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "tests/table/op_table.h"

namespace doppio {

// [images,3]: whole heights and widths, and scales whose inverse is exact.
inline Tensor ImageInfo(CaseMaker& c, int64_t images) {
  Tensor info = *Tensor::Create(DataType::kFloat, {images, 3});
  for (int64_t i = 0; i < images; ++i) {
    float* row = info.mutable_data<float>() + i * 3;
    row[0] = static_cast<float>(c.Int(5, 60));
    row[1] = static_cast<float>(c.Int(5, 60));
    row[2] = c.OneOf({0.5f, 1.0f, 2.0f});
  }
  return info;
}

// Regions [count, 4 or 5] around maps of up to 20 pixels, of images [0, images).
inline Tensor Regions(CaseMaker& c, int64_t count, int64_t images, int64_t columns) {
  Tensor rois = c.Random(DataType::kFloat, {count, columns}, -6, 20);
  for (int64_t i = 0; i < count; ++i) {
    float* roi = rois.mutable_data<float>() + i * columns;
    if (columns == 5) *roi++ = static_cast<float>(c.Int(0, images - 1));
    for (int k = 0; k < 2; ++k) {
      if (roi[k] > roi[k + 2]) std::swap(roi[k], roi[k + 2]);
    }
  }
  return rois;
}

inline void DrawBoxArguments(CaseMaker& c) {
  if (c.Chance(0.3)) c.Arg("legacy_plus_one", c.Chance());
  if (c.Chance(0.3)) c.Arg("correct_transform_coords", c.Chance());
}

// The box of four or five numbers after a delta (already divided by its weights), in an image.
inline std::vector<double> MovedBox(const OpCase& c, const std::vector<double>& box,
                                    const std::vector<double>& delta, double height, double width) {
  const bool rotated = box.size() == 5;
  const double pixel = c.Arg<bool>("legacy_plus_one", true) ? 1 : 0;
  const double edge[2] = {width - pixel, height - pixel};
  std::vector<double> moved = box;
  if (rotated) {
    moved[4] += delta[4] * 180 / 3.14159265358979323846;
    if (c.Arg<bool>("angle_bound_on", true)) {
      if (moved[4] < -90) {
        moved[4] += 180;
      } else if (moved[4] > 90) {
        moved[4] -= 180;
      }
    }
  }
  for (size_t k = 0; k < 2; ++k) {  // x, y
    const double size = rotated ? box[k + 2] : box[k + 2] - box[k] + pixel;
    const double middle = rotated ? box[k] : box[k] + size / 2;
    const double new_middle = middle + delta[k] * size;
    const double new_size = size * std::exp(std::min(delta[k + 2], std::log(1000.0 / 16)));
    const auto inside = [&](double x) { return std::max(std::min(x, edge[k]), 0.0); };
    if (!rotated) {
      const bool ends_inside = c.Arg<bool>("correct_transform_coords", true);
      moved[k] = inside(new_middle - new_size / 2);
      moved[k + 2] = inside(new_middle + new_size / 2 - (ends_inside ? pixel : 0));
      continue;
    }
    moved[k] = new_middle;
    moved[k + 2] = new_size;
    if (std::abs(moved[4]) > static_cast<double>(c.Arg<float>("clip_angle_thresh", 1))) continue;
    const double low = inside(new_middle - (new_size - pixel) / 2);
    const double high = inside(new_middle + (new_size - pixel) / 2);
    moved[k] = (low + high) / 2;
    moved[k + 2] = high - low + pixel;
  }
  return moved;
}

// Intersection over union of two upright boxes.
inline double BoxOverlap(const std::vector<double>& a, const std::vector<double>& b, double pixel) {
  double both = 1;
  double areas[2] = {1, 1};
  for (size_t k = 0; k < 2; ++k) {
    both *= std::max(0.0, std::min(a[k + 2], b[k + 2]) - std::max(a[k], b[k]) + pixel);
    areas[0] *= a[k + 2] - a[k] + pixel;
    areas[1] *= b[k + 2] - b[k] + pixel;
  }
  return both / (areas[0] + areas[1] - both);
}

}  // namespace doppio

#endif  // DOPPIO_TESTS_TABLE_ROWS_BOXES_H_
