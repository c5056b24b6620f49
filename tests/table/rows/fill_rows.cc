#include <algorithm>
#include <cmath>
#include <set>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

// Gives the fill a shape in one of the ways there are, and returns it.
Dims GiveShape(CaseMaker& c, int min_rank = 0, int max_rank = 4) {
  Dims shape = c.Shape(min_rank, max_rank);
  const int way = static_cast<int>(c.Int(0, 2));
  if (way == 0) {
    c.Arg("shape", std::vector<int64_t>(shape.begin(), shape.end()));
    return shape;
  }
  Dims own = shape;  // what the input has or holds
  std::vector<int64_t> extra;
  while (!own.empty() && c.Chance(0.3)) {
    extra.insert(extra.begin(), own.back());
    own.pop_back();
  }
  if (!extra.empty()) c.Arg("extra_shape", extra);
  if (way == 1) {
    c.Input("input", c.Random(c.OneOf({DataType::kFloat, DataType::kString}), own));
  } else {
    c.Input("input", c.IndexVector(own));
    c.Arg("input_as_shape", 1);
  }
  return shape;
}

Dims ShapeOf(const OpCase& c) {
  std::vector<int64_t> shape = c.Args<int64_t>("shape");
  if (c.def.input_size() > 0) {
    const Tensor& input = c.in(0);
    if (c.Arg<int>("input_as_shape", 0) != 0) {
      for (int64_t i = 0; i < input.numel(); ++i) {
        shape.push_back(static_cast<int64_t>(ElementAsDouble(input, i)));
      }
    } else {
      shape.assign(input.dims().begin(), input.dims().end());
    }
  }
  for (int64_t size : c.Args<int64_t>("extra_shape")) shape.push_back(size);
  return Dims(shape.begin(), shape.end());
}

DOPPIO_OP_ROW(ConstantFill)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.OneOf({DataType::kFloat, DataType::kDouble, DataType::kFloat16, DataType::kBFloat16,
                   DataType::kInt8, DataType::kInt16, DataType::kInt32, DataType::kInt64,
                   DataType::kUInt8, DataType::kUInt16, DataType::kBool, DataType::kString});
      GiveShape(c);
      c.Arg("dtype", static_cast<int>(type));
      if (c.def().input_size() == 1 && c.Chance()) {
        c.Input("value", c.Random(type, {}));
      } else if (type == DataType::kString) {
        c.Arg("value", std::string("a word that is too long for a small string"));
      } else if (IsFloatingPoint(type)) {
        c.Arg("value", 1.5f);
      } else {
        c.Arg("value", 1);
      }
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const auto type = static_cast<DataType>(c.Arg<int>("dtype"));
      Tensor value;
      if (c.def.input_size() == 2) {
        value = c.in(1);
      } else if (type == DataType::kString) {
        value = *Tensor::Scalar(c.Arg<std::string>("value"));
      } else {
        const double number = IsFloatingPoint(type) ? c.Arg<double>("value") : c.Arg<int>("value");
        value = Generate(type, {}, [&](const Dims&) { return number; });
      }
      return {Pick(value, ShapeOf(c), [](const Dims&) { return 0; })};
    });

void GivenTensorCase(CaseMaker& c) {
  const std::string type = c.def().type();
  const Dims shape = GiveShape(c);
  int64_t count = 1;
  for (int64_t size : shape) count *= size;
  if (type == "GivenTensorStringFill") {
    std::vector<std::string> words;
    for (int64_t i = 0; i < count; ++i) words.push_back(absl::StrCat("word ", c.Int(0, 99)));
    c.Arg("values", words);
  } else if (type == "GivenTensorByteStringToUInt8Fill") {
    std::string bytes;
    for (int64_t i = 0; i < count; ++i) bytes.push_back(static_cast<char>(c.Int(0, 255)));
    c.Arg("values", std::vector<std::string>{bytes});
  } else if (type == "GivenTensorFill" || type == "GivenTensorDoubleFill" ||
             type == "GivenTensorFp16Fill") {
    std::vector<float> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(c.Real(-9, 9)));
    c.Arg("values", values);
  } else {
    std::vector<int64_t> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(c.Int(-9, 9));
    c.Arg("values", values);
  }
  c.Output("Y");
}

template <DataType kType>
std::vector<Tensor> GivenValues(const OpCase& c) {
  const Dims dims = ShapeOf(c);
  const auto words = c.Args<std::string>("values");
  if (kType == DataType::kString) {
    const Tensor all = *Tensor::FromSpan<std::string>({static_cast<int64_t>(words.size())}, words);
    return {Pick(all, dims, [&](const Dims& i) { return FlatIndex(dims, i); })};
  }
  const auto floats = c.Args<float>("values");
  const auto ints = c.Args<int64_t>("values");
  return {Generate(kType, dims, [&](const Dims& index) -> double {
    const auto i = static_cast<size_t>(FlatIndex(dims, index));
    if (kType == DataType::kUInt8) return static_cast<uint8_t>(words[0][i]);
    if (IsFloatingPoint(kType)) return floats[i];
    return static_cast<double>(kType == DataType::kBool ? ints[i] != 0 : ints[i]);
  })};
}

#define GIVEN_TENSOR_ROW(Type, dtype) \
  DOPPIO_OP_ROW(Type).Case(GivenTensorCase).Reference(GivenValues<dtype>).Tolerance(0)

GIVEN_TENSOR_ROW(GivenTensorFill, DataType::kFloat);
GIVEN_TENSOR_ROW(GivenTensorBoolFill, DataType::kBool);
GIVEN_TENSOR_ROW(GivenTensorDoubleFill, DataType::kDouble);
GIVEN_TENSOR_ROW(GivenTensorFp16Fill, DataType::kFloat16);
GIVEN_TENSOR_ROW(GivenTensorInt16Fill, DataType::kInt16);
GIVEN_TENSOR_ROW(GivenTensorIntFill, DataType::kInt32);
GIVEN_TENSOR_ROW(GivenTensorInt64Fill, DataType::kInt64);
GIVEN_TENSOR_ROW(GivenTensorStringFill, DataType::kString);
GIVEN_TENSOR_ROW(GivenTensorByteStringToUInt8Fill, DataType::kUInt8);

// Empty unless y has the shape that was asked for and numbers in [least, most] whose mean is near
// the middle, as far as there are enough of them to tell.
std::string LooksRandom(const OpCase& c, const Tensor& y, double least, double most) {
  if (y.dims() != DimsView(ShapeOf(c))) return absl::StrCat("shape of ", y.TypeAndShape());
  double sum = 0;
  for (int64_t i = 0; i < y.numel(); ++i) {
    const double value = ElementAsDouble(y, i);
    if (!(value >= least && value <= most)) return absl::StrCat("element ", i, " is ", value);
    sum += value;
  }
  const double count = static_cast<double>(y.numel());
  const double mean = count == 0 ? 0 : sum / count;
  const double middle = (least + most) / 2;
  // Ten standard deviations of the mean of numbers that are within (most - least) / 2 of it.
  if (count > 100 && std::abs(mean - middle) > 5 * (most - least) / std::sqrt(count)) {
    return absl::StrCat("the mean is ", mean, ", and not about ", middle);
  }
  return "";
}

void FillCase(CaseMaker& c, int min_rank) {
  GiveShape(c, min_rank);
  c.Output("Y");
}

template <typename T>
void UniformCase(CaseMaker& c) {
  FillCase(c, 0);
  const T least = static_cast<T>(c.Int(-5, 5));
  const T most = static_cast<T>(least + static_cast<T>(c.Int(1, 5)));
  if (c.def().input_size() == 1 && c.Chance()) {
    c.Input("min", *Tensor::Scalar(least));
    c.Input("max", *Tensor::Scalar(most));
  } else {
    c.Arg("min", least);
    c.Arg("max", most);
  }
}

template <typename T>
std::string IsUniform(const OpCase& c, const std::vector<Tensor>& y) {
  const bool inputs = c.def.input_size() == 3;
  const T least = inputs ? *c.in(1).data<T>() : c.Arg<T>("min");
  const T most = inputs ? *c.in(2).data<T>() : c.Arg<T>("max");
  return LooksRandom(c, y[0], least, most);
}

DOPPIO_OP_ROW(UniformFill).Case(UniformCase<float>).Property(IsUniform<float>);
DOPPIO_OP_ROW(UniformIntFill).Case(UniformCase<int32_t>).Property(IsUniform<int32_t>);

DOPPIO_OP_ROW(GaussianFill)
    .Case([](CaseMaker& c) {
      FillCase(c, 0);
      c.Arg("mean", 3.0f);
      c.Arg("std", 0.5f);
    })
    .Property([](const OpCase& c, const std::vector<Tensor>& y) {
      return LooksRandom(c, y[0], 3 - 8 * 0.5, 3 + 8 * 0.5);
    });

DOPPIO_OP_ROW(XavierFill)
    .Case([](CaseMaker& c) { FillCase(c, 1); })
    .Property([](const OpCase& c, const std::vector<Tensor>& y) {
      const double fan_in =
          y[0].numel() == 0 ? 1.0 : static_cast<double>(y[0].numel() / y[0].dim(0));
      const double scale = std::sqrt(3 / fan_in) + 1e-6;
      return LooksRandom(c, y[0], -scale, scale);
    })
    .NeverScalar("a scalar has no fan-in");

DOPPIO_OP_ROW(MSRAFill)
    .Case([](CaseMaker& c) { FillCase(c, 2); })
    .Property([](const OpCase& c, const std::vector<Tensor>& y) {
      const double fan_out =
          y[0].numel() == 0 ? 1.0 : static_cast<double>(y[0].numel() / y[0].dim(1));
      return LooksRandom(c, y[0], -8 * std::sqrt(2 / fan_out), 8 * std::sqrt(2 / fan_out));
    })
    .NeverScalar("a scalar has no fan-out");

DOPPIO_OP_ROW(RangeFill)
    .Case([](CaseMaker& c) {
      GiveShape(c);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Dims dims = ShapeOf(c);
      return {Generate(DataType::kFloat, dims,
                       [&](const Dims& i) { return static_cast<double>(FlatIndex(dims, i)); })};
    });

DOPPIO_OP_ROW(DiagonalFill)
    .Case([](CaseMaker& c) {
      if (c.Chance()) {
        GiveShape(c, 2, 2);
      } else {
        const int64_t size = c.Shape(3, 3)[0];
        c.Arg("shape", std::vector<int64_t>(static_cast<size_t>(c.Int(2, 3)), size));
      }
      if (c.Chance()) {
        c.Arg("dtype",
              static_cast<int>(c.OneOf({DataType::kFloat, DataType::kDouble, DataType::kFloat16})));
        c.Arg("value", 1.5f);
      } else {
        c.Arg("dtype", static_cast<int>(c.OneOf({DataType::kBool, DataType::kInt8, DataType::kInt16,
                                                 DataType::kInt32, DataType::kInt64,
                                                 DataType::kUInt8, DataType::kUInt16})));
        c.Arg("value", 1);
      }
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const auto type = static_cast<DataType>(c.Arg<int>("dtype"));
      const double value = IsFloatingPoint(type) ? 1.5 : 1;
      return {Generate(type, ShapeOf(c), [&](const Dims& i) {
        const bool is_equal =
            std::all_of(i.begin(), i.end(), [&](int64_t index) { return index == i[0]; });
        return is_equal ? value : 0;
      })};
    })
    .NeverScalar("a scalar has no diagonal");

DOPPIO_OP_ROW(UniqueUniformFill)
    .Case([](CaseMaker& c) {
      FillCase(c, 0);
      const auto count = static_cast<int64_t>(*NumElements(ShapeOf(c.result())));
      const DataType type = c.OneOf({DataType::kInt32, DataType::kInt64});
      c.Arg("dtype", static_cast<int>(type));
      c.Arg("min", int64_t{-5});
      c.Arg("max", count + c.Int(0, 3));
      if (c.def().input_size() == 1 && c.Chance()) {
        c.Input("avoid", *ConvertTensor(c.Vector<int64_t>({-5, 0}), type));
      }
    })
    .Property([](const OpCase& c, const std::vector<Tensor>& y) -> std::string {
      std::set<double> seen;
      if (c.def.input_size() > 1) seen = {-5, 0};
      for (int64_t i = 0; i < y[0].numel(); ++i) {
        const double value = ElementAsDouble(y[0], i);
        if (value < -5 || value > static_cast<double>(c.Arg<int64_t>("max")))
          return "out of bounds";
        if (!seen.insert(value).second) return absl::StrCat(value, " is there twice, or avoided");
      }
      return y[0].dims() == DimsView(ShapeOf(c)) ? "" : "the shape is another one";
    })
    .MayAllocate("numbers that were drawn are kept in a set");

}  // namespace
}  // namespace doppio
