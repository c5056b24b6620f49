// Rows of the operators that read and write ranges and rows, and of UnsafeCoalesce.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DataType AnyType(CaseMaker& c) {
  return c.ValueType({DataType::kFloat, DataType::kInt64, DataType::kUInt8, DataType::kString});
}

// Element i is that of `source` at sources[i], or that of `otherwise` at i where this is -1.
Tensor PickFrom(const Tensor& source, const std::vector<int64_t>& sources,
                const Tensor& otherwise) {
  Tensor result = DeepCopy(otherwise);
  const absl::Status status = DispatchType(AllTypes(), source.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < result.numel(); ++i) {
      const int64_t from = sources[static_cast<size_t>(i)];
      if (from >= 0) result.mutable_data<T>()[i] = source.data<T>()[from];
    }
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return result;
}

// All 0, or empty strings.
Tensor Zeros(DataType type, DimsView dims) {
  if (type == DataType::kString) return *Tensor::Create(type, dims);
  return Generate(type, dims, [](const Dims&) { return 0.0; });
}

DOPPIO_OP_ROW(GatherRanges)
    .Case([](CaseMaker& c) {
      const Dims data = c.Shape(1, 1);
      const int64_t examples = c.Size();
      const int64_t per_example = c.Int(1, 3);
      std::vector<int64_t> ranges;
      for (int64_t i = 0; i < examples * per_example; ++i) {
        const int64_t start = c.Int(0, data[0]);
        const bool is_empty = c.Chance(0.2);
        ranges.push_back(is_empty ? c.Int(-3, 1000) : start);
        ranges.push_back(is_empty ? 0 : c.Int(0, std::min<int64_t>(data[0] - start, 400)));
      }
      Tensor pairs = c.IndexVector(ranges);
      EXPECT_TRUE(pairs.Reshape({examples, per_example, 2}).ok());
      c.Input("DATA", c.Random(AnyType(c), data));
      c.Input("RANGES", pairs);
      c.Output("OUTPUT");
      c.Output("LENGTHS");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& ranges = c.in(1);
      std::vector<int64_t> sources;
      std::vector<int32_t> lengths;
      int64_t k = 0;
      for (int64_t i = 0; i < ranges.dim(0); ++i) {
        const size_t before = sources.size();
        for (int64_t j = 0; j < ranges.dim(1); ++j, k += 2) {
          for (int64_t n = 0; n < IntegerAt(ranges, k + 1); ++n) {
            sources.push_back(IntegerAt(ranges, k) + n);
          }
        }
        lengths.push_back(static_cast<int32_t>(sources.size() - before));
      }
      return {Pick(c.in(0), {static_cast<int64_t>(sources.size())},
                   [&](const Dims& i) { return sources[static_cast<size_t>(i[0])]; }),
              *Tensor::FromSpan<int32_t>({ranges.dim(0)}, lengths)};
    })
    .NeverScalar("data is a vector");

DOPPIO_OP_ROW(GatherRangesToDense)
    .Case([](CaseMaker& c) {
      const Dims data = c.Shape(1, 1);
      const int64_t examples = c.Size();
      const int64_t outputs = c.Int(1, 3);
      std::vector<int64_t> lengths;
      for (int64_t j = 0; j < outputs; ++j) {
        lengths.push_back(c.Int(1, 4));
        c.Output(absl::StrCat("Y", j));
      }
      std::vector<int64_t> ranges;
      for (int64_t i = 0; i < examples * outputs; ++i) {
        // Of the right length, of none, or of another one.
        int64_t length = lengths[static_cast<size_t>(i % outputs)];
        if (c.Chance(0.3)) length = c.Int(0, 5);
        if (length > data[0]) length = 0;
        ranges.push_back(c.Int(0, data[0] - length));
        ranges.push_back(length);
      }
      Tensor pairs = c.IndexVector(ranges);
      EXPECT_TRUE(pairs.Reshape({examples, outputs, 2}).ok());
      c.Input("DATA", c.Random(AnyType(c), data));
      c.Input("RANGES", pairs);
      if (c.Chance()) c.Input("KEY", c.Random(DataType::kInt64, data, -2, 2));
      c.Arg("lengths", lengths);
      c.Arg("max_mismatched_ratio", 1.0f);
    })
    .Reference([](const OpCase& c) {
      const Tensor& ranges = c.in(1);
      const std::vector<int64_t> lengths = c.Args<int64_t>("lengths");
      std::vector<Tensor> outputs;
      for (int64_t j = 0; j < ranges.dim(1); ++j) {
        const int64_t length = lengths[static_cast<size_t>(j)];
        std::vector<int64_t> sources;
        for (int64_t i = 0; i < ranges.dim(0); ++i) {
          const int64_t k = 2 * (i * ranges.dim(1) + j);
          std::vector<int64_t> places(static_cast<size_t>(length), -1);
          if (IntegerAt(ranges, k + 1) == length) {
            std::iota(places.begin(), places.end(), IntegerAt(ranges, k));
            if (c.def.input_size() > 2) {
              std::stable_sort(places.begin(), places.end(), [&](int64_t a, int64_t b) {
                return IntegerAt(c.in(2), a) < IntegerAt(c.in(2), b);
              });
            }
          }
          sources.insert(sources.end(), places.begin(), places.end());
        }
        outputs.push_back(
            PickFrom(c.in(0), sources, Zeros(c.in(0).dtype(), {ranges.dim(0), length})));
      }
      return outputs;
    })
    .NeverScalar("data is a vector");

DOPPIO_OP_ROW(Scatter)
    .Case([](CaseMaker& c) {
      const DataType type = AnyType(c);
      const Dims data = c.Shape(1, 3);
      const int rank = static_cast<int>(data.size());
      const int axis = static_cast<int>(c.Int(0, rank - 1));
      Dims indices;
      for (int i = 0; i < rank; ++i) {
        const int64_t size = data[static_cast<size_t>(i)];
        indices.push_back(c.Int(size / 2, i == axis && size > 0 ? size + 2 : size));
      }
      c.Input("DATA", c.Random(type, data));
      c.Input("INDICES", c.Random(c.IndexType(), indices, 0,
                                  static_cast<double>(data[static_cast<size_t>(axis)] - 1)));
      c.Input("UPDATES", c.Random(type, indices));
      if (axis != 1 || c.Chance()) c.Arg("axis", c.Chance() ? axis : axis - rank);
      c.Output("OUTPUT");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& data = c.in(0);
      int64_t axis = c.Arg<int>("axis", 1);
      if (axis < 0) axis += data.rank();
      std::vector<int64_t> sources(static_cast<size_t>(data.numel()), -1);
      int64_t k = 0;
      ForEachIndex(c.in(1).dims(), [&](const Dims& i) {
        Dims place = i;
        place[static_cast<size_t>(axis)] = IntegerAt(c.in(1), k);
        sources[static_cast<size_t>(FlatIndex(data.dims(), place))] = k++;
      });
      return {PickFrom(c.in(2), sources, data)};
    })
    .NeverScalar("DATA is at least a vector");

void Normalize(absl::string_view type, DataType dtype) {
  NewOpRow(type)
      .Case([dtype](CaseMaker& c) {
        const Dims param = c.Shape(1, 3);
        Dims grad = param;
        grad[0] = param[0] == 0 ? 0 : c.Size();
        c.Input("X", c.Random(dtype, param));
        c.Input("indices",
                c.Random(c.IndexType(), {grad[0]}, 0, static_cast<double>(param[0] - 1)));
        if (c.Chance()) c.Input("grad", c.Random(dtype, grad));
        if (c.Chance()) c.Arg("use_max_norm", c.Chance() ? 1 : 0);
        if (c.Chance()) c.Arg("norm", static_cast<float>(c.Real(0, 4)));
        c.Output("X");
      })
      .Reference([](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& x = c.in(0);
        const int64_t block = SizeFromDim(x.dims(), 1);
        const double wanted = c.Arg<float>("norm", 1);
        std::vector<double> table;
        for (int64_t i = 0; i < x.numel(); ++i) table.push_back(ElementAsDouble(x, i));
        for (int64_t k = 0; k < c.in(1).numel(); ++k) {
          double* row = table.data() + IntegerAt(c.in(1), k) * block;
          const double norm = std::sqrt(std::inner_product(row, row + block, row, 0.0));
          // The second time that a row is done rounding decides, but changes little.
          if (c.Arg<bool>("use_max_norm", true) && norm <= wanted) continue;
          for (int64_t j = 0; j < block; ++j) row[j] *= wanted / (norm + 1e-12);
        }
        return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
          return table[static_cast<size_t>(FlatIndex(x.dims(), i))];
        })};
      })
      .NeverScalar("param has rows");
}
[[maybe_unused]] const bool normalize_rows = [] {
  Normalize("SparseNormalize", DataType::kFloat);
  Normalize("Float16SparseNormalize", DataType::kFloat16);
  return true;
}();

DOPPIO_OP_ROW(UnsafeCoalesce)
    .Case([](CaseMaker& c) {
      const int64_t count = c.Int(1, 3);
      for (int64_t i = 0; i < count; ++i) {
        c.Input(absl::StrCat("X", i), c.Random(DataType::kFloat, c.Shape()));
        c.Output(absl::StrCat("Y", i));
      }
      c.Output("all");
    })
    .Reference([](const OpCase& c) {
      std::vector<Tensor> outputs;
      std::vector<float> all;
      for (int i = 0; i < c.def.input_size(); ++i) {
        const auto elements = c.in(i).span<float>();
        outputs.push_back(c.in(i));
        all.insert(all.end(), elements.begin(), elements.end());
      }
      outputs.push_back(*Tensor::FromSpan<float>({static_cast<int64_t>(all.size())}, all));
      return outputs;
    });

}  // namespace
}  // namespace doppio
