#ifndef DOPPIO_GRADIENT_H_
#define DOPPIO_GRADIENT_H_

// Gradient nets. For a net that computes a loss, AddGradientOperators makes the net that computes
// the loss and, after it, the derivatives of the loss with respect to every blob on the way:
//
//   absl::StatusOr<Backward> backward = AddGradientOperators(net, {"loss"});
//   workspace.RunNetOnce(backward->net);
//   workspace.Fetch(backward->gradients.at("w").dense);  // d loss / d w
//
// The rule: a gradient net is right, or it is refused with an error that names the operators in
// conflict. Every gradient operator reads the very values that its maker meant, every gradient in
// Backward::gradients is still there when the net has run, and no blob of the forward net is
// written to. The operators, their order and the names of their blobs are those that Caffe2's own
// builder gives, wherever these keep the rule; docs/gradients.md lists where they do not, and what
// is there instead: mostly, a gradient operator writes to a blob of its own (`_y_grad_own_0` in the
// place of `y_grad`) where it would have overwritten what is still to be read.
//
// Where only some gradients are wanted (a step of training needs those of the parameters), name
// them, and the net has no more operators than they take:
//
//   AddGradientOperators(net, {"loss"}, {/*wrt=*/{{"w", "b"}}});
//
// Threads: all functions may be called from many at once.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "doppio/gradient_maker.h"

namespace doppio {

// A blob to differentiate, and the blob that holds its gradient already. Without one, the gradient
// starts from ones: an operator is added that makes BLOB_autogen_grad, of the blob's shape.
struct GradientTarget {
  GradientTarget(std::string blob) : blob(std::move(blob)) {}  // NOLINT: {"loss"}
  GradientTarget(const char* blob) : blob(blob) {}             // NOLINT: {"loss"}
  GradientTarget(std::string blob, GradientWrapper gradient)
      : blob(std::move(blob)), gradient(std::move(gradient)) {}
  GradientTarget(std::string blob, std::string gradient)
      : GradientTarget(std::move(blob), GradientWrapper::Dense(std::move(gradient))) {}

  std::string blob;
  GradientWrapper gradient;
};

struct GradientOptions {
  // With respect to which blobs gradients are wanted; without a list, to all of them. What leads to
  // other gradients only is left out: operators, and those outputs that an operator states to be
  // optional (OpSchema::LeastOutputs). The gradients that are there have the same bits.
  std::optional<std::vector<std::string>> wrt = std::nullopt;
  // A wanted gradient that does not exist, since the targets do not depend on the blob (or have no
  // derivative by it, as by indices), is absent from Backward::gradients instead of an error.
  bool allow_unused = false;
};

struct Backward {
  NetDef net;                 // the forward operators, then the gradient operators
  int forward_operators = 0;  // how many of them are the forward ones
  // From blob to gradient, for every blob (of GradientOptions::wrt) that the targets depend on and
  // that has one. Of a blob that is written more than once, the gradient of the first of its values
  // that has one.
  std::map<std::string, GradientWrapper> gradients;

  // The gradient operators alone, as a net that runs after the forward net.
  NetDef GradientNet() const;
};

// Errors: a target that is no blob of the net, or is named twice; operators on the way that have no
// gradient (all of them, each with the reason); a blob that a gradient operator reads but that an
// operator has overwritten, in place or later on; an output that the operator's gradient leaves
// out, although the targets depend on it; dense and sparse gradients of one blob; a wanted gradient
// of what is no blob of the net, or that does not exist; none wanted. Where only some gradients are
// wanted, what stands in the way of others is no error.
absl::StatusOr<Backward> AddGradientOperators(const NetDef& net,
                                              const std::vector<GradientTarget>& targets,
                                              const GradientOptions& options = {});

}  // namespace doppio

#endif  // DOPPIO_GRADIENT_H_
