#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/logical/mask.h"

namespace doppio {
namespace {

absl::Status CheckPairs(int inputs) {
  if (inputs % 2 == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("there are ", inputs, " inputs, but masks and values must come in pairs"));
}

absl::Status CheckPair(int pair, DataType mask_type, DimsView mask, DataType value_type,
                       DimsView values, DataType first_type, DimsView first_mask) {
  DOPPIO_RETURN_IF_ERROR(Annotate(CheckMask(mask_type, mask), absl::StrCat("pair ", pair)));
  if (mask != first_mask) {
    return absl::InvalidArgumentError(absl::StrCat("all masks must have the same size, but mask ",
                                                   pair, " is ", ShapeToString(mask),
                                                   " and mask 0 is ", ShapeToString(first_mask)));
  }
  if (values.size() != 1 || value_type != first_type) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the values must be vectors of one type, ", DataTypeName(first_type),
        ", but those of mask ", pair, " are ", DataTypeName(value_type), ShapeToString(values)));
  }
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(BooleanUnmask)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(1)
    .Doc(R"DOC(
Puts together what masks have taken apart. The inputs are pairs of a mask and its values; element i
of the output is the next value of the first mask that is true at i. There must be one.

Example: the masks [true,false,true,false,false], [false,true,false,false,false] and
[false,false,false,true,true] with the values [1,3], [2] and [4,5] give [1,2,3,4,5].

Where masks overlap, a later one may have a value for each of its true elements, of which those that
an earlier mask has too are skipped, or values only for the others, as Caffe2 wants it. So the masks
[true,false] and [true,true] with the values [1] and either [7,2] or [2] give [1,2].
)DOC")
    .Input(0, "mask", "vector of bool; more pairs of a mask and values follow")
    .Input(1, "values", "vector of any type, the same for all values")
    .Output(0, "unmasked_data", "vector of the values' type and the masks' size")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckPairs(context->InputSize()));
      for (int i = 0; i < context->InputSize(); i += 2) {
        DOPPIO_RETURN_IF_ERROR(CheckPair(i / 2, context->dtype(i), context->dims(i),
                                         context->dtype(i + 1), context->dims(i + 1),
                                         context->dtype(1), context->dims(0)));
      }
      context->SetOutput(0, context->dtype(1), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class BooleanUnmaskOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BooleanUnmaskOp(OperatorInit* init) : Operator<Context>(init) {
    init->Fail(CheckPairs(InputSize()));
    pairs_.resize(static_cast<size_t>(InputSize() / 2));
  }

  absl::Status RunOnDevice() override {
    const DataType type = Input(1).dtype();
    for (int i = 0; i < InputSize(); i += 2) {
      DOPPIO_RETURN_IF_ERROR(CheckPair(i / 2, Input(i).dtype(), Input(i).dims(),
                                       Input(i + 1).dtype(), Input(i + 1).dims(), type,
                                       Input(0).dims()));
    }
    DOPPIO_RETURN_IF_ERROR(CountValues());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, type, Input(0).dims()));
    return DispatchType(AllTypes(), type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      Fill(output->mutable_data<T>(), output->numel());
      return absl::OkStatus();
    });
  }

 private:
  // Of a mask: how many of its elements are true, and at how many of them no earlier one is; how
  // many values were read.
  struct Pair {
    const bool* mask = nullptr;
    int64_t all = 0;
    int64_t first = 0;
    int64_t next = 0;
  };

  absl::Status CountValues() {
    for (size_t k = 0; k < pairs_.size(); ++k) {
      pairs_[k] = Pair();
      pairs_[k].mask = Input(2 * static_cast<int>(k)).template data<bool>();
    }
    for (int64_t i = 0; i < Input(0).numel(); ++i) {
      bool found = false;
      for (Pair& pair : pairs_) {
        if (!pair.mask[i]) continue;
        ++pair.all;
        if (!found) ++pair.first;
        found = true;
      }
      if (!found) {
        return absl::InvalidArgumentError(absl::StrCat("no mask is true at element ", i));
      }
    }
    for (size_t k = 0; k < pairs_.size(); ++k) {
      const int values = 2 * static_cast<int>(k) + 1;
      const int64_t count = Input(values).numel();
      if (count == pairs_[k].all || count == pairs_[k].first) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("mask ", k, " is true at ", pairs_[k].all, " elements, at ", pairs_[k].first,
                       " of them as the first one, but its values are ", DescribeInput(values)));
    }
    return absl::OkStatus();
  }

  template <typename T>
  void Fill(T* to, int64_t size) {
    for (int64_t i = 0; i < size; ++i) {
      bool found = false;
      for (size_t k = 0; k < pairs_.size(); ++k) {
        Pair& pair = pairs_[k];
        if (!pair.mask[i]) continue;
        const Tensor& values = Input(2 * static_cast<int>(k) + 1);
        if (!found) to[i] = values.data<T>()[pair.next];
        if (!found || values.numel() == pair.all) ++pair.next;
        found = true;
      }
    }
  }

  std::vector<Pair> pairs_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BooleanUnmask, BooleanUnmaskOp<CPUContext>);
DOPPIO_NO_GRADIENT(BooleanUnmask);

}  // namespace
}  // namespace doppio
