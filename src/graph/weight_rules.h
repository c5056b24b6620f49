#ifndef DOPPIO_GRAPH_WEIGHT_RULES_H_
#define DOPPIO_GRAPH_WEIGHT_RULES_H_

// What each type of operator says about the shapes of its weights. A new operator is one line of
// the table in weight_rules.cc.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "doppio/arguments.h"
#include "doppio/weight_shapes.h"

namespace doppio {

// What a rule sees: an operator some of whose inputs are known.
class WeightContext : public ArgumentReader {
 public:
  // Asked for the number of outputs that the weights at `input` make, of `channels` data channels
  // in `groups`; nullopt where nothing tells it.
  using WidthFunction =
      std::function<std::optional<int64_t>(int input, int64_t channels, int64_t groups)>;

  // `may_be_weight` says which inputs no operator has made.
  WeightContext(const OperatorDef& def, const OpSchema* schema, std::vector<TensorInfo>* inputs,
                std::vector<bool> may_be_weight, WidthFunction width)
      : ArgumentReader(def, schema),
        inputs_(*inputs),
        may_be_weight_(std::move(may_be_weight)),
        width_(std::move(width)) {}

  int InputSize() const { return static_cast<int>(inputs_.size()); }
  // The shape of an input, or null where it is missing or not known yet.
  const Dims* dims(int input) const;
  // The dimension of the channels of input 0, whose rank is at least 1.
  int ChannelAxis();
  std::optional<int64_t> Width(int input, int64_t channels, int64_t groups) const {
    return width_(input, channels, groups);
  }

  // States a weight that is not known yet; what is known, no weight or not there stays as it is.
  void Set(int input, Dims dims, WeightRole role, int64_t fan_in = 0);
  const std::vector<WeightShape>& found() const { return found_; }

 private:
  std::vector<TensorInfo>& inputs_;
  std::vector<bool> may_be_weight_;
  WidthFunction width_;
  std::vector<WeightShape> found_;
};

struct WeightRule {
  // Finds weights of the operator; called when input 0 is known. Null: it has none.
  void (*find_weights)(WeightContext*) = nullptr;
  // The outputs have the channels of input 0.
  bool keeps_channels = false;
  // For operators whose outputs depend on the data: the most that they can be, shape by shape.
  // Null: inference says all.
  std::vector<Dims> (*most)(WeightContext*) = nullptr;
  // Inputs from this one on are weights if no operator makes them. 0: they may be data too, but for
  // the second operand of an old broadcast.
  int first_weight = 0;
};

// An empty rule for types that are not in the table.
const WeightRule& WeightRuleOf(absl::string_view type);

}  // namespace doppio

#endif  // DOPPIO_GRAPH_WEIGHT_RULES_H_
