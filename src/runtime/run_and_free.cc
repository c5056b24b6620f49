#include "doppio/check.h"
#include "doppio/op_def.h"
#include "doppio/predictor.h"
#include "src/graph/net_text.h"

namespace doppio {

absl::Status RunAndFree(NetDef net, Workspace* workspace) {
  CheckOptions options;
  options.allow_unknown_inputs = false;
  for (const std::string& blob : workspace->Blobs()) options.known_blobs.insert(blob);
  DOPPIO_RETURN_IF_ERROR(ProblemsToStatus(CheckNet(net, options)));
  for (int k = 0; k < net.op_size(); ++k) {
    OperatorDef op;
    op.Swap(net.mutable_op(k));
    if (net.has_device_option()) MergeDeviceOption(net.device_option(), op.mutable_device_option());
    const std::string& name = net.name();
    DOPPIO_RETURN_IF_ERROR(
        Annotate(workspace->RunOperatorOnce(op), absl::StrCat("net \"", name, "\"")));
  }
  return absl::OkStatus();
}

}  // namespace doppio
