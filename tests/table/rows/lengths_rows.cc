// Rows of the operators that work with lengths or ids of segments.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "doppio/shape.h"
#include "tests/table/rows/lengths.h"

namespace doppio {
namespace {

// An operator on lengths alone whose output has a value for each element.
void Expansion(absl::string_view type, int64_t Element::*value) {
  NewOpRow(type)
      .Case([](CaseMaker& c) {
        c.Input("lengths", Lengths(c));
        c.Output("Y");
      })
      .Reference([value](const OpCase& c) -> std::vector<Tensor> {
        const std::vector<Element> elements = Elements(c.in(0));
        return {
            Generate(DataType::kInt32, {static_cast<int64_t>(elements.size())}, [&](const Dims& i) {
              return static_cast<double>(elements[static_cast<size_t>(i[0])].*value);
            })};
      })
      .NeverScalar("lengths are a vector");
}
[[maybe_unused]] const bool expansion_rows = [] {
  Expansion("LengthsToSegmentIds", &Element::segment);
  Expansion("LengthsRangeFill", &Element::place);
  return true;
}();

DOPPIO_OP_ROW(LengthsToWeights)
    .Case([](CaseMaker& c) {
      c.Input("lengths", c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), {c.Size()}, 0, 5));
      if (c.Chance(0.7)) c.Arg("power", static_cast<float>(c.OneOf({0.5, 1.0, 2.0, -0.3})));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const std::vector<Element> elements = Elements(c.in(0));
      return {
          Generate(DataType::kFloat, {static_cast<int64_t>(elements.size())}, [&](const Dims& i) {
            const int64_t segment = elements[static_cast<size_t>(i[0])].segment;
            return 1 / std::pow(ElementAsDouble(c.in(0), segment), c.Arg<float>("power", 0.5f));
          })};
    })
    .NeverScalar("lengths are a vector");

DOPPIO_OP_ROW(LengthsToOffsets)
    .Case([](CaseMaker& c) {
      c.Input("lengths", Lengths(c));
      if (c.Chance()) c.Arg<int>("include_last_offset", c.Chance() ? 1 : 0);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t more = c.Arg<bool>("include_last_offset") ? 1 : 0;
      return {Generate(DataType::kInt32, {c.in(0).numel() + more}, [&](const Dims& i) {
        double sum = 0;
        for (int64_t k = 0; k < i[0]; ++k) sum += ElementAsDouble(c.in(0), k);
        return sum;
      })};
    })
    .NeverScalar("lengths are a vector");

DOPPIO_OP_ROW(LengthsToRanges)
    .Case([](CaseMaker& c) {
      c.Input("lengths", Lengths(c));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(DataType::kInt32, {c.in(0).numel(), 2}, [&](const Dims& i) {
        if (i[1] == 1) return ElementAsDouble(c.in(0), i[0]);
        double sum = 0;
        for (int64_t k = 0; k < i[0]; ++k) sum += ElementAsDouble(c.in(0), k);
        return sum;
      })};
    })
    .NeverScalar("lengths are a vector");

// Ids in order and, by chance, data with as many rows or more than they need.
void SegmentIds(CaseMaker& c) {
  Tensor ids = c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), {c.Size()}, 0, 9);
  std::vector<int64_t> sorted;
  for (int64_t i = 0; i < ids.numel(); ++i) sorted.push_back(IntegerAt(ids, i));
  std::sort(sorted.begin(), sorted.end());
  ids = Generate(ids.dtype(), ids.dims(), [&](const Dims& i) {
    return static_cast<double>(sorted[static_cast<size_t>(i[0])]);
  });
  c.Input("ids", ids);
  if (c.Chance()) {
    const int64_t least = sorted.empty() ? 0 : sorted.back() + 1;
    c.Input("data", c.Random(DataType::kFloat, {least + c.Int(0, 3), 2}));
  }
  c.Output("Y");
}

int64_t Segments(const OpCase& c) {
  if (c.def.input_size() > 1) return c.in(1).dim(0);
  return c.in(0).numel() == 0 ? 0 : IntegerAt(c.in(0), c.in(0).numel() - 1) + 1;
}

DOPPIO_OP_ROW(SegmentIdsToLengths)
    .Case(SegmentIds)
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(DataType::kInt32, {Segments(c)}, [&](const Dims& i) {
        int count = 0;
        for (int64_t k = 0; k < c.in(0).numel(); ++k) count += IntegerAt(c.in(0), k) == i[0];
        return count;
      })};
    })
    .NeverScalar("ids are a vector");

DOPPIO_OP_ROW(SegmentIdsToRanges)
    .Case(SegmentIds)
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(DataType::kInt32, {Segments(c), 2}, [&](const Dims& i) {
        int before = 0;
        int count = 0;
        for (int64_t k = 0; k < c.in(0).numel(); ++k) {
          before += IntegerAt(c.in(0), k) < i[0];
          count += IntegerAt(c.in(0), k) == i[0];
        }
        if (i[1] == 1) return count;
        return before == c.in(0).numel() ? 0 : before;
      })};
    })
    .NeverScalar("ids are a vector");

DOPPIO_OP_ROW(LengthsTile)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1, 3);
      c.Input("DATA", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt8,
                                            DataType::kString}),
                               dims));
      c.Input("LENGTHS", c.Random(DataType::kInt32, {dims[0]}, 0, 4));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const std::vector<Element> elements = Elements(c.in(1));
      Dims dims(c.in(0).dims().begin(), c.in(0).dims().end());
      dims[0] = static_cast<int64_t>(elements.size());
      return {Pick(c.in(0), dims, [&](Dims i) {
        i[0] = elements[static_cast<size_t>(i[0])].segment;
        return FlatIndex(c.in(0).dims(), i);
      })};
    })
    .NeverScalar("DATA has rows")
    .Differentiable({0});

DOPPIO_OP_ROW(LengthsSplit)
    .Case([](CaseMaker& c) {
      c.Input("LENGTHS", c.Random(DataType::kInt32, {c.Size()}, 0, 20));
      const int64_t n_split = c.Int(1, 6);
      if (c.Chance()) {
        c.Input("n_split", c.IndexVector({n_split}));
      } else {
        c.Arg("n_split", static_cast<int>(n_split));
      }
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t n = c.def.input_size() > 1 ? IntegerAt(c.in(1), 0) : c.Arg<int>("n_split");
      return {Generate(DataType::kInt32, {c.in(0).numel() * n}, [&](const Dims& i) {
        // Dealt out one by one.
        double part = 0;
        for (int64_t k = 0; k < IntegerAt(c.in(0), i[0] / n); ++k) part += k % n == i[0] % n;
        return part;
      })};
    })
    .NeverScalar("lengths are a vector");

DOPPIO_OP_ROW(LengthsTopK)
    .Case([](CaseMaker& c) {
      const Tensor lengths = Lengths(c, 9);
      c.Input("DATA", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), {Sum(lengths)},
                               -99, 99));
      c.Input("LENGTHS", lengths);
      c.Arg("k", static_cast<int>(c.Int(1, 6)));
      c.Output("V");
      c.Output("I");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t k = c.Arg<int>("k");
      const Dims dims = {c.in(1).numel(), k};
      std::vector<double> values;
      std::vector<int64_t> places;
      int64_t begin = 0;
      for (int64_t i = 0; i < dims[0]; ++i) {
        std::vector<int64_t> order(static_cast<size_t>(IntegerAt(c.in(1), i)));
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
          return ElementAsDouble(x, begin + a) > ElementAsDouble(x, begin + b);
        });
        order.resize(static_cast<size_t>(k), -1);
        for (int64_t place : order) {
          places.push_back(place);
          values.push_back(place < 0 ? 0 : ElementAsDouble(x, begin + place));
        }
        begin += IntegerAt(c.in(1), i);
      }
      const auto at = [&](const Dims& i) { return static_cast<size_t>(FlatIndex(dims, i)); };
      return {Generate(x.dtype(), dims, [&](const Dims& i) { return values[at(i)]; }),
              Generate(DataType::kInt32, dims,
                       [&](const Dims& i) { return static_cast<double>(places[at(i)]); })};
    })
    .Tolerance(0)
    .NeverScalar("DATA is a vector")
    .Differentiable({0});
DOPPIO_OP_ROW(LengthsTopKGradient)
    .CheckedByGradientOf("LengthsTopK")
    .NeverScalar("DATA is a vector");

DOPPIO_OP_ROW(LengthsPad)
    .Case([](CaseMaker& c) {
      const Tensor lengths = Lengths(c, 3);
      Dims dims = c.Shape(1, 3);
      dims[0] = Sum(lengths);
      c.Input("DATA", c.Random(c.OneOf({DataType::kFloat, DataType::kDouble, DataType::kInt32,
                                        DataType::kInt64}),
                               dims));
      c.Input("LENGTHS", lengths);
      c.Arg("target_length", static_cast<int>(c.Int(3, 5)));
      if (c.Chance()) c.Arg("padding_value", 7.0f);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t target = c.Arg<int>("target_length");
      Dims dims(x.dims().begin(), x.dims().end());
      dims[0] = c.in(1).numel() * target;
      return {Generate(x.dtype(), dims, [&](Dims i) -> double {
        const int64_t segment = i[0] / target;
        i[0] %= target;
        if (i[0] >= IntegerAt(c.in(1), segment)) return c.Arg<float>("padding_value", -1);
        for (int64_t k = 0; k < segment; ++k) i[0] += IntegerAt(c.in(1), k);
        return At(x, i);
      })};
    })
    .NeverScalar("DATA has rows");

DOPPIO_OP_ROW(LengthsGather)
    .Case([](CaseMaker& c) {
      Tensor lengths = Lengths(c);
      if (lengths.numel() == 0) lengths = *Tensor::Of<int32_t>({1}, {0});
      Dims dims = c.Shape(1, 3);
      dims[0] = Sum(lengths);
      c.Input("ITEMS",
              c.Random(c.OneOf({DataType::kFloat, DataType::kInt64, DataType::kString}), dims));
      c.Input("LENGTHS", lengths);
      c.Input("INDICES", c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), {c.Size()}, 0,
                                  static_cast<double>(lengths.numel() - 1)));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      std::vector<int64_t> rows;
      for (int64_t i = 0; i < c.in(2).numel(); ++i) {
        int64_t row = 0;
        for (int64_t k = 0; k < IntegerAt(c.in(2), i); ++k) row += IntegerAt(c.in(1), k);
        for (int64_t k = 0; k < IntegerAt(c.in(1), IntegerAt(c.in(2), i)); ++k) {
          rows.push_back(row + k);
        }
      }
      Dims dims(x.dims().begin(), x.dims().end());
      dims[0] = static_cast<int64_t>(rows.size());
      return {Pick(x, dims, [&](Dims i) {
        i[0] = rows[static_cast<size_t>(i[0])];
        return FlatIndex(x.dims(), i);
      })};
    })
    .NeverScalar("ITEMS has rows");

}  // namespace
}  // namespace doppio
