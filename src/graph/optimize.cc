#include "doppio/optimize.h"

#include "doppio/check.h"
#include "src/graph/rewriting.h"

namespace doppio {

absl::StatusOr<OptimizedNet> OptimizeNet(const NetDef& net, const OptimizeOptions& options,
                                         BlobScope* weights) {
  Rewriting rewriting(net, options, weights);
  for (auto rewrite : {RemoveIdentities, RemoveDeadOperators, FoldIntoWeights, UseBlockedLayouts,
                       FuseIntoConvolutions, ConcatInPlace, PackMatrices, RemoveDeadOperators}) {
    DOPPIO_RETURN_IF_ERROR(rewrite(&rewriting));
  }

  OptimizedNet result;
  result.prepare = std::move(rewriting.prepare);
  result.prepare.set_name(absl::StrCat(net.name(), "_prepare"));
  result.made_from = rewriting.made_from();
  result.net = net;
  result.net.clear_op();
  for (OperatorDef& op : rewriting.ops) *result.net.add_op() = std::move(op);
  const std::vector<std::string> reads = InputsOfNet([&] {
    NetDef without = result.net;
    without.clear_external_input();
    return without;
  }());
  result.net.mutable_external_input()->Assign(reads.begin(), reads.end());
  result.net.mutable_external_output()->Assign(options.outputs.begin(), options.outputs.end());
  return result;
}

}  // namespace doppio
