#ifndef DOPPIO_OPS_CONTROL_SUBNET_H_
#define DOPPIO_OPS_CONTROL_SUBNET_H_

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "doppio/check.h"
#include "doppio/net.h"

namespace doppio {

// The net in an argument, made over the same blobs as the operator; null where the argument is
// absent. What is wrong with it goes to init->Fail.
inline std::unique_ptr<Net> CreateSubnet(OperatorInit* init, absl::string_view argument) {
  const NetDef* def = init->GetNetArgument(argument);
  if (def == nullptr || !init->status().ok()) return nullptr;
  absl::StatusOr<std::unique_ptr<Net>> net =
      CreateNet(std::shared_ptr<const NetDef>(init->shared_def(), def), init->scope());
  if (net.ok()) return *std::move(net);
  init->Fail(Annotate(net.status(), argument));
  return nullptr;
}

// The single bool in `blob`, whose name is `name`. A condition may be made by the nets of the
// operator itself, so it is looked at here and not before the run.
inline absl::StatusOr<bool> ReadCondition(const Blob& blob, absl::string_view name) {
  const Tensor* tensor = blob.Get<Tensor>();
  if (tensor == nullptr || !tensor->Is<bool>() || tensor->numel() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the condition \"", name, "\" must be a single bool, but is ",
                     tensor == nullptr ? blob.TypeName() : tensor->TypeAndShape()));
  }
  return tensor->data<bool>()[0];
}

// What operators of a net write, those of nets in them included.
inline std::set<std::string> WritesOfNet(const NetDef& net) {
  std::set<std::string> writes;
  for (const OperatorDef& op : net.op()) {
    for (std::string& blob : BlobsOfOp(op).writes) writes.insert(std::move(blob));
  }
  return writes;
}

}  // namespace doppio

#endif  // DOPPIO_OPS_CONTROL_SUBNET_H_
