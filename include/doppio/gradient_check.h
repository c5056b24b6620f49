#ifndef DOPPIO_GRADIENT_CHECK_H_
#define DOPPIO_GRADIENT_CHECK_H_

// Holds the gradient net of a net against finite differences: are the gradient makers of my
// operators right?
//
//   Workspace workspace;                        // with all that the net reads
//   absl::StatusOr<GradientCheck> check = CheckGradients(net, {"loss"}, workspace);
//   std::cout << check->ToString();             // a table, a line for each blob
//   return check->IsRight() ? 0 : 1;
//
// What is differentiated is the sum of all elements of the blobs `of`. The net is run in double,
// all floats that it reads converted, where its operators bear that; else in float, with a larger
// step and tolerance. Next to a point where a derivative jumps (Relu at 0) the gradient may be
// anything between the derivatives at both sides.
//
// Threads: all functions may be called from many at once, with a workspace each.

#include <string>
#include <vector>

#include "doppio/gradient.h"
#include "doppio/workspace.h"

namespace doppio {

struct GradientCheckOptions {
  // Whose gradients; empty: all floats that the net reads from outside and that have a gradient.
  std::vector<std::string> blobs = {};
  // Elements of each blob; of a larger one so many are drawn, by `seed`.
  int64_t samples = 100;
  uint64_t seed = 1;
  bool in_double = true;  // where it is possible
  double step = 0;        // how far an element is moved; 0: 1e-5 in double, 1e-2 in float
  double tolerance = 0;   // the largest relative error; 0: 1e-5 in double, 2e-2 in float
};

// A relative error is |gradient - difference| / max(|gradient|, |difference|, floor): numbers below
// the floor are lost in what rounding does to the sum that is differentiated.
struct CheckedBlob {
  std::string blob;
  Dims dims;
  int64_t elements = 0;  // that were compared
  int64_t wrong = 0;     // of these
  int64_t kinks = 0;     // right, as far as it can be told where the derivative jumps
  // The worst of them.
  double error = 0;
  int64_t index = 0;
  double gradient = 0;    // what the gradient net says
  double difference = 0;  // what finite differences say
};

struct GradientCheck {
  bool in_double = false;
  std::string why_float;  // why it was not in double
  double step = 0;
  double tolerance = 0;
  double floor = 0;
  std::vector<CheckedBlob> blobs;
  std::vector<std::string> without;  // floats that the net reads and that have no gradient

  bool IsRight() const;
  std::string ToString() const;
};

// `workspace` is read, not changed. Errors: what AddGradientOperators says; a net that fails to
// run; a blob that is none, holds no floats, or has no gradient; a net that gives another value
// each time (random operators without a seed).
absl::StatusOr<GradientCheck> CheckGradients(const NetDef& net, const std::vector<std::string>& of,
                                             const Workspace& workspace,
                                             const GradientCheckOptions& options = {});

// The gradient of a blob whose value is `x` (float or double), after a run of the gradient net;
// that of some rows with zeros elsewhere.
absl::StatusOr<Tensor> DenseGradient(const Workspace& workspace, const GradientWrapper& gradient,
                                     const Tensor& x);

}  // namespace doppio

#endif  // DOPPIO_GRADIENT_CHECK_H_
