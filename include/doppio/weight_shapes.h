#ifndef DOPPIO_WEIGHT_SHAPES_H_
#define DOPPIO_WEIGHT_SHAPES_H_

// Shapes of a net's weights, found from the operators that use them: for nets whose init net is
// lost. Of a convolution's weights [M, C/group, k, k] the net itself tells all but M, the number of
// outputs. That comes, in this order, from
//   1. blobs that are known, such as the bias;
//   2. a table of published widths (width_table.h);
//   3. a tie: the outputs are added to a blob that is known, say;
//   4. a guess: a convolution with `group` that follows is taken to be depthwise, with as many
//      channels as groups, and one whose channels are its groups to have as many outputs.
// Other weights follow from the data: a bias from its weights, what SpatialBN or PRelu has for each
// channel from the channels.
//
// Threads: all functions may be called from many at once.

#include <string>
#include <vector>

#include "doppio/infer.h"
#include "doppio/width_table.h"

namespace doppio {

// What an operator does with a weight, which decides of what size its values should be.
enum class WeightRole {
  kFactors,   // of convolutions and products; fan_in values make one output
  kBias,      // added
  kScale,     // multiplies a channel
  kMean,      // subtracted from a channel
  kVariance,  // divides a channel
  kSlope,     // of PRelu
  kAnchors,   // boxes [A,4]
  kOther,
};

struct WeightShape {
  std::string blob;
  TensorInfo info;
  WeightRole role = WeightRole::kOther;
  int64_t fan_in = 0;         // of kFactors
  std::string width_from;     // where the number of outputs is from, in words; empty: from the data
  bool is_published = false;  // it is from the table
  bool is_guess = false;
};

// A blob whose shape could not be found.
struct UnknownShape {
  std::string blob;
  std::string why;
  bool is_input = false;  // of the net: no operator makes it
};

struct NetShapes {
  BlobInfos blobs;  // after the last operator
  // In the order of the net; operators of nets that are arguments follow the one that has them.
  struct Op {
    const OperatorDef* def = nullptr;
    int depth = 0;  // of such nets
    std::vector<TensorInfo> inputs;
    std::vector<TensorInfo> outputs;
    OpCost cost;
    bool is_most = false;  // outputs depend on the data: this is the most that they can be
  };
  std::vector<Op> ops;  // `def` points into the net that was given
  OpCost total;
  std::vector<WeightShape> weights;   // those that were found, in the order of first use
  std::vector<UnknownShape> unknown;  // without what is unknown because of one of these
};

// What the net reads, does not make, and an operator takes as a weight: of a convolution or a
// normalisation, say, or spread over a larger operand as old nets do (`broadcast`). Operands that
// may be data as well are not among them.
std::vector<std::string> WeightsOfNet(const NetDef& net);

// `known` are the inputs that are data, and weights as far as they are there. `widths` may be null.
// Errors: shapes that can not go together, with the operator's place. A shape that can not be
// found is no error: it is listed as unknown.
absl::StatusOr<NetShapes> InferWeightShapes(const NetDef& net, const BlobInfos& known,
                                            const PublishedWidths* widths);

}  // namespace doppio

#endif  // DOPPIO_WEIGHT_SHAPES_H_
