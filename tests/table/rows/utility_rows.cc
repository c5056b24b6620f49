#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(Print)
    .Case([](CaseMaker& c) {
      c.Input("X",
              c.Random(c.OneOf({DataType::kFloat, DataType::kBool, DataType::kString}), c.Shape()));
      // Nobody wants to read it; what it writes is tested elsewhere.
      c.Arg("limit", 1);
    })
    .Reference([](const OpCase&) -> std::vector<Tensor> { return {}; })
    .MayAllocate("it makes text");

DOPPIO_OP_ROW(IsEmpty)
    .Case([](CaseMaker& c) {
      c.Input("tensor", c.Random(c.OneOf({DataType::kFloat, DataType::kInt64, DataType::kString}),
                                 c.Shape()));
      c.Output("is_empty");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      bool has_zero = false;
      for (int64_t size : c.in(0).dims()) has_zero = has_zero || size == 0;
      return {*Tensor::Scalar<bool>(has_zero)};
    });

}  // namespace
}  // namespace doppio
