#ifndef DOPPIO_OPS_SEGMENT_SEGMENT_REDUCTION_H_
#define DOPPIO_OPS_SEGMENT_SEGMENT_REDUCTION_H_

// The operators of the family: one class for all that reduce, one for all their gradients, which
// constants of SegmentTraits and SegmentGradientTraits tell apart.

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/segment/segments.h"

namespace doppio {

void StateSegments(OpSchema& schema, const SegmentTraits& traits, absl::string_view example);

class SegmentReduction : public Operator<CPUContext> {
 public:
  SegmentReduction(OperatorInit* init, const SegmentTraits& traits);
  absl::Status RunOnDevice() override;

 private:
  template <typename In, typename T, typename Index>
  absl::Status Reduce(const Index* rows, int64_t positions, Tensor* output);
  // order_ and offsets_ of unsorted ids, for `count` segments or, where that is -1, for those alone
  // that have rows.
  absl::Status SortPositions(int64_t count);
  // sorted_rows_ and sorted_weights_, in that order.
  template <typename T, typename Index>
  absl::Status SortRows(const Index* rows, int64_t positions);

  const SegmentTraits& traits_;
  int64_t num_segments_;
  SegmentOffsets offsets_;
  Tensor sorted_rows_;
  Tensor sorted_weights_;
  Tensor order_;
  Tensor places_;
  Tensor results_;
  Tensor scratch_;
};

template <const SegmentTraits& kTraits>
class SegmentOp final : public SegmentReduction {
 public:
  explicit SegmentOp(OperatorInit* init) : SegmentReduction(init, kTraits) {}
};

// Where a gradient operator has its inputs; -1: it has no such.
struct SegmentGradientTraits {
  SegmentKind kind;
  SegmentReducer reducer;
  int gradient;
  int segments;
  int weights = -1;
  int data = -1;
  int output = -1;
  int indices = -1;
  int unread = -1;  // for its first dimension, which is the number of rows
  int inputs = 2;

  // The gradient of the weights is made too.
  bool WeightGradient() const { return weights >= 0 && data >= 0; }
};

void StateSegmentGradient(OpSchema& schema, const SegmentGradientTraits& traits,
                          absl::string_view forward);

class SegmentGradient : public Operator<CPUContext> {
 public:
  SegmentGradient(OperatorInit* init, const SegmentGradientTraits& traits)
      : Operator<CPUContext>(init), traits_(traits) {}
  absl::Status RunOnDevice() override;

 private:
  template <typename T>
  void Spread(Tensor* dx);
  template <typename In, typename T>
  absl::Status WeightGradient(Tensor* dweights);

  const SegmentGradientTraits& traits_;
  SegmentOffsets offsets_;
};

template <const SegmentGradientTraits& kTraits>
class SegmentGradientOp final : public SegmentGradient {
 public:
  explicit SegmentGradientOp(OperatorInit* init) : SegmentGradient(init, kTraits) {}
};

// Makes what Caffe2 makes: see the sources that register it.
class SegmentGradientMaker : public GradientMakerBase {
 public:
  SegmentGradientMaker(const OperatorDef& def, const std::vector<GradientWrapper>& g_output,
                       const SegmentTraits& traits)
      : GradientMakerBase(def, g_output), traits_(traits) {}
  std::vector<OperatorDef> GetGradientDefs() override;

 private:
  std::vector<OperatorDef> OfLengths(bool weight_gradient);
  std::vector<OperatorDef> OfIds(bool weight_gradient);

  const SegmentTraits& traits_;
};

template <const SegmentTraits& kTraits>
class GetSegmentGradient final : public SegmentGradientMaker {
 public:
  GetSegmentGradient(const OperatorDef& def, const std::vector<GradientWrapper>& g_output)
      : SegmentGradientMaker(def, g_output, kTraits) {}
};

#define DOPPIO_SEGMENT_FORWARD(Type, traits, example)                    \
  DOPPIO_OPERATOR_SCHEMA(Type).FillUsing(                                \
      [](OpSchema& schema) { StateSegments(schema, traits, example); }); \
  DOPPIO_REGISTER_CPU_OPERATOR(Type, SegmentOp<traits>)

#define DOPPIO_SEGMENT_OPERATOR(Type, traits, example) \
  DOPPIO_SEGMENT_FORWARD(Type, traits, example);       \
  DOPPIO_REGISTER_GRADIENT(Type, GetSegmentGradient<traits>)

#define DOPPIO_SEGMENT_GRADIENT(Type, traits, forward)                          \
  DOPPIO_OPERATOR_SCHEMA(Type).FillUsing(                                       \
      [](OpSchema& schema) { StateSegmentGradient(schema, traits, forward); }); \
  DOPPIO_REGISTER_CPU_OPERATOR(Type, SegmentGradientOp<traits>)

}  // namespace doppio

#endif  // DOPPIO_OPS_SEGMENT_SEGMENT_REDUCTION_H_
