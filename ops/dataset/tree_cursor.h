#ifndef DOPPIO_OPS_DATASET_TREE_CURSOR_H_
#define DOPPIO_OPS_DATASET_TREE_CURSOR_H_

#include <memory>
#include <mutex>

#include "doppio/operator.h"
#include "ops/dataset/record_tree.h"

namespace doppio {

// What a blob that CreateTreeCursor makes holds: how far the records of a tree are read. Threads
// share it.
struct TreeCursor {
  struct State {
    explicit State(RecordTree the_tree) : tree(std::move(the_tree)) {}

    const RecordTree tree;
    std::mutex mutex;
    LevelCounts offsets;  // empty: at the beginning
  };

  std::shared_ptr<State> state;
};

// The cursor that input 0 of an operator is. One that is replaced meanwhile lives on.
inline absl::StatusOr<std::shared_ptr<TreeCursor::State>> CursorInput(const OperatorBase& op) {
  const TreeCursor* cursor = op.InputBlob(0).Get<TreeCursor>();
  if (cursor != nullptr && cursor->state != nullptr) return cursor->state;
  return absl::InvalidArgumentError(absl::StrCat("cursor ", op.DescribeInput(0),
                                                 " must be a cursor that CreateTreeCursor made, "
                                                 "but holds ",
                                                 op.InputBlob(0).TypeName()));
}

}  // namespace doppio

#endif  // DOPPIO_OPS_DATASET_TREE_CURSOR_H_
