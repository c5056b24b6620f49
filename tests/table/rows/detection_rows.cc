#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/table/op_table.h"
#include "tests/table/rows/boxes.h"

namespace doppio {
namespace {

void PoolingArguments(CaseMaker& c) {
  c.Arg("spatial_scale", c.OneOf({1.0f, 0.5f, 0.25f}));
  c.Arg("pooled_h", static_cast<int>(c.Int(1, 3)));
  c.Arg("pooled_w", static_cast<int>(c.Int(1, 3)));
}

// X at a point between its pixels; 0 more than a pixel outside. Index of X: image, channel, y, x.
double Interpolate(const OpCase& c, bool channels_last, int64_t image, int64_t channel, double y,
                   double x) {
  const Tensor& map = c.in(0);
  const int64_t height = map.dim(channels_last ? 1 : 2);
  const int64_t width = map.dim(channels_last ? 2 : 3);
  if (height == 0 || width == 0 || y < -1 || y > static_cast<double>(height) || x < -1 ||
      x > static_cast<double>(width)) {
    return 0;
  }
  y = std::clamp(y, 0.0, static_cast<double>(height - 1));
  x = std::clamp(x, 0.0, static_cast<double>(width - 1));
  double sum = 0;
  for (int64_t h = 0; h < height; ++h) {
    for (int64_t w = 0; w < width; ++w) {
      const double weight = std::max(0.0, 1 - std::abs(y - static_cast<double>(h))) *
                            std::max(0.0, 1 - std::abs(x - static_cast<double>(w)));
      if (weight == 0) continue;
      sum +=
          weight * At(map, channels_last ? Dims{image, h, w, channel} : Dims{image, channel, h, w});
    }
  }
  return sum;
}

// Of rois with `numbers` after the image: corners, or centre, size and angle.
double AlignedMean(const OpCase& c, const Dims& i, int64_t numbers) {
  const bool channels_last = c.Arg<std::string>("order", "NCHW") == "NHWC";
  const bool aligned = c.Arg<bool>("aligned");
  const bool rotated = numbers == 5;
  const int ratio = c.Arg<int>("sampling_ratio", -1);
  const double scale = c.Arg<float>("spatial_scale");
  const double shift = aligned ? 0.5 : 0;
  const int64_t pooled[2] = {c.Arg<int>("pooled_h"), c.Arg<int>("pooled_w")};
  const int64_t bin[2] = {i[channels_last ? 1 : 2], i[channels_last ? 2 : 3]};
  const int64_t first = c.in(1).dim(1) - numbers;
  const int64_t image = first == 0 ? 0 : static_cast<int64_t>(At(c.in(1), {i[0], 0}));
  const double angle = rotated ? At(c.in(1), {i[0], first + 4}) * 3.14159265358979323846 / 180 : 0;
  double center[2] = {0, 0};  // around which it is turned, and from where it starts
  double start[2];
  double size[2];
  int64_t grid[2];
  for (int k = 0; k < 2; ++k) {  // y, x
    const double place = At(c.in(1), {i[0], first + 1 - k}) * scale - shift;
    const double end = At(c.in(1), {i[0], first + 3 - k}) * scale;
    size[k] = rotated ? end : end - shift - place;
    if (!aligned) size[k] = std::max(size[k], 1.0);
    start[k] = rotated ? -size[k] / 2 : place;
    if (rotated) center[k] = place;
    size[k] /= static_cast<double>(pooled[k]);
    grid[k] = ratio > 0 ? ratio : static_cast<int64_t>(std::ceil(size[k]));
  }
  double sum = 0;
  const auto place = [&](int k, int64_t sample) {
    return start[k] + static_cast<double>(bin[k]) * size[k] +
           (static_cast<double>(sample) + 0.5) * size[k] / static_cast<double>(grid[k]);
  };
  for (int64_t iy = 0; iy < grid[0]; ++iy) {
    for (int64_t ix = 0; ix < grid[1]; ++ix) {
      const double y = place(0, iy) * std::cos(angle) - place(1, ix) * std::sin(angle);
      const double x = place(1, ix) * std::cos(angle) + place(0, iy) * std::sin(angle);
      sum += Interpolate(c, channels_last, image, i[channels_last ? 3 : 1], y + center[0],
                         x + center[1]);
    }
  }
  return grid[0] * grid[1] == 0 ? 0 : sum / static_cast<double>(grid[0] * grid[1]);
}

void RoIAlignRow(const char* type, int64_t numbers) {
  NewOpRow(type)
      .Case([numbers](CaseMaker& c) {
        const Dims x = c.Shape(4, 4);
        const int64_t columns = c.Chance() && x[0] > 0 ? numbers : numbers + 1;
        const int64_t count = x[0] == 0 ? 0 : c.Int(0, 5);
        c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), x));
        if (numbers == 5) {
          Tensor rois = c.Random(DataType::kFloat, {count, columns});
          const Tensor boxes = RotatedBoxes(c, count, -6, 20);
          for (int64_t i = 0; i < count; ++i) {
            float* row = rois.mutable_data<float>() + i * columns;
            if (columns == 6) *row++ = static_cast<float>(c.Int(0, x[0] - 1));
            std::copy_n(boxes.data<float>() + 5 * i, 5, row);
            row[4] *= 3;
          }
          c.Input("RoIs", rois);
        } else {
          c.Input("RoIs", Regions(c, count, x[0], columns));
        }
        PoolingArguments(c);
        if (c.Chance()) c.Arg<std::string>("order", c.Chance() ? "NHWC" : "NCHW");
        if (c.Chance()) c.Arg("aligned", c.Chance());
        c.Arg("sampling_ratio", static_cast<int>(c.Int(-1, 3)));
        c.Output("Y");
      })
      .Reference([numbers](const OpCase& c) -> std::vector<Tensor> {
        const bool channels_last = c.Arg<std::string>("order", "NCHW") == "NHWC";
        const int64_t h = c.Arg<int>("pooled_h");
        const int64_t w = c.Arg<int>("pooled_w");
        const int64_t count = c.in(1).dim(0);
        const Dims dims =
            channels_last ? Dims{count, h, w, c.in(0).dim(3)} : Dims{count, c.in(0).dim(1), h, w};
        return {Generate(c.in(0).dtype(), dims,
                         [&](const Dims& i) { return AlignedMean(c, i, numbers); })};
      })
      .Tolerance(1e-4)
      .NeverScalar("maps have four dimensions")
      .Differentiable({0});
  NewOpRow(absl::StrCat(type, "Gradient"))
      .CheckedByGradientOf(type)
      .Tolerance(1e-4)
      .NeverScalar("as the forward operator");
}

[[maybe_unused]] const bool roi_align_rows = [] {
  RoIAlignRow("RoIAlign", 4);
  RoIAlignRow("RoIAlignRotated", 5);
  return true;
}();

// The pixels of X [N,C,H,W] that output i of RoIPool is the largest of, as places in [H,W].
std::vector<int64_t> PooledPlaces(const OpCase& c, const Dims& i) {
  const float scale = c.Arg<float>("spatial_scale");
  int64_t range[2][2];
  for (int k = 0; k < 2; ++k) {  // y, x
    const int64_t size = c.in(0).dim(2 + k);
    const int64_t pooled = c.Arg<int>(k == 0 ? "pooled_h" : "pooled_w");
    const auto corner = [&](int column) {
      return std::lround(At(c.in(1), {i[0], column}) * static_cast<double>(scale));
    };
    const int64_t first = corner(2 - k);
    const int64_t pixels = std::max<int64_t>(corner(4 - k) - first + 1, 1);
    const float step = static_cast<float>(pixels) / static_cast<float>(pooled);
    const int64_t bin = i[static_cast<size_t>(2 + k)];
    const auto place = [&](float offset) {
      return std::clamp<int64_t>(first + static_cast<int64_t>(offset), 0, size);
    };
    range[k][0] = place(std::floor(static_cast<float>(bin) * step));
    range[k][1] = place(std::ceil(static_cast<float>(bin + 1) * step));
  }
  std::vector<int64_t> places;
  for (int64_t h = range[0][0]; h < range[0][1]; ++h) {
    for (int64_t w = range[1][0]; w < range[1][1]; ++w) places.push_back(h * c.in(0).dim(3) + w);
  }
  return places;
}

void PoolCase(CaseMaker& c) {
  const Dims x = c.Shape(4, 4);
  c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), x));
  c.Input("rois", Regions(c, x[0] == 0 ? 0 : c.Int(0, 5), x[0], 5));
  PoolingArguments(c);
  c.Output("Y");
  c.Output("argmaxes");
}

std::vector<Tensor> Pooled(const OpCase& c) {
  const Tensor& x = c.in(0);
  const Dims dims = {c.in(1).dim(0), x.dim(1), c.Arg<int>("pooled_h"), c.Arg<int>("pooled_w")};
  const auto value = [&](const Dims& i, int64_t place) {
    return At(x, {static_cast<int64_t>(At(c.in(1), {i[0], 0})), i[1], place / x.dim(3),
                  place % x.dim(3)});
  };
  const auto best = [&](const Dims& i) -> int64_t {
    int64_t where = -1;
    for (int64_t place : PooledPlaces(c, i)) {
      if (where < 0 || value(i, place) > value(i, where)) where = place;
    }
    return where;
  };
  return {Generate(x.dtype(), dims,
                   [&](const Dims& i) { return best(i) < 0 ? 0.0 : value(i, best(i)); }),
          Generate(DataType::kInt32, dims,
                   [&](const Dims& i) { return static_cast<double>(best(i)); })};
}

DOPPIO_OP_ROW(RoIPool)
    .Case(PoolCase)
    .Reference(Pooled)
    .NeverScalar("maps have four dimensions")
    .Differentiable({0});
DOPPIO_OP_ROW(RoIPoolGradient).CheckedByGradientOf("RoIPool").NeverScalar("as RoIPool");
DOPPIO_OP_ROW(RoIPoolF)
    .Case(PoolCase)
    .Reference(Pooled)
    .NeverScalar("as RoIPool")
    .Differentiable({0});
DOPPIO_OP_ROW(RoIPoolFGradient).CheckedByGradientOf("RoIPoolF").NeverScalar("as RoIPool");

// The pixels [begin, end) of axis k (0: y) that belong to output i of PSRoIPool.
std::pair<int64_t, int64_t> PositionRange(const OpCase& c, const Dims& i, int k) {
  const float scale = c.Arg<float>("spatial_scale");
  const int64_t group = c.Arg<int>("group_size", 1);
  const auto corner = [&](int column) { return std::round(At(c.in(1), {i[0], column})); };
  const float start = static_cast<float>(corner(2 - k)) * scale;
  const float size = static_cast<float>(corner(4 - k) + 1) * scale - start;
  const float step = std::max(size, 0.1f) / static_cast<float>(group);
  const float bin = static_cast<float>(i[static_cast<size_t>(2 + k)]);
  const auto inside = [&](float at) {
    return std::clamp<int64_t>(static_cast<int64_t>(at), 0, c.in(0).dim(2 + k));
  };
  return {inside(std::floor(bin * step + start)), inside(std::ceil((bin + 1) * step + start))};
}

DOPPIO_OP_ROW(PSRoIPool)
    .Case([](CaseMaker& c) {
      Dims x = c.Shape(4, 4);
      const int64_t group = c.Int(1, 3);
      const int64_t channels = std::max<int64_t>(x[1], 1);
      x[1] = channels * group * group;
      c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), x));
      c.Input("rois", Regions(c, x[0] == 0 ? 0 : c.Int(0, 5), x[0], 5));
      c.Arg("spatial_scale", c.OneOf({1.0f, 0.5f, 0.0625f}));
      if (group > 1 || c.Chance()) c.Arg("group_size", static_cast<int>(group));
      if (channels > 1 || c.Chance()) c.Arg("output_dim", static_cast<int>(channels));
      c.Output("Y");
      c.Output("argmaxes");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t group = c.Arg<int>("group_size", 1);
      const Dims dims = {c.in(1).dim(0), c.Arg<int>("output_dim", 1), group, group};
      const auto channel = [&](const Dims& i) { return (i[1] * group + i[2]) * group + i[3]; };
      return {Generate(c.in(0).dtype(), dims,
                       [&](const Dims& i) {
                         const auto [top, bottom] = PositionRange(c, i, 0);
                         const auto [left, right] = PositionRange(c, i, 1);
                         double sum = 0;
                         for (int64_t h = top; h < bottom; ++h) {
                           for (int64_t w = left; w < right; ++w) {
                             sum += At(c.in(0), {static_cast<int64_t>(At(c.in(1), {i[0], 0})),
                                                 channel(i), h, w});
                           }
                         }
                         const int64_t pixels = (bottom - top) * (right - left);
                         return sum / static_cast<double>(std::max<int64_t>(pixels, 1));
                       }),
              Generate(DataType::kInt32, dims,
                       [&](const Dims& i) { return static_cast<double>(channel(i)); })};
    })
    .NeverScalar("maps have four dimensions")
    .Differentiable({0});
DOPPIO_OP_ROW(PSRoIPoolGradient).CheckedByGradientOf("PSRoIPool").NeverScalar("as PSRoIPool");

DOPPIO_OP_ROW(BBoxTransform)
    .Case([](CaseMaker& c) {
      const bool rotated = c.Chance(0.3);
      const int64_t size = rotated ? 5 : 4;
      const int64_t images = c.Int(1, 3);
      const bool has_images = images > 1 || c.Chance();
      const Dims shape = c.Shape(2, 2);  // rois, classes
      Tensor rois = c.Random(DataType::kFloat, {shape[0], size + (has_images ? 1 : 0)}, 1, 40);
      for (int64_t i = 0; has_images && i < shape[0]; ++i) {
        rois.mutable_data<float>()[i * (size + 1)] =
            static_cast<float>(i * images / std::max<int64_t>(shape[0], 1));
      }
      c.Input("rois", rois);
      c.Input("deltas", c.Random(DataType::kFloat, {shape[0], size * shape[1]}, -1, 5));
      c.Input("im_info", ImageInfo(c, images));
      if (rotated) {
        c.Arg("rotated", true);
        DrawAngleArguments(c);
      }
      if (c.Chance()) c.Arg("weights", std::vector<float>{10, 10, 5, 4});
      if (c.Chance()) c.Arg("apply_scale", c.Chance());
      DrawBoxArguments(c);
      c.Output("box_out");
      if (c.Chance()) c.Output("roi_batch_splits");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t size = c.Arg<bool>("rotated") ? 5 : 4;
      const int64_t first = c.in(0).dim(1) - size;
      std::vector<float> weights = c.Args<float>("weights");
      if (weights.empty()) weights = {1, 1, 1, 1};
      std::vector<float> counts(static_cast<size_t>(c.in(2).dim(0)), 0.0f);
      for (int64_t i = 0; i < c.in(0).dim(0); ++i) {
        ++counts[first == 0 ? 0 : static_cast<size_t>(At(c.in(0), {i, 0}))];
      }
      std::vector<Tensor> outputs;
      outputs.push_back(Generate(DataType::kFloat, c.in(1).dims(), [&](const Dims& i) {
        const int64_t image = first == 0 ? 0 : static_cast<int64_t>(At(c.in(0), {i[0], 0}));
        const double scale = At(c.in(2), {image, 2});
        std::vector<double> box;
        std::vector<double> delta;
        for (int64_t k = 0; k < size; ++k) {
          box.push_back(At(c.in(0), {i[0], first + k}) / (k < 4 ? scale : 1));
          delta.push_back(At(c.in(1), {i[0], i[1] / size * size + k}) /
                          (k < 4 ? static_cast<double>(weights[static_cast<size_t>(k)]) : 1));
        }
        const std::vector<double> moved =
            MovedBox(c, box, delta, std::floor(At(c.in(2), {image, 0}) / scale + 0.5),
                     std::floor(At(c.in(2), {image, 1}) / scale + 0.5));
        const int64_t k = i[1] % size;
        return moved[static_cast<size_t>(k)] *
               (k < 4 && c.Arg<bool>("apply_scale", true) ? scale : 1);
      }));
      if (c.def.output_size() > 1) {
        outputs.push_back(*Tensor::FromSpan<float>({c.in(2).dim(0)}, counts));
      }
      return outputs;
    })
    .Tolerance(1e-4)
    .NeverScalar("boxes are rows of a matrix");

}  // namespace
}  // namespace doppio
