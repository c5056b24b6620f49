#include <algorithm>

#include "tests/table/rows/lengths.h"

namespace doppio {
namespace {

constexpr std::initializer_list<DataType> kAnyType = {
    DataType::kFloat,   DataType::kDouble, DataType::kInt32, DataType::kInt64,
    DataType::kFloat16, DataType::kUInt8,  DataType::kBool,  DataType::kString};

// Where Concat and Split work in a case.
struct Place {
  int axis;
  bool add_axis;
};

// Writes the arguments that say the same; `add_axis` of operators that have it.
void GiveAxis(CaseMaker& c, Place place, int rank, bool has_add_axis = true) {
  if (place.axis == 1 && !place.add_axis && c.Chance(0.3)) {
    if (c.Chance()) c.Arg("order", std::string("NCHW"));
    return;
  }
  if (place.axis == 3 && !place.add_axis && c.Chance(0.3)) {
    c.Arg("order", std::string("NHWC"));
    return;
  }
  c.Arg("axis", c.Chance() ? place.axis : place.axis - rank);
  if (place.add_axis || (has_add_axis && c.Chance(0.2))) {
    c.Arg("add_axis", place.add_axis ? 1 : 0);
  }
}

Place AxisOf(const OpCase& c, int rank) {
  const bool nhwc = c.Arg<std::string>("order") == "NHWC";
  const int axis = c.Arg<int>("axis", nhwc ? 3 : 1);
  return {axis < 0 ? axis + rank : axis, c.Arg<int>("add_axis", 0) != 0};
}

void ConcatCase(CaseMaker& c) {
  const Dims first = c.Shape();
  const bool add_axis = first.empty() || c.Chance(0.3);
  const int rank = static_cast<int>(first.size()) + (add_axis ? 1 : 0);
  const Place place{static_cast<int>(c.Int(0, rank - 1)), add_axis};
  const DataType type = c.ValueType(kAnyType);
  const int64_t count = c.Int(1, 3);
  for (int64_t i = 0; i < count; ++i) {
    Dims dims = first;
    if (!add_axis && i > 0) dims[static_cast<size_t>(place.axis)] = c.Size();
    c.Input(absl::StrCat("X", i), c.Random(type, dims));
  }
  GiveAxis(c, place, rank);
  c.Output("Y");
  c.Output("split_info");
}

std::vector<Tensor> Concatenated(const OpCase& c) {
  const Tensor& first = c.in(0);
  const int count = c.def.input_size();
  const Place place = AxisOf(c, first.rank() + (c.Arg<int>("add_axis", 0) != 0 ? 1 : 0));
  const auto axis = static_cast<size_t>(place.axis);
  std::vector<int32_t> sizes;
  std::vector<int> owner;       // of each index along the axis: the input
  std::vector<int64_t> within;  // and the index there
  for (int i = 0; i < count; ++i) {
    sizes.push_back(place.add_axis ? 1 : static_cast<int32_t>(c.in(i).dims()[axis]));
    for (int64_t k = 0; k < sizes.back(); ++k) {
      owner.push_back(i);
      within.push_back(k);
    }
  }
  Dims dims(first.dims().begin(), first.dims().end());
  if (place.add_axis) dims.insert(dims.begin() + place.axis, 0);
  dims[axis] = static_cast<int64_t>(owner.size());
  // Pick takes from one tensor: all inputs behind one another.
  std::vector<int64_t> begins(1, 0);
  for (int i = 0; i < count; ++i) begins.push_back(begins.back() + c.in(i).numel());
  Tensor all = *Tensor::Create(first.dtype(), {begins.back()});
  for (int i = 0; i < count; ++i) {
    if (first.Is<std::string>()) {
      std::copy_n(c.in(i).data<std::string>(), c.in(i).numel(),
                  all.mutable_data<std::string>() + begins[static_cast<size_t>(i)]);
    } else if (c.in(i).numel() > 0) {
      std::copy_n(
          static_cast<const char*>(c.in(i).raw_data()), c.in(i).bytes(),
          static_cast<char*>(all.raw_mutable_data()) +
              begins[static_cast<size_t>(i)] * static_cast<int64_t>(DataTypeSize(first.dtype())));
    }
  }
  Tensor y = Pick(all, dims, [&](const Dims& index) {
    const auto k = static_cast<size_t>(index[axis]);
    Dims source = index;
    source[axis] = within[k];
    if (place.add_axis) source.erase(source.begin() + place.axis);
    return begins[static_cast<size_t>(owner[k])] + FlatIndex(c.in(owner[k]).dims(), source);
  });
  return {y, *Tensor::FromSpan<int32_t>({count}, sizes)};
}

DOPPIO_OP_ROW(Concat).Case(ConcatCase).Reference(Concatenated).Differentiable({0, 1, 2});
DOPPIO_OP_ROW(DepthConcat).Case(ConcatCase).Reference(Concatenated).Differentiable({0, 1, 2});

void SplitCase(CaseMaker& c) {
  Dims x = c.Shape();
  const bool add_axis = x.empty() || c.Chance(0.3);
  if (add_axis) x.push_back(c.Size());
  const int rank = static_cast<int>(x.size());
  const Place place{static_cast<int>(c.Int(0, rank - 1)), add_axis};
  const int64_t count = c.Int(1, 3);
  Dims lengths;
  int64_t& size = x[static_cast<size_t>(place.axis)];
  const bool equal = !add_axis && c.Chance(0.3);
  for (int64_t i = 0; i < count; ++i) {
    lengths.push_back(add_axis ? 1 : equal && i > 0 ? lengths[0] : c.Int(0, size));
  }
  size = 0;
  for (int64_t length : lengths) size += length;
  c.Input("X", c.Random(c.ValueType(kAnyType), x));
  const bool as_input = !equal && c.Chance();
  if (as_input) c.Input("split", c.IndexVector(lengths));
  GiveAxis(c, place, rank);
  if (!as_input && !equal) {
    c.Arg("split", std::vector<int64_t>(lengths.begin(), lengths.end()));
  }
  for (int64_t i = 0; i < count; ++i) c.Output(absl::StrCat("Y", i));
}

// The parts of input 0 that are so long.
std::vector<Tensor> PartsOf(const OpCase& c, const std::vector<int64_t>& lengths) {
  const Tensor& x = c.in(0);
  const Place place = AxisOf(c, x.rank());
  const auto axis = static_cast<size_t>(place.axis);
  std::vector<Tensor> parts;
  int64_t begin = 0;
  for (int64_t length : lengths) {
    Dims dims(x.dims().begin(), x.dims().end());
    dims[axis] = length;
    if (place.add_axis) dims.erase(dims.begin() + place.axis);
    parts.push_back(Pick(x, dims, [&](const Dims& index) {
      Dims source = index;
      if (place.add_axis) source.insert(source.begin() + place.axis, 0);
      source[axis] += begin;
      return FlatIndex(x.dims(), source);
    }));
    begin += length;
  }
  return parts;
}

std::vector<Tensor> Parts(const OpCase& c) {
  const Tensor& x = c.in(0);
  const int count = c.def.output_size();
  std::vector<int64_t> lengths = c.Args<int64_t>("split");
  for (int i = 0; c.def.input_size() == 2 && i < count; ++i) {
    lengths.push_back(static_cast<int64_t>(ElementAsDouble(c.in(1), i)));
  }
  const auto axis = static_cast<size_t>(AxisOf(c, x.rank()).axis);
  if (lengths.empty()) lengths.assign(static_cast<size_t>(count), x.dims()[axis] / count);
  return PartsOf(c, lengths);
}

DOPPIO_OP_ROW(Split).Case(SplitCase).Reference(Parts).Differentiable({0});
DOPPIO_OP_ROW(DepthSplit).Case(SplitCase).Reference(Parts).Differentiable({0});

DOPPIO_OP_ROW(SplitByLengths)
    .Case([](CaseMaker& c) {
      Dims x = c.Shape(1);
      const auto axis = static_cast<size_t>(c.Int(0, static_cast<int64_t>(x.size()) - 1));
      const int64_t count = c.Int(1, 3);
      const Tensor lengths = c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}),
                                      {count * c.Int(0, 3)}, 0, static_cast<double>(x[axis]));
      x[axis] = Sum(lengths);
      if (c.Chance()) {
        c.Arg("use_scaling_lengths", true);
        x[axis] *= c.Int(1, 3);
      }
      c.Input("X", c.Random(c.ValueType(kAnyType), x));
      c.Input("lengths", lengths);
      GiveAxis(c, {static_cast<int>(axis), false}, static_cast<int>(x.size()), false);
      for (int64_t i = 0; i < count; ++i) c.Output(absl::StrCat("Y", i));
    })
    .Reference([](const OpCase& c) {
      const int64_t count = c.def.output_size();
      const int64_t each = c.in(1).numel() / count;
      const int64_t size = c.in(0).dim(AxisOf(c, c.in(0).rank()).axis);
      std::vector<int64_t> lengths(static_cast<size_t>(count), 0);
      for (int64_t i = 0; i < c.in(1).numel(); ++i) {
        lengths[static_cast<size_t>(i / each)] +=
            IntegerAt(c.in(1), i) * size / std::max<int64_t>(Sum(c.in(1)), 1);
      }
      return PartsOf(c, lengths);
    })
    .NeverScalar("there must be an axis")
    .Differentiable({0});

DOPPIO_OP_ROW(Slice)
    .Case([](CaseMaker& c) {
      const Dims x = c.Shape();
      Dims starts;
      Dims ends;
      for (int64_t i = c.Int(0, static_cast<int64_t>(x.size())); i > 0; --i) {
        const int64_t size = x[starts.size()];
        const int64_t start = c.Int(0, size);
        const int64_t end = c.Int(start, size);
        starts.push_back(c.Chance(0.3) ? start - size - 1 : start);
        ends.push_back(c.Chance(0.3) ? end - size - 1 : end == size ? size + c.Int(0, 9) : end);
      }
      c.Input("data", c.Random(c.ValueType(kAnyType), x));
      if (c.Chance()) {
        c.Input("starts", c.IndexVector(starts));
        c.Input("ends", c.IndexVector(ends));
      } else {
        c.Arg("starts", std::vector<int64_t>(starts.begin(), starts.end()));
        c.Arg("ends", std::vector<int64_t>(ends.begin(), ends.end()));
      }
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      std::vector<int64_t> starts = c.Args<int64_t>("starts");
      std::vector<int64_t> ends = c.Args<int64_t>("ends");
      for (int64_t i = 0; c.def.input_size() == 3 && i < c.in(1).numel(); ++i) {
        starts.push_back(static_cast<int64_t>(ElementAsDouble(c.in(1), i)));
        ends.push_back(static_cast<int64_t>(ElementAsDouble(c.in(2), i)));
      }
      Dims dims(x.dims().begin(), x.dims().end());
      for (size_t i = 0; i < starts.size(); ++i) {
        if (starts[i] < 0) starts[i] += x.dims()[i] + 1;
        if (ends[i] < 0) ends[i] += x.dims()[i] + 1;
        dims[i] = std::min(ends[i], x.dims()[i]) - starts[i];
      }
      return {Pick(x, dims, [&](const Dims& index) {
        Dims source = index;
        for (size_t i = 0; i < starts.size(); ++i) source[i] += starts[i];
        return FlatIndex(x.dims(), source);
      })};
    })
    .Differentiable({0});

DOPPIO_OP_ROW(SliceGradient).CheckedByGradientOf("Slice");

}  // namespace
}  // namespace doppio
