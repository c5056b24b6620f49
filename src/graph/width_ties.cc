#include "src/graph/width_ties.h"

#include <algorithm>

#include "doppio/arguments.h"
#include "src/graph/weight_rules.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

// Long nets have many operators that nothing ties to the one that is asked about.
constexpr int kMostSteps = 2000;

template <typename List>
bool Contains(const List& list, const std::string& blob) {
  return std::find(list.begin(), list.end(), blob) != list.end();
}

class TieSearch {
 public:
  TieSearch(const NetDef& net, const BlobInfos& known) : net_(net), known_(known) {}

  // Follows `blob` from operator `begin` on, as long as it has the same channels.
  void Follow(const std::string& blob, int begin) {
    for (int k = begin; k < net_.op_size() && !tie_ && steps_ < kMostSteps; ++k, ++steps_) {
      const OperatorDef& op = net_.op(k);
      const bool keeps = WeightRuleOf(op.type()).keeps_channels;
      if (Contains(op.input(), blob)) {
        Look(op, blob, keeps);
        if (keeps && op.output_size() > 0 && op.output(0) != blob) Follow(op.output(0), k + 1);
      }
      if (Contains(op.output(), blob) && !(keeps && Contains(op.input(), blob))) return;
    }
  }

  std::optional<TiedWidth> result() const { return tie_ ? tie_ : guess_; }

 private:
  void Look(const OperatorDef& op, const std::string& blob, bool keeps) {
    ArgumentReader args(op, nullptr);
    const bool is_last = ReadStorageOrder(&args) == StorageOrder::kNHWC;
    if (keeps) {
      for (const std::string& other : op.input()) {
        const auto found = known_.find(other);
        if (other == blob || found == known_.end() || !found->second.dims) continue;
        const Dims& dims = *found->second.dims;
        // Either for each channel, or a tensor that is like the one that is asked about.
        const size_t axis = dims.size() == 1 ? 0 : is_last ? dims.size() - 1 : 1;
        if (dims.size() == 2 || dims.empty() || dims[axis] < 2) continue;
        tie_ = {dims[axis], absl::StrCat(op.type(), " with ", other), false};
        return;
      }
    } else if (op.type() == "Conv" && op.input(0) == blob && !guess_) {
      const int64_t groups = args.GetSingleArgument<int64_t>("group", 1);
      if (groups > 1) {
        guess_ = {
            groups,
            absl::StrCat("groups of the Conv with ", op.input_size() > 1 ? op.input(1) : blob),
            true};
      }
    }
  }

  const NetDef& net_;
  const BlobInfos& known_;
  std::optional<TiedWidth> tie_;
  std::optional<TiedWidth> guess_;
  int steps_ = 0;
};

}  // namespace

std::optional<TiedWidth> FindTiedWidth(const NetDef& net, int op, const BlobInfos& known) {
  if (net.op(op).output_size() == 0) return std::nullopt;
  TieSearch search(net, known);
  search.Follow(net.op(op).output(0), op + 1);
  return search.result();
}

}  // namespace doppio
