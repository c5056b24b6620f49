#include <algorithm>
#include <array>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

// A value, as a number whose order is that of values, and where it stands.
struct Place {
  uint64_t order;
  int32_t index;
};

constexpr uint64_t kSign = uint64_t{1} << 63;

void SortPlaces(std::vector<Place>* places, std::vector<Place>* spare) {
  constexpr size_t kFewPlaces = 512;
  if (places->size() < kFewPlaces) {
    std::sort(places->begin(), places->end(),
              [](const Place& a, const Place& b) { return a.order < b.order; });
    return;
  }
  // By one digit after the other, from the last; digits that all values share cost one look.
  constexpr int kBits = 11;
  constexpr int kDigits = (64 + kBits - 1) / kBits;
  constexpr size_t kBuckets = size_t{1} << kBits;
  spare->resize(places->size());
  std::array<std::array<uint32_t, kBuckets>, kDigits> counts{};
  const auto digit = [](uint64_t order, size_t d) { return (order >> (d * kBits)) % kBuckets; };
  for (const Place& place : *places) {
    for (size_t d = 0; d < kDigits; ++d) ++counts[d][digit(place.order, d)];
  }
  for (size_t d = 0; d < kDigits; ++d) {
    std::array<uint32_t, kBuckets>& count = counts[d];
    if (count[digit(places->front().order, d)] == places->size()) continue;
    uint32_t begin = 0;
    for (uint32_t& bucket : count) {
      const uint32_t size = bucket;
      bucket = begin;
      begin += size;
    }
    for (const Place& place : *places) (*spare)[count[digit(place.order, d)]++] = place;
    places->swap(*spare);
  }
}

DOPPIO_OPERATOR_SCHEMA(Unique)
    .NumInputs(1)
    .NumOutputs(1, 2)
    .Doc(R"DOC(
Every value of a vector once, in ascending order, and for each element the place of its value among
them: Gather(unique_indices, remapping) is the input again.

Example: [5,2,5,9] gives unique_indices [2,5,9] and remapping [1,0,1,2].
)DOC")
    .Input(0, "indices", "vector of int32 or int64, of fewer than 2^31 elements")
    .Output(0, "unique_indices", "vector of the input's type")
    .Output(1, "remapping", "vector of int32, as long as the input; optional")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(context->dims(0), "indices"));
      // How many there are depends on the values, unless there is one at most.
      if (context->dims(0)[0] <= 1) context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, DataType::kInt32, context->dims(0));
      return absl::OkStatus();
    })
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });

template <class Context>
class UniqueOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UniqueOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& indices = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(indices.dims(), "indices"));
    if (indices.numel() > std::numeric_limits<int32_t>::max()) {
      return absl::InvalidArgumentError(
          absl::StrCat("indices has ", indices.numel(), " elements, but remapping is int32"));
    }
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const auto values = indices.span<T>();
      places_.resize(values.size());
      for (size_t i = 0; i < values.size(); ++i) {
        places_[i] = {static_cast<uint64_t>(int64_t{values[i]}) ^ kSign, static_cast<int32_t>(i)};
      }
      SortPlaces(&places_, &spare_);
      int64_t count = 0;
      for (size_t i = 0; i < places_.size(); ++i) {
        count += i == 0 || places_[i].order != places_[i - 1].order ? 1 : 0;
      }
      int32_t* remapping = nullptr;
      if (OutputSize() > 1) {
        DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(1, DataType::kInt32, indices.dims()));
        remapping = output->template mutable_data<int32_t>();
      }
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataTypeOf<T>::value, {count}));
      T* unique = output->template mutable_data<T>();
      int64_t last = -1;
      for (size_t i = 0; i < places_.size(); ++i) {
        if (i == 0 || places_[i].order != places_[i - 1].order) {
          unique[++last] = static_cast<T>(static_cast<int64_t>(places_[i].order ^ kSign));
        }
        if (remapping != nullptr) remapping[places_[i].index] = static_cast<int32_t>(last);
      }
      return absl::OkStatus();
    });
  }

 private:
  std::vector<Place> places_;
  std::vector<Place> spare_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Unique, UniqueOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Unique);

}  // namespace
}  // namespace doppio
