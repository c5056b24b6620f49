// Rows of the operators that put rows which are given with their indices into a dense tensor.

#include <algorithm>
#include <map>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(SparseToDense)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32, DataType::kInt64});
      const Dims values = c.Shape(1, 3);
      // A vector more often; other shapes only where there is a row.
      const int64_t most = std::min<int64_t>(static_cast<int64_t>(values.size()), 2);
      int index_rank = c.Chance(0.7) ? 1 : static_cast<int>(c.Int(0, most));
      const int64_t count = SizeToDim(values, index_rank);
      if (count == 0) index_rank = 1;
      const Dims indices(values.begin(), values.begin() + index_rank);
      const int64_t rows = count == 0 ? c.Size() : c.Int(1 + count / 8, 2 * (count + 1));
      c.Input("indices", c.Random(c.IndexType(), indices, 0, static_cast<double>(rows - 1)));
      c.Input("values", c.Random(type, values));
      const int64_t told_by = c.Int(0, 2);
      if (told_by == 0) {
        c.Input("like", c.Random(DataType::kInt8, {rows, 2}));
      }
      if (told_by == 1) c.Arg("output_first_dim", static_cast<int>(rows));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& indices = c.in(0);
      const Tensor& values = c.in(1);
      int64_t rows = c.Arg<int>("output_first_dim");
      if (c.def.input_size() > 2) rows = c.in(2).dim(0);
      if (c.def.input_size() == 2 && rows == 0) {
        for (int64_t k = 0; k < indices.numel(); ++k) {
          rows = std::max(rows, IntegerAt(indices, k) + 1);
        }
      }
      Dims dims = {rows};
      dims.insert(dims.end(), values.dims().begin() + indices.rank(), values.dims().end());
      const int64_t block = SizeFromDim(dims, 1);
      std::vector<double> sums(static_cast<size_t>(rows * block), 0.0);
      for (int64_t i = 0; i < values.numel(); ++i) {
        const int64_t row = IntegerAt(indices, i / block);
        sums[static_cast<size_t>(row * block + i % block)] += ElementAsDouble(values, i);
      }
      return {Generate(values.dtype(), dims, [&](const Dims& i) {
        return sums[static_cast<size_t>(FlatIndex(dims, i))];
      })};
    })
    .Tolerance(1e-4)
    .Differentiable({1});

DOPPIO_OP_ROW(SparseToDenseMask)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt8, DataType::kString});
      std::vector<int64_t> mask;
      const int64_t far_away = c.Chance(0.2) ? 1000000 : 0;
      for (int id : c.Permutation(8)) {
        if (mask.empty() || c.Chance()) mask.push_back(id + far_away);
      }
      const Dims values = c.Shape(1, 3);
      // Some that the mask does not have, and some that are no ids.
      c.Input("indices", c.Random(c.IndexType(), {values[0]}, static_cast<double>(far_away - 1),
                                  static_cast<double>(far_away + 10)));
      c.Input("values", c.Random(type, values));
      c.Input("default", c.Random(type, DimsView(values).subspan(1)));
      if (c.Chance()) {
        std::vector<int32_t> lengths;
        for (int64_t left = values[0]; left > 0 || c.Chance(0.3);) {
          lengths.push_back(static_cast<int32_t>(c.Int(0, std::min<int64_t>(left, 6))));
          left -= lengths.back();
        }
        c.Input("lengths", c.Vector<int32_t>(lengths));
      }
      c.Arg("mask", mask);
      c.Arg("max_skipped_indices", 1000000);
      c.Output("Y");
      if (c.Chance()) {
        c.Arg("return_presence_mask", 1);
        c.Output("presence");
      }
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& ids = c.in(0);
      const Tensor& values = c.in(1);
      const bool has_lengths = c.def.input_size() > 3;
      const std::vector<int64_t> mask = c.Args<int64_t>("mask");
      const int64_t columns = static_cast<int64_t>(mask.size());
      // The value that stands at each place, or -1.
      std::vector<int64_t> sources;
      int64_t k = 0;
      for (int64_t row = 0; row < (has_lengths ? c.in(3).numel() : 1); ++row) {
        std::map<int64_t, int64_t> last;
        const int64_t end = has_lengths ? k + IntegerAt(c.in(3), row) : ids.numel();
        for (; k < end; ++k) last[IntegerAt(ids, k)] = k;
        for (int64_t id : mask) sources.push_back(last.count(id) > 0 ? last[id] : -1);
      }
      Dims dims = {columns};
      if (has_lengths) dims.insert(dims.begin(), c.in(3).numel());
      const Tensor presence = Generate(DataType::kBool, dims, [&](const Dims& i) {
        return sources[static_cast<size_t>(FlatIndex(dims, i))] >= 0;
      });
      dims.insert(dims.end(), values.dims().begin() + 1, values.dims().end());
      const int64_t block = c.in(2).numel();
      Tensor output = *Tensor::Create(values.dtype(), dims);
      const absl::Status status = DispatchType(AllTypes(), values.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        for (int64_t i = 0; i < output.numel(); ++i) {
          const int64_t source = sources[static_cast<size_t>(i / block)];
          output.mutable_data<T>()[i] = source < 0 ? c.in(2).data<T>()[i % block]
                                                   : values.data<T>()[source * block + i % block];
        }
        return absl::OkStatus();
      });
      EXPECT_TRUE(status.ok()) << status;
      if (c.def.output_size() == 1) return {output};
      return {output, presence};
    })
    .Differentiable({1});

DOPPIO_OP_ROW(SparseToDenseMaskGradient)
    .CheckedByGradientOf("SparseToDenseMask")
    .NeverScalar("ids are a vector");

}  // namespace
}  // namespace doppio
