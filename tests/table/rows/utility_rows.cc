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
    .MayAllocate("it makes text of a shape");

}  // namespace
}  // namespace doppio
