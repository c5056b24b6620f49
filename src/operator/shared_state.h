#ifndef DOPPIO_OPERATOR_SHARED_STATE_H_
#define DOPPIO_OPERATOR_SHARED_STATE_H_

#include "absl/strings/string_view.h"
#include "doppio/operator.h"

namespace doppio {

// What input i of an operator holds, where that is no tensor but something that operators share and
// change while it is their input: a lock, a counter, an index. InvalidArgument, with `what` as its
// description, where the blob holds another type or nothing.
//
// Several threads may have it at once, so a T takes care of that itself. That is why the blob,
// which stays the same, may be const.
template <typename T>
absl::StatusOr<T*> SharedState(const OperatorBase& op, int i, absl::string_view what) {
  const T* state = op.InputBlob(i).Get<T>();
  if (state != nullptr) return const_cast<T*>(state);
  return absl::InvalidArgumentError(absl::StrCat("input ", i, " \"", op.def().input(i),
                                                 "\" must be ", what, ", but holds ",
                                                 op.InputBlob(i).TypeName()));
}

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_SHARED_STATE_H_
