#ifndef DOPPIO_RUNTIME_SIMPLE_NET_H_
#define DOPPIO_RUNTIME_SIMPLE_NET_H_

#include <memory>
#include <vector>

#include "doppio/net.h"

namespace doppio {

// Runs the operators in the order in which the net lists them.
class SimpleNet : public Net {
 public:
  SimpleNet(std::shared_ptr<const NetDef> def, std::vector<std::unique_ptr<OperatorBase>> operators)
      : Net(std::move(def), std::move(operators)) {}

 protected:
  absl::Status RunOperators() override;
};

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_SIMPLE_NET_H_
