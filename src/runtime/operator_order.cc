#include "src/runtime/operator_order.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "doppio/check.h"

namespace doppio {
namespace {

// Inputs that are no tensors but a state (a counter, an index) are changed by whoever has them.
void AddStates(const OperatorBase& op, OpBlobs* blobs) {
  if (!op.schema().has_side_effects()) return;
  for (int i = 0; i < op.InputSize(); ++i) {
    if (op.schema().AllowsAnyInput(i)) blobs->writes.push_back(op.def().input(i));
  }
}

class Uses {
 public:
  // Operator k reads or writes: those before it that it waits for are added to *before.
  void Read(int k, std::vector<int>* before) {
    before->push_back(last_writer_);
    readers_.push_back(k);
  }
  void Write(int k, std::vector<int>* before) {
    before->push_back(last_writer_);
    before->insert(before->end(), readers_.begin(), readers_.end());
    last_writer_ = k;
    readers_.clear();
  }

 private:
  int last_writer_ = -1;
  std::vector<int> readers_;  // since the last write
};

}  // namespace

OperatorOrder::OperatorOrder(const std::vector<std::unique_ptr<OperatorBase>>& operators)
    : followers(operators.size()), waits_for(operators.size()) {
  absl::flat_hash_map<std::string, Uses> uses_of;
  Uses whole;  // of the workspace: who looks at all of it runs alone, as if it wrote to it
  std::vector<int> before;
  for (int k = 0; k < static_cast<int>(operators.size()); ++k) {
    OpBlobs blobs = BlobsOfOp(operators[k]->def());
    AddStates(*operators[k], &blobs);
    before.clear();
    for (const std::string& name : blobs.reads) uses_of[name].Read(k, &before);
    for (const std::string& name : blobs.writes) uses_of[name].Write(k, &before);
    if (blobs.reads_all) {
      whole.Write(k, &before);
    } else {
      whole.Read(k, &before);
    }
    std::sort(before.begin(), before.end());
    before.erase(std::unique(before.begin(), before.end()), before.end());
    for (const int other : before) {
      if (other < 0 || other == k) continue;
      followers[other].push_back(k);
      ++waits_for[k];
    }
    if (waits_for[k] == 0) first.push_back(k);
  }
}

bool OperatorOrder::IsChain() const {
  for (int k = 0; k + 1 < static_cast<int>(followers.size()); ++k) {
    if (!std::binary_search(followers[k].begin(), followers[k].end(), k + 1)) return false;
  }
  return true;
}

}  // namespace doppio
