// Rows of ONNX's operators that sample images and choose boxes.

#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr std::initializer_list<DataType> kNumbers = {DataType::kFloat, DataType::kDouble,
                                                      DataType::kUInt8, DataType::kInt64,
                                                      DataType::kInt16, DataType::kFloat16};

// Pixels and their weights.
using Taps = std::vector<std::pair<int64_t, double>>;

double Cubic(double a, double d) {
  d = std::abs(d);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

// Of one dimension of Resize; none: beside X.
Taps ResizeTaps(const OpCase& c, int64_t n, int64_t m, double scale, int64_t o, double start,
                double end) {
  const auto transformation = c.Arg<std::string>("coordinate_transformation_mode", "half_pixel");
  const double last = static_cast<double>(n - 1);
  const auto at = static_cast<double>(o);
  double x = (at + 0.5) / scale - 0.5;
  if (transformation == "pytorch_half_pixel" && m == 1) x = 0;
  const double length = scale * static_cast<double>(n);
  if (transformation == "align_corners") x = length == 1 ? 0 : at * last / (length - 1);
  if (transformation == "asymmetric") x = at / scale;
  if (transformation == "tf_half_pixel_for_nn") x = (at + 0.5) / scale;
  if (transformation == "tf_crop_and_resize") {
    x = m == 1 ? (start + end) / 2 * last
               : start * last + at * (end - start) * last / static_cast<double>(m - 1);
    if (x < 0 || x > last) return {};
  }
  const std::string mode = c.Arg<std::string>("mode", "nearest");
  const auto floor = static_cast<int64_t>(std::floor(x));
  if (mode == "nearest") {
    const std::string rounding = c.Arg<std::string>("nearest_mode", "round_prefer_floor");
    int64_t place = floor;
    if (rounding == "ceil") place = static_cast<int64_t>(std::ceil(x));
    if (rounding == "round_prefer_floor") place = static_cast<int64_t>(std::ceil(x - 0.5));
    if (rounding == "round_prefer_ceil") place = static_cast<int64_t>(std::floor(x + 0.5));
    return {{std::clamp<int64_t>(place, 0, n - 1), 1}};
  }
  Taps taps;
  double sum = 0;
  for (int64_t k = floor - 1; k < floor + 3; ++k) {
    const double distance = x - static_cast<double>(k);
    double weight = mode == "linear" ? std::max(0.0, 1 - std::abs(distance))
                                     : Cubic(c.Arg<float>("cubic_coeff_a", -0.75f), distance);
    if (c.Arg<bool>("exclude_outside") && (k < 0 || k >= n)) weight = 0;
    sum += weight;
    taps.emplace_back(std::clamp<int64_t>(k, 0, n - 1), weight);
  }
  for (auto& tap : taps) {
    if (c.Arg<bool>("exclude_outside")) tap.second /= sum;
  }
  return taps;
}

// The sum over what is in every dimension's list.
double Combined(const Tensor& x, const std::vector<Taps>& taps, Dims* index, double otherwise) {
  const size_t d = index->size();
  if (d == taps.size()) return At(x, *index);
  if (taps[d].empty()) return otherwise;
  double sum = 0;
  for (const auto& [place, weight] : taps[d]) {
    index->push_back(place);
    const double value = Combined(x, taps, index, otherwise);
    index->pop_back();
    sum += weight == 0 ? 0 : weight * value;
  }
  return sum;
}

DOPPIO_OP_ROW(Resize)
    .Case([](CaseMaker& c) {
      const auto mode = c.OneOf<std::string>({"nearest", "linear", "cubic"});
      const Dims dims = c.Shape(1, 3);
      c.Input("X", c.Random(mode == "nearest" ? c.ValueType(kNumbers) : c.RealType(), dims));
      c.Arg("mode", mode);
      const auto transformation =
          c.OneOf<std::string>({"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                                "tf_crop_and_resize", "tf_half_pixel_for_nn"});
      if (transformation != "half_pixel" || c.Chance()) {
        c.Arg("coordinate_transformation_mode", transformation);
      }
      if (c.Chance()) {
        c.Arg("nearest_mode",
              c.OneOf<std::string>({"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}));
      }
      if (c.Chance()) c.Arg("cubic_coeff_a", -0.5f);
      if (c.Chance()) c.Arg("exclude_outside", c.Chance());
      if (c.Chance()) c.Arg("extrapolation_value", 3.0f);
      std::vector<int64_t> sizes;
      std::vector<float> scales;
      for (int64_t size : dims) {
        scales.push_back(c.OneOf({0.5f, 0.75f, 1.0f, 1.5f, 2.0f}));
        sizes.push_back(size == 0 ? 0 : c.Int(1, size + 3));
      }
      c.Input("scales", c.Chance() ? c.Vector<float>(scales) : c.Vector<int64_t>(sizes));
      if (transformation == "tf_crop_and_resize") {
        std::vector<float> roi(2 * dims.size());
        for (size_t d = 0; d < dims.size(); ++d) {
          roi[d] = c.OneOf({-0.25f, 0.0f, 0.25f});
          roi[d + dims.size()] = c.OneOf({0.75f, 1.0f, 1.25f});
        }
        c.Input("roi", c.Vector<float>(roi));
      }
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const size_t rank = x.dims().size();
      const bool crops = c.def.input_size() > 2;
      Dims y;
      std::vector<double> scales, starts, ends;
      for (size_t d = 0; d < rank; ++d) {
        const auto i = static_cast<int64_t>(d);
        const auto n = static_cast<double>(x.dims()[d]);
        starts.push_back(crops ? ElementAsDouble(c.in(2), i) : 0);
        ends.push_back(crops ? ElementAsDouble(c.in(2), i + static_cast<int64_t>(rank)) : 1);
        const double given = ElementAsDouble(c.in(1), i);
        if (c.in(1).Is<int64_t>()) {
          y.push_back(static_cast<int64_t>(given));
          scales.push_back(given / n);
        } else {
          y.push_back(static_cast<int64_t>(std::floor(n * given * (ends[d] - starts[d]))));
          scales.push_back(given);
        }
      }
      return {Generate(x.dtype(), y, [&](const Dims& i) {
        std::vector<Taps> taps;
        for (size_t d = 0; d < rank; ++d) {
          taps.push_back(ResizeTaps(c, x.dims()[d], y[d], scales[d], i[d], starts[d], ends[d]));
          if (taps[d].empty()) return static_cast<double>(c.Arg<float>("extrapolation_value", 0));
        }
        Dims index;
        return Combined(x, taps, &index, 0);
      })};
    })
    .NeverScalar("scales have one number for each dimension")
    .Tolerance(1e-4);

DOPPIO_OP_ROW(GridSample)
    .Case([](CaseMaker& c) {
      Dims x = c.Shape(4);
      x[2] = std::max<int64_t>(x[2], 1);
      x[3] = std::max<int64_t>(x[3], 1);
      const DataType type = c.RealType();
      c.Input("X", c.Random(type, x));
      c.Input("grid", c.Random(type, {x[0], c.Size(), c.Int(1, 3), 2}, -1.6, 1.6));
      if (c.Chance(0.8)) {
        c.Arg("mode", c.OneOf<std::string>({"nearest", "bilinear", "bicubic"}));
      }
      if (c.Chance(0.8)) {
        c.Arg("padding_mode", c.OneOf<std::string>({"zeros", "border", "reflection"}));
      }
      if (c.Chance()) c.Arg("align_corners", c.Chance());
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Tensor& grid = c.in(1);
      const bool aligned = c.Arg<bool>("align_corners");
      const auto mode = c.Arg<std::string>("mode", "bilinear");
      const auto padding = c.Arg<std::string>("padding_mode", "zeros");
      const auto bounded = [&](double at, int64_t n) {
        const auto size = static_cast<double>(n);
        if (padding == "reflection") {
          const double low = aligned ? 0 : -0.5;
          const double high = aligned ? size - 1 : size - 0.5;
          while (low < high && (at < low || at > high))
            at = at < low ? 2 * low - at : 2 * high - at;
        }
        return padding == "zeros" ? at : std::clamp(at, 0.0, size - 1);
      };
      const auto taps_of = [&](double place, int64_t n) {
        const auto size = static_cast<double>(n);
        double at = aligned ? (place + 1) / 2 * (size - 1) : ((place + 1) * size - 1) / 2;
        if (mode != "bicubic") at = bounded(at, n);
        Taps taps;
        if (mode == "nearest") taps.emplace_back(static_cast<int64_t>(std::nearbyint(at)), 1);
        for (double k = std::floor(at) - 1; mode != "nearest" && k < at + 2; ++k) {
          const double weight =
              mode == "bicubic" ? Cubic(-0.75, at - k) : std::max(0.0, 1 - std::abs(at - k));
          taps.emplace_back(static_cast<int64_t>(mode == "bicubic" ? bounded(k, n) : k), weight);
        }
        return taps;
      };
      const Dims y = {x.dim(0), x.dim(1), grid.dim(1), grid.dim(2)};
      return {Generate(x.dtype(), y, [&](const Dims& i) {
        double sum = 0;
        for (const auto& [row, row_weight] : taps_of(At(grid, {i[0], i[2], i[3], 1}), x.dim(2))) {
          for (const auto& [column, weight] : taps_of(At(grid, {i[0], i[2], i[3], 0}), x.dim(3))) {
            if (row < 0 || column < 0 || row >= x.dim(2) || column >= x.dim(3)) continue;
            sum += row_weight * weight * At(x, {i[0], i[1], row, column});
          }
        }
        return sum;
      })};
    })
    .NeverScalar("an image has four dimensions")
    .Tolerance(1e-4);

DOPPIO_OP_ROW(NonMaxSuppression)
    .Case([](CaseMaker& c) {
      const int64_t images = c.Int(1, 2);
      const int64_t count = std::min<int64_t>(c.Size(), 12);
      // Corners that are whole numbers, so that no overlap is rounded.
      c.Input("boxes", *Tensor::FromSpan<float>({images, count, 4}, [&] {
                std::vector<float> corners;
                for (int64_t i = 0; i < images * count * 4; ++i) {
                  corners.push_back(static_cast<float>(c.Int(0, 8)));
                }
                return corners;
              }()));
      c.Input("scores", c.Random(DataType::kFloat, {images, c.Int(1, 2), count}, 0, 1));
      c.Arg("center_point_box", c.Int(0, 1));
      std::vector<std::string> given;
      if (c.Chance(0.9)) {
        c.Input("most", *Tensor::Scalar<int64_t>(c.Int(0, 4)));
        given.emplace_back("max_output_boxes_per_class");
      }
      if (c.Chance()) {
        c.Input("iou", *Tensor::Of<float>({1}, {c.OneOf({0.125f, 0.5f})}));
        given.emplace_back("iou_threshold");
      }
      if (c.Chance()) {
        c.Input("score", *Tensor::Scalar<float>(0.5f));
        given.emplace_back("score_threshold");
      }
      c.Arg("given", given);
      c.Output("selected");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const auto given = c.Args<std::string>("given");
      const auto number = [&](const char* name, double fallback) {
        const auto found = std::find(given.begin(), given.end(), name);
        if (found == given.end()) return fallback;
        return ElementAsDouble(c.in(2 + static_cast<int>(found - given.begin())), 0);
      };
      const Tensor& boxes = c.in(0);
      const Tensor& scores = c.in(1);
      const bool is_centered = c.Arg<int>("center_point_box") == 1;
      const auto box_of = [&](int64_t image, int64_t i) {
        double v[4];
        for (int64_t k = 0; k < 4; ++k) v[k] = At(boxes, {image, i, k});
        if (is_centered) {
          return std::vector<double>{v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2,
                                     v[0] + v[2] / 2};
        }
        return std::vector<double>{std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]),
                                   std::max(v[1], v[3])};
      };
      const auto overlap = [&](const std::vector<double>& a, const std::vector<double>& b) {
        const double h = std::max(0.0, std::min(a[2], b[2]) - std::max(a[0], b[0]));
        const double w = std::max(0.0, std::min(a[3], b[3]) - std::max(a[1], b[1]));
        const double all = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - h * w;
        return h * w == 0 ? 0 : h * w / all;
      };
      std::vector<int64_t> selected;
      for (int64_t image = 0; image < boxes.dim(0); ++image) {
        for (int64_t k = 0; k < scores.dim(1); ++k) {
          std::vector<int64_t> order, kept;
          for (int64_t i = 0; i < boxes.dim(1); ++i) {
            if (At(scores, {image, k, i}) > number("score_threshold", -1)) order.push_back(i);
          }
          std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
            return At(scores, {image, k, a}) > At(scores, {image, k, b});
          });
          for (int64_t i : order) {
            if (static_cast<double>(kept.size()) >= number("max_output_boxes_per_class", 0)) break;
            bool overlaps = false;
            for (int64_t j : kept) {
              overlaps = overlaps ||
                         overlap(box_of(image, i), box_of(image, j)) > number("iou_threshold", 0);
            }
            if (overlaps) continue;
            kept.push_back(i);
            selected.insert(selected.end(), {image, k, i});
          }
        }
      }
      return {*Tensor::FromSpan<int64_t>({static_cast<int64_t>(selected.size()) / 3, 3}, selected)};
    })
    .NeverScalar("boxes have three dimensions")
    .InferenceOpen("the overlaps decide");

}  // namespace
}  // namespace doppio
