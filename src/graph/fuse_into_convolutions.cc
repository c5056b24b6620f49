#include <algorithm>
#include <array>

#include "doppio/op_def.h"
#include "src/graph/rewriting.h"

namespace doppio {
namespace {

bool IsConvolution(const OperatorDef& op) { return op.type() == "BlockedConv"; }

// y = x + other, which the convolution that makes x can add while it writes: `other` must be there
// before.
bool FuseSum(Rewriting* net, int sum_index) {
  OperatorDef& sum = net->ops[sum_index];
  if (sum.type() != "BlockedSum" || sum.input_size() != 2) return false;
  std::array<int, 2> order = {0, 1};
  if (net->Writer(sum.input(0)) < net->Writer(sum.input(1))) std::swap(order[0], order[1]);
  for (int i : order) {
    const std::string& other = sum.input(1 - i);
    const int writer = net->Writer(sum.input(i));
    if (writer < 0 || net->Writer(other) >= writer) continue;
    OperatorDef& conv = net->ops[writer];
    if (!IsConvolution(conv) || net->OnlyReader(conv.output(0)) != sum_index) continue;
    if (FindArgument(conv, "sum") != nullptr || FindArgument(conv, "activation") != nullptr) {
      continue;
    }
    conv.add_input(other);
    *conv.add_arg() = MakeArgument<bool>("sum", true);
    conv.set_output(0, sum.output(0));
    sum.clear_type();
    net->Compact();
    return true;
  }
  return false;
}

bool FuseActivation(Rewriting* net, int conv_index) {
  // Not PRelu: no fast convolution of oneDNN takes slopes.
  static constexpr std::array kActivations = {"BlockedRelu",      "BlockedClip", "BlockedSigmoid",
                                              "BlockedLeakyRelu", "BlockedTanh", "BlockedElu"};
  OperatorDef& conv = net->ops[conv_index];
  const bool normalises = conv.type() == "BlockedSpatialBN";  // which Relu alone may join
  if (!IsConvolution(conv) && !normalises) return false;
  if (FindArgument(conv, "activation") != nullptr) return false;
  const int reader = net->OnlyReader(conv.output(0));
  if (reader < 0) return false;
  OperatorDef& next = net->ops[reader];
  if (std::find(kActivations.begin(), kActivations.end(), next.type()) == kActivations.end()) {
    return false;
  }
  if (normalises && next.type() != "BlockedRelu") return false;
  *conv.add_arg() =
      MakeArgument<std::string>("activation", next.type().substr(sizeof(kBlocked) - 1));
  for (const Argument& arg : next.arg()) {
    if (FindArgument(conv, arg.name()) == nullptr) *conv.add_arg() = arg;
  }
  conv.set_output(0, next.output(0));
  next.clear_type();
  net->Compact();
  return true;
}

}  // namespace

absl::Status FuseIntoConvolutions(Rewriting* net) {
  for (int k = 0; k < static_cast<int>(net->ops.size());) {
    // Both remove one operator; what is at k then may go on.
    if (!FuseActivation(net, k) && !FuseSum(net, k)) ++k;
  }
  // A sum comes after the convolutions that it is fused into, its activation after that.
  for (int k = 0; k < static_cast<int>(net->ops.size()); ++k) FuseActivation(net, k);
  return absl::OkStatus();
}

}  // namespace doppio
