// Rows of ONNX's layers.

#include <algorithm>
#include <cmath>
#include <limits>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

using Ints = std::vector<int64_t>;

constexpr std::initializer_list<DataType> kNumbers = {DataType::kFloat, DataType::kDouble,
                                                      DataType::kUInt8, DataType::kInt64,
                                                      DataType::kInt16, DataType::kFloat16};

// Along one dimension: the index with another place there.
Dims Moved(const Dims& index, size_t axis, int64_t place) {
  Dims moved = index;
  moved[axis] = place;
  return moved;
}

size_t AxisOf(const OpCase& c) {
  const int axis = c.Arg<int>("axis", -1);
  return static_cast<size_t>(axis < 0 ? axis + c.in(0).rank() : axis);
}

void AlongAxisCase(CaseMaker& c) {
  const Dims dims = c.Shape(1);
  c.Input("X", c.Random(c.RealType(), dims, -5, 5));
  const auto rank = static_cast<int64_t>(dims.size());
  if (c.Chance(0.8)) c.Arg("axis", c.Int(-rank, rank - 1));
  c.Output("Y");
}

double LogSum(const OpCase& c, const Dims& index) {
  const size_t axis = AxisOf(c);
  double sum = 0;
  for (int64_t k = 0; k < c.in(0).dim(static_cast<int>(axis)); ++k) {
    sum += std::exp(At(c.in(0), Moved(index, axis, k)));
  }
  return std::log(sum);
}

DOPPIO_OP_ROW(LogSoftmax)
    .Case(AlongAxisCase)
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(),
                       [&](const Dims& i) { return At(c.in(0), i) - LogSum(c, i); })};
    })
    .NeverScalar("a line has a dimension");

DOPPIO_OP_ROW(OnnxSoftmax)
    .Case(AlongAxisCase)
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(),
                       [&](const Dims& i) { return std::exp(At(c.in(0), i) - LogSum(c, i)); })};
    })
    .NeverScalar("a line has a dimension");

DOPPIO_OP_ROW(Hardmax)
    .Case(AlongAxisCase)
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const size_t axis = AxisOf(c);
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& i) {
        for (int64_t k = 0; k < c.in(0).dim(static_cast<int>(axis)); ++k) {
          const double other = At(c.in(0), Moved(i, axis, k));
          const double own = At(c.in(0), i);
          if (k < i[axis] ? other >= own : other > own) return 0.0;
        }
        return 1.0;
      })};
    })
    .NeverScalar("a line has a dimension")
    .Tolerance(0);

DOPPIO_OP_ROW(Shrink)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.RealType(), c.Shape()));
      if (c.Chance()) c.Arg("lambd", c.Real(0, 1.5));
      if (c.Chance()) c.Arg("bias", c.Real(-1, 1));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const double lambd = c.Arg<float>("lambd", 0.5f);
      const double bias = c.Arg<float>("bias", 0);
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& i) {
        const double x = At(c.in(0), i);
        return x < -lambd ? x + bias : x > lambd ? x - bias : 0;
      })};
    });

DOPPIO_OP_ROW(DepthToSpace)
    .Case([](CaseMaker& c) {
      const int64_t block = c.Int(1, 3);
      Dims dims = c.Shape(4, 4, block * block);
      dims[1] *= block * block;
      c.Input("X", c.Random(c.ValueType(kNumbers), dims));
      c.Arg("blocksize", block);
      if (c.Chance(0.7)) c.Arg<std::string>("mode", c.Chance() ? "CRD" : "DCR");
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const auto block = c.Arg<int64_t>("blocksize", 1);
      const int64_t channels = x.dim(1) / (block * block);
      const bool by_channel = c.Arg<std::string>("mode", "DCR") == "CRD";
      const Dims y = {x.dim(0), channels, x.dim(2) * block, x.dim(3) * block};
      return {Pick(x, y, [&](const Dims& i) {
        const int64_t place = i[2] % block * block + i[3] % block;
        const int64_t channel = by_channel ? i[1] * block * block + place : place * channels + i[1];
        return FlatIndex(x.dims(), {i[0], channel, i[2] / block, i[3] / block});
      })};
    })
    .NeverScalar("an image has four dimensions")
    .Tolerance(0);

DOPPIO_OP_ROW(SpaceToDepth)
    .Case([](CaseMaker& c) {
      const int64_t block = c.Int(1, 3);
      Dims dims = c.Shape(4, 4, block * block);
      dims[2] *= block;
      dims[3] *= block;
      c.Input("X", c.Random(c.ValueType(kNumbers), dims));
      c.Arg("blocksize", block);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const auto block = c.Arg<int64_t>("blocksize", 1);
      const Dims y = {x.dim(0), x.dim(1) * block * block, x.dim(2) / block, x.dim(3) / block};
      return {Pick(x, y, [&](const Dims& i) {
        const int64_t place = i[1] / x.dim(1);
        return FlatIndex(x.dims(), {i[0], i[1] % x.dim(1), i[2] * block + place / block,
                                    i[3] * block + place % block});
      })};
    })
    .NeverScalar("an image has four dimensions")
    .Tolerance(0);

// A window over one to three dimensions: kernels, strides, pads and the sizes of an image.
struct DrawnWindow {
  DrawnWindow(CaseMaker& c, bool has_dilations) {
    const int64_t size = c.Size();
    batch = std::min<int64_t>(size, 3);
    const int64_t rank = size >= 40 ? 2 : c.Int(1, 3);
    Ints strides, dilations, heads, tails;
    for (int64_t d = 0; d < rank; ++d) {
      kernel.push_back(c.Int(1, 3));
      strides.push_back(c.Int(1, 3));
      dilations.push_back(has_dilations ? c.Int(1, 2) : 1);
      heads.push_back(c.Int(0, has_dilations ? 2 : (kernel.back() - 1) / 2));
      tails.push_back(c.Int(0, has_dilations ? 2 : (kernel.back() - 1) / 2));
      const int64_t reach = (kernel.back() - 1) * dilations.back() + 1;
      in.push_back(std::max<int64_t>(1, reach - heads.back() - tails.back()) +
                   (size >= 40 ? c.Int(15, 25) : c.Int(0, 3)));
    }
    heads.insert(heads.end(), tails.begin(), tails.end());
    c.Arg("kernels", kernel);
    c.Arg("strides", strides);
    c.Arg("pads", heads);
    if (has_dilations) c.Arg("dilations", dilations);
  }
  Dims Image(int64_t channels) const {
    Dims dims = {batch, channels};
    dims.insert(dims.end(), in.begin(), in.end());
    return dims;
  }
  int64_t batch;
  Ints kernel, in;
};

DOPPIO_OP_ROW(OnnxMaxPool)
    .Case([](CaseMaker& c) {
      const DrawnWindow window(c, true);
      const DataType type =
          c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt8, DataType::kUInt8});
      c.Input("X", c.Random(type, window.Image(c.Int(1, 4)), 0, 9));
      if (c.Chance()) c.Arg("storage_order", c.Int(0, 1));
      c.Output("Y");
      if (c.Chance(0.8)) c.Output("Indices");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Ints kernel = c.Args<int64_t>("kernels");
      const Ints strides = c.Args<int64_t>("strides");
      const Ints pads = c.Args<int64_t>("pads");
      const Ints dilations = c.Args<int64_t>("dilations");
      const bool by_columns = c.Arg<int>("storage_order", 0) == 1;
      Dims y = {x.dim(0), x.dim(1)};
      for (size_t d = 0; d < kernel.size(); ++d) {
        const int64_t reach = (kernel[d] - 1) * dilations[d] + 1;
        const int64_t room =
            x.dim(static_cast<int>(d) + 2) + pads[d] + pads[d + kernel.size()] - reach;
        y.push_back(room / strides[d] + 1);
      }
      const auto best = [&](const Dims& place) {  // an index of X; empty where there is none
        Dims best_index;
        ForEachIndex(kernel, [&](const Dims& tap) {
          Dims index = {place[0], place[1]};
          for (size_t d = 0; d < kernel.size(); ++d) {
            index.push_back(place[d + 2] * strides[d] - pads[d] + tap[d] * dilations[d]);
            if (index.back() < 0 || index.back() >= x.dim(static_cast<int>(d) + 2)) return;
          }
          if (best_index.empty() || At(x, index) > At(x, best_index)) best_index = index;
        });
        return best_index;
      };
      const auto lowest = [&]() -> double {
        if (x.Is<int8_t>()) return std::numeric_limits<int8_t>::min();
        if (x.Is<uint8_t>()) return 0;
        return x.Is<float>() ? std::numeric_limits<float>::lowest()
                             : std::numeric_limits<double>::lowest();
      };
      std::vector<Tensor> outputs = {Generate(x.dtype(), y, [&](const Dims& i) {
        const Dims index = best(i);
        return index.empty() ? lowest() : At(x, index);
      })};
      if (c.def.output_size() < 2) return outputs;
      outputs.push_back(Generate(DataType::kInt64, y, [&](const Dims& i) -> double {
        const Dims index = best(i);
        if (index.empty()) return -1;
        if (!by_columns) return static_cast<double>(FlatIndex(x.dims(), index));
        const int64_t image = SizeFromDim(x.dims(), 2);
        int64_t at = 0;
        for (size_t d = index.size(); d-- > 2;) at = at * x.dim(static_cast<int>(d)) + index[d];
        return static_cast<double>((index[0] * x.dim(1) + index[1]) * image + at);
      }));
      return outputs;
    })
    .NeverScalar("an image has a batch, channels and spatial dimensions")
    .Tolerance(0);

DOPPIO_OP_ROW(MaxUnpool)
    .Case([](CaseMaker& c) {
      const DrawnWindow window(c, false);
      const Dims dims = window.Image(c.Int(1, 3));
      c.Input("X", c.Random(c.ValueType(kNumbers), dims));
      const OpCase so_far{c.def(), {}};
      const Ints strides = so_far.Args<int64_t>("strides");
      const Ints pads = so_far.Args<int64_t>("pads");
      Dims counted = {dims[0], dims[1]};
      for (size_t d = 0; d < window.in.size(); ++d) {
        counted.push_back((window.in[d] - 1) * strides[d] + window.kernel[d] - pads[d] -
                          pads[d + window.in.size()]);
      }
      const int64_t count = *NumElements(counted);
      c.Input("I", *Tensor::FromSpan<int64_t>(dims, [&] {
                Ints places;
                for (int64_t i = 0; i < *NumElements(dims); ++i)
                  places.push_back(c.Int(0, count - 1));
                return places;
              }()));
      if (c.Chance()) {
        Ints shape(counted.begin(), counted.end());
        for (size_t d = 2; d < shape.size(); ++d) shape[d] += c.Int(0, 2);
        c.Input("output_shape", c.Vector<int64_t>(shape));
      }
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Ints kernel = c.Args<int64_t>("kernels");
      const Ints strides = c.Args<int64_t>("strides");
      const Ints pads = c.Args<int64_t>("pads");
      Dims counted = {x.dim(0), x.dim(1)};
      for (size_t d = 0; d < kernel.size(); ++d) {
        counted.push_back((x.dim(static_cast<int>(d) + 2) - 1) * strides[d] + kernel[d] - pads[d] -
                          pads[d + kernel.size()]);
      }
      Dims y = counted;
      if (c.def.input_size() > 2) {
        for (size_t d = 0; d < y.size(); ++d) y[d] = IntegerAt(c.in(2), static_cast<int64_t>(d));
      }
      return {Generate(x.dtype(), y, [&](const Dims& i) {
        double value = 0;
        for (size_t d = 0; d < i.size(); ++d) {
          if (i[d] >= counted[d]) return 0.0;
        }
        for (int64_t k = 0; k < x.numel(); ++k) {
          if (IntegerAt(c.in(1), k) == FlatIndex(counted, i)) value = ElementAsDouble(x, k);
        }
        return value;
      })};
    })
    .NeverScalar("an image has a batch, channels and spatial dimensions")
    .Cases(15)
    .Tolerance(0);

DOPPIO_OP_ROW(NegativeLogLikelihoodLoss)
    .Case([](CaseMaker& c) {
      Dims x = c.Shape(2);
      x[1] = std::max<int64_t>(x[1], 1);
      const DataType type = c.RealType();
      c.Input("X", c.Random(type, x));
      Dims target = {x[0]};
      target.insert(target.end(), x.begin() + 2, x.end());
      c.Input("target", c.Random(c.IndexType(), target, 0, static_cast<double>(x[1] - 1)));
      if (c.Chance()) c.Input("weight", c.Random(type, {x[1]}, 0.5, 2));
      if (c.Chance()) c.Arg("ignore_index", c.Int(0, x[1] - 1));
      if (c.Chance(0.8)) {
        c.Arg("reduction", c.OneOf<std::string>({"none", "sum", "mean"}));
      }
      c.Output("loss");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Tensor& target = c.in(1);
      const int64_t ignored = c.Arg<int64_t>("ignore_index", -1);
      const std::string reduction = c.Arg<std::string>("reduction", "mean");
      const auto weight_of = [&](const Dims& i) {
        const int64_t k = IntegerAt(target, FlatIndex(target.dims(), i));
        if (k == ignored) return 0.0;
        return c.def.input_size() > 2 ? ElementAsDouble(c.in(2), k) : 1.0;
      };
      const auto loss_of = [&](const Dims& i) {
        Dims index = {i[0], IntegerAt(target, FlatIndex(target.dims(), i))};
        index.insert(index.end(), i.begin() + 1, i.end());
        return -At(x, index) * weight_of(i);
      };
      if (reduction == "none") return {Generate(x.dtype(), target.dims(), loss_of)};
      double sum = 0;
      double weights = 0;
      ForEachIndex(target.dims(), [&](const Dims& i) {
        sum += loss_of(i);
        weights += weight_of(i);
      });
      return {Generate(x.dtype(), {},
                       [&](const Dims&) { return reduction == "sum" ? sum : sum / weights; })};
    });

// Scales and zero points for one dimension of X, or for all of it.
void QuantizationInputs(CaseMaker& c, const Dims& x, DataType zero_type) {
  const bool by_axis = !x.empty() && c.Chance();
  Dims dims = c.Chance() ? Dims() : Dims{1};
  if (by_axis) {
    const int64_t rank = static_cast<int64_t>(x.size());
    const int64_t axis = c.Int(-rank, rank - 1);
    c.Arg("axis", axis);
    dims = {x[static_cast<size_t>(axis < 0 ? axis + rank : axis)]};
  }
  c.Input("scale", c.Random(DataType::kFloat, dims, 0.25, 2));
  if (zero_type != DataType::kUndefined) c.Input("zero_point", c.Random(zero_type, dims, 0, 9));
}

int64_t ChannelOf(const OpCase& c, const Dims& i) {
  if (c.in(1).numel() == 1) return 0;
  const int axis = c.Arg<int>("axis", 1);
  return i[static_cast<size_t>(axis < 0 ? axis + c.in(0).rank() : axis)];
}

DOPPIO_OP_ROW(QuantizeLinear)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      const DataType type = c.OneOf({DataType::kFloat, DataType::kDouble, DataType::kInt32});
      c.Input("X", c.Random(type, dims, -300, 300));
      QuantizationInputs(c, dims,
                         c.OneOf({DataType::kUInt8, DataType::kInt8, DataType::kUndefined}));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const bool has_zero = c.def.input_size() > 2;
      const DataType type = has_zero ? c.in(2).dtype() : DataType::kUInt8;
      const bool is_signed = type == DataType::kInt8;
      return {Generate(type, c.in(0).dims(), [&](const Dims& i) {
        const int64_t channel = ChannelOf(c, i);
        const double scale = ElementAsDouble(c.in(1), channel);
        const double x = At(c.in(0), i);
        const double ratio =
            c.in(0).Is<float>() ? static_cast<float>(x) / static_cast<float>(scale) : x / scale;
        const double zero = has_zero ? ElementAsDouble(c.in(2), channel) : 0;
        return std::clamp(std::nearbyint(ratio) + zero, is_signed ? -128.0 : 0.0,
                          is_signed ? 127.0 : 255.0);
      })};
    })
    .Tolerance(0);

DOPPIO_OP_ROW(DequantizeLinear)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      const DataType type = c.OneOf({DataType::kUInt8, DataType::kInt8, DataType::kInt32});
      c.Input("X", c.Random(type, dims, 0, 100));
      QuantizationInputs(c, dims, c.Chance() ? type : DataType::kUndefined);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(DataType::kFloat, c.in(0).dims(), [&](const Dims& i) {
        const int64_t channel = ChannelOf(c, i);
        const double zero = c.def.input_size() > 2 ? ElementAsDouble(c.in(2), channel) : 0;
        return (At(c.in(0), i) - zero) * ElementAsDouble(c.in(1), channel);
      })};
    });

DOPPIO_OP_ROW(DynamicQuantizeLinear)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(DataType::kFloat, c.Shape(), c.Real(-9, 1), c.Real(1.5, 9)));
      for (const char* name : {"Y", "y_scale", "y_zero_point"}) c.Output(name);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      float least = 0;
      float most = 0;
      for (float x : c.in(0).span<float>()) {
        least = std::min(least, x);
        most = std::max(most, x);
      }
      const float scale = (most - least) / 255;
      const auto quantized = [&](float x, float zero) -> double {
        const float value = scale == 0 ? 0 : std::nearbyint(x / scale) + zero;
        return std::clamp(value, 0.0f, 255.0f);
      };
      const auto zero = static_cast<float>(quantized(-least, 0));
      return {Generate(DataType::kUInt8, c.in(0).dims(),
                       [&](const Dims& i) {
                         return quantized(static_cast<float>(At(c.in(0), i)), zero);
                       }),
              Generate(DataType::kFloat, {}, [&](const Dims&) { return scale; }),
              Generate(DataType::kUInt8, {}, [&](const Dims&) { return zero; })};
    })
    .Tolerance(0);

// As often as chance has it.
DOPPIO_OP_ROW(OnnxDropout)
    .Case([](CaseMaker& c) {
      c.Input("data", c.Random(c.RealType(), c.Shape(), 1, 2));
      c.Input("ratio", *Tensor::Scalar<float>(c.Chance() ? 0.0f : 0.5f));
      c.Input("training_mode", *Tensor::Scalar<bool>(c.Chance()));
      c.Output("output");
      if (c.Chance(0.8)) c.Output("mask");
    })
    .Property([](const OpCase& c, const std::vector<Tensor>& outputs) -> std::string {
      const bool drops = *c.in(2).data<bool>() && *c.in(1).data<float>() != 0;
      for (int64_t i = 0; i < c.in(0).numel(); ++i) {
        const double x = ElementAsDouble(c.in(0), i);
        const double y = ElementAsDouble(outputs[0], i);
        if (y != (drops ? 2 * x : x) && !(drops && y == 0)) return "an element is another one";
        if (outputs.size() > 1 && outputs[1].data<bool>()[i] != (y != 0)) return "the mask lies";
      }
      return "";
    });

}  // namespace
}  // namespace doppio
