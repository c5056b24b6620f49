#include <algorithm>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

Tensor Indices(CaseMaker& c, DimsView dims, int64_t least, int64_t size) {
  return c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), dims, static_cast<double>(least),
                  static_cast<double>(size - 1));
}

// Few, since there is a slice for each: the large ones would take all memory.
Dims IndexDims(CaseMaker& c) {
  Dims dims(static_cast<size_t>(c.Int(0, 2)));
  if (!dims.empty()) dims[0] = c.Size();
  if (dims.size() > 1) dims[1] = c.Int(1, 3);
  return dims;
}

std::vector<Tensor> GatherReference(const OpCase& c, int axis) {
  const Tensor& data = c.in(0);
  const Tensor& indices = c.in(1);
  if (axis < 0) axis += data.rank();
  if (data.dim(axis) == 0) return {data};
  const int skipped = c.Arg<bool>("match_outer") ? axis : 0;
  Dims dims(data.dims().begin(), data.dims().begin() + axis);
  const size_t first = dims.size();
  dims.insert(dims.end(), indices.dims().begin() + skipped, indices.dims().end());
  const size_t last = dims.size();
  dims.insert(dims.end(), data.dims().begin() + axis + 1, data.dims().end());
  return {Pick(data, dims, [&](const Dims& i) {
    Dims at(i.begin() + static_cast<std::ptrdiff_t>(skipped > 0 ? 0 : first),
            i.begin() + static_cast<std::ptrdiff_t>(last));
    int64_t index = static_cast<int64_t>(At(indices, at));
    if (index < 0) index += data.dim(axis);
    Dims from(i.begin(), i.begin() + static_cast<std::ptrdiff_t>(first));
    from.push_back(index);
    from.insert(from.end(), i.begin() + static_cast<std::ptrdiff_t>(last), i.end());
    return FlatIndex(data.dims(), from);
  })};
}

DOPPIO_OP_ROW(Gather)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt64, DataType::kInt8,
                       DataType::kFloat16, DataType::kBool, DataType::kString});
      const bool has_gradient = type == DataType::kFloat || type == DataType::kDouble;
      const Dims data = c.Shape(1, 3);
      const int rank = static_cast<int>(data.size());
      const int axis = static_cast<int>(c.Int(0, rank - 1));
      const int given_axis = c.Chance(0.3) ? axis - rank : axis;
      Dims indices = IndexDims(c);
      const bool match_outer = axis > 0 && c.Chance(0.3);
      if (match_outer) indices.insert(indices.begin(), data.begin(), data.begin() + axis);
      const int64_t size = data[static_cast<size_t>(axis)];
      const bool dense = c.Chance();
      // The gradient along axis 0 wants indices that are not negative, and a sparse one those of
      // rows that are there.
      if (size == 0 && given_axis == 0 && has_gradient && !dense) indices = {0};
      const bool wrap = size > 0 && (given_axis == 0 ? !has_gradient : c.Chance());
      c.Input("DATA", c.Random(type, data));
      c.Input("INDICES", Indices(c, indices, wrap ? -size : 0, std::max<int64_t>(size, 1)));
      if (given_axis != 0) c.Arg("axis", given_axis);
      if (match_outer) c.Arg("match_outer", 1);
      if (wrap && given_axis != 0) c.Arg("wrap_indices", 1);
      if (dense) c.Arg("dense_gradient", 1);
      c.Output("OUTPUT");
    })
    .Reference([](const OpCase& c) { return GatherReference(c, c.Arg<int>("axis")); })
    .Differentiable({0});

DOPPIO_OP_ROW(BatchGather)
    .Case([](CaseMaker& c) {
      const Dims data = c.Shape(2, 4);
      Dims indices = IndexDims(c);
      const bool match_outer = c.Chance(0.3);
      if (match_outer) indices.insert(indices.begin(), data[0]);
      c.Input("DATA", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kUInt8,
                                            DataType::kString}),
                               data));
      c.Input("INDICES", Indices(c, indices, 0, std::max<int64_t>(data[1], 1)));
      if (match_outer) c.Arg("match_outer", 1);
      c.Output("OUTPUT");
    })
    .Reference([](const OpCase& c) { return GatherReference(c, 1); })
    .Differentiable({0});

DOPPIO_OP_ROW(BatchGatherGradient).CheckedByGradientOf("BatchGather");

DOPPIO_OP_ROW(ScatterWeightedSum)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Dims table = c.Shape(1, 3);
      Dims slices = table;
      slices[0] = table[0] == 0 ? 0 : c.Size();
      c.Input("X", c.Random(type, table));
      c.Input("w", c.Chance() ? *ConvertTensor(*Tensor::Of<float>({1}, {1}), type)
                              : c.Random(type, {1}, 0.5, 1));
      c.Input("indices", Indices(c, {slices[0]}, 0, table[0]));
      const int64_t pairs = c.Int(1, 3);
      for (int64_t i = 0; i < pairs; ++i) {
        c.Input(absl::StrCat("X", i), c.Random(type, slices));
        const DataType weight = c.Chance() ? DataType::kFloat : type;
        c.Input(absl::StrCat("w", i), c.Random(weight, c.Chance() ? Dims{} : Dims{1}));
      }
      c.Output("X");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t block = SizeFromDim(x.dims(), 1);
      std::vector<double> sums;
      for (int64_t i = 0; i < x.numel(); ++i) sums.push_back(ElementAsDouble(x, i));
      const auto at = [&](int64_t k, int64_t j) -> double& {
        return sums[static_cast<size_t>(static_cast<int64_t>(ElementAsDouble(c.in(2), k)) * block +
                                        j)];
      };
      for (int64_t k = 0; k < c.in(2).numel(); ++k) {
        for (int64_t j = 0; j < block; ++j) at(k, j) *= ElementAsDouble(c.in(1), 0);
      }
      for (int i = 3; i < c.def.input_size(); i += 2) {
        for (int64_t k = 0; k < c.in(2).numel(); ++k) {
          for (int64_t j = 0; j < block; ++j)
            at(k, j) += ElementAsDouble(c.in(i + 1), 0) * ElementAsDouble(c.in(i), k * block + j);
        }
      }
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        return sums[static_cast<size_t>(FlatIndex(x.dims(), i))];
      })};
    })
    .Tolerance(1e-4);

DOPPIO_OP_ROW(ScatterAssign)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.ValueType({DataType::kFloat, DataType::kInt32, DataType::kUInt8, DataType::kString});
      const Dims data = c.Shape(1, 3);
      Dims slices = data;
      slices[0] = data[0] == 0 ? 0 : c.Size();
      c.Input("X", c.Random(type, data));
      c.Input("indices", Indices(c, {slices[0]}, 0, data[0]));
      c.Input("slices", c.Random(type, slices));
      c.Output("X");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t block = SizeFromDim(x.dims(), 1);
      // Elements of DATA and SLICES side by side, and which of them each element becomes.
      std::vector<int64_t> source;
      for (int64_t i = 0; i < x.numel(); ++i) source.push_back(-1);
      for (int64_t k = 0; k < c.in(1).numel(); ++k) {
        const int64_t row = static_cast<int64_t>(ElementAsDouble(c.in(1), k));
        for (int64_t j = 0; j < block; ++j)
          source[static_cast<size_t>(row * block + j)] = k * block + j;
      }
      Tensor result = DeepCopy(x);
      for (int64_t i = 0; i < x.numel(); ++i) {
        const int64_t from = source[static_cast<size_t>(i)];
        if (from < 0) continue;
        if (x.Is<std::string>()) {
          result.mutable_data<std::string>()[i] = c.in(2).data<std::string>()[from];
        } else {
          const size_t bytes = DataTypeSize(x.dtype());
          const char* in = static_cast<const char*>(c.in(2).raw_data());
          char* out = static_cast<char*>(result.raw_mutable_data());
          std::copy_n(in + static_cast<size_t>(from) * bytes, bytes,
                      out + static_cast<size_t>(i) * bytes);
        }
      }
      return {result};
    })
    .NeverScalar("DATA has rows");

}  // namespace
}  // namespace doppio
