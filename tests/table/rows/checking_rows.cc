#include <limits>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr DataType kFloat = DataType::kFloat;
constexpr DataType kDouble = DataType::kDouble;

Tensor AnyTensor(CaseMaker& c, int min_rank = 0) {
  return c.Random(c.OneOf({kFloat, DataType::kInt64, DataType::kBool, DataType::kString}),
                  c.Shape(min_rank));
}

std::vector<Tensor> Nothing(const OpCase&) { return {}; }

std::vector<Tensor> SameElements(const Tensor& x, DimsView dims) {
  Tensor y = DeepCopy(x);
  if (!y.Reshape(dims).ok()) return {};
  return {y};
}

DOPPIO_OP_ROW(IsNaN)
    .Case([](CaseMaker& c) {
      Tensor x = c.Random(c.ValueType({kFloat, kDouble}), c.Shape());
      x = Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        return At(x, i) < 0 ? std::numeric_limits<double>::quiet_NaN() : At(x, i);
      });
      c.Input("tensor", std::move(x));
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(DataType::kUInt8, c.in(0).dims(),
                       [&](const Dims& i) { return At(c.in(0), i) != At(c.in(0), i) ? 1 : 0; })};
    });

DOPPIO_OP_ROW(Assert)
    .Case([](CaseMaker& c) {
      c.Input("X", *ConvertTensor(c.Random(DataType::kInt8, c.Shape(), 1, 3),
                                  c.OneOf({DataType::kBool, DataType::kInt32, DataType::kInt64})));
    })
    .Reference(Nothing);

DOPPIO_OP_ROW(EnforceFinite)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.ValueType({kFloat, kDouble}), c.Shape()));
    })
    .Reference(Nothing);

DOPPIO_OP_ROW(EnforceShape)
    .Case([](CaseMaker& c) {
      Tensor x = AnyTensor(c);
      std::vector<int64_t> shape(x.dims().begin(), x.dims().end());
      for (int64_t& size : shape) {
        if (c.OneOf({true, false})) size = -1;
      }
      if (c.OneOf({true, false})) c.Arg("dtype", std::string(DataTypeName(x.dtype())));
      if (c.OneOf({true, false})) c.Arg("shape", shape);
      c.Input("X", std::move(x));
    })
    .Reference(Nothing);

DOPPIO_OP_ROW(HasElements)
    .Case([](CaseMaker& c) {
      for (int64_t i = c.Int(0, 2); i >= 0; --i) c.Input(absl::StrCat("X", i), AnyTensor(c));
      c.Output("has_elements");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      bool has_elements = false;
      for (int i = 0; i < c.def.input_size(); ++i) {
        bool has_zero = false;
        for (const int64_t size : c.in(i).dims()) has_zero = has_zero || size == 0;
        has_elements = has_elements || !has_zero;
      }
      return {*Tensor::Scalar<bool>(has_elements)};
    });

DOPPIO_OP_ROW(Fail).NoTensors("it always fails");
DOPPIO_OP_ROW(ThrowException).NoTensors("it always fails");
DOPPIO_OP_ROW(ThrowChildThreadException).NoTensors("it always fails");
DOPPIO_OP_ROW(LogFatal).NoTensors("it always fails");
DOPPIO_OP_ROW(WallClockTime).NoTensors("every run gives another time");

DOPPIO_OP_ROW(ZeroGradient)
    .Case([](CaseMaker& c) { c.Input("X", AnyTensor(c)); })
    .Reference(Nothing)
    .GradientUnchecked("there is no output to differentiate");

DOPPIO_OP_ROW(Size)
    .Case([](CaseMaker& c) {
      c.Input("X", AnyTensor(c));
      c.Output("size");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      int64_t size = 1;
      for (const int64_t d : c.in(0).dims()) size *= d;
      return {*Tensor::Scalar<int64_t>(size)};
    });

DOPPIO_OP_ROW(Flatten)
    .Case([](CaseMaker& c) {
      const int64_t axis = c.Int(0, 3);
      c.Input("X", c.Random(c.ValueType({kFloat, kDouble, DataType::kInt8, DataType::kString}),
                            c.Shape(static_cast<int>(axis))));
      if (axis != 1 || c.Chance()) c.Arg("axis", axis);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      Dims dims = {1, 1};
      for (int i = 0; i < x.rank(); ++i) dims[i < c.Arg<int>("axis", 1) ? 0 : 1] *= x.dim(i);
      return SameElements(x, dims);
    })
    .Differentiable({0});

DOPPIO_OP_ROW(FlattenToVec)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.ValueType({kFloat, kDouble, DataType::kInt8, DataType::kString}),
                            c.Shape(1)));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return SameElements(c.in(0), {c.in(0).numel()});
    })
    .Differentiable({0})
    .NeverScalar("Caffe2 wants a vector");

DOPPIO_OP_ROW(ResizeLike)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(0, 3);
      Dims other(dims.rbegin(), dims.rend());
      if (!dims.empty() && c.Chance()) other.insert(other.begin(), 1);
      c.Input("X", c.Random(c.OneOf({kFloat, DataType::kInt64, DataType::kString}), dims));
      c.Input("like", c.Random(kFloat, other));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return SameElements(c.in(0), c.in(1).dims());
    });

// Y = X.
OpRow& Same(absl::string_view type, int min_rank) {
  return NewOpRow(type)
      .Case([=](CaseMaker& c) {
        c.Input("X", c.Random(c.ValueType({kFloat, kDouble, DataType::kInt64, DataType::kString}),
                              c.Shape(min_rank)));
        if (type == "AliasWithName") c.Arg<std::string>("name", "other");
        c.Output("Y");
      })
      .Reference([](const OpCase& c) { return SameElements(c.in(0), c.in(0).dims()); });
}

[[maybe_unused]] const bool same_rows = [] {
  Same("EnsureCPUOutput", 0);
  Same("CopyFromCPUInput", 0);
  Same("AliasWithName", 0);
  Same("EnsureDense", 1).Differentiable({0}).NeverScalar("Caffe2 wants a vector");
  return true;
}();

DOPPIO_OP_ROW(SumInt)
    .Case([](CaseMaker& c) {
      const DataType type = c.OneOf({DataType::kInt32, DataType::kInt64});
      const Dims dims = c.Shape();
      for (int64_t i = c.Int(0, 3); i >= 0; --i)
        c.Input(absl::StrCat("X", i), c.Random(type, dims, -9, 9));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& i) {
        double sum = 0;
        for (int k = 0; k < c.def.input_size(); ++k) sum += At(c.in(k), i);
        return sum;
      })};
    });

DOPPIO_OP_ROW(Range)
    .Case([](CaseMaker& c) {
      const DataType type = c.OneOf({DataType::kInt32, DataType::kInt64, kFloat, kDouble});
      const auto one = [&](double value) {
        return Generate(type, c.Chance() ? Dims{} : Dims{1}, [=](const Dims&) { return value; });
      };
      const int64_t inputs = c.Int(1, 3);
      const auto start = static_cast<double>(c.Int(-20, 20));
      const auto stop = static_cast<double>(c.Int(-20, 20));
      if (inputs > 1) c.Input("start", one(start));
      c.Input("stop", one(stop));
      if (inputs > 2) c.Input("step", one(c.OneOf({-7, -2, -1, 1, 2, 5})));
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int inputs = c.def.input_size();
      const double start = inputs > 1 ? ElementAsDouble(c.in(0), 0) : 0;
      const double stop = ElementAsDouble(c.in(inputs > 1 ? 1 : 0), 0);
      const double step = inputs > 2 ? ElementAsDouble(c.in(2), 0) : 1;
      std::vector<double> values;
      for (double x = start; step > 0 ? x < stop : x > stop; x += step) values.push_back(x);
      const auto size = static_cast<int64_t>(values.size());
      return {Generate(c.in(0).dtype(), {size},
                       [&](const Dims& i) { return values[static_cast<size_t>(i[0])]; })};
    })
    .InferenceOpen("the number of elements depends on the inputs' values");

DOPPIO_OP_ROW(LengthsToShape)
    .Case([](CaseMaker& c) {
      const auto length = static_cast<double>(c.Int(0, 9));
      c.Input("lengths", c.Random(DataType::kInt32, {1 + c.Shape(1, 1)[0]}, length, length));
      c.Output("shape");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {*Tensor::Of<int32_t>({2}, {static_cast<int32_t>(c.in(0).dim(0)),
                                         static_cast<int32_t>(ElementAsDouble(c.in(0), 0))})};
    })
    .NeverScalar("lengths are a vector")
    .NeverEmpty("no length would be known");

}  // namespace
}  // namespace doppio
