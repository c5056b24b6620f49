// Operators that have one parameter for each channel, or move channels.

#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr std::initializer_list<DataType> kReals = {DataType::kFloat, DataType::kDouble};

bool IsNhwc(const OpCase& c) { return c.Arg<std::string>("order", "NCHW") == "NHWC"; }

// The dimension of channels of a tensor of that rank.
size_t ChannelAxis(bool nhwc, size_t rank) { return nhwc ? rank - 1 : 1; }
size_t ChannelAxis(const OpCase& c, size_t rank) { return ChannelAxis(IsNhwc(c), rank); }

// Draws `order` and says it, as an argument, where that is needed or by chance.
bool DrawOrder(CaseMaker& c) {
  const bool nhwc = c.Chance();
  if (nhwc || c.Chance()) c.Arg("order", std::string(nhwc ? "NHWC" : "NCHW"));
  return nhwc;
}

DOPPIO_OP_ROW(PRelu)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType(kReals);
      const bool nhwc = DrawOrder(c);
      const bool shared = c.Chance(0.4);
      const Dims dims = c.Shape(shared ? 0 : 2);
      const Tensor x = c.Random(type, dims);
      // Not near the bend, where there are no finite differences.
      c.Input("X", Generate(type, dims, [&](const Dims& i) {
                const double value = At(x, i);
                return static_cast<float>(value < 0 ? value - 0.01 : value + 0.01);
              }));
      const int64_t slopes = shared ? 1 : dims[ChannelAxis(nhwc, dims.size())];
      c.Input("Slope", c.Random(type, shared && c.Chance() ? Dims() : Dims{slopes}));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Tensor& slope = c.in(1);
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        const int64_t channel = slope.numel() == 1 ? 0 : i[ChannelAxis(c, i.size())];
        const double value = At(x, i);
        return value > 0 ? value : value * ElementAsDouble(slope, channel);
      })};
    })
    .Tolerance(1e-4)
    .Differentiable({0, 1});
DOPPIO_OP_ROW(PReluGradient).CheckedByGradientOf("PRelu").Tolerance(1e-4);

DOPPIO_OP_ROW(AffineChannel)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType(kReals);
      const bool nhwc = DrawOrder(c);
      const Dims dims = c.Shape(2);
      const int64_t channels = dims[ChannelAxis(nhwc, dims.size())];
      c.Input("X", c.Random(type, dims));
      c.Input("scale", c.Random(type, {channels}));
      c.Input("bias", c.Random(type, {channels}));
      c.Arg("is_learnable", 1);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        const int64_t channel = i[ChannelAxis(c, i.size())];
        return At(x, i) * ElementAsDouble(c.in(1), channel) + ElementAsDouble(c.in(2), channel);
      })};
    })
    .Tolerance(1e-4)
    .NeverScalar("there are channels")
    .Differentiable({0, 1, 2});
DOPPIO_OP_ROW(AffineChannelGradient)
    .CheckedByGradientOf("AffineChannel")
    .Tolerance(1e-4)
    .NeverScalar("as AffineChannel");

DOPPIO_OP_ROW(Dropout)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.ValueType(kReals), c.Shape()));
      c.Output("Y");
      // Nothing is dropped, so that two runs are alike; the test of Dropout has the rest.
      if (c.Chance()) {
        c.Arg("is_test", 1);
        c.Arg("ratio", static_cast<float>(c.Real(0, 0.9)));
      } else {
        c.Arg("ratio", 0.0f);
        c.Output("mask");
      }
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor mask =
          Generate(DataType::kBool, c.in(0).dims(), [](const Dims&) { return 1.0; });
      if (c.def.output_size() == 1) return {c.in(0)};
      return {c.in(0), mask};
    })
    .Differentiable({0});
DOPPIO_OP_ROW(DropoutGrad).CheckedByGradientOf("Dropout");

constexpr std::initializer_list<DataType> kAnyType = {DataType::kFloat, DataType::kDouble,
                                                      DataType::kInt64, DataType::kUInt8,
                                                      DataType::kInt16, DataType::kString};

void OrderSwitchCase(CaseMaker& c) {
  c.Input("X", c.Random(c.ValueType(kAnyType), c.Shape(3, 6)));
  c.Output("Y");
}

// Y's element at `index` is X's at the index with the channels elsewhere.
std::vector<Tensor> Switched(const OpCase& c) {
  const Tensor& x = c.in(0);
  const bool to_nhwc = c.def.type() == "NCHW2NHWC";
  const auto move = [](Dims dims, bool to_back) {
    const auto from = to_back ? dims.begin() + 1 : dims.end() - 1;
    const int64_t channels = *from;
    dims.erase(from);
    dims.insert(to_back ? dims.end() : dims.begin() + 1, channels);
    return dims;
  };
  const Dims y = move(Dims(x.dims().begin(), x.dims().end()), to_nhwc);
  return {
      Pick(x, y, [&](const Dims& index) { return FlatIndex(x.dims(), move(index, !to_nhwc)); })};
}

DOPPIO_OP_ROW(NCHW2NHWC)
    .Case(OrderSwitchCase)
    .Reference(Switched)
    .NeverScalar("images have three dimensions or more")
    .Differentiable({0});
DOPPIO_OP_ROW(NHWC2NCHW)
    .Case(OrderSwitchCase)
    .Reference(Switched)
    .NeverScalar("images have three dimensions or more")
    .Differentiable({0});

DOPPIO_OP_ROW(ChannelShuffle)
    .Case([](CaseMaker& c) {
      const bool nhwc = DrawOrder(c);
      Dims dims = c.Shape(2);
      const int64_t group = c.Int(1, 4);
      dims[ChannelAxis(nhwc, dims.size())] *= group;
      c.Input("X", c.Random(c.ValueType(kAnyType), dims));
      c.Arg("group", group);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t group = c.Arg<int64_t>("group", 1);
      const size_t axis = ChannelAxis(c, x.dims().size());
      const int64_t of_group = x.dims()[axis] / group;
      return {Pick(x, x.dims(), [&](Dims index) {
        index[axis] = index[axis] % group * of_group + index[axis] / group;
        return FlatIndex(x.dims(), index);
      })};
    })
    .NeverScalar("there are channels")
    .Differentiable({0});
DOPPIO_OP_ROW(ChannelShuffleGradient)
    .CheckedByGradientOf("ChannelShuffle")
    .NeverScalar("as ChannelShuffle");

}  // namespace
}  // namespace doppio
