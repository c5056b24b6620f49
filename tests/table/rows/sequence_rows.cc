// Rows of the operators that pack, pad and turn round segments of rows.

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/table/rows/lengths.h"

namespace doppio {
namespace {

constexpr std::initializer_list<DataType> kSomeTypes = {
    DataType::kFloat, DataType::kDouble,  DataType::kInt32, DataType::kInt64,
    DataType::kUInt8, DataType::kFloat16, DataType::kBool,  DataType::kString};

constexpr int64_t kPadding = -1;

// A tensor of `dims`, which is made of rows: row r is row rows[r] of the tensors `from`, one behind
// the other, or `padding` where that is kPadding.
Tensor PickRows(const std::vector<Tensor>& from, DimsView dims, const std::vector<int64_t>& rows,
                double padding = 0) {
  const DataType type = from[0].dtype();
  int64_t numel = 0;
  for (const Tensor& tensor : from) numel += tensor.numel();
  Tensor all = *Tensor::Create(type, {numel + 1});
  int64_t end = 0;
  const auto append = [&](const Tensor& tensor) {
    if (all.Is<std::string>()) {
      std::copy_n(tensor.data<std::string>(), tensor.numel(),
                  all.mutable_data<std::string>() + end);
    } else if (tensor.numel() > 0) {
      std::copy_n(static_cast<const char*>(tensor.raw_data()), tensor.bytes(),
                  static_cast<char*>(all.raw_mutable_data()) +
                      end * static_cast<int64_t>(DataTypeSize(type)));
    }
    end += tensor.numel();
  };
  for (const Tensor& tensor : from) append(tensor);
  if (type != DataType::kString) {
    append(Generate(type, {1}, [&](const Dims&) { return padding; }));
  }
  int64_t elements = 1;
  for (int64_t size : dims) elements *= size;
  const int64_t block = rows.empty() ? 1 : elements / static_cast<int64_t>(rows.size());
  return Pick(all, dims, [&](const Dims& index) {
    const int64_t flat = FlatIndex(dims, index);
    const int64_t row = rows[static_cast<size_t>(flat / block)];
    return row == kPadding ? numel : row * block + flat % block;
  });
}

// Where each segment begins.
std::vector<int64_t> Begins(const Tensor& lengths) {
  std::vector<int64_t> begins = {0};
  for (int64_t i = 0; i < lengths.numel(); ++i) {
    begins.push_back(begins.back() + IntegerAt(lengths, i));
  }
  return begins;
}

int64_t Longest(const Tensor& lengths) {
  int64_t longest = 0;
  for (int64_t i = 0; i < lengths.numel(); ++i) longest = std::max(longest, IntegerAt(lengths, i));
  return longest;
}

// `dims` with other sizes in the place of the first.
Dims Instead(std::initializer_list<int64_t> sizes, DimsView dims) {
  Dims result(sizes.begin(), sizes.end());
  result.insert(result.end(), dims.begin() + 1, dims.end());
  return result;
}

Tensor LengthsOfAnyType(CaseMaker& c) {
  return c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), {c.Size()}, 0, 5);
}

// Rows for the lengths.
Tensor RowsFor(CaseMaker& c, const Tensor& lengths) {
  return c.Random(c.ValueType(kSomeTypes), Instead({Sum(lengths)}, c.Shape(1, 3)));
}

DOPPIO_OP_ROW(PackSegments)
    .Case([](CaseMaker& c) {
      const Tensor lengths = LengthsOfAnyType(c);
      const Tensor data = RowsFor(c, lengths);
      c.Input("LENGTHS", lengths);
      c.Input("DATA", data);
      if (c.Chance()) c.Arg("max_length", static_cast<int>(c.Int(-1, 7)));
      // Differences to infinity say nothing; gradients are checked in float and double.
      if (!data.Is<float>() && !data.Is<double>() && c.Chance()) c.Arg("pad_minf", true);
      c.Output("PACKED");
      if (c.Chance()) {
        c.Output("PRESENCE");
        if (c.Chance()) c.Arg("return_presence_mask", true);
      }
    })
    .Reference([](const OpCase& c) {
      const Tensor& data = c.in(1);
      const int64_t segments = c.in(0).numel();
      int64_t places = c.Arg<int>("max_length", -1);
      if (places == -1) places = Longest(c.in(0));
      const std::vector<int64_t> begins = Begins(c.in(0));
      std::vector<int64_t> rows;
      for (size_t i = 0; i < static_cast<size_t>(segments); ++i) {
        for (int64_t j = 0; j < places; ++j) {
          rows.push_back(begins[i] + j < begins[i + 1] ? begins[i] + j : kPadding);
        }
      }
      const bool is_infinite = c.Arg<bool>("pad_minf") && IsFloatingPoint(data.dtype());
      std::vector<Tensor> outputs = {
          PickRows({data}, Instead({segments, places}, data.dims()), rows,
                   is_infinite ? -std::numeric_limits<double>::infinity() : 0)};
      if (c.def.output_size() == 1) return outputs;
      outputs.push_back(Generate(DataType::kBool, {segments, places}, [&](const Dims& i) {
        return rows[static_cast<size_t>(i[0] * places + i[1])] == kPadding ? 0 : 1;
      }));
      return outputs;
    })
    .NeverScalar("DATA has rows")
    .Differentiable({1});

DOPPIO_OP_ROW(UnpackSegments)
    .Case([](CaseMaker& c) {
      const Tensor lengths = LengthsOfAnyType(c);
      int64_t places = Longest(lengths);
      if (c.Chance()) {
        places = c.Int(0, 7);
        c.Arg("max_length", static_cast<int>(places));
      }
      c.Input("LENGTHS", lengths);
      c.Input("DATA",
              c.Random(c.ValueType(kSomeTypes), Instead({lengths.numel(), places}, c.Shape(1, 3))));
      c.Output("ROWS");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t places = c.in(1).dim(1);
      std::vector<int64_t> rows;
      for (const Element& element : Elements(c.in(0))) {
        if (element.place < places) rows.push_back(element.segment * places + element.place);
      }
      const Dims dims = Instead({static_cast<int64_t>(rows.size())}, c.in(1).dims().subspan(1));
      return {PickRows({c.in(1)}, dims, rows)};
    })
    .NeverScalar("DATA is at least a matrix")
    .Differentiable({1});

DOPPIO_OP_ROW(PackRNNSequence)
    .Case([](CaseMaker& c) {
      const Tensor lengths = Lengths(c);
      c.Input("values", RowsFor(c, lengths));
      c.Input("lengths", lengths);
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t steps = Longest(c.in(1));
      const std::vector<int64_t> begins = Begins(c.in(1));
      std::vector<int64_t> rows;
      for (int64_t t = 0; t < steps; ++t) {
        for (size_t i = 0; i + 1 < begins.size(); ++i) {
          rows.push_back(begins[i] + t < begins[i + 1] ? begins[i] + t : kPadding);
        }
      }
      return {PickRows({c.in(0)}, Instead({steps, c.in(1).numel()}, c.in(0).dims()), rows)};
    })
    .NeverScalar("values has rows")
    .Differentiable({0});

DOPPIO_OP_ROW(UnpackRNNSequence)
    .Case([](CaseMaker& c) {
      const Tensor lengths = Lengths(c);
      c.Input("values", c.Random(c.ValueType(kSomeTypes),
                                 Instead({Longest(lengths), lengths.numel()}, c.Shape(1, 3))));
      c.Input("lengths", lengths);
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      std::vector<int64_t> rows;
      for (const Element& element : Elements(c.in(1))) {
        rows.push_back(element.place * c.in(1).numel() + element.segment);
      }
      const Dims dims = Instead({static_cast<int64_t>(rows.size())}, c.in(0).dims().subspan(1));
      return {PickRows({c.in(0)}, dims, rows)};
    })
    .NeverScalar("values is at least a matrix")
    .Differentiable({0});

// Segments side by side; `row` says which row of the input stands at a place of a segment.
std::vector<Tensor> SideBySide(const OpCase& c, int64_t (*row)(int64_t place, int64_t length)) {
  const Tensor& data = c.in(0);
  std::vector<int64_t> rows;
  for (int64_t t = 0; t < data.dim(0); ++t) {
    for (int64_t i = 0; i < data.dim(1); ++i) {
      const int64_t place = row(t, IntegerAt(c.in(1), i));
      rows.push_back(place == kPadding ? kPadding : place * data.dim(1) + i);
    }
  }
  return {PickRows({data}, data.dims(), rows)};
}

DOPPIO_OP_ROW(ReversePackedSegs)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(3, 3);
      c.Input("data", c.Random(c.ValueType(kSomeTypes), dims));
      c.Input("lengths", c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), {dims[1]}, 0,
                                  static_cast<double>(dims[0])));
      c.Output("reversed");
    })
    .Reference([](const OpCase& c) {
      return SideBySide(c, [](int64_t place, int64_t length) {
        return place < length ? length - 1 - place : place;
      });
    })
    .NeverScalar("data has three dimensions")
    .Differentiable({0});

DOPPIO_OP_ROW(VariableLengthSequencePadding)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(3, 3);
      c.Input("INPUT", c.Random(c.ValueType(kSomeTypes), dims));
      c.Input("LENS", c.Random(DataType::kInt32, {dims[1]}, 0, static_cast<double>(dims[0] + 2)));
      c.Output("OUTPUT");
    })
    .Reference([](const OpCase& c) {
      return SideBySide(
          c, [](int64_t place, int64_t length) { return place < length ? place : kPadding; });
    })
    .NeverScalar("INPUT has three dimensions");

// The widths of padding of a case.
struct Widths {
  int64_t start;
  int64_t end;
};
Widths GiveWidths(CaseMaker& c) {
  Widths widths = {1, 1};
  if (c.Chance(0.7)) {
    widths.start = widths.end = c.Int(0, 3);
    c.Arg("padding_width", static_cast<int>(widths.start));
  }
  if (c.Chance()) {
    const int64_t end = c.Int(-1, 2);
    if (end >= 0) widths.end = end;
    c.Arg("end_padding_width", static_cast<int>(end));
  }
  return widths;
}
Widths WidthsOf(const OpCase& c) {
  const int start = c.Arg<int>("padding_width", 1);
  const int end = c.Arg<int>("end_padding_width", -1);
  return {start, end < 0 ? start : end};
}

// The lengths of a case: the rows of input 0 where there are none.
Tensor LengthsOf(const OpCase& c) {
  if (c.def.input_size() > 1) return c.in(1);
  return *Tensor::Of<int32_t>({1}, {static_cast<int32_t>(c.in(0).dim(0))});
}

Tensor Changed(const Tensor& lengths, int64_t change) {
  return Generate(DataType::kInt32, lengths.dims(), [&](const Dims& i) {
    return static_cast<double>(IntegerAt(lengths, i[0]) + change);
  });
}

DOPPIO_OP_ROW(AddPadding)
    .Case([](CaseMaker& c) {
      GiveWidths(c);
      const Tensor lengths = Lengths(c);
      const Tensor data = RowsFor(c, lengths);
      c.Input("data_in", data);
      const int64_t inputs = c.Int(1, 4);
      if (inputs > 1) c.Input("lengths", lengths);
      for (int64_t i = 2; i < inputs; ++i) {
        c.Input(i == 2 ? "start_padding" : "end_padding",
                c.Random(data.dtype(), data.dims().subspan(1)));
      }
      c.Output("data_out");
      // Without lengths_out there is no gradient where there are lengths.
      if (inputs > 1 || c.Chance()) c.Output("lengths_out");
    })
    .Reference([](const OpCase& c) {
      const Widths widths = WidthsOf(c);
      const Tensor lengths = LengthsOf(c);
      const Tensor& data = c.in(0);
      std::vector<Tensor> from = {data};
      int64_t start = kPadding;
      int64_t end = kPadding;
      for (int i = 2; i < c.def.input_size(); ++i) {
        from.push_back(c.in(i));
        end = data.dim(0) + i - 2;
        if (i == 2) start = end;
      }
      const std::vector<int64_t> begins = Begins(lengths);
      std::vector<int64_t> rows;
      for (size_t i = 0; i + 1 < begins.size(); ++i) {
        rows.insert(rows.end(), static_cast<size_t>(widths.start), start);
        for (int64_t row = begins[i]; row < begins[i + 1]; ++row) rows.push_back(row);
        rows.insert(rows.end(), static_cast<size_t>(widths.end), end);
      }
      std::vector<Tensor> outputs = {
          PickRows(from, Instead({static_cast<int64_t>(rows.size())}, data.dims()), rows)};
      if (c.def.output_size() > 1) outputs.push_back(Changed(lengths, widths.start + widths.end));
      return outputs;
    })
    .Differentiable({0, 2, 3});

// Padded segments for RemovePadding and GatherPadding.
void PaddedCase(CaseMaker& c, std::initializer_list<DataType> types, bool has_lengths) {
  const Widths widths = GiveWidths(c);
  Tensor lengths = Lengths(c);
  if (!has_lengths) lengths = *Tensor::Of<int32_t>({1}, {static_cast<int32_t>(c.Size())});
  lengths = Changed(lengths, widths.start + widths.end);
  c.Input("data_in", c.Random(c.ValueType(types), Instead({Sum(lengths)}, c.Shape(1, 3))));
  if (has_lengths) c.Input("lengths", lengths);
}

DOPPIO_OP_ROW(RemovePadding)
    .Case([](CaseMaker& c) {
      const bool has_lengths = c.Chance(0.7);
      PaddedCase(c, kSomeTypes, has_lengths);
      c.Output("data_out");
      if (has_lengths || c.Chance()) c.Output("lengths_out");
    })
    .Reference([](const OpCase& c) {
      const Widths widths = WidthsOf(c);
      const Tensor lengths = LengthsOf(c);
      const std::vector<int64_t> begins = Begins(lengths);
      std::vector<int64_t> rows;
      for (size_t i = 0; i + 1 < begins.size(); ++i) {
        for (int64_t row = begins[i] + widths.start; row < begins[i + 1] - widths.end; ++row) {
          rows.push_back(row);
        }
      }
      std::vector<Tensor> outputs = {
          PickRows({c.in(0)}, Instead({static_cast<int64_t>(rows.size())}, c.in(0).dims()), rows)};
      if (c.def.output_size() > 1) outputs.push_back(Changed(lengths, -widths.start - widths.end));
      return outputs;
    })
    .NeverScalar("data_in has rows")
    .Differentiable({0});

DOPPIO_OP_ROW(GatherPadding)
    .Case([](CaseMaker& c) {
      PaddedCase(c, {DataType::kFloat, DataType::kDouble, DataType::kInt32, DataType::kInt64},
                 true);
      c.Output("padding_sum");
      if (c.Chance()) c.Output("end_padding_sum");
    })
    .Reference([](const OpCase& c) {
      const Widths widths = WidthsOf(c);
      const Tensor& data = c.in(0);
      const std::vector<int64_t> begins = Begins(c.in(1));
      const DimsView row = data.dims().subspan(1);
      std::vector<Tensor> sums;
      for (int output = 0; output < c.def.output_size(); ++output) {
        const bool is_one = c.def.output_size() == 1;
        sums.push_back(Generate(data.dtype(), row, [&](const Dims& index) {
          Dims at = index;
          at.insert(at.begin(), 0);
          double sum = 0;
          for (size_t i = 0; i + 1 < begins.size(); ++i) {
            for (int64_t k = 0; k < widths.start && output == 0; ++k) {
              at[0] = begins[i] + k;
              sum += At(data, at);
            }
            for (int64_t k = 0; k < widths.end && (is_one || output == 1); ++k) {
              at[0] = begins[i + 1] - widths.end + k;
              sum += At(data, at);
            }
          }
          return sum;
        }));
      }
      return sums;
    });

DOPPIO_OP_ROW(PadEmptySamples)
    .Case([](CaseMaker& c) {
      const Tensor lengths = Lengths(c, 2);
      c.Input("lengths", lengths);
      c.Output("out_lengths");
      for (int64_t i = c.Int(0, 3); i > 0; --i) {
        c.Input(absl::StrCat("features", i), RowsFor(c, lengths));
        c.Output(absl::StrCat("out_features", i));
      }
    })
    .Reference([](const OpCase& c) {
      const Tensor& lengths = c.in(0);
      std::vector<int64_t> rows;
      const std::vector<int64_t> begins = Begins(lengths);
      for (size_t i = 0; i + 1 < begins.size(); ++i) {
        for (int64_t row = begins[i]; row < begins[i + 1]; ++row) rows.push_back(row);
        if (begins[i] == begins[i + 1]) rows.push_back(kPadding);
      }
      std::vector<Tensor> outputs = {Generate(DataType::kInt32, lengths.dims(), [&](const Dims& i) {
        return std::max<double>(ElementAsDouble(lengths, i[0]), 1);
      })};
      for (int i = 1; i < c.def.input_size(); ++i) {
        const Dims dims = Instead({static_cast<int64_t>(rows.size())}, c.in(i).dims());
        outputs.push_back(PickRows({c.in(i)}, dims, rows));
      }
      return outputs;
    })
    .NeverScalar("features have rows");

// Some rows of a tensor, in any order and more than once.
Tensor SomeRows(CaseMaker& c, int64_t rows, DataType type) {
  return c.Random(type, {rows == 0 ? 0 : c.Int(0, rows)}, 0, static_cast<double>(rows - 1));
}

std::vector<bool> IsNamed(const Tensor& indices, int64_t rows) {
  std::vector<bool> is_named(static_cast<size_t>(rows), false);
  for (int64_t i = 0; i < indices.numel(); ++i) {
    is_named[static_cast<size_t>(IntegerAt(indices, i))] = true;
  }
  return is_named;
}

DOPPIO_OP_ROW(RemoveDataBlocks)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1, 3);
      c.Input("data", c.Random(c.ValueType(kSomeTypes), dims));
      Tensor indices = SomeRows(c, dims[0], c.OneOf({DataType::kInt32, DataType::kInt64}));
      if (indices.numel() == 0 && c.Chance()) indices = c.Random(DataType::kDouble, {0});
      c.Input("indices", indices);
      c.Output("shrunk_data");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const std::vector<bool> is_removed = IsNamed(c.in(1), c.in(0).dim(0));
      std::vector<int64_t> rows;
      for (size_t row = 0; row < is_removed.size(); ++row) {
        if (!is_removed[row]) rows.push_back(static_cast<int64_t>(row));
      }
      return {
          PickRows({c.in(0)}, Instead({static_cast<int64_t>(rows.size())}, c.in(0).dims()), rows)};
    })
    .NeverScalar("data has rows");

DOPPIO_OP_ROW(CopyRowsToTensor)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(2, 2);
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kFloat16,
                                         DataType::kInt32, DataType::kInt64});
      c.Input("X", c.Random(type, dims));
      c.Input("indices", SomeRows(c, dims[0], DataType::kInt64));
      c.Input("row", c.Random(type, {dims[1]}));
      c.Output("X");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const std::vector<bool> is_overwritten = IsNamed(c.in(1), c.in(0).dim(0));
      std::vector<int64_t> rows;
      for (size_t row = 0; row < is_overwritten.size(); ++row) {
        rows.push_back(is_overwritten[row] ? c.in(0).dim(0) : static_cast<int64_t>(row));
      }
      return {PickRows({c.in(0), c.in(2)}, c.in(0).dims(), rows)};
    })
    .NeverScalar("X is a matrix")
    .Differentiable({0, 2});
DOPPIO_OP_ROW(CopyRowsToTensorGradient)
    .CheckedByGradientOf("CopyRowsToTensor")
    .NeverScalar("dY is a matrix");

}  // namespace
}  // namespace doppio
