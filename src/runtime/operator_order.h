#ifndef DOPPIO_RUNTIME_OPERATOR_ORDER_H_
#define DOPPIO_RUNTIME_OPERATOR_ORDER_H_

#include <memory>
#include <vector>

#include "doppio/operator.h"

namespace doppio {

// What may run at the same time. An operator waits for the operators before it in the list that
// write what it reads, read what it writes, or write what it writes; so every blob sees its reads
// and writes in the order of the list. Beside one that reads all blobs nothing runs. Operators are
// called by their places in it.
struct OperatorOrder {
  explicit OperatorOrder(const std::vector<std::unique_ptr<OperatorBase>>& operators);

  // Nothing runs beside anything else: each operator waits for the one before it.
  bool IsChain() const;

  std::vector<std::vector<int>> followers;  // those that wait for operator k
  std::vector<int> waits_for;               // how many operators k waits for
  std::vector<int> first;                   // those that wait for none
};

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_OPERATOR_ORDER_H_
