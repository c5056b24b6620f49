#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(WeightedSum)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Dims dims = c.Shape();
      const int64_t pairs = c.Int(1, 3);
      for (int64_t i = 0; i < pairs; ++i) {
        c.Input(absl::StrCat("X", i), c.Random(type, dims));
        c.Input(absl::StrCat("w", i), c.Random(type, c.Chance() ? Dims{} : Dims{1}));
      }
      c.Arg("grad_on_w", 1);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(c.in(0).dtype(), c.in(0).dims(), [&](const Dims& index) {
        double sum = 0;
        for (int i = 0; i < c.def.input_size(); i += 2)
          sum += ElementAsDouble(c.in(i + 1), 0) * At(c.in(i), index);
        return sum;
      })};
    })
    .Differentiable({0, 1, 2, 3, 4, 5});
DOPPIO_OP_ROW(WeightedSumGradient).CheckedByGradientOf("WeightedSum");

DOPPIO_OP_ROW(Iter)
    .Case([](CaseMaker& c) {
      const DataType type = c.OneOf({DataType::kInt64, DataType::kInt32});
      c.Input("iter", c.Random(type, c.Chance() ? Dims{} : Dims{1}, 0, 1000));
      c.Output("iter");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(DataType::kInt64, c.in(0).dims(),
                       [&](const Dims& i) { return At(c.in(0), i) + 1; })};
    })
    .NeverEmpty("the counter is one number");

DOPPIO_OP_ROW(CreateMutex).NoTensors("it makes a lock").InferenceOpen("a lock has no shape");
DOPPIO_OP_ROW(AtomicIter).NoTensors("it takes a lock");

DOPPIO_OP_ROW(LearningRate)
    .Case([](CaseMaker& c) {
      c.Input("iter", c.Random(DataType::kInt64, c.Chance() ? Dims{} : Dims{1}, 0, 50));
      c.Arg("base_lr", static_cast<float>(c.Real(-1, 1)));
      c.Arg("policy", c.OneOf<std::string>({"fixed", "step", "exp", "inv"}));
      c.Arg("gamma", static_cast<float>(c.Real(0.9, 1)));
      c.Arg("power", static_cast<float>(c.Real(0.5, 2)));
      c.Arg("stepsize", static_cast<int>(c.Int(1, 10)));
      c.Output("lr");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const double t = ElementAsDouble(c.in(0), 0);
      const std::string policy = c.Arg<std::string>("policy");
      const double gamma = c.Arg<float>("gamma");
      double factor = 1;
      if (policy == "step") factor = std::pow(gamma, std::floor(t / c.Arg<int>("stepsize")));
      if (policy == "exp") factor = std::pow(gamma, t);
      if (policy == "inv") factor = std::pow(1 + gamma * t, -c.Arg<float>("power"));
      return {Generate(DataType::kFloat, {},
                       [&](const Dims&) { return c.Arg<float>("base_lr") * factor; })};
    })
    .NeverEmpty("the iteration is one number");

DOPPIO_OP_ROW(EnsureClipped)
    .Case([](CaseMaker& c) {
      Dims x = c.Shape(1);
      if (c.Chance(0.8)) c.Arg("min", -0.5f);
      if (c.Chance(0.8)) c.Arg("max", 1.0f);
      if (c.Chance()) {
        if (c.Chance()) x.clear();
        c.Input("param", c.Random(DataType::kFloat, x));
        c.Output("Y");
        return;
      }
      c.Input("param", c.Random(DataType::kFloat, x));
      const int64_t rows = x[0];
      Dims grad = x;
      grad[0] = rows == 0 ? 0 : c.Size();
      c.Input("indices", c.Random(c.OneOf({DataType::kInt32, DataType::kInt64}), {grad[0]}, 0,
                                  static_cast<double>(rows - 1)));
      c.Input("grad", c.Random(DataType::kFloat, grad));
      c.Output("param");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const double low = c.Arg<float>("min", std::numeric_limits<float>::lowest());
      const double high = c.Arg<float>("max", std::numeric_limits<float>::max());
      std::set<int64_t> rows;
      for (int64_t k = 0; c.def.input_size() > 1 && k < c.in(1).numel(); ++k) {
        rows.insert(static_cast<int64_t>(ElementAsDouble(c.in(1), k)));
      }
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        if (c.def.input_size() > 1 && rows.count(i[0]) == 0) return At(x, i);
        return std::max(low, std::min(At(x, i), high));
      })};
    });

DOPPIO_OP_ROW(SparseLpRegularizer)
    .Case([](CaseMaker& c) {
      const Dims param = c.Shape(1, 3);
      const Dims count = {param[0] == 0 ? 0 : c.Size()};
      const DataType type = c.OneOf({DataType::kInt32, DataType::kInt64});
      c.Input("param", c.Random(DataType::kFloat, param));
      c.Input("indices", c.Random(type, count, 0, static_cast<double>(param[0] - 1)));
      if (c.Chance()) c.Input("grad", c.Random(DataType::kFloat, count));
      c.Arg("p", static_cast<float>(c.Int(1, 2)));
      c.Arg("reg_lambda", static_cast<float>(c.Real(0.01, 0.9)));
      c.Output("param");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& param = c.in(0);
      const int64_t block = SizeFromDim(param.dims(), 1);
      const double lambda = c.Arg<float>("reg_lambda");
      std::vector<int64_t> times(static_cast<size_t>(param.dim(0)));
      for (int64_t k = 0; k < c.in(1).numel(); ++k)
        ++times[static_cast<size_t>(ElementAsDouble(c.in(1), k))];
      Tensor result = DeepCopy(param);
      for (int64_t i = 0; i < param.numel(); ++i) {
        double x = param.data<float>()[i];
        for (int64_t t = 0; t < times[static_cast<size_t>(i / block)]; ++t) {
          if (c.Arg<float>("p") == 2)
            x *= 1 - lambda;
          else
            x = std::copysign(std::max(std::fabs(x) - lambda, 0.0), x);
        }
        result.mutable_data<float>()[i] = static_cast<float>(x);
      }
      return {result};
    })
    .NeverScalar("rows are chosen");

}  // namespace
}  // namespace doppio
