#ifndef DOPPIO_OPS_RNN_UNIT_INPUTS_H_
#define DOPPIO_OPS_RNN_UNIT_INPUTS_H_

// What LSTMUnit and GRUUnit have in common. Both compute one step of a batch of sequences of
// different lengths: a state [1,N,D] becomes the next one, by gates [1,N,G*D] that a layer before
// made. A sequence that is over keeps its state, or drops it.

#include <algorithm>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/operator.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/elementwise_unary.h"

namespace doppio {

// The arguments of both, and where they move inputs to: without sequence_lengths that input is left
// out, and all that follow come one earlier.
struct UnitArguments {
  explicit UnitArguments(ArgumentReader* args)
      : sequence_lengths(args->GetSingleArgument<bool>("sequence_lengths")),
        drop_states(args->GetSingleArgument<bool>("drop_states")) {}

  // The place of timestep, behind `states` states and the gates.
  int Timestep(int states) const { return states + 1 + (sequence_lengths ? 1 : 0); }

  // InvalidArgument unless there are as many inputs as the arguments say: up to timestep, and
  // `following` more.
  absl::Status CheckInputSize(int size, int states, int following = 0) const {
    const int expected = Timestep(states) + 1 + following;
    if (size == expected) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("with sequence_lengths = ", static_cast<int>(sequence_lengths), " there are ",
                     expected, " inputs, but ", size, " are given"));
  }

  bool sequence_lengths;
  bool drop_states;
};

inline void StateUnitArguments(OpSchema& schema) {
  schema
      .Arg<bool>("sequence_lengths",
                 "whether there is an input SEQ_LENGTHS; without it, those that follow come one "
                 "earlier, and no sequence is over",
                 true)
      .Arg<bool>("drop_states",
                 "a sequence that is over gets states of 0 and does not keep its own", false);
}

// InvalidArgument unless the state, called `what`, is [1,N,D], and the gates are [1,N,count*D], of
// the same type.
inline absl::Status CheckUnitShapes(DataType state_type, DimsView state, absl::string_view what,
                                    DataType gates_type, DimsView gates, int64_t count) {
  if (state.size() != 3 || state[0] != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " must be [1,N,D], but has the shape ", ShapeToString(state)));
  }
  DOPPIO_ASSIGN_OR_RETURN(const int64_t width, CheckedProduct(state[2], count));
  const Dims expected = {1, state[1], width};
  if (gates_type != state_type || gates != DimsView(expected)) {
    return absl::InvalidArgumentError(absl::StrCat("GATES must be ", DataTypeName(state_type),
                                                   ShapeToString(expected), ", but is ",
                                                   DataTypeName(gates_type), ShapeToString(gates)));
  }
  return absl::OkStatus();
}

// InvalidArgument unless a tensor, called `what`, has this type and shape.
inline absl::Status CheckLike(DataType type, DimsView dims, absl::string_view what,
                              DataType expected_type, DimsView expected) {
  if (type == expected_type && dims == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " must be ", DataTypeName(expected_type),
                                                 ShapeToString(expected), ", but is ",
                                                 DataTypeName(type), ShapeToString(dims)));
}
inline absl::Status CheckLike(const Tensor& tensor, absl::string_view what,
                              const Tensor& expected) {
  return CheckLike(tensor.dtype(), tensor.dims(), what, expected.dtype(), expected.dims());
}

// Which sequences of the batch are over.
struct UnitStep {
  bool IsOver(int64_t n) const { return lengths != nullptr && timestep >= lengths[n]; }

  const int32_t* lengths = nullptr;
  int32_t timestep = 0;
};

// `lengths` is null where there are none.
inline absl::StatusOr<UnitStep> ReadUnitStep(const Tensor* lengths, const Tensor& timestep,
                                             int64_t batch) {
  if (!timestep.Is<int32_t>() || timestep.numel() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("timestep must be a single int32, but is ", timestep.TypeAndShape()));
  }
  UnitStep step;
  step.timestep = *timestep.data<int32_t>();
  if (step.timestep < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("timestep is ", step.timestep, ", but must not be negative"));
  }
  if (lengths == nullptr) return step;
  if (!lengths->Is<int32_t>() || lengths->numel() != batch) {
    return absl::InvalidArgumentError(
        absl::StrCat("SEQ_LENGTHS must be int32[", batch, "], but is ", lengths->TypeAndShape()));
  }
  step.lengths = lengths->data<int32_t>();
  for (int64_t n = 0; n < batch; ++n) {
    if (step.lengths[n] < 0) {
      return absl::InvalidArgumentError(absl::StrCat("SEQ_LENGTHS[", n, "] is ", step.lengths[n],
                                                     ", but a length is not negative"));
    }
  }
  return step;
}

// Calls f(n, begin, count) for runs of elements of row n of [rows,width], which are no longer than
// kUnitBlock, side by side: what is squashed of one stays in the cache.
constexpr int64_t kUnitBlock = 256;
template <typename F>
void ForPiecesOfRows(int64_t rows, int64_t width, const F& f) {
  ParallelFor(rows * width, kCostlyGrain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t n = begin / width;
      const int64_t stop = std::min({end, (n + 1) * width, begin + kUnitBlock});
      f(n, begin - n * width, stop - begin);
      begin = stop;
    }
  });
}

}  // namespace doppio

#endif  // DOPPIO_OPS_RNN_UNIT_INPUTS_H_
