#ifndef DOPPIO_OPS_SHAPE_DIMS_ARGUMENT_H_
#define DOPPIO_OPS_SHAPE_DIMS_ARGUMENT_H_

#include <algorithm>
#include <vector>

#include "doppio/arguments.h"

namespace doppio {

// The argument `dims` of ExpandDims and Squeeze: at least one dimension, none negative; repeated
// ones count once. Sorted. What is wrong with it is reported to the reader.
inline std::vector<int64_t> ReadDimsArgument(ArgumentReader* reader) {
  std::vector<int64_t> dims = reader->GetRepeatedArgument<int64_t>("dims");
  std::sort(dims.begin(), dims.end());
  dims.erase(std::unique(dims.begin(), dims.end()), dims.end());
  if (dims.empty()) {
    reader->Fail(absl::InvalidArgumentError("argument \"dims\" must name at least one dimension"));
  } else if (dims.front() < 0) {
    reader->Fail(absl::InvalidArgumentError(
        absl::StrCat("argument \"dims\" holds ", dims.front(), ", but must not be negative")));
  }
  return dims;
}

}  // namespace doppio

#endif  // DOPPIO_OPS_SHAPE_DIMS_ARGUMENT_H_
