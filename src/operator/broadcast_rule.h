#ifndef DOPPIO_OPERATOR_BROADCAST_RULE_H_
#define DOPPIO_OPERATOR_BROADCAST_RULE_H_

// How the shapes of two operands go together, for every family with operators on two tensors.

#include <string>

#include "doppio/arguments.h"
#include "doppio/schema.h"
#include "doppio/shape.h"
#include "doppio/status.h"

namespace doppio {

// The shapes of C = f(A, B). a and b are what the kernels take: they broadcast to c by NumPy's
// rule, and have as many elements as A, B and C; c_dims is the shape that C gets.
struct BinaryShapes {
  Dims a;
  Dims b;
  Dims c;
  Dims c_dims;
};

// How A and B go together, as the arguments say: NumPy's broadcasting, or with broadcast=1 the
// older rule of Caffe2, where B's shape is a part of A's that begins at `axis`.
class BroadcastRule {
 public:
  explicit BroadcastRule(ArgumentReader* arguments);
  // The older rule, whatever the argument `broadcast` says.
  static BroadcastRule Legacy(ArgumentReader* arguments);

  absl::StatusOr<BinaryShapes> Align(DimsView a, DimsView b) const;
  bool legacy() const { return legacy_; }
  // Where B's shape begins in A's by the older rule; -1: so that it ends where A's does.
  int64_t axis() const { return axis_; }

 private:
  BroadcastRule(ArgumentReader* arguments, bool legacy);
  absl::StatusOr<BinaryShapes> AlignLegacy(DimsView a, DimsView b) const;

  bool legacy_;
  int64_t axis_;
};

// Output `output`, of that shape, may not be written to input `input` of another one.
absl::Status CheckInplaceShape(int input, DimsView input_dims, int output, DimsView output_dims);

// The arguments that a BroadcastRule reads.
#define DOPPIO_BROADCAST_ARGUMENTS                                                                 \
  Arg<bool>("broadcast", "1: the older rule, by which B's shape is a part of A's", false)          \
      .Arg<int>("axis",                                                                            \
                "with broadcast=1: the dimension of A at which B's shape begins; -1: so that "     \
                "it ends where A's does",                                                          \
                -1)                                                                                \
      .Arg<std::string>("axis_str", "with broadcast=1: that dimension as a letter of `order`", "") \
      .Arg<std::string>("order", "the letters of A's dimensions, for axis_str", "NCHW")            \
      .Arg<bool>("allow_broadcast_fastpath", "accepted for old nets; has no effect", false)

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_BROADCAST_RULE_H_
