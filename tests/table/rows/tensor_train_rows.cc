#include <algorithm>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(TTSparseLengthsSum)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      std::vector<int64_t> i;
      std::vector<int64_t> j;
      std::vector<int64_t> r = {1};
      for (int k = 0; k < 3; ++k) {
        i.push_back(c.Int(1, 4));
        j.push_back(c.Int(1, 3));
        r.push_back(k == 2 ? 1 : c.Int(1, 3));
      }
      c.Arg("factor_i", i);
      c.Arg("factor_j", j);
      c.Arg("ranks", r);
      c.Arg("emb_size", j[0] * j[1] * j[2]);
      const char* names[] = {"core0", "core1", "core2"};
      for (size_t k = 0; k < 3; ++k) {
        c.Input(names[k], c.Random(type, {i[k], r[k], j[k], r[k + 1]}));
      }
      const int64_t count = c.Shape(1, 1)[0];
      c.Input("index",
              c.Random(DataType::kInt64, {count}, 0, static_cast<double>(i[0] * i[1] * i[2] - 1)));
      std::vector<int32_t> lengths;
      for (int64_t left = count; left > 0 || c.Chance(0.3);) {
        lengths.push_back(static_cast<int32_t>(c.Int(0, left)));
        left -= lengths.back();
      }
      c.Input("lengths", c.Vector<int32_t>(lengths));
      for (const char* name : {"Y", "core0_output", "core1_output", "indices"}) c.Output(name);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const auto i = c.Args<int64_t>("factor_i");
      const auto j = c.Args<int64_t>("factor_j");
      const auto r = c.Args<int64_t>("ranks");
      const int64_t count = c.in(3).numel();
      const DataType type = c.in(0).dtype();
      const Tensor n = Generate(DataType::kInt64, {count, 3}, [&](const Dims& at) {
        int64_t row = static_cast<int64_t>(ElementAsDouble(c.in(3), at[0]));
        for (int64_t k = 0; k < at[1]; ++k) row /= i[static_cast<size_t>(k)];
        return static_cast<double>(row % i[static_cast<size_t>(at[1])]);
      });
      const auto matrix = [&](int64_t p, int k) { return static_cast<int64_t>(At(n, {p, k})); };
      const Tensor first = Generate(type, {count, j[0], r[1]}, [&](const Dims& at) {
        return At(c.in(0), {matrix(at[0], 0), 0, at[1], at[2]});
      });
      const Tensor second = Generate(type, {count, j[0] * j[1], r[2]}, [&](const Dims& at) {
        double sum = 0;
        for (int64_t l = 0; l < r[1]; ++l) {
          sum += At(first, {at[0], at[1] / j[1], l}) *
                 At(c.in(1), {matrix(at[0], 1), l, at[1] % j[1], at[2]});
        }
        return sum;
      });
      const Dims y = {c.in(4).numel(), j[0] * j[1] * j[2]};
      std::vector<double> sums(static_cast<size_t>(y[0] * y[1]), 0);
      int64_t p = 0;
      for (int64_t s = 0; s < y[0]; ++s) {
        for (int64_t end = p + static_cast<int64_t>(ElementAsDouble(c.in(4), s)); p < end; ++p) {
          for (int64_t e = 0; e < y[1]; ++e) {
            for (int64_t l = 0; l < r[2]; ++l) {
              sums[static_cast<size_t>(s * y[1] + e)] +=
                  At(second, {p, e / j[2], l}) * At(c.in(2), {matrix(p, 2), l, e % j[2], 0});
            }
          }
        }
      }
      return {Generate(type, y,
                       [&](const Dims& at) { return sums[static_cast<size_t>(FlatIndex(y, at))]; }),
              first, second, n};
    })
    .Tolerance(1e-4)
    .NeverScalar("index and lengths are vectors")
    .Differentiable({0, 1, 2})
    .OutputGradients({0});
DOPPIO_OP_ROW(TTSparseLengthsSumGradient)
    .CheckedByGradientOf("TTSparseLengthsSum")
    .NeverScalar("as the forward operator");

}  // namespace
}  // namespace doppio
