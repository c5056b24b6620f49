#include <algorithm>
#include <limits>
#include <random>

#include "absl/container/flat_hash_set.h"
#include "doppio/gradient_maker.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"
#include "ops/fill/filler.h"

namespace doppio {
namespace {

using Types = TypeList<int32_t, int64_t>;

struct Bounds {
  DataType dtype;
  int64_t min;
  int64_t max;
};

absl::StatusOr<Bounds> ReadUniqueBounds(ArgumentReader* reader) {
  const Bounds bounds{reader->GetDataTypeArgument("dtype", DataType::kInt32),
                      reader->GetSingleArgument<int64_t>("min"),
                      reader->GetSingleArgument<int64_t>("max")};
  DOPPIO_RETURN_IF_ERROR(reader->status());
  DOPPIO_RETURN_IF_ERROR(DispatchType(Types(), bounds.dtype, [&](auto tag) -> absl::Status {
    using Limits = std::numeric_limits<typename decltype(tag)::type>;
    const bool fits = bounds.min >= Limits::min() && bounds.max <= Limits::max();
    if (bounds.min < bounds.max && fits) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("cannot draw ", DataTypeName(bounds.dtype), " between ", bounds.min, " and ",
                     bounds.max, ": ", fits ? "max must be larger than min" : "they do not fit"));
  }));
  return bounds;
}

absl::Status CheckAvoid(DataType wanted, DataType dtype) {
  if (dtype == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "avoid must be ", DataTypeName(wanted), ", as what is drawn, but is ", DataTypeName(dtype)));
}

DOPPIO_OPERATOR_SCHEMA(UniqueUniformFill)
    .FillUsing(StateFiller)
    .NumInputs(0, 2)
    .HasSideEffects()
    .Doc(R"DOC(
A tensor of different whole numbers, drawn from those from min to max, both included, without the
elements of the second input. There must be enough of them.

Example: shape = [3], min = 4 and max = 6 give [4,5,6] in some order.
)DOC")
    .RequiredArg<int64_t>("min", "the least number")
    .RequiredArg<int64_t>("max", "the largest number, more than min")
    .AnyArg("dtype", "int32 or int64, a number of TensorProto.DataType or a name; default: int32")
    .Input(1, "avoid", "tensor of that type: numbers that are not drawn, each of them once")
    .Output(0, "Y", "tensor of that type")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const Bounds bounds, ReadUniqueBounds(context));
      if (context->InputSize() > 1) {
        DOPPIO_RETURN_IF_ERROR(CheckAvoid(bounds.dtype, context->dtype(1)));
      }
      DOPPIO_ASSIGN_OR_RETURN(const std::optional<Dims> dims, InferFillerShape(context));
      if (dims.has_value()) context->SetOutput(0, bounds.dtype, *dims);
      return absl::OkStatus();
    });

template <class Context>
class UniqueUniformFillOp final : public FillerOp<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UniqueUniformFillOp(OperatorInit* init) : FillerOp<Context>(init) {
    const absl::StatusOr<Bounds> bounds = ReadUniqueBounds(init);
    init->Fail(bounds.status());
    if (bounds.ok()) bounds_ = *bounds;
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, this->OutputShape());
    if (InputSize() > 1) {
      DOPPIO_RETURN_IF_ERROR(CheckAvoid(bounds_.dtype, Input(1).dtype()));
    }
    DOPPIO_ASSIGN_OR_RETURN(const int64_t count, NumElements(dims));
    return DispatchType(Types(), bounds_.dtype, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      absl::flat_hash_set<T> taken;
      if (InputSize() > 1) {
        DOPPIO_RETURN_IF_ERROR(TakeAvoided(Input(1).template span<T>(), &taken));
      }
      DOPPIO_RETURN_IF_ERROR(CheckEnough(count, static_cast<int64_t>(taken.size())));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, bounds_.dtype, dims));
      T* out = y->mutable_data<T>();
      // Drawn again until it is a new one, as Caffe2 does, so that a seed gives Caffe2's numbers.
      std::uniform_int_distribution<T> distribution(static_cast<T>(bounds_.min),
                                                    static_cast<T>(bounds_.max));
      for (int64_t i = 0; i < count;) {
        out[i] = distribution(context_.RandomGenerator());
        if (taken.insert(out[i]).second) ++i;
      }
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  absl::Status TakeAvoided(absl::Span<const T> avoid, absl::flat_hash_set<T>* taken) const {
    for (const T number : avoid) {
      const bool is_candidate = number >= bounds_.min && number <= bounds_.max;
      if (is_candidate && !taken->insert(number).second) {
        return absl::InvalidArgumentError(absl::StrCat("avoid holds ", number, " twice"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckEnough(int64_t count, int64_t avoided) const {
    // One less than there are, which may be 2^64.
    const uint64_t rest = static_cast<uint64_t>(bounds_.max) - static_cast<uint64_t>(bounds_.min);
    const uint64_t needed = static_cast<uint64_t>(count) + static_cast<uint64_t>(avoided);
    if (needed == 0 || needed - 1 <= rest) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("there are no ", count, " different numbers between ", bounds_.min, " and ",
                     bounds_.max, ", of which ", avoided, " are avoided"));
  }

  Bounds bounds_;
};

DOPPIO_REGISTER_CPU_OPERATOR(UniqueUniformFill, UniqueUniformFillOp<CPUContext>);
DOPPIO_NO_GRADIENT(UniqueUniformFill);

}  // namespace
}  // namespace doppio
