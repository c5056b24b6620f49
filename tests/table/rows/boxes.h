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

// Arguments of rotated boxes.
inline void DrawAngleArguments(CaseMaker& c) {
  c.Arg("angle_bound_on", c.Chance());
  if (c.Chance()) {
    const int low = c.OneOf({-90, 0, -180});
    c.Arg("angle_bound_lo", low);
    c.Arg("angle_bound_hi", low + (low == -180 ? 360 : 180));
  }
  c.Arg("clip_angle_thresh", c.OneOf({1.0f, 60.0f, -1.0f}));
}

// `count` boxes [centre x, centre y, width, height, angle] with centres from `least` to `most`.
inline Tensor RotatedBoxes(CaseMaker& c, int64_t count, double least, double most) {
  Tensor boxes = c.Random(DataType::kFloat, {count, 5}, least, most);
  for (int64_t i = 0; i < count; ++i) {
    float* box = boxes.mutable_data<float>() + 5 * i;
    for (int k = 2; k < 4; ++k) box[k] = static_cast<float>(c.Real(1, 9));
    box[4] = static_cast<float>(c.Real(-90, 90));
  }
  return boxes;
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
      const int low = c.Arg<int>("angle_bound_lo", -90);
      const int high = c.Arg<int>("angle_bound_hi", 90);
      if (moved[4] < low) {
        moved[4] += high - low;
      } else if (moved[4] > high) {
        moved[4] -= high - low;
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

// Where the vertical line at x enters and leaves a rotated box; the first is above the second where
// it misses it.
inline std::pair<double, double> Chord(const std::vector<double>& box, double x) {
  const double angle = box[4] * 3.14159265358979323846 / 180;
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  std::pair<double, double> chord = {-1e9, 1e9};
  // Along each of its own axes a point is within half a side of the centre: |p + q y| <= side / 2.
  const double p[2] = {cosine * (x - box[0]), sine * (x - box[0])};
  const double q[2] = {-sine, cosine};
  for (size_t k = 0; k < 2; ++k) {
    if (std::abs(q[k]) < 1e-12) {
      if (std::abs(p[k]) > box[k + 2] / 2) return {1, 0};
      continue;
    }
    const double one = box[1] + (-box[k + 2] / 2 - p[k]) / q[k];
    const double other = box[1] + (box[k + 2] / 2 - p[k]) / q[k];
    chord.first = std::max(chord.first, std::min(one, other));
    chord.second = std::min(chord.second, std::max(one, other));
  }
  return chord;
}

// The area that two rotated boxes have in common. What a vertical line has of it changes evenly
// between the places where corners lie or sides cross.
inline double RotatedArea(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<std::pair<double, double>> corners;
  for (const auto* box : {&a, &b}) {
    const double angle = (*box)[4] * 3.14159265358979323846 / 180;
    for (int k = 0; k < 4; ++k) {
      const double u = (k == 0 || k == 3 ? -0.5 : 0.5) * (*box)[2];
      const double v = (k < 2 ? -0.5 : 0.5) * (*box)[3];
      corners.emplace_back((*box)[0] + std::cos(angle) * u + std::sin(angle) * v,
                           (*box)[1] - std::sin(angle) * u + std::cos(angle) * v);
    }
  }
  std::vector<double> places;
  for (const auto& corner : corners) places.push_back(corner.first);
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 4; j < 8; ++j) {
      const auto& [px, py] = corners[i];
      const auto& [qx, qy] = corners[j];
      const double dx = corners[(i + 1) % 4].first - px;
      const double dy = corners[(i + 1) % 4].second - py;
      const double ex = corners[4 + (j + 1) % 4].first - qx;
      const double ey = corners[4 + (j + 1) % 4].second - qy;
      const double turn = dx * ey - dy * ex;
      if (turn != 0) places.push_back(px + dx * ((qx - px) * ey - (qy - py) * ex) / turn);
    }
  }
  std::sort(places.begin(), places.end());
  double area = 0;
  for (size_t i = 0; i + 1 < places.size(); ++i) {
    const double middle = (places[i] + places[i + 1]) / 2;
    const auto [a_low, a_high] = Chord(a, middle);
    const auto [b_low, b_high] = Chord(b, middle);
    const double length = std::min(a_high, b_high) - std::max(a_low, b_low);
    area += std::max(0.0, length) * (places[i + 1] - places[i]);
  }
  return area;
}

// Intersection over union of two boxes of four or five numbers.
inline double BoxOverlap(const std::vector<double>& a, const std::vector<double>& b, double pixel) {
  if (a.size() == 5) {
    const double both = RotatedArea(a, b);
    return both / (a[2] * a[3] + b[2] * b[3] - both);
  }
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
