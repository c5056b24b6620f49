#ifndef DOPPIO_GRAPH_REWRITING_H_
#define DOPPIO_GRAPH_REWRITING_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "doppio/optimize.h"

namespace doppio {

// A net while OptimizeNet rewrites it. Every blob is written once: later writes of a name have got
// names of their own. A rewrite is a function that takes a Rewriting and changes `ops`; where it
// removes operators it clears their type and calls Compact().
//
// Blobs that keep their name and that nobody may touch are pinned: those that nets inside operators
// write, that operators with side effects use, that must be updated in place, and those that come
// in from outside and are written as well.
class Rewriting {
 public:
  Rewriting(const NetDef& net, const OptimizeOptions& options, BlobScope* weights);

  bool winograd() const { return winograd_; }

  std::vector<OperatorDef> ops;
  NetDef prepare;  // what is to be run once, on the weights

  // The tensor that this blob holds in every run, or null.
  const Tensor* Constant(const std::string& blob) const;
  // A new constant, named after `base`.
  std::string AddConstant(const std::string& base, Tensor value);
  // A name that no blob has, made from `base`.
  std::string NewName(const std::string& base);
  // What blobs with such names were made from, in the net as it was given.
  const std::map<std::string, std::string>& made_from() const { return made_from_; }

  bool IsPinned(const std::string& blob) const { return pinned_.count(blob) > 0; }
  // Must exist under this name: it was asked for, or nets inside operators read it.
  bool IsOutput(const std::string& blob) const { return outputs_.count(blob) > 0; }
  // Whether a rewrite may do without this blob once nobody reads it.
  bool IsInternal(const std::string& blob) const { return !IsPinned(blob) && !IsOutput(blob); }

  // The operators (indices, ascending, each once) that read a blob, and the one that makes it, or
  // -1. Of `ops` as they were when the rewrite began, or at the last Compact().
  const std::vector<int>& Readers(const std::string& blob) const;
  int Writer(const std::string& blob) const;
  // The operator that alone reads an internal blob, or -1.
  int OnlyReader(const std::string& blob) const;

  void Compact();

 private:
  void RenameVersions(const NetDef& net);

  bool winograd_;
  BlobScope* weights_;
  std::set<std::string> inputs_;
  std::set<std::string> outputs_;
  std::set<std::string> pinned_;
  std::set<std::string> written_;  // by the net, under its first names
  std::set<std::string> names_;
  std::map<std::string, std::string> made_from_;
  std::map<std::string, std::vector<int>> readers_;
  std::map<std::string, int> writers_;
};

// The rewrites, in the order in which OptimizeNet does them.

// What only passes its input on: Dropout in a net for inference, StopGradient, Alias.
absl::Status RemoveIdentities(Rewriting* net);
// Operators whose outputs nobody needs.
absl::Status RemoveDeadOperators(Rewriting* net);
// Factors and offsets per channel (SpatialBN, AffineChannel, Mul and Add with a vector) that follow
// a Conv, ConvTranspose or FC become part of its weights.
absl::Status FoldIntoWeights(Rewriting* net);
// Convolutions, and what follows them, keep their blobs in oneDNN's layouts.
absl::Status UseBlockedLayouts(Rewriting* net);
// Fully connected layers get their weights in the layout that is fastest for them, and Relu after
// one becomes its last step.
absl::Status PackMatrices(Rewriting* net);
// Sums and activations become the last step of the convolution before them.
absl::Status FuseIntoConvolutions(Rewriting* net);
// Convolutions whose results are concatenated write them where they belong, and what is
// concatenated again and again lies in one buffer, of which readers read the channels that they
// want.
absl::Status ConcatInPlace(Rewriting* net);

// Operators of blobs in oneDNN's layouts are called after the operator whose results they give
// (ops/nn/blocked_operator.h).
inline constexpr char kBlocked[] = "Blocked";
// What FC becomes where its weights are packed.
inline constexpr char kPackedFc[] = "PackedFC";

// Of an operator of blocked tensors: whether it reads no more than a part of its input i, some
// channels.
bool ReadsPart(const OperatorDef& op, int i);

// Whether the first output is the first input, in every run.
bool IsIdentity(const OperatorDef& op);

}  // namespace doppio

#endif  // DOPPIO_GRAPH_REWRITING_H_
