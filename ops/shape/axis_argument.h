#ifndef DOPPIO_OPS_SHAPE_AXIS_ARGUMENT_H_
#define DOPPIO_OPS_SHAPE_AXIS_ARGUMENT_H_

#include "doppio/arguments.h"
#include "doppio/schema.h"
#include "src/operator/storage_order.h"

namespace doppio {

// Where Concat and Split work: at `axis`, which may be negative, or at the channels of `order`.
struct AxisArgument {
  int64_t axis = 0;
  bool add_axis = false;  // the axis is not there yet (Concat) or goes away (Split)
};

// What is wrong with the arguments is reported to the reader. `add_axis`, which not every
// operator has, counts only beside `axis`.
inline AxisArgument ReadAxisArgument(ArgumentReader* reader) {
  AxisArgument result;
  if (reader->HasArgument("axis")) {
    if (reader->HasArgument("order")) {
      reader->Fail(absl::InvalidArgumentError("give either \"axis\" or \"order\", not both"));
    }
    result.axis = reader->GetSingleArgument<int64_t>("axis");
    result.add_axis = reader->GetSingleArgument<bool>("add_axis", false);
    return result;
  }
  result.axis = ReadStorageOrder(reader) == StorageOrder::kNCHW ? 1 : 3;
  return result;
}

// The arguments as the schemas state them.
inline void StateAxisArgument(OpSchema& schema) {
  schema.OptionalArg<int64_t>("axis", "the dimension to work at, counted from the back if negative")
      .Arg<std::string>("order", "without axis: NCHW (axis 1) or NHWC (axis 3)", "NCHW");
}

}  // namespace doppio

#endif  // DOPPIO_OPS_SHAPE_AXIS_ARGUMENT_H_
