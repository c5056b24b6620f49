#include "doppio/op_def.h"
#include "src/graph/rewriting.h"

namespace doppio {
namespace {

bool HasPackableWeights(const Rewriting& net, const OperatorDef& op) {
  if (op.type() != "FC" || op.input_size() != 3 || op.output_size() != 1) return false;
  const Tensor* w = net.Constant(op.input(1));
  return w != nullptr && w->Is<float>() && w->numel() > 0;
}

// Relu after ops[k] becomes its last step.
void FuseRelu(Rewriting* net, int k) {
  OperatorDef& op = net->ops[k];
  const int reader = net->OnlyReader(op.output(0));
  if (reader < 0) return;
  OperatorDef& next = net->ops[reader];
  if (next.type() != "Relu" || net->IsPinned(next.output(0))) return;
  *op.add_arg() = MakeArgument<std::string>("activation", "Relu");
  op.set_output(0, next.output(0));
  next.clear_type();
  net->Compact();
}

}  // namespace

absl::Status PackMatrices(Rewriting* net) {
  std::map<std::pair<std::string, int64_t>, std::string> packed;  // by weights and their axis
  for (int k = 0; k < static_cast<int>(net->ops.size()); ++k) {
    OperatorDef& op = net->ops[k];
    if (!HasPackableWeights(*net, op)) continue;
    const Argument* axis = FindArgument(op, "axis_w");
    const auto [found, is_new] = packed.try_emplace({op.input(1), axis == nullptr ? 1 : axis->i()});
    if (is_new) {
      found->second = net->NewName(op.input(1));
      *net->prepare.add_op() =
          CreateOperatorDef("PackMatrix", "", {op.input(1)}, {found->second},
                            {MakeArgument<int64_t>("axis_w", found->first.second)});
    }
    op.set_type(kPackedFc);
    op.clear_engine();
    op.set_input(1, found->second);
    FuseRelu(net, k);
  }
  net->Compact();
  return absl::OkStatus();
}

}  // namespace doppio
