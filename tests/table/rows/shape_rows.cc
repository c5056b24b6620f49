#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(Expand)
    .Case([](CaseMaker& c) {
      const Dims y = c.Shape(0, 5);
      const Dims x = c.BroadcastsTo(y);
      // `shape` may be shorter than X, and say 1 or -1 where X has the size already.
      Dims shape = y;
      for (size_t back = 1; back <= x.size(); ++back) {
        int64_t& size = shape[shape.size() - back];
        if (x[x.size() - back] == size && c.Chance(0.3)) size = c.Chance() ? 1 : -1;
      }
      if (x.size() == y.size()) {
        while (!shape.empty() && x[x.size() - shape.size()] == y[y.size() - shape.size()] &&
               c.Chance(0.3)) {
          shape.erase(shape.begin());
        }
      }
      c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32,
                                         DataType::kInt64, DataType::kBool, DataType::kUInt8,
                                         DataType::kFloat16, DataType::kString}),
                            x));
      c.Input("shape", c.IndexVector(shape));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      Dims dims(static_cast<size_t>(std::max<int64_t>(x.rank(), c.in(1).numel())), 1);
      for (size_t i = 0; i < dims.size(); ++i) {
        const size_t back = dims.size() - i;
        if (back <= x.dims().size()) dims[i] = x.dims()[x.dims().size() - back];
        const int64_t given = static_cast<int64_t>(back);
        if (given > c.in(1).numel()) continue;
        const double size = ElementAsDouble(c.in(1), c.in(1).numel() - given);
        if (dims[i] == 1 && size >= 0) dims[i] = static_cast<int64_t>(size);
      }
      return {Pick(x, dims, [&](const Dims& index) { return FlatIndex(x.dims(), index); })};
    })
    .Differentiable({0});

DOPPIO_OP_ROW(ExpandGradient).CheckedByGradientOf("Expand");

// What only moves elements takes them all; these have every size and both ways of copying.
constexpr std::initializer_list<DataType> kAnyType = {
    DataType::kFloat,   DataType::kDouble, DataType::kInt32, DataType::kInt64,
    DataType::kFloat16, DataType::kUInt8,  DataType::kBool,  DataType::kString};

// The elements of `source` in their order.
Tensor Reshaped(const Tensor& source, DimsView dims) {
  return Pick(source, dims, [&](const Dims& index) { return FlatIndex(dims, index); });
}

DOPPIO_OP_ROW(ExpandDims)
    .Case([](CaseMaker& c) {
      const Dims x = c.Shape();
      const int64_t count = c.Int(1, 3);
      std::vector<int64_t> dims;
      for (int64_t i = 0; i < count; ++i) {
        dims.push_back(c.Int(0, static_cast<int64_t>(x.size())));
      }
      c.Input("X", c.Random(c.ValueType(kAnyType), x));
      c.Arg("dims", dims);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      std::vector<int64_t> dims = c.Args<int64_t>("dims");
      std::sort(dims.begin(), dims.end());
      dims.erase(std::unique(dims.begin(), dims.end()), dims.end());
      Dims y(c.in(0).dims().begin(), c.in(0).dims().end());
      for (int64_t dim : dims) y.insert(y.begin() + dim, 1);
      return {Reshaped(c.in(0), y)};
    })
    .Differentiable({0});

DOPPIO_OP_ROW(Squeeze)
    .Case([](CaseMaker& c) {
      Dims x = c.Shape(1, 5);
      std::vector<int64_t> dims;
      for (size_t i = 0; i < x.size(); ++i) {
        if (i > 0 && c.Chance()) continue;
        if (x[i] > 0) x[i] = 1;
        if (x[i] == 1) dims.push_back(static_cast<int64_t>(i));
      }
      if (dims.empty()) {
        dims = {0, 0};  // repeated ones count once
        x[0] = 1;
      }
      c.Input("X", c.Random(c.ValueType(kAnyType), x));
      c.Arg("dims", dims);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const std::vector<int64_t> dims = c.Args<int64_t>("dims");
      Dims y;
      for (int i = 0; i < c.in(0).rank(); ++i) {
        if (std::find(dims.begin(), dims.end(), i) == dims.end()) y.push_back(c.in(0).dim(i));
      }
      return {Reshaped(c.in(0), y)};
    })
    .Differentiable({0});

DOPPIO_OP_ROW(Reshape)
    .Case([](CaseMaker& c) {
      const Dims x = c.Shape();
      Dims shape = x;
      // Dimensions are split and joined; then some are said as 0 and one as -1.
      if (!shape.empty() && c.Chance()) {
        const size_t i = static_cast<size_t>(c.Int(0, static_cast<int64_t>(shape.size()) - 1));
        shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(i), shape[i] % 2 == 0 ? 2 : 1);
        if (shape[i] == 2) shape[i + 1] /= 2;
      }
      if (shape.size() > 1 && c.Chance()) {
        shape[shape.size() - 2] *= shape.back();
        shape.pop_back();
      }
      const bool has_elements = std::count(x.begin(), x.end(), 0) == 0;
      for (size_t i = 0; i < shape.size(); ++i) {
        if (i < x.size() && shape[i] == x[i] && c.Chance(0.3)) shape[i] = 0;
        // A 0 means what X has there.
        if (shape[i] == 0 && (i >= x.size() || x[i] != 0) && !has_elements) shape = x;
      }
      if (!shape.empty() && has_elements && c.Chance()) shape.back() = -1;
      c.Input("X", c.Random(c.ValueType(kAnyType), x));
      if (c.Chance()) {
        c.Input("shape", c.IndexVector(shape));
      } else {
        c.Arg("shape", std::vector<int64_t>(shape.begin(), shape.end()));
      }
      c.Output("Y");
      c.Output("old_shape");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      std::vector<int64_t> shape = c.Args<int64_t>("shape");
      if (c.def.input_size() == 2) {
        for (int64_t i = 0; i < c.in(1).numel(); ++i) {
          shape.push_back(static_cast<int64_t>(ElementAsDouble(c.in(1), i)));
        }
      }
      int64_t known = 1;
      for (size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == 0) shape[i] = x.dim(static_cast<int>(i));
        if (shape[i] >= 0) known *= shape[i];
      }
      for (int64_t& size : shape) {
        if (size == -1) size = x.numel() / known;
      }
      return {Reshaped(x, shape), *Tensor::FromSpan<int64_t>({x.rank()}, x.dims())};
    })
    .Differentiable({0});

DOPPIO_OP_ROW(Shape)
    .Case([](CaseMaker& c) {
      const Dims x = c.Shape();
      c.Input("X", c.Random(c.ValueType(kAnyType), x));
      if (!x.empty() && c.Chance()) {
        const int64_t last = static_cast<int64_t>(x.size()) - 1;
        c.Arg("axes", std::vector<int64_t>{c.Int(0, last), c.Int(0, last)});
      }
      c.Output("shape");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      Dims sizes;
      for (int64_t axis : c.Args<int64_t>("axes")) sizes.push_back(c.in(0).dims()[axis]);
      if (c.def.arg_size() == 0) sizes.assign(c.in(0).dims().begin(), c.in(0).dims().end());
      return {*Tensor::FromSpan<int64_t>({static_cast<int64_t>(sizes.size())}, sizes)};
    });

DOPPIO_OP_ROW(Transpose)
    .Case([](CaseMaker& c) {
      const Dims x = c.Shape(0, 5);
      c.Input("X", c.Random(c.ValueType(kAnyType), x));
      const std::vector<int> axes = c.Permutation(static_cast<int>(x.size()));
      if (c.Chance(0.8)) c.Arg("axes", axes);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      std::vector<int> axes = c.Args<int>("axes");
      if (axes.empty()) {
        for (int i = x.rank() - 1; i >= 0; --i) axes.push_back(i);
      }
      Dims y;
      for (int axis : axes) y.push_back(x.dim(axis));
      return {Pick(x, y, [&](const Dims& index) {
        Dims source(index.size());
        for (size_t i = 0; i < index.size(); ++i) source[static_cast<size_t>(axes[i])] = index[i];
        return FlatIndex(x.dims(), source);
      })};
    })
    .Differentiable({0});

void CopyCase(CaseMaker& c) {
  const Dims x = c.Shape();
  c.Input("X", c.Random(c.ValueType(kAnyType), x));
  if (c.def().type() == "CopyOnDeviceLike") {
    c.Input("like", c.Random(c.OneOf(kAnyType), c.Shape()));
  }
  c.Output("Y");
}

std::vector<Tensor> Copied(const OpCase& c) { return {c.in(0)}; }

DOPPIO_OP_ROW(Copy).Case(CopyCase).Reference(Copied).Differentiable({0});
DOPPIO_OP_ROW(CopyOnDeviceLike).Case(CopyCase).Reference(Copied);
DOPPIO_OP_ROW(StopGradient).Case(CopyCase).Reference(Copied);

// What a number becomes, as the kernel's header says it.
double Converted(double value, DataType from, DataType to) {
  if (to == DataType::kBool) return value != 0 ? 1 : 0;
  if (IsFloatingPoint(to)) return value;
  const bool is_signed = to == DataType::kInt8 || to == DataType::kInt16 ||
                         to == DataType::kInt32 || to == DataType::kInt64;
  const double range = std::ldexp(1.0, static_cast<int>(DataTypeSize(to)) * 8);
  const double least = is_signed ? -range / 2 : 0;
  const double whole = std::trunc(value);
  if (IsFloatingPoint(from)) return std::clamp(whole, least, least + (range - 1));
  return whole - range * std::floor((whole - least) / range);
}

constexpr std::initializer_list<DataType> kNumbers = {
    DataType::kFloat,  DataType::kDouble,  DataType::kBool,    DataType::kInt8,
    DataType::kInt16,  DataType::kInt32,   DataType::kInt64,   DataType::kUInt8,
    DataType::kUInt16, DataType::kFloat16, DataType::kBFloat16};

DOPPIO_OP_ROW(Cast)
    .Case([](CaseMaker& c) {
      const DataType from = c.ValueType(kNumbers);
      const DataType to = c.ValueType(kNumbers);
      const bool in_name = c.Chance();
      c.Input("X", c.Random(from, c.Shape(), -300, 300));
      if (in_name) {
        c.Arg("to", std::string(DataTypeName(to)));
        c.Arg("from_type", std::string(DataTypeName(from)));
      } else {
        c.Arg("to", static_cast<int>(to));
        c.Arg("from_type", static_cast<int>(from));
      }
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      ArgumentReader reader(c.def, nullptr);
      const DataType to = reader.GetDataTypeArgument("to", DataType::kUndefined);
      return {Generate(to, x.dims(),
                       [&](const Dims& index) { return Converted(At(x, index), x.dtype(), to); })};
    })
    .Tolerance(0)
    .Cases(150)
    .Differentiable({0});

DOPPIO_OP_ROW(PrependDim)
    .Case([](CaseMaker& c) {
      Dims x = c.Shape(1);
      const int64_t size = c.Int(1, 3);
      x[0] *= size;
      c.Input("X", c.Random(c.ValueType(kAnyType), x));
      c.Arg("dim_size", size);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      Dims y(c.in(0).dims().begin(), c.in(0).dims().end());
      const int64_t size = c.Arg<int64_t>("dim_size");
      y[0] /= size;
      y.insert(y.begin(), size);
      return {Reshaped(c.in(0), y)};
    })
    .NeverScalar("a dimension is split")
    .Differentiable({0});

DOPPIO_OP_ROW(MergeDim)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.ValueType(kAnyType), c.Shape(2)));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      Dims y(c.in(0).dims().begin() + 1, c.in(0).dims().end());
      y[0] *= c.in(0).dim(0);
      return {Reshaped(c.in(0), y)};
    })
    .NeverScalar("two dimensions become one");

}  // namespace
}  // namespace doppio
