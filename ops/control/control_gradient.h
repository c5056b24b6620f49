#ifndef DOPPIO_OPS_CONTROL_CONTROL_GRADIENT_H_
#define DOPPIO_OPS_CONTROL_CONTROL_GRADIENT_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "doppio/arguments.h"
#include "src/graph/inner_net_gradient.h"
#include "src/operator/gradient_sources.h"

namespace doppio {

// What the makers of the gradients of If, While and Do share. Each differentiates the nets of the
// operator, and lets an operator of the same kind run the gradient operators.
class ControlGradientMaker : public SourcedGradientMaker {
 public:
  using SourcedGradientMaker::SourcedGradientMaker;

 protected:
  // What is read, in the order in which it is read first, and written by operators that run one
  // after the other.
  struct Used {
    std::vector<std::string> reads;
    std::vector<std::string> writes;

    void Add(const std::vector<OperatorDef>& ops);
  };

  // The gradients of the outputs, dense all of them, each in a blob of its own: one that is given
  // for two outputs, or whose name is that of a blob of the operator, is copied. The latter may be
  // another blob in the end. By the name of the output.
  absl::Status ReadGradients();
  const std::map<std::string, std::string>& given() const { return given_; }
  // Adds those copies.
  void AddCopies();

  // Notes what a name stands for that is no blob of the operator.
  void AddNamedOp(OperatorDef op, std::vector<GradientSource> reads);
  // Of a name that gradient operators read: `is_real` says whether the blob has to be there.
  GradientSource SourceOf(const std::string& name, bool is_real) const;
  // -1 where it is none.
  int InputIndex(const std::string& blob) const;
  int OutputIndex(const std::string& blob) const;
  bool IsGiven(const std::string& name) const;
  // The value before has the gradient of the output: the operator leaves the blob as it was.
  void PassOn(const std::string& output);

  // The operator with other blobs and arguments, as Caffe2 makes its gradient of it.
  OperatorDef GradientOp(const std::vector<std::string>& inputs,
                         const std::vector<std::string>& outputs,
                         const std::vector<Argument>& args) const;
  static NetDef GradientNet(const NetDef& net, const std::vector<OperatorDef>& ops);
  static OperatorDef Copy(const std::string& from, const std::string& to);
  static OperatorDef ZerosLike(const std::string& blob, const std::string& zeros);

  // Whether operators of the net name the blob.
  static bool Knows(const NetDef& net, const std::string& blob);
  // Adds the operators that make sparse gradients of `before` dense.
  static absl::Status MakeDense(const NetDef& net, NetGradient* gradient);

 private:
  std::map<std::string, std::string> given_;
  std::map<std::string, GradientSource> sources_;  // of given gradients and what was made
  std::vector<OperatorDef> copies_;
  std::vector<GradientSource> copied_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_CONTROL_CONTROL_GRADIENT_H_
