#include <cmath>
#include <map>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

using Numbers = std::vector<double>;

// What a row of the table states of an operator, by which its case and reference are made.
struct Segments {
  enum Told { kLengths, kSorted, kUnsorted };

  Told told = kLengths;
  std::string reducer;  // "Sum", "Mean", "Max", "LogSumExp" or "LogMeanExp"
  bool weighted = false;
  bool gathered = false;
  bool positional = false;
  bool grad_on_weights = false;
};

int64_t Whole(const Tensor& tensor, int64_t i) {
  return static_cast<int64_t>(ElementAsDouble(tensor, i));
}

Tensor Int32s(CaseMaker& c, const std::vector<int32_t>& values) {
  return c.Vector<int32_t>(absl::MakeConstSpan(values));
}

// `count` rows cut into segments: their lengths, or an id for each row.
std::vector<int32_t> Cut(CaseMaker& c, Segments::Told told, int64_t count) {
  std::vector<int32_t> result;
  if (told == Segments::kLengths) {
    int64_t left = count;
    while (left > 0) {
      const int64_t length = c.Chance(0.1) ? left : c.Int(0, std::min<int64_t>(left, 9));
      result.push_back(static_cast<int32_t>(length));
      left -= length;
    }
    if (c.Chance(0.3)) result.push_back(0);
    return result;
  }
  int32_t id = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (told == Segments::kUnsorted) {
      result.push_back(static_cast<int32_t>(c.Int(0, 5)));
    } else {
      if (i > 0 && c.Chance(0.3)) ++id;
      result.push_back(id);
    }
  }
  return result;
}

// The rows of each segment, as places in the list of rows.
std::vector<std::vector<int64_t>> Members(Segments::Told told, const Tensor& cut, int64_t count) {
  std::vector<std::vector<int64_t>> members(static_cast<size_t>(count));
  int64_t place = 0;
  for (int64_t i = 0; i < cut.numel(); ++i) {
    if (told == Segments::kLengths) {
      for (int64_t n = Whole(cut, i); n > 0; --n)
        members[static_cast<size_t>(i)].push_back(place++);
    } else {
      members[static_cast<size_t>(Whole(cut, i))].push_back(i);
    }
  }
  return members;
}

int64_t SegmentCount(const Segments& segments, const OpCase& c, const Tensor& cut) {
  if (segments.told == Segments::kLengths) return cut.numel();
  const int64_t given = c.Arg<int64_t>("num_segments", -1);
  if (given >= 0) return given;
  int64_t count = 0;
  for (int64_t i = 0; i < cut.numel(); ++i) count = std::max(count, Whole(cut, i) + 1);
  return count;
}

double Reduced(const std::string& reducer, const Numbers& values) {
  if (values.empty()) return 0;
  double sum = 0;
  double most = values[0];
  double exponentials = 0;
  for (const double value : values) {
    sum += value;
    most = std::max(most, value);
    exponentials += std::exp(value);
  }
  const double count = static_cast<double>(values.size());
  if (reducer == "Sum") return sum;
  if (reducer == "Mean") return sum / count;
  if (reducer == "Max") return most;
  if (reducer == "LogSumExp") return std::log(exponentials);
  return std::log(exponentials / count);
}

OpRow& SegmentRow(absl::string_view type, const Segments& segments) {
  const int cut_input = 1 + (segments.weighted ? 1 : 0) + (segments.gathered ? 1 : 0);
  OpRow& row = NewOpRow(type);
  row.Case([=](CaseMaker& c) {
       const bool half = segments.gathered && segments.told == Segments::kLengths;
       const DataType value =
           half ? c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kFloat16})
                : c.ValueType({DataType::kFloat, DataType::kDouble});
       const DataType result = value == DataType::kFloat16 ? DataType::kFloat : value;
       const Dims data = c.Shape(1, 3);
       const int64_t count = !segments.gathered ? data[0] : data[0] == 0 ? 0 : c.Size();
       const std::vector<int32_t> cut = Cut(c, segments.told, count);
       int64_t longest = 0;
       for (const int32_t length : cut) longest = std::max<int64_t>(longest, length);
       c.Input("DATA", c.Random(value, data));
       if (segments.weighted) {
         c.Input("SCALARS", c.Random(result, {segments.positional ? longest + 1 : count}));
       }
       if (segments.gathered) {
         c.Input("INDICES", c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), {count}, 0,
                                     static_cast<double>(std::max<int64_t>(data[0] - 1, 0))));
       }
       c.Input("SEGMENTS", Int32s(c, cut));
       if (segments.told == Segments::kUnsorted && c.Chance()) {
         c.Arg("num_segments", c.Int(6, 8));
       }
       if (segments.grad_on_weights) c.Arg("grad_on_weights", 1);
       c.Output("OUTPUT");
     })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& data = c.in(0);
        const Tensor& cut = c.in(cut_input);
        Dims dims(data.dims().begin(), data.dims().end());
        dims[0] = SegmentCount(segments, c, cut);
        const auto members = Members(segments.told, cut, dims[0]);
        const DataType type = data.dtype() == DataType::kFloat16 ? DataType::kFloat : data.dtype();
        return {Generate(type, dims, [&](const Dims& i) {
          Numbers values;
          for (const int64_t place : members[static_cast<size_t>(i[0])]) {
            Dims at = i;
            at[0] = segments.gathered ? Whole(c.in(cut_input - 1), place) : place;
            double value = At(data, at);
            if (segments.weighted) {
              value *= ElementAsDouble(
                  c.in(1), segments.positional ? static_cast<int64_t>(values.size()) : place);
            }
            values.push_back(value);
          }
          return Reduced(segments.reducer, values);
        })};
      })
      .NeverScalar("DATA has rows");
  return row;
}

void WithGradient(absl::string_view type, const Segments& segments) {
  SegmentRow(type, segments)
      .Differentiable(segments.grad_on_weights ? std::vector<int>{0, 1} : std::vector<int>{0});
}

// A gradient operator that no maker of its forward operator's row makes: for old nets, or for the
// other value of grad_on_weights.
void GradientRow(absl::string_view type, const Segments& segments, bool with_data,
                 bool with_indices) {
  NewOpRow(type)
      .Case([=](CaseMaker& c) {
        const DataType value = c.ValueType({DataType::kFloat, DataType::kDouble});
        Dims rows = c.Shape(1, 3);
        const int64_t count = rows[0];
        const std::vector<int32_t> cut = Cut(c, segments.told, count);
        int64_t segment_count = segments.told == Segments::kLengths
                                    ? static_cast<int64_t>(cut.size())
                                : segments.told == Segments::kUnsorted ? 6
                                : cut.empty()                          ? 0
                                                                       : cut.back() + 1;
        if (segments.weighted) c.Input("SCALARS", c.Random(value, {count}));
        Dims gradient = rows;
        gradient[0] = segment_count;
        c.Input("SEGMENT_GRADS", c.Random(value, gradient));
        c.Input("SEGMENTS", Int32s(c, cut));
        const bool lookup = with_data && with_indices;
        if (lookup) rows[0] = count == 0 ? 0 : c.Int(1, 7);
        if (with_data) c.Input("DATA", c.Random(value, rows));
        if (with_indices) {
          c.Input("INDICES", c.Random(DataType::kInt64, {count}, 0,
                                      static_cast<double>(std::max<int64_t>(rows[0] - 1, 0))));
        }
        c.Output("DATA_GRADS");
        if (with_data) c.Output("SCALARS_GRADS");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const int first = segments.weighted ? 1 : 0;
        const Tensor& dy = c.in(first);
        const Tensor& cut = c.in(first + 1);
        const auto members = Members(segments.told, cut, dy.dim(0));
        std::map<int64_t, int64_t> segment_of;
        for (size_t k = 0; k < members.size(); ++k) {
          for (const int64_t place : members[k]) segment_of[place] = static_cast<int64_t>(k);
        }
        Dims dims(dy.dims().begin(), dy.dims().end());
        dims[0] = static_cast<int64_t>(segment_of.size());
        const int64_t block = SizeFromDim(dy.dims(), 1);
        std::vector<Tensor> results = {Generate(dy.dtype(), dims, [&](const Dims& i) {
          Dims at = i;
          at[0] = segment_of[i[0]];
          double value = At(dy, at);
          if (segments.weighted) value *= ElementAsDouble(c.in(0), i[0]);
          if (segments.reducer == "Mean") {
            value /= static_cast<double>(members[static_cast<size_t>(at[0])].size());
          }
          return value;
        })};
        if (!with_data) return results;
        results.push_back(Generate(dy.dtype(), {dims[0]}, [&](const Dims& i) {
          const int64_t from = with_indices ? Whole(c.in(first + 3), i[0]) : i[0];
          double dot = 0;
          for (int64_t j = 0; j < block; ++j) {
            dot += ElementAsDouble(dy, segment_of[i[0]] * block + j) *
                   ElementAsDouble(c.in(first + 2), from * block + j);
          }
          return dot;
        }));
        return results;
      })
      .Tolerance(1e-4)
      .NeverScalar("SEGMENT_GRADS has rows");
}

void Checked(absl::string_view type, absl::string_view forward) {
  NewOpRow(type).CheckedByGradientOf(forward).NeverScalar("SEGMENT_GRADS has rows");
}

[[maybe_unused]] const bool kRowsStated = [] {
  const Segments sum{Segments::kLengths, "Sum"};
  const Segments mean{Segments::kLengths, "Mean"};
  const Segments weighted{Segments::kLengths, "Sum", true};
  const auto sparse = [](Segments segments) {
    segments.gathered = true;
    return segments;
  };
  const auto told = [](Segments::Told how, Segments segments) {
    segments.told = how;
    return segments;
  };
  Segments trained = sparse(weighted);
  trained.grad_on_weights = true;
  Segments positional = sparse(weighted);
  positional.positional = true;

  WithGradient("LengthsSum", sum);
  WithGradient("LengthsMean", mean);
  WithGradient("LengthsMax", {Segments::kLengths, "Max"});
  WithGradient("LengthsWeightedSum", weighted);
  WithGradient("SparseLengthsSum", sparse(sum));
  WithGradient("SparseLengthsMean", sparse(mean));
  WithGradient("SparseLengthsWeightedSum", trained);
  SegmentRow("SparseLengthsPositionalWeightedSum", positional);

  Checked("LengthsIndicesInGradientSumGradient", "LengthsSum");
  Checked("LengthsIndicesInGradientMeanGradient", "LengthsMean");
  Checked("LengthsMaxWithMainInputAndForwardOutputGradient", "LengthsMax");
  Checked("LengthsWeightedSumGradient", "LengthsWeightedSum");
  Checked("SparseLengthsIndicesInGradientSumGradient", "SparseLengthsSum");
  Checked("SparseLengthsIndicesInGradientMeanGradient", "SparseLengthsMean");
  Checked("SparseLengthsIndicesInGradientWeightedSumWithMainInputGradient",
          "SparseLengthsWeightedSum");
  GradientRow("LengthsSumGradient", sum, false, false);
  GradientRow("LengthsMeanGradient", mean, false, false);
  GradientRow("LengthsWeightedSumWithMainInputGradient", weighted, true, false);
  GradientRow("SparseLengthsSumGradient", sum, false, false);
  GradientRow("SparseLengthsMeanGradient", mean, false, false);
  GradientRow("SparseLengthsWeightedSumGradient", weighted, false, false);
  GradientRow("SparseLengthsIndicesInGradientWeightedSumGradient", weighted, false, true);
  GradientRow("SparseLengthsWeightedSumWithMainInputGradient", weighted, true, true);

  for (const auto& [name, how] :
       {std::pair<std::string, Segments::Told>("Sorted", Segments::kSorted),
        {"Unsorted", Segments::kUnsorted}}) {
    for (const auto& [reducer, segments] : {std::pair<std::string, Segments>("Sum", sum),
                                            {"Mean", mean},
                                            {"WeightedSum", weighted}}) {
      const std::string dense = absl::StrCat(name, "Segment", reducer);
      const std::string looked_up = absl::StrCat("Sparse", dense);
      const Segments here = told(how, segments);
      WithGradient(dense, here);
      WithGradient(looked_up, sparse(here));
      Checked(absl::StrCat(dense, "Gradient"), dense);
      GradientRow(absl::StrCat(looked_up, "Gradient"), here, false, false);
    }
  }
  for (const std::string reducer : {"Sum", "Mean", "Max", "LogSumExp", "LogMeanExp"}) {
    const std::string type = absl::StrCat("SortedSegmentRange", reducer);
    WithGradient(type, {Segments::kSorted, reducer});
    Checked(absl::StrCat(type, "Gradient"), type);
  }
  return true;
}();

DOPPIO_OP_ROW(ReduceFrontWeightedSum)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Dims data = c.Shape(1, 4);
      const int64_t count = c.Int(0, std::min<int64_t>(2, static_cast<int64_t>(data.size())));
      c.Input("DATA", c.Random(type, data));
      c.Input("SCALARS", c.Random(type, DimsView(data).subspan(0, static_cast<size_t>(count))));
      if (count != 1 || c.Chance()) c.Arg("num_reduce_dim", count);
      c.Output("OUTPUT");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& data = c.in(0);
      const auto split = static_cast<std::ptrdiff_t>(c.in(1).rank());
      Numbers sums(static_cast<size_t>(SizeFromDim(data.dims(), static_cast<int>(split))), 0.0);
      for (int64_t i = 0; i < data.numel(); ++i) {
        const auto block = static_cast<int64_t>(sums.size());
        sums[static_cast<size_t>(i % block)] +=
            ElementAsDouble(data, i) * ElementAsDouble(c.in(1), i / block);
      }
      const Dims dims(data.dims().begin() + split, data.dims().end());
      return {Generate(data.dtype(), dims, [&](const Dims& i) {
        return sums[static_cast<size_t>(FlatIndex(dims, i))];
      })};
    })
    .Differentiable({0});

DOPPIO_OP_ROW(ReduceFrontWeightedSumGradient).CheckedByGradientOf("ReduceFrontWeightedSum");

}  // namespace
}  // namespace doppio
