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

struct Uses {
  int last_writer = -1;
  std::vector<int> readers;  // since the last write
};

}  // namespace

OperatorOrder::OperatorOrder(const std::vector<std::unique_ptr<OperatorBase>>& operators)
    : followers(operators.size()), waits_for(operators.size()) {
  absl::flat_hash_map<std::string, Uses> uses_of;
  std::vector<int> before;
  int last_alone = -1;  // that reads all blobs
  for (int k = 0; k < static_cast<int>(operators.size()); ++k) {
    OpBlobs blobs = BlobsOfOp(operators[k]->def());
    AddStates(*operators[k], &blobs);
    before.assign(1, last_alone);
    if (blobs.reads_all) {
      for (int other = last_alone + 1; other < k; ++other) before.push_back(other);
      last_alone = k;
    }
    for (const std::string& name : blobs.reads) {
      Uses& uses = uses_of[name];
      before.push_back(uses.last_writer);
      uses.readers.push_back(k);
    }
    for (const std::string& name : blobs.writes) {
      Uses& uses = uses_of[name];
      before.push_back(uses.last_writer);
      before.insert(before.end(), uses.readers.begin(), uses.readers.end());
      uses.last_writer = k;
      uses.readers.clear();
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
