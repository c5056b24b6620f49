#include <algorithm>
#include <cmath>

#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr std::initializer_list<DataType> kReals = {DataType::kFloat, DataType::kDouble};
constexpr std::initializer_list<DataType> kNumbers = {DataType::kFloat, DataType::kDouble,
                                                      DataType::kUInt8, DataType::kInt64,
                                                      DataType::kInt16, DataType::kFloat16};

bool IsNhwc(const OpCase& c) { return c.Arg<std::string>("order", "NCHW") == "NHWC"; }

bool DrawOrder(CaseMaker& c) {
  const bool nhwc = c.Chance(0.4);
  if (nhwc || c.Chance()) c.Arg("order", std::string(nhwc ? "NHWC" : "NCHW"));
  return nhwc;
}

// The dimension of the heights; that of the widths follows it.
size_t HeightAxis(bool nhwc) { return nhwc ? 1 : 2; }

DOPPIO_OP_ROW(PadImage)
    .Case([](CaseMaker& c) {
      const std::string mode = c.OneOf<std::string>({"constant", "reflect", "edge"});
      const bool nhwc = DrawOrder(c);
      Dims x = c.Shape(4);
      if (mode != "constant") {  // a side of 0 has nothing to reflect
        for (size_t i : {HeightAxis(nhwc), HeightAxis(nhwc) + 1}) x[i] = std::max<int64_t>(x[i], 1);
      }
      const DataType type = c.ValueType(kNumbers);
      c.Input("X", c.Random(type, x));
      c.Arg("mode", mode);
      std::vector<int64_t> pads(4);
      for (size_t i = 0; i < 4; ++i) {
        const int64_t size = x[HeightAxis(nhwc) + i % 2];
        const int64_t most = mode == "reflect" ? size - 1 : 3;
        pads[i] = c.Int(std::max<int64_t>(-1, -size / 2), std::min<int64_t>(most, 3));
      }
      const int way = static_cast<int>(c.Int(0, 2));
      const int64_t all = std::max<int64_t>(0, *std::min_element(pads.begin(), pads.end()));
      if (way == 0) c.Arg("pad", all);
      if (way == 1) c.Arg("pads", pads);
      if (way == 2) {
        c.Arg("pad_t", pads[0]);
        c.Arg("pad_l", pads[1]);
        c.Arg("pad_b", pads[2]);
        c.Arg("pad_r", pads[3]);
      }
      if (c.Chance()) c.Arg("value", 3.0f);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      std::vector<int64_t> pads = c.Args<int64_t>("pads");
      if (pads.empty()) {
        const auto all = c.Arg<int64_t>("pad", 0);
        pads = {c.Arg<int64_t>("pad_t", all), c.Arg<int64_t>("pad_l", all),
                c.Arg<int64_t>("pad_b", all), c.Arg<int64_t>("pad_r", all)};
      }
      const size_t axis = HeightAxis(IsNhwc(c));
      Dims y(x.dims().begin(), x.dims().end());
      y[axis] += pads[0] + pads[2];
      y[axis + 1] += pads[1] + pads[3];
      const auto mode = c.Arg<std::string>("mode");
      return {Generate(x.dtype(), y, [&](Dims index) -> double {
        for (size_t k : {0, 1}) {
          int64_t& i = index[axis + k];
          const int64_t size = x.dims()[axis + k];
          i -= pads[k];
          if (mode == "constant" && (i < 0 || i >= size)) return c.Arg<float>("value", 0);
          if (mode == "edge") i = std::clamp<int64_t>(i, 0, size - 1);
          if (i < 0) i = -i;
          if (i >= size) i = 2 * size - 2 - i;
        }
        return At(x, index);
      })};
    })
    .NeverScalar("images have four dimensions")
    .Differentiable({0});
DOPPIO_OP_ROW(PadImageGradient)
    .CheckedByGradientOf("PadImage")
    .NeverScalar("images have four dimensions");

void ResizeCase(CaseMaker& c, std::initializer_list<DataType> types) {
  DrawOrder(c);
  c.Input("X", c.Random(c.ValueType(types), c.Shape(4)));
  const float height = c.OneOf({2.0f, 1.0f, 0.5f, 1.7f, 3.0f});
  const float width = c.OneOf({2.0f, 1.0f, 0.7f, 1.5f, 3.0f});
  if (c.Chance(0.3)) {
    const float scales[] = {height, width};
    c.Input("scales", c.Vector<float>(scales));
  } else {
    c.Arg("height_scale", height);
    c.Arg("width_scale", width);
  }
  c.Output("Y");
}

// The scale of the height (0) or width (1).
float ScaleOf(const OpCase& c, size_t k) {
  if (c.def.input_size() == 2) return c.in(1).data<float>()[k];
  return c.Arg<float>(k == 0 ? "height_scale" : "width_scale");
}

Dims ResizedShape(const OpCase& c) {
  const Tensor& x = c.in(0);
  Dims y(x.dims().begin(), x.dims().end());
  for (size_t k : {0, 1}) {
    int64_t& size = y[HeightAxis(IsNhwc(c)) + k];
    size = static_cast<int64_t>(static_cast<float>(size) * ScaleOf(c, k));
  }
  return y;
}

DOPPIO_OP_ROW(ResizeNearest)
    .Case([](CaseMaker& c) { ResizeCase(c, kNumbers); })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      return {Generate(x.dtype(), ResizedShape(c), [&](Dims index) {
        for (size_t k : {0, 1}) {
          int64_t& i = index[HeightAxis(IsNhwc(c)) + k];
          i = std::min(static_cast<int64_t>(static_cast<float>(i) / ScaleOf(c, k)),
                       x.dims()[HeightAxis(IsNhwc(c)) + k] - 1);
        }
        return At(x, index);
      })};
    })
    .NeverScalar("images have four dimensions")
    .Differentiable({0});
DOPPIO_OP_ROW(ResizeNearestGradient)
    .CheckedByGradientOf("ResizeNearest")
    .NeverScalar("images have four dimensions");

std::vector<Tensor> BilinearReference(const OpCase& c) {
  const Tensor& x = c.in(0);
  const Dims y = ResizedShape(c);
  const size_t axis = HeightAxis(IsNhwc(c));
  return {Generate(x.dtype(), y, [&](const Dims& index) {
    double sum = 0;
    for (int corner = 0; corner < 4; ++corner) {
      Dims from = index;
      double weight = 1;
      for (size_t k : {0, 1}) {
        int64_t& i = from[axis + k];
        const int64_t last = x.dims()[axis + k] - 1;
        const float step =
            y[axis + k] > 1 ? static_cast<float>(last) / static_cast<float>(y[axis + k] - 1) : 0.0f;
        const float place = step * static_cast<float>(i);
        const bool second = (corner >> k & 1) != 0;
        const double rest = place - std::floor(place);
        weight *= second ? rest : 1 - rest;
        i = std::min(static_cast<int64_t>(place) + (second ? 1 : 0), last);
      }
      sum += weight * At(x, from);
    }
    return sum;
  })};
}

template <typename Row>
void Bilinear(Row&& row) {
  row.Case([](CaseMaker& c) { ResizeCase(c, kReals); })
      .Reference(BilinearReference)
      .NeverScalar("images have four dimensions")
      .Tolerance(1e-4)
      .Differentiable({0});
}

[[maybe_unused]] const bool bilinear_rows = [] {
  for (const char* name : {"UpsampleBilinear", "ResizeBilinear"}) {
    Bilinear(NewOpRow(name));
    NewOpRow(absl::StrCat(name, "Gradient"))
        .CheckedByGradientOf(name)
        .Tolerance(1e-4)
        .NeverScalar("images have four dimensions");
  }
  return true;
}();

DOPPIO_OP_ROW(UpsampleNearest)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.ValueType(kNumbers), c.Shape(3)));
      if (c.Chance(0.8)) c.Arg("scale", static_cast<int>(c.Int(1, 4)));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const auto scale = c.Arg<int64_t>("scale", 2);
      Dims y(x.dims().begin(), x.dims().end());
      for (size_t i : {y.size() - 1, y.size() - 2}) y[i] *= scale;
      return {Generate(x.dtype(), y, [&](Dims index) {
        for (size_t i : {y.size() - 1, y.size() - 2}) index[i] /= scale;
        return At(x, index);
      })};
    })
    .NeverScalar("images have three dimensions or more")
    .Differentiable({0});
DOPPIO_OP_ROW(UpsampleNearestGradient)
    .CheckedByGradientOf("UpsampleNearest")
    .NeverScalar("images have three dimensions or more");

DOPPIO_OP_ROW(PackedInt8BGRANHWCToNCHWCStylizerPreprocess)
    .Case([](CaseMaker& c) {
      Dims x = c.Shape(4);
      x[3] = 4;
      c.Input("X", c.Random(DataType::kUInt8, x, 0, 255));
      c.Input("mean", c.Random(DataType::kFloat, {3}, 90, 130));
      c.Arg("noise_std", 0.0f);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      return {Generate(DataType::kFloat, {x.dim(0), 3, x.dim(1), x.dim(2)}, [&](const Dims& i) {
        return At(x, {i[0], i[2], i[3], i[1]}) - At(c.in(1), {i[1]});
      })};
    })
    .NeverScalar("images have four dimensions");

DOPPIO_OP_ROW(BRGNCHWCToPackedInt8BGRAStylizerDeprocess)
    .Case([](CaseMaker& c) {
      Dims x = c.Shape(4);
      x[1] = 3;
      c.Input("X", c.Random(DataType::kFloat, x, -200, 250));
      c.Input("mean", c.Random(DataType::kFloat, {3}, 90, 130));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      return {Generate(DataType::kUInt8, {x.dim(0), x.dim(2), x.dim(3), 4}, [&](const Dims& i) {
        if (i[3] == 3) return 255.0;
        // The sum of two floats is rounded before it is cut.
        const float sum = static_cast<float>(At(x, {i[0], i[3], i[1], i[2]}) + At(c.in(1), {i[3]}));
        return std::trunc(std::clamp(static_cast<double>(sum), 0.0, 255.0));
      })};
    })
    .NeverScalar("images have four dimensions");

}  // namespace
}  // namespace doppio
