#ifndef DOPPIO_OPS_DATASET_FIELD_INPUTS_H_
#define DOPPIO_OPS_DATASET_FIELD_INPUTS_H_

#include <utility>
#include <vector>

#include "doppio/operator.h"
#include "ops/dataset/record_tree.h"

namespace doppio {

// The inputs from `first` on as the fields of a tree. They are tensors: the operator's schema says
// so.
inline absl::StatusOr<RecordFields> FieldInputs(const OperatorBase& op, int first,
                                                const RecordTree* tree) {
  std::vector<const Tensor*> tensors;
  for (int i = first; i < op.InputSize(); ++i) tensors.push_back(op.InputBlob(i).Get<Tensor>());
  return RecordFields::Create(tree, std::move(tensors));
}

// Argument `fields`. What is wrong with it goes to init->Fail.
inline RecordTree FieldsArgument(OperatorInit* init) {
  absl::StatusOr<RecordTree> tree =
      RecordTree::Create(init->GetRepeatedArgument<std::string>("fields"));
  if (tree.ok()) return *std::move(tree);
  init->Fail(tree.status());
  return RecordTree();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_DATASET_FIELD_INPUTS_H_
