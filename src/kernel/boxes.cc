#include "src/kernel/boxes.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace doppio {
namespace {

// log(1000 / 16): boxes become no more than 62.5 times as large.
const float kMostLogScale = static_cast<float>(std::log(1000.0 / 16.0));

// min(x, high) and then max(., low), of which NaN comes out.
float Clip(float x, float low, float high) {
  if (high < x) x = high;
  return x < low ? low : x;
}

float Growth(float delta, float weight) {
  const float scaled = delta / weight;
  return std::exp(kMostLogScale < scaled ? kMostLogScale : scaled);
}

}  // namespace

void DecodeBox(const float* box, const float* delta, const BoxDecoding& decoding, float* out) {
  const float pixel = decoding.plus_one ? 1.0f : 0.0f;
  const float end = decoding.plus_one && decoding.ends_inside ? 1.0f : 0.0f;
  for (int axis = 0; axis < 2; ++axis) {
    const float size = box[axis + 2] - box[axis] + pixel;
    const float center = box[axis] + 0.5f * size;
    const float new_center = delta[axis] / decoding.weights[axis] * size + center;
    const float new_size = Growth(delta[axis + 2], decoding.weights[axis + 2]) * size;
    out[axis] = new_center - 0.5f * new_size;
    out[axis + 2] = new_center + 0.5f * new_size - end;
  }
}

void DecodeRotatedBox(const float* box, const float* delta, const BoxDecoding& decoding,
                      float* out) {
  constexpr float kPi = 3.14159265358979323846f;
  for (int axis = 0; axis < 2; ++axis) {
    const float size = box[axis + 2];
    out[axis] = delta[axis] / decoding.weights[axis] * size + box[axis];
    out[axis + 2] = Growth(delta[axis + 2], decoding.weights[axis + 2]) * size;
  }
  float angle = delta[4] * 180.0f / kPi + box[4];
  if (decoding.bound_angle) {
    const float period = decoding.angle_high - decoding.angle_low;
    if (angle < decoding.angle_low) {
      angle += period;
    } else if (angle > decoding.angle_high) {
      angle -= period;
    }
  }
  out[4] = angle;
}

void ClipBox(float height, float width, bool plus_one, float* box) {
  const float pixel = plus_one ? 1.0f : 0.0f;
  for (int i = 0; i < 4; ++i) box[i] = Clip(box[i], 0, (i % 2 == 0 ? width : height) - pixel);
}

void ClipRotatedBox(float height, float width, float most_angle, bool plus_one, float* box) {
  if (!(std::abs(box[4]) <= most_angle)) return;
  const float pixel = plus_one ? 1.0f : 0.0f;
  for (int axis = 0; axis < 2; ++axis) {
    const float half = (box[axis + 2] - pixel) / 2.0f;
    const float last = (axis == 0 ? width : height) - pixel;
    const float low = Clip(box[axis] - half, 0, last);
    const float high = Clip(box[axis] + half, 0, last);
    box[axis] = (low + high) / 2.0f;
    box[axis + 2] = high - low + pixel;
  }
}

bool IsLargeBoxInside(const float* box, double min_size, float height, float width, bool plus_one) {
  const float pixel = plus_one ? 1.0f : 0.0f;
  const float w = box[2] - box[0] + pixel;
  const float h = box[3] - box[1] + pixel;
  return w >= min_size && h >= min_size && box[0] + w / 2 < width && box[1] + h / 2 < height;
}

bool IsLargeRotatedBoxInside(const float* box, double min_size, float height, float width) {
  return box[2] >= min_size && box[3] >= min_size && box[0] < width && box[1] < height;
}

bool IsFiniteBox(const float* box, int count) {
  return std::all_of(box, box + count, [](float x) { return std::isfinite(x); });
}

namespace {

struct Point {
  double x;
  double y;
};

// Two quadrilaterals cut each other into a polygon of at most eight corners.
struct Polygon {
  Point corners[8];
  int count = 0;

  void Add(Point p) {
    if (count < 8) corners[count++] = p;
  }
  // Positive where the corners run counter-clockwise (y upwards).
  double SignedArea() const {
    double twice = 0;
    for (int i = 0; i < count; ++i) {
      const Point& a = corners[i];
      const Point& b = corners[(i + 1) % count];
      // Relative to one corner, so that far away from the origin nothing cancels.
      twice +=
          (a.x - corners[0].x) * (b.y - corners[0].y) - (b.x - corners[0].x) * (a.y - corners[0].y);
    }
    return twice / 2;
  }
};

Polygon Corners(const float* box) {
  const double angle = -static_cast<double>(box[4]) * (3.14159265358979323846 / 180);
  const double half_cos = std::cos(angle) / 2;
  const double half_sin = std::sin(angle) / 2;
  const double w = box[2];
  const double h = box[3];
  Polygon polygon;
  const double signs[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
  for (const auto& sign : signs) {
    const double x = sign[0] * w;
    const double y = sign[1] * h;
    polygon.Add({box[0] + half_cos * x - half_sin * y, box[1] + half_sin * x + half_cos * y});
  }
  if (polygon.SignedArea() < 0) std::swap(polygon.corners[1], polygon.corners[3]);
  return polygon;
}

// The part of a convex polygon that lies left of the line from a to b (Sutherland and Hodgman).
Polygon CutLeft(const Polygon& polygon, Point a, Point b) {
  const auto side = [&](const Point& p) {
    return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
  };
  Polygon cut;
  for (int i = 0; i < polygon.count; ++i) {
    const Point& p = polygon.corners[i];
    const Point& q = polygon.corners[(i + 1) % polygon.count];
    const double p_side = side(p);
    const double q_side = side(q);
    if (p_side >= 0) cut.Add(p);
    if ((p_side > 0 && q_side < 0) || (p_side < 0 && q_side > 0)) {
      const double t = p_side / (p_side - q_side);
      cut.Add({p.x + t * (q.x - p.x), p.y + t * (q.y - p.y)});
    }
  }
  return cut;
}

}  // namespace

float RotatedIntersection(const float* a, const float* b) {
  const double most = std::min(std::abs(static_cast<double>(a[2]) * a[3]),
                               std::abs(static_cast<double>(b[2]) * b[3]));
  if (!IsFiniteBox(a, 5) || !IsFiniteBox(b, 5) || most == 0) return 0;
  // Most boxes of an image are far from each other: further than their corners reach.
  const double apart = std::hypot(double{a[0]} - b[0], double{a[1]} - b[1]);
  const auto diagonal = [](const float* box) { return std::hypot(double{box[2]}, double{box[3]}); };
  if (apart > (diagonal(a) + diagonal(b)) / 2) return 0;
  Polygon polygon = Corners(a);
  const Polygon window = Corners(b);
  for (int i = 0; i < 4 && polygon.count > 0; ++i) {
    polygon = CutLeft(polygon, window.corners[i], window.corners[(i + 1) % 4]);
  }
  if (polygon.count < 3) return 0;
  return static_cast<float>(std::min(std::abs(polygon.SignedArea()), most));
}

}  // namespace doppio
