#ifndef DOPPIO_GRAPH_BACKWARD_OPS_H_
#define DOPPIO_GRAPH_BACKWARD_OPS_H_

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "doppio/gradient_maker.h"
#include "src/graph/ssa.h"

namespace doppio {

// What a blob holds between two writes of it: an output of a gradient operator, or what the forward
// net leaves in a blob, or was given from outside.
struct BlobValue {
  // Output `output` of gradient operator `op`.
  static BlobValue Made(int op, int output) { return {op, output, "", 0}; }
  static BlobValue Forward(std::string blob, int version) {
    return {-1, 0, std::move(blob), version};
  }

  int op = -1;
  int output = 0;
  std::string blob;  // where op is -1
  int version = 0;

  bool IsMade() const { return op >= 0; }
  bool Exists() const { return op >= 0 || !blob.empty(); }
  std::tuple<int, int, const std::string&, int> Key() const { return {op, output, blob, version}; }
  bool operator<(const BlobValue& other) const { return Key() < other.Key(); }
  bool operator==(const BlobValue& other) const { return Key() == other.Key(); }
};

// A gradient: the dense one or the two parts of a slice exist, or none.
struct GradientValue {
  BlobValue dense;
  BlobValue indices;
  BlobValue values;

  bool IsSparse() const { return indices.Exists(); }
  bool IsEmpty() const { return !dense.Exists() && !IsSparse(); }
};

// The growing list of gradient operators, which remembers what each of them is meant to read. The
// names in it may still change.
class BackwardOps {
 public:
  int size() const { return static_cast<int>(ops_.size()); }
  const OperatorDef& op(int k) const { return ops_[k]; }
  const std::vector<BlobValue>& reads(int k) const { return reads_[k]; }

  // An output that holds a value of the forward net when the operator has run: a scope from which
  // it took what a forward operator had put there.
  struct Restored {
    int output;
    BlobValue value;
  };

  // `reads` has the value of each input; one that does not exist need not be there. Returns the
  // operator's index.
  int Add(OperatorDef op, std::vector<BlobValue> reads, std::vector<Restored> restored = {});
  // The value that an output restores, or null.
  const BlobValue* RestoredBy(int op, int output) const;
  // The blob that holds the value.
  const std::string& Name(const BlobValue& value) const;
  GradientWrapper Names(const GradientValue& gradient) const;
  // Another blob for what an operator makes, for all that read it too, nets inside them included.
  void Rename(const BlobValue& made, const std::string& name);
  // Whether those do not use a blob of that name for something else.
  bool MayRename(const BlobValue& made, const std::string& name) const;
  // Removes the operators that nothing of `kept` needs, and of those that stay, the outputs that
  // nobody reads and that are optional. The values in `kept` are put right.
  void RemoveUnused(const std::vector<BlobValue*>& kept);

 private:
  std::vector<OperatorDef> ops_;
  std::vector<std::vector<BlobValue>> reads_;
  std::vector<std::vector<Restored>> restored_;
};

// Gives an output a blob of its own (`_y_grad_own_0` for `y_grad`) where the operator would
// otherwise write to a blob of the forward net, to a value that is read later on or is among `kept`
// (which are to be there in the end), or in place where its schema forbids it. After this, every
// operator reads what it is meant to read when the operators run behind those of the forward net.
// FailedPrecondition where an operator has to run in place, and names it and who is in its way.
absl::Status GiveOwnBlobs(const NetDef& forward, const Ssa& ssa, const std::vector<BlobValue>& kept,
                          BackwardOps* ops);

}  // namespace doppio

#endif  // DOPPIO_GRAPH_BACKWARD_OPS_H_
