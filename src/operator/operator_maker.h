#ifndef DOPPIO_OPERATOR_OPERATOR_MAKER_H_
#define DOPPIO_OPERATOR_OPERATOR_MAKER_H_

#include <memory>

#include "doppio/operator.h"

namespace doppio {

// Makes the operators of a net, in which the same types come again and again: the registries are
// asked once for each.
class OperatorMaker {
 public:
  explicit OperatorMaker(BlobScope* scope);
  ~OperatorMaker();

  // CreateOperator of a definition that its schema has nothing to say against (CheckNet).
  absl::StatusOr<std::unique_ptr<OperatorBase>> Make(std::shared_ptr<const OperatorDef> def);

 private:
  struct Recipes;

  BlobScope* scope_;
  std::unique_ptr<Recipes> recipes_;
};

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_OPERATOR_MAKER_H_
