// Rows of the operators of ONNX that compute.

#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

// Two operands of one type, which broadcast to some shape.
void Operands(CaseMaker& c, DataType type, double least, double most) {
  const Dims dims = c.Shape();
  c.Input("A", c.Random(type, c.BroadcastsTo(dims), least, most));
  c.Input("B", c.Random(type, c.BroadcastsTo(dims), least, most));
  c.Output("C");
}

// C[i] = f(A[i], B[i]).
std::vector<Tensor> OfPairs(const OpCase& c, const std::function<double(double, double)>& f) {
  const Dims dims = *BroadcastShapes(c.in(0).dims(), c.in(1).dims());
  return {Generate(c.in(0).dtype(), dims,
                   [&](const Dims& i) { return f(At(c.in(0), i), At(c.in(1), i)); })};
}

DataType ArithmeticType(CaseMaker& c) {
  return c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32, DataType::kInt64});
}

DOPPIO_OP_ROW(OnnxMax)
    .Case([](CaseMaker& c) { Operands(c, ArithmeticType(c), -9, 9); })
    .Reference([](const OpCase& c) {
      return OfPairs(c, [](double a, double b) { return std::max(a, b); });
    })
    .Tolerance(0);

DOPPIO_OP_ROW(OnnxMin)
    .Case([](CaseMaker& c) { Operands(c, ArithmeticType(c), -9, 9); })
    .Reference([](const OpCase& c) {
      return OfPairs(c, [](double a, double b) { return std::min(a, b); });
    })
    .Tolerance(0);

DOPPIO_OP_ROW(OnnxMod)
    .Case([](CaseMaker& c) {
      const DataType type = ArithmeticType(c);
      const bool is_fmod = IsFloatingPoint(type) || c.Chance();
      const Dims dims = c.Shape();
      c.Input("A", c.Random(type, c.BroadcastsTo(dims), -9, 9));
      const double sign = c.OneOf({-1, 1});
      c.Input("B", c.Random(type, c.BroadcastsTo(dims), sign > 0 ? 1 : -5, sign > 0 ? 5 : -1));
      c.Arg("fmod", is_fmod);
      c.Output("C");
    })
    .Reference([](const OpCase& c) {
      return OfPairs(c, [&](double a, double b) {
        return c.Arg<bool>("fmod") ? std::fmod(a, b) : a - b * std::floor(a / b);
      });
    });

DOPPIO_OP_ROW(BitShift)
    .Case([](CaseMaker& c) {
      Operands(c, c.OneOf({DataType::kUInt8, DataType::kUInt16}), 0, 18);
      c.Arg<std::string>("direction", c.Chance() ? "LEFT" : "RIGHT");
    })
    .Reference([](const OpCase& c) {
      const double limit = c.in(0).Is<uint8_t>() ? 256 : 65536;
      return OfPairs(c, [&](double a, double b) {
        return c.Arg<std::string>("direction") == "LEFT" ? std::fmod(a * std::exp2(b), limit)
                                                         : std::floor(a / std::exp2(b));
      });
    });

DOPPIO_OP_ROW(OnnxPow)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      const DataType base = c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kFloat16,
                                         DataType::kInt32, DataType::kInt64, DataType::kUInt8});
      const DataType exponent =
          c.OneOf({DataType::kFloat, DataType::kDouble, DataType::kInt8, DataType::kInt64});
      // Whole powers stay small, others of positive numbers alone.
      c.Input("X", c.Random(base, c.BroadcastsTo(dims), 1, 4));
      c.Input("Y", c.Random(exponent, c.BroadcastsTo(dims), 0, 3));
      c.Output("Z");
    })
    .Reference([](const OpCase& c) {
      const bool is_whole = !IsFloatingPoint(c.in(0).dtype());
      return OfPairs(c, [&](double x, double y) {
        const double power = std::pow(x, y);
        return is_whole ? std::trunc(power) : power;
      });
    });

DOPPIO_OP_ROW(OnnxWhere)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape();
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt64,
                                         DataType::kInt8, DataType::kFloat16});
      c.Input("condition", c.Random(DataType::kBool, c.BroadcastsTo(dims), 0, 1));
      c.Input("X", c.Random(type, c.BroadcastsTo(dims)));
      c.Input("Y", c.Random(type, c.BroadcastsTo(dims)));
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Dims values = *BroadcastShapes(c.in(1).dims(), c.in(2).dims());
      const Dims dims = *BroadcastShapes(c.in(0).dims(), values);
      return {Generate(c.in(1).dtype(), dims, [&](const Dims& i) {
        return At(c.in(0), i) != 0 ? At(c.in(1), i) : At(c.in(2), i);
      })};
    });

DOPPIO_OP_ROW(IsInf)
    .Case([](CaseMaker& c) {
      // What is divided by 0 is infinite.
      Tensor x = c.Random(c.RealType(), c.Shape(), -2, 2);
      const auto make_infinite = [&](auto* elements) {
        for (int64_t i = 0; i < x.numel(); ++i) {
          if (std::abs(elements[i]) > 1) elements[i] /= 0;
        }
      };
      if (x.Is<float>()) make_infinite(x.mutable_data<float>());
      if (x.Is<double>()) make_infinite(x.mutable_data<double>());
      c.Input("X", x);
      if (c.Chance()) c.Arg("detect_negative", c.Chance());
      if (c.Chance()) c.Arg("detect_positive", c.Chance());
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(DataType::kBool, c.in(0).dims(), [&](const Dims& i) {
        const double x = At(c.in(0), i);
        return std::isinf(x) && c.Arg<bool>(x > 0 ? "detect_positive" : "detect_negative", true);
      })};
    });

DOPPIO_OP_ROW(CumSum)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1);
      const auto rank = static_cast<int64_t>(dims.size());
      c.Input("x", c.Random(ArithmeticType(c), dims, -9, 9));
      c.Input("axis", c.IndexVector({c.Int(-rank, rank - 1)}));
      c.Arg("exclusive", c.Chance());
      c.Arg("reverse", c.Chance());
      c.Output("y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t axis = IntegerAt(c.in(1), 0);
      const auto d = static_cast<size_t>(axis < 0 ? axis + x.rank() : axis);
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        double sum = 0;
        Dims at = i;
        for (at[d] = 0; at[d] < x.dims()[d]; ++at[d]) {
          const bool is_before = c.Arg<bool>("reverse") ? at[d] > i[d] : at[d] < i[d];
          if (is_before || (at[d] == i[d] && !c.Arg<bool>("exclusive"))) sum += At(x, at);
        }
        return sum;
      })};
    })
    .Tolerance(1e-4)
    .NeverScalar("x has an axis");

DOPPIO_OP_ROW(OnnxReduceSum)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1);
      const auto rank = static_cast<int64_t>(dims.size());
      c.Input("data", c.Random(ArithmeticType(c), dims, -9, 9));
      Dims axes;
      if (c.Chance()) axes = {c.Int(-rank, rank - 1)};
      c.Input("axes", c.IndexVector(axes));
      c.Arg("keepdims", c.Chance());
      c.Arg("noop_with_empty_axes", c.Chance());
      c.Output("reduced");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      std::vector<bool> is_reduced(x.dims().size(), !c.Arg<bool>("noop_with_empty_axes"));
      if (c.in(1).numel() > 0) {
        const int64_t axis = IntegerAt(c.in(1), 0);
        is_reduced.assign(x.dims().size(), false);
        is_reduced[static_cast<size_t>(axis < 0 ? axis + x.rank() : axis)] = true;
      }
      Dims kept;
      Dims output;
      for (size_t d = 0; d < is_reduced.size(); ++d) {
        kept.push_back(is_reduced[d] ? 1 : x.dims()[d]);
        if (c.Arg<bool>("keepdims") || !is_reduced[d]) output.push_back(kept[d]);
      }
      std::vector<double> sums(static_cast<size_t>(SizeFromDim(kept, 0)), 0);
      ForEachIndex(x.dims(), [&](const Dims& i) {
        sums[static_cast<size_t>(FlatIndex(kept, i))] += At(x, i);
      });
      return {Generate(x.dtype(), output, [&](const Dims& i) {
        return sums[static_cast<size_t>(FlatIndex(output, i))];
      })};
    })
    .Tolerance(1e-4)
    .NeverScalar("data has axes");

DOPPIO_OP_ROW(Det)
    .Case([](CaseMaker& c) {
      Dims dims = c.Shape(0, 2);
      const int64_t n = c.Int(0, 3);
      dims.insert(dims.end(), {n, n});
      c.Input("X", c.Random(c.RealType(), dims));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      DimsView dims = x.dims();
      dims.remove_suffix(2);
      const int64_t n = x.dims().back();
      return {Generate(x.dtype(), dims, [&](const Dims& i) {
        const auto at = [&](int64_t row, int64_t column) {
          Dims index = i;
          index.insert(index.end(), {row % n, column % n});
          return At(x, index);
        };
        if (n == 0) return 1.0;
        if (n == 1) return at(0, 0);
        if (n == 2) return at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0);
        double sum = 0;
        for (int64_t k = 0; k < 3; ++k) {
          sum += at(0, k) * (at(1, k + 1) * at(2, k + 2) - at(1, k + 2) * at(2, k + 1));
        }
        return sum;
      })};
    })
    .Tolerance(1e-4);

DOPPIO_OP_ROW(Einsum)
    .Case([](CaseMaker& c) {
      const int64_t b = c.Size(), i = c.Size(), j = c.Int(1, 4), k = c.Size();
      const DataType type = ArithmeticType(c);
      c.Input("A", c.Random(type, {b, i, j}));
      c.Input("B", c.Random(type, {b, j, k}));
      c.Arg<std::string>("equation", c.OneOf({"bij,bjk->bik", "b i j, b j k", "...ij,...jk->...ik",
                                              "bij,bjk->", "bij,bjk->kb"}));
      c.Output("Output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& a = c.in(0);
      const Tensor& b = c.in(1);
      const int64_t batch = a.dim(0), rows = a.dim(1), columns = b.dim(2), terms = a.dim(2);
      // What the letters that have no place in the output stand for is summed.
      const auto sum = [&](int64_t n, int64_t i, int64_t k) {
        double total = 0;
        for (int64_t j = 0; j < terms; ++j) total += At(a, Dims{n, i, j}) * At(b, Dims{n, j, k});
        return total;
      };
      const auto equation = c.Arg<std::string>("equation");
      if (equation == "bij,bjk->kb") {
        return {Generate(a.dtype(), {columns, batch}, [&](const Dims& at) {
          double total = 0;
          for (int64_t i = 0; i < rows; ++i) total += sum(at[1], i, at[0]);
          return total;
        })};
      }
      if (equation == "bij,bjk->" || equation == "b i j, b j k") {
        const bool is_scalar = equation == "bij,bjk->";
        const Dims dims = is_scalar ? Dims() : Dims{rows, columns};
        return {Generate(a.dtype(), dims, [&](const Dims& at) {
          double total = 0;
          ForEachIndex(Dims{batch, rows, columns}, [&](const Dims& all) {
            if (is_scalar || (all[1] == at[0] && all[2] == at[1])) {
              total += sum(all[0], all[1], all[2]);
            }
          });
          return total;
        })};
      }
      return {Generate(a.dtype(), {batch, rows, columns},
                       [&](const Dims& at) { return sum(at[0], at[1], at[2]); })};
    })
    .Tolerance(1e-4)
    .NeverScalar("the letters are dimensions")
    .MayAllocate("the equation is resolved for the shapes of the run");

}  // namespace
}  // namespace doppio
