#include <algorithm>

#include "absl/strings/match.h"
#include "doppio/op_def.h"
#include "doppio/registry.h"
#include "src/graph/rewriting.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

// The largest of an argument that is a whole number or a list of them.
int64_t Largest(const Argument& arg) {
  int64_t largest = arg.i();
  for (int64_t value : arg.ints()) largest = std::max(largest, value);
  return largest;
}

// What oneDNN does not do, or not as Caffe2 does: windows that begin or end inside of the image,
// lie in the padding as a whole or are huge; tensors that are put together along a dimension that
// they do not have; LRN over an even number of channels.
bool IsUnknownToDnnl(const OperatorDef& op) {
  constexpr int kSame = 2;
  constexpr int64_t kHuge = 4096;
  for (const Argument& arg : op.arg()) {
    const int64_t value = Largest(arg);
    if (arg.name() == "legacy_pad" && value >= kSame) {
      // Rounding up may add a window beyond the image where there are pads.
      const bool has_pads = std::any_of(op.arg().begin(), op.arg().end(), [](const Argument& a) {
        return absl::StartsWith(a.name(), "pad") && Largest(a) != 0;
      });
      if (value == kSame || has_pads) return true;
    }
    if (arg.name() == "add_axis" && value != 0) return true;
    if (op.type() == "LRN" && arg.name() == "size" && value % 2 == 0) return true;
    if (absl::StartsWith(arg.name(), "adj") && value != 0) return true;
    for (absl::string_view sizes : {"kernel", "stride", "pad", "dilation"}) {
      if (absl::StartsWith(arg.name(), sizes) && value > kHuge) return true;
    }
  }
  return false;
}

class Blocking {
 public:
  explicit Blocking(Rewriting* net) : net_(net) {}

  void Run() {
    std::vector<OperatorDef> before = std::move(net_->ops);
    net_->ops.clear();
    for (OperatorDef& op : before) {
      if (CanBeBlocked(op)) {
        Block(&op);
      } else {
        Unblock(&op);
      }
      net_->ops.push_back(std::move(op));
      UnblockOutputs();
    }
    net_->Compact();
  }

 private:
  bool IsBlocked(const std::string& blob) const { return blocked_.count(blob) > 0; }

  // Whether there is an operator for blocked layouts, and it pays: a convolution with constant
  // weights begins, what reads its result goes on.
  bool CanBeBlocked(const OperatorDef& op) const {
    if (!OperatorRegistry::Has(kBlocked + op.type())) return false;
    if (!IsChannelsFirst(op)) return false;
    if (IsUnknownToDnnl(op)) return false;
    for (int o = 0; o < op.output_size(); ++o) {
      const bool used = !net_->IsInternal(op.output(o)) || !net_->Readers(op.output(o)).empty();
      if (net_->IsPinned(op.output(o)) || (o > 0 && used)) return false;
    }
    if (op.type() == "Conv") return HasPackableWeights(op);
    for (const std::string& input : op.input()) {
      if (!IsBlocked(input) && net_->Constant(input) == nullptr) return false;
    }
    return op.input_size() > 0 && IsBlocked(op.input(0));
  }

  // Not where groups have two or three channels, or one and several filters: oneDNN would multiply
  // matrices, and the plain operator has a faster way. Pairs there is a way for that is faster
  // still (src/kernel/convolve_groups.h), in channels that fill any block.
  bool HasPackableWeights(const OperatorDef& op) const {
    constexpr int64_t kVector = 4;
    constexpr int64_t kBlock = 16;
    const Tensor* w = op.input_size() > 1 ? net_->Constant(op.input(1)) : nullptr;
    const Argument* group = FindArgument(op, "group");
    if (w != nullptr && w->rank() > 1 && group != nullptr && group->i() > 1 &&
        w->dim(1) < kVector && (w->dim(1) > 1 || w->dim(0) > group->i())) {
      const bool are_pairs = w->rank() == 4 && w->dim(1) == 2 && w->dim(0) == 2 * group->i();
      if (!are_pairs || w->dim(0) % kBlock != 0) return false;
    }
    for (int i = 1; i < op.input_size(); ++i) {
      const Tensor* constant = net_->Constant(op.input(i));
      if (constant == nullptr || !constant->Is<float>()) return false;
    }
    return true;
  }

  void Block(OperatorDef* op) {
    if (op->type() == "Conv") {
      op->set_input(1, Packed(op->input(1)));
      if (net_->winograd()) *op->add_arg() = MakeArgument<bool>("winograd", true);
    }
    op->set_type(kBlocked + op->type());
    op->clear_engine();
    std::string* output = op->mutable_output(0);
    op->mutable_output()->DeleteSubrange(1, op->output_size() - 1);
    if (net_->IsOutput(*output)) {
      outputs_.push_back({net_->NewName(*output), *output});
      *output = outputs_.back().first;
    }
    blocked_.insert(*output);
  }

  // The weights as a blob that keeps them in the layout that the convolution asks for.
  std::string Packed(const std::string& weights) {
    const auto [found, is_new] = packed_.try_emplace(weights);
    if (is_new) {
      found->second = net_->NewName(weights);
      *net_->prepare.add_op() = CreateOperatorDef("PackWeights", "", {weights}, {found->second});
    }
    return found->second;
  }

  void Unblock(OperatorDef* op) {
    for (std::string& input : *op->mutable_input()) {
      if (!IsBlocked(input)) continue;
      const auto [found, is_new] = unblocked_.try_emplace(input);
      if (is_new) {
        found->second = net_->NewName(input);
        net_->ops.push_back(CreateOperatorDef("FromBlocked", "", {input}, {found->second}));
      }
      input = found->second;
    }
  }

  void UnblockOutputs() {
    for (const auto& [blocked, output] : outputs_) {
      net_->ops.push_back(CreateOperatorDef("FromBlocked", "", {blocked}, {output}));
    }
    outputs_.clear();
  }

  Rewriting* net_;
  std::set<std::string> blocked_;
  std::map<std::string, std::string> packed_;                 // by the name of the plain weights
  std::map<std::string, std::string> unblocked_;              // by the name of the blocked blob
  std::vector<std::pair<std::string, std::string>> outputs_;  // blocked, plain: still to be made
};

}  // namespace

absl::Status UseBlockedLayouts(Rewriting* net) {
  Blocking(net).Run();
  return absl::OkStatus();
}

std::set<std::string> TypesAfterOptimizing(std::set<std::string> types) {
  if (types.count("FC") > 0) types.insert({"PackMatrix", kPackedFc});
  if (types.count("Conv") == 0) return types;  // with one begins what is blocked
  std::set<std::string> made = {"PackWeights", "FromBlocked"};
  for (const std::string& type : types) {
    if (OperatorRegistry::Has(kBlocked + type)) made.insert(kBlocked + type);
  }
  if (made.count("BlockedConcat") > 0) made.insert("BlockedCopy");
  types.merge(made);
  return types;
}

}  // namespace doppio
