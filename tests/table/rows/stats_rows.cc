#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(Summarize)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(DataType::kFloat, c.Shape()));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const auto count = static_cast<double>(x.numel());
      double least = At(x, Dims(static_cast<size_t>(x.rank()), 0));
      double most = least;
      double mean = 0;
      ForEachIndex(x.dims(), [&](const Dims& i) {
        least = std::min(least, At(x, i));
        most = std::max(most, At(x, i));
        mean += At(x, i) / count;
      });
      double variance = 0;
      ForEachIndex(x.dims(), [&](const Dims& i) {
        variance += (At(x, i) - mean) * (At(x, i) - mean) / std::max(count - 1, 1.0);
      });
      const double stats[] = {least, most, mean, std::sqrt(variance)};
      return {Generate(DataType::kFloat, {4}, [&](const Dims& i) { return stats[i[0]]; })};
    })
    .NeverEmpty("nothing has no mean");

DOPPIO_OP_ROW(AccumulateHistogram)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(DataType::kFloat, c.Shape()));
      if (c.Chance(0.7)) {
        c.Arg("lower_bound", -1.0f);
        c.Arg("upper_bound", 1.5f);
        c.Arg("num_buckets", static_cast<int>(c.Int(1, 9)));
      }
      c.Output("CurHist");
      c.Output("AccHist");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const double lower = c.Arg<float>("lower_bound", 0);
      const double upper = c.Arg<float>("upper_bound", 1);
      const int64_t count = c.Arg<int>("num_buckets", 1);
      std::vector<double> counts(static_cast<size_t>(count + 2), 0);
      ForEachIndex(c.in(0).dims(), [&](const Dims& i) {
        size_t bucket = 0;
        for (int64_t k = 0; k <= count; ++k) {
          const double edge =
              lower + (upper - lower) * static_cast<double>(k) / static_cast<double>(count);
          if (At(c.in(0), i) >= edge) ++bucket;
        }
        ++counts[bucket];
      });
      const Tensor result = Generate(DataType::kInt64, {count + 2}, [&](const Dims& i) {
        return counts[static_cast<size_t>(i[0])];
      });
      return {result, result};
    });

}  // namespace
}  // namespace doppio
