#include <algorithm>
#include <limits>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr DataType kFloat = DataType::kFloat;
constexpr DataType kDouble = DataType::kDouble;

int64_t TrueElements(const Tensor& mask) {
  int64_t count = 0;
  for (int64_t i = 0; i < mask.numel(); ++i) count += ElementAsDouble(mask, i) != 0 ? 1 : 0;
  return count;
}

// The elements of x where first() is true, and those of y elsewhere.
Tensor PickEither(const Tensor& x, const Tensor& y, const std::function<bool(const Dims&)>& first) {
  if (x.Is<std::string>()) {
    Tensor z = *Tensor::Create(x.dtype(), x.dims());
    ForEachIndex(x.dims(), [&](const Dims& i) {
      const int64_t at = FlatIndex(x.dims(), i);
      z.mutable_data<std::string>()[at] = (first(i) ? x : y).data<std::string>()[at];
    });
    return z;
  }
  return Generate(x.dtype(), x.dims(),
                  [&](const Dims& i) { return first(i) ? At(x, i) : At(y, i); });
}

constexpr auto kAnyType = {kFloat,          kDouble,         DataType::kInt32,   DataType::kInt64,
                           DataType::kInt8, DataType::kBool, DataType::kFloat16, DataType::kString};

DOPPIO_OP_ROW(Where)
    .Case([](CaseMaker& c) {
      const DataType type = c.OneOf<DataType>(kAnyType);
      const bool by_rows = c.Chance(0.3);
      const Dims dims = c.Shape(by_rows ? 1 : 0);
      c.Input("C", c.Random(DataType::kBool, by_rows ? Dims{dims[0]} : dims));
      c.Input("X", c.Random(type, dims));
      c.Input("Y", c.Random(type, dims));
      if (by_rows) c.Arg("broadcast_on_rows", 1);
      c.Output("Z");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const bool by_rows = c.Arg<bool>("broadcast_on_rows");
      return {PickEither(c.in(1), c.in(2), [&](const Dims& i) {
        return At(c.in(0), by_rows ? Dims{i[0]} : i) != 0;
      })};
    });

DOPPIO_OP_ROW(Conditional)
    .Case([](CaseMaker& c) {
      const DataType type = c.OneOf<DataType>(kAnyType);
      const Dims dims = c.Shape(1);
      c.Input("Condition", c.Random(DataType::kBool, {dims[0]}));
      c.Input("DataT", c.Random(type, dims));
      c.Input("DataF", c.Random(type, dims));
      c.Output("DataO");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {PickEither(c.in(1), c.in(2),
                         [&](const Dims& i) { return At(c.in(0), Dims{i[0]}) != 0; })};
    })
    .NeverScalar("there are rows");

DOPPIO_OP_ROW(SumReduceLike)
    .Case([](CaseMaker& c) {
      const DataType type = c.OneOf({kFloat, kDouble, DataType::kInt32, DataType::kInt64});
      const Dims dims = c.Shape();
      const int64_t rank = static_cast<int64_t>(dims.size());
      const int64_t first = c.Int(0, rank);
      const int64_t last = c.Int(first, rank);
      c.Input("A", c.Random(type, dims));
      c.Input("B", c.Random(type, DimsView(dims).subspan(static_cast<size_t>(first),
                                                         static_cast<size_t>(last - first))));
      c.Arg<int>("axis", static_cast<int>(first));
      c.Output("C");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& a = c.in(0);
      const Tensor& b = c.in(1);
      const auto axis = static_cast<size_t>(c.Arg<int>("axis"));
      std::vector<double> sums(static_cast<size_t>(b.numel()), 0.0);
      ForEachIndex(a.dims(), [&](const Dims& i) {
        const int64_t to =
            b.numel() == 1 ? 0 : FlatIndex(b.dims(), DimsView(i).subspan(axis, b.dims().size()));
        sums[static_cast<size_t>(to)] += At(a, i);
      });
      return {Generate(a.dtype(), b.dims(), [&](const Dims& i) {
        return sums[static_cast<size_t>(FlatIndex(b.dims(), i))];
      })};
    });

DOPPIO_OP_ROW(IsMemberOf)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.OneOf({DataType::kInt32, DataType::kInt64, DataType::kBool, DataType::kString});
      const bool is_bool = type == DataType::kBool;
      Tensor x = c.Random(type, c.Shape(), is_bool ? 0 : -9, is_bool ? 1 : 9);
      if (type == DataType::kString) {
        std::vector<std::string> values = {"no word"};
        for (int64_t i = 0; i < x.numel() && i < 5; ++i) values.push_back(x.data<std::string>()[i]);
        c.Arg("value", values);
      } else {
        c.Arg("value",
              is_bool ? std::vector<int64_t>{c.Int(0, 1)} : std::vector<int64_t>{3, -9, 0, 7});
      }
      if (c.Chance()) c.Arg("dtype", static_cast<int>(type));
      c.Input("X", std::move(x));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      return {Generate(DataType::kBool, x.dims(), [&](const Dims& i) {
        double found = 0;
        if (x.Is<std::string>()) {
          for (const std::string& value : c.Args<std::string>("value")) {
            if (x.data<std::string>()[FlatIndex(x.dims(), i)] == value) found = 1;
          }
        } else {
          for (const int64_t value : c.Args<int64_t>("value")) {
            if (At(x, i) == static_cast<double>(value)) found = 1;
          }
        }
        return found;
      })};
    });

DOPPIO_OP_ROW(BooleanMask)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.ValueType({kFloat, kDouble, DataType::kInt64, DataType::kInt8, DataType::kString});
      const Dims dims = c.Shape(1, 3);
      c.Input("data", c.Random(type, dims));
      c.Input("mask", c.Random(DataType::kBool, {dims[0]}));
      c.Output("masked_data");
      if (c.Chance()) c.Output("masked_indices");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& data = c.in(0);
      std::vector<int64_t> rows;
      for (int64_t i = 0; i < c.in(1).numel(); ++i) {
        if (ElementAsDouble(c.in(1), i) != 0) rows.push_back(i);
      }
      const auto count = static_cast<int64_t>(rows.size());
      Dims dims(data.dims().begin(), data.dims().end());
      dims[0] = count;
      std::vector<Tensor> outputs = {Pick(data, dims, [&](const Dims& i) {
        Dims from = i;
        from[0] = rows[static_cast<size_t>(i[0])];
        return FlatIndex(data.dims(), from);
      })};
      if (c.def.output_size() > 1) outputs.push_back(*Tensor::FromSpan<int64_t>({count}, rows));
      return outputs;
    })
    .Differentiable({0})
    .NeverScalar("there are rows")
    .InferenceOpen("the number of rows depends on the mask");
DOPPIO_OP_ROW(BooleanMaskGradient).CheckedByGradientOf("BooleanMask").NeverScalar("there are rows");

DOPPIO_OP_ROW(BooleanMaskLengths)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1, 1);
      const Tensor lengths = c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), dims, 0, 4);
      int64_t total = 0;
      for (int64_t i = 0; i < lengths.numel(); ++i)
        total += static_cast<int64_t>(ElementAsDouble(lengths, i));
      c.Input("lengths", lengths);
      c.Input("mask", c.Random(DataType::kBool, {total}));
      c.Output("masked_lengths");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& lengths = c.in(0);
      std::vector<double> kept;
      int64_t at = 0;
      for (int64_t i = 0; i < lengths.numel(); ++i) {
        kept.push_back(0);
        for (int64_t j = 0; j < static_cast<int64_t>(ElementAsDouble(lengths, i)); ++j)
          kept.back() += ElementAsDouble(c.in(1), at++);
      }
      return {Generate(lengths.dtype(), lengths.dims(),
                       [&](const Dims& i) { return kept[static_cast<size_t>(i[0])]; })};
    })
    .NeverScalar("lengths are a vector");

DOPPIO_OP_ROW(BooleanUnmask)
    .Case([](CaseMaker& c) {
      const DataType type = c.OneOf({kFloat, DataType::kInt64, DataType::kBool, DataType::kString});
      const int64_t size = c.Shape(1, 1)[0];
      const int64_t pairs = c.Int(1, 4);
      Tensor covered = *Tensor::Create(DataType::kBool, {size});
      std::fill_n(covered.mutable_data<bool>(), size, false);
      for (int64_t k = 0; k < pairs; ++k) {
        Tensor mask = c.Random(DataType::kBool, {size});
        int64_t first = 0;
        for (int64_t i = 0; i < size; ++i) {
          bool& is_true = mask.mutable_data<bool>()[i];
          bool& is_covered = covered.mutable_data<bool>()[i];
          if (k + 1 == pairs) is_true = is_true || !is_covered;
          if (is_true && !is_covered) ++first;
          is_covered = is_covered || is_true;
        }
        const int64_t all = TrueElements(mask);
        c.Input(absl::StrCat("mask", k), std::move(mask));
        c.Input(absl::StrCat("values", k), c.Random(type, {c.Chance() ? all : first}));
      }
      c.Output("unmasked_data");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t size = c.in(0).numel();
      // The value of each mask that comes next, where it has one for each of its true elements or
      // only for those that no earlier mask has.
      const int pairs = c.def.input_size() / 2;
      std::vector<int64_t> next(static_cast<size_t>(pairs), 0);
      std::vector<bool> has_all;
      for (int k = 0; k < pairs; ++k)
        has_all.push_back(c.in(2 * k + 1).numel() == TrueElements(c.in(2 * k)));
      std::vector<std::string> words;
      std::vector<double> numbers;
      for (int64_t i = 0; i < size; ++i) {
        bool found = false;
        for (int k = 0; k < pairs; ++k) {
          if (ElementAsDouble(c.in(2 * k), i) == 0) continue;
          const Tensor& values = c.in(2 * k + 1);
          int64_t& at = next[static_cast<size_t>(k)];
          if (!found && values.Is<std::string>()) words.push_back(values.data<std::string>()[at]);
          if (!found && !values.Is<std::string>()) numbers.push_back(ElementAsDouble(values, at));
          if (!found || has_all[static_cast<size_t>(k)]) ++at;
          found = true;
        }
      }
      if (c.in(1).Is<std::string>()) return {*Tensor::FromSpan<std::string>({size}, words)};
      return {Generate(c.in(1).dtype(), {size},
                       [&](const Dims& i) { return numbers[static_cast<size_t>(i[0])]; })};
    })
    .NeverScalar("masks are vectors");

DOPPIO_OP_ROW(SequenceMask)
    .Case([](CaseMaker& c) {
      const std::string mode =
          c.OneOf({"sequence", "window", "upper", "lower", "upperdiag", "lowerdiag"});
      const Dims dims = c.Shape(2, 4);
      const auto rank = static_cast<int64_t>(dims.size());
      const int64_t axis = c.Int(1, rank - 1);
      int64_t first_row = 0;
      c.Input("X", c.Random(c.ValueType({kFloat, kDouble}), dims));
      c.Arg("mode", mode);
      if (axis != 1 || c.Chance()) c.Arg("axis", c.Chance() ? axis : axis - rank);
      if (c.Chance(0.3)) {
        first_row = c.Int(1, axis);
        c.Arg("batch", first_row - 1);
      } else if (mode == "sequence" && c.Chance()) {
        c.Arg("repeat_from_axis", c.Int(axis, rank - 1));
      }
      if (mode == "sequence" || mode == "window") {
        const int64_t rows = SizeBetween(dims, static_cast<int>(first_row), static_cast<int>(axis));
        c.Input("lengths", c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), {rows},
                                    mode == "window" ? -3 : 0, 5));
      }
      if (mode == "window") c.Arg<int>("radius", static_cast<int>(c.Int(0, 3)));
      c.Arg<float>("fill_val", 0.25F);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const std::string mode = c.Arg<std::string>("mode");
      const int64_t rank = x.rank();
      int64_t axis = c.Arg<int64_t>("axis", 1);
      if (axis < 0) axis += rank;
      const int64_t end = c.Arg<int64_t>("repeat_from_axis", rank);
      const int64_t first_row = c.Arg<int64_t>("batch", -1) + 1;
      const int64_t radius = c.Arg<int64_t>("radius", 10);
      const float fill = c.Arg<bool>("grad") ? 0 : c.Arg<float>("fill_val");
      return {Generate(x.dtype(), x.dims(), [&](const Dims& at) {
        const auto flat = [&](int64_t from, int64_t to) {
          int64_t index = 0;
          for (int64_t d = from; d < to; ++d) {
            index = index * x.dim(static_cast<int>(d)) + at[static_cast<size_t>(d)];
          }
          return index;
        };
        const int64_t i = flat(first_row, axis);
        const int64_t j = flat(axis, end);
        bool over = false;
        if (mode == "sequence") over = static_cast<double>(j) >= ElementAsDouble(c.in(1), i);
        if (mode == "window") {
          const auto center = static_cast<int64_t>(ElementAsDouble(c.in(1), i));
          over = j < center - radius || j > center + radius;
        }
        if (mode == "upper") over = j > i;
        if (mode == "lower") over = j < i;
        if (mode == "upperdiag") over = j >= i;
        if (mode == "lowerdiag") over = j <= i;
        return over ? static_cast<double>(fill) : At(x, at);
      })};
    })
    .Differentiable({0})
    .NeverScalar("there are rows and columns");

}  // namespace
}  // namespace doppio
