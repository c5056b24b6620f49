// Operators that run nets.

#include "doppio/op_def.h"
#include "src/onnx/export/graph_export.h"
#include "src/onnx/export/op_export.h"

namespace doppio {
namespace onnx {
namespace {

// What is true of both: a size that differs is open.
ValueInfo Common(const ValueInfo& a, const ValueInfo& b) {
  ValueInfo common{a.dtype, a.dims, std::nullopt};
  if (!a.dims.has_value() || !b.dims.has_value() || a.dims->size() != b.dims->size()) {
    common.dims.reset();
    return common;
  }
  for (size_t d = 0; d < a.dims->size(); ++d) {
    if ((*a.dims)[d] != (*b.dims)[d]) (*common.dims)[d] = -1;
  }
  return common;
}

// Each branch makes all that is wanted of either; what it does not write it hands on.
absl::Status ExportIf(OpExport& op) {
  std::vector<std::string> blobs, outputs;
  std::vector<int> places;
  for (int o = 0; o < op.OutputSize(); ++o) {
    if (!op.IsWanted(o)) continue;
    blobs.push_back(op.def().output(o));
    outputs.push_back(op.Output(o));
    places.push_back(o);
  }
  std::vector<AttributeProto> branches;
  std::vector<ValueInfo> infos;
  for (const char* name : {"then_net", "else_net"}) {
    const NetDef* net = op.Arguments({name})->GetNetArgument(name);
    GraphExport branch(*op.graph(), net == nullptr ? NetDef() : *net, blobs);
    DOPPIO_ASSIGN_OR_RETURN(const GraphProto graph, branch.Export());
    const bool is_first = branches.empty();
    branches.push_back(MakeAttribute(is_first ? "then_branch" : "else_branch", graph));
    for (size_t i = 0; i < blobs.size(); ++i) {
      const ValueInfo& info = branch.Info(blobs[i]);
      if (is_first) {
        infos.push_back(info);
      } else if (info.dtype != infos[i].dtype) {
        return op.Unsupported("the nets make \"" + blobs[i] + "\" of different types");
      } else {
        infos[i] = Common(infos[i], info);
      }
    }
  }
  op.Node("If", {op.Input(0)}, branches, outputs);
  for (size_t i = 0; i < blobs.size(); ++i) {
    op.SetOutput(places[i], infos[i].dtype, infos[i].dims);
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(If, ExportIf);

}  // namespace
}  // namespace onnx
}  // namespace doppio
