#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr DataType kAnyNumber[] = {DataType::kFloat,   DataType::kDouble,  DataType::kBool,
                                   DataType::kInt8,    DataType::kInt16,   DataType::kInt32,
                                   DataType::kInt64,   DataType::kUInt8,   DataType::kUInt16,
                                   DataType::kFloat16, DataType::kBFloat16};
constexpr DataType kBits[] = {DataType::kBool,  DataType::kInt8,  DataType::kInt16,
                              DataType::kInt32, DataType::kInt64, DataType::kUInt8,
                              DataType::kUInt16};
constexpr DataType kBool[] = {DataType::kBool};

// Small whole numbers, so that many are equal.
Tensor Operand(CaseMaker& c, DataType type, DimsView dims) {
  Tensor whole = c.Random(DataType::kInt8, dims, type == DataType::kBool ? 0 : -2,
                          type == DataType::kBool ? 1 : 3);
  if (type == DataType::kUInt8 || type == DataType::kUInt16) {
    whole = c.Random(DataType::kUInt8, dims, 0, 3);
  }
  return *ConvertTensor(whole, type);
}

// Both rules of broadcasting. `f` says what C is, `gives_bool` that it is bool and not A's type.
OpRow& Binary(absl::string_view name, absl::Span<const DataType> types, bool gives_bool,
              int64_t (*f)(double, double)) {
  return NewOpRow(name)
      .Case([=](CaseMaker& c) {
        const DataType type =
            types[static_cast<size_t>(c.Int(0, static_cast<int64_t>(types.size()) - 1))];
        const Dims dims = c.Shape();
        if (c.Chance(0.3)) {
          const int64_t rank = static_cast<int64_t>(dims.size());
          const int64_t first = c.Int(0, rank);
          const int64_t last = c.Int(first, rank);
          c.Input("A", Operand(c, type, dims));
          c.Input("B", Operand(c, type,
                               DimsView(dims).subspan(static_cast<size_t>(first),
                                                      static_cast<size_t>(last - first))));
          c.Arg("broadcast", 1);
          if (last > first || c.Chance()) c.Arg<int>("axis", static_cast<int>(first));
        } else if (c.Chance()) {
          c.Input("A", Operand(c, type, dims));
          c.Input("B", Operand(c, type, c.BroadcastsTo(dims)));
        } else {
          c.Input("A", Operand(c, type, c.BroadcastsTo(dims)));
          c.Input("B", Operand(c, type, dims));
        }
        c.Output("C");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& a = c.in(0);
        const Tensor& b = c.in(1);
        const DataType type = gives_bool ? DataType::kBool : a.dtype();
        if (!c.Arg<bool>("broadcast")) {
          return {Generate(type, *BroadcastShapes(a.dims(), b.dims()), [&](const Dims& i) {
            return static_cast<double>(f(At(a, i), At(b, i)));
          })};
        }
        const auto axis = static_cast<size_t>(c.Arg<int>("axis", 0));
        return {Generate(type, a.dims(), [&](const Dims& i) {
          const double second = b.numel() == 1 ? ElementAsDouble(b, 0)
                                               : At(b, DimsView(i).subspan(axis, b.dims().size()));
          return static_cast<double>(f(At(a, i), second));
        })};
      })
      .Tolerance(0);
}

int64_t Whole(double value) { return static_cast<int64_t>(value); }

[[maybe_unused]] const bool binary_rows = [] {
  Binary("EQ", kAnyNumber, true, [](double a, double b) -> int64_t { return a == b; });
  Binary("NE", kAnyNumber, true, [](double a, double b) -> int64_t { return a != b; });
  Binary("LT", kAnyNumber, true, [](double a, double b) -> int64_t { return a < b; });
  Binary("LE", kAnyNumber, true, [](double a, double b) -> int64_t { return a <= b; });
  Binary("GT", kAnyNumber, true, [](double a, double b) -> int64_t { return a > b; });
  Binary("GE", kAnyNumber, true, [](double a, double b) -> int64_t { return a >= b; });
  Binary("And", kBool, false, [](double a, double b) -> int64_t { return a != 0 && b != 0; });
  Binary("Or", kBool, false, [](double a, double b) -> int64_t { return a != 0 || b != 0; });
  Binary("Xor", kBool, false, [](double a, double b) -> int64_t { return (a != 0) != (b != 0); });
  Binary("BitwiseAnd", kBits, false, [](double a, double b) { return Whole(a) & Whole(b); });
  Binary("BitwiseOr", kBits, false, [](double a, double b) { return Whole(a) | Whole(b); });
  Binary("BitwiseXor", kBits, false, [](double a, double b) { return Whole(a) ^ Whole(b); });
  return true;
}();

DOPPIO_OP_ROW(Not)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(DataType::kBool, c.Shape()));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {Generate(DataType::kBool, c.in(0).dims(),
                       [&](const Dims& i) { return At(c.in(0), i) == 0 ? 1 : 0; })};
    });

}  // namespace
}  // namespace doppio
