#include "ops/onnx/updates.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "ops/onnx/moved_elements.h"

namespace doppio {
namespace {

using SummedTypes = TypeList<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t,
                             float16, bfloat16>;

// What a T is added up and multiplied in, where integers wrap.
template <typename T>
using Wide = std::conditional_t<std::is_integral_v<T>, uint64_t,
                                std::conditional_t<std::is_same_v<T, double>, double, float>>;

template <typename T>
void Combine(bool is_product, const T* updates, const std::vector<int64_t>& places, int64_t block,
             T* output) {
  for (const int64_t place : places) {
    for (int64_t j = 0; j < block; ++j, ++updates) {
      T& element = output[place + j];
      const auto old = static_cast<Wide<T>>(element);
      const auto update = static_cast<Wide<T>>(*updates);
      element = static_cast<T>(is_product ? old * update : old + update);
    }
  }
}

}  // namespace

void StateReduction(OpSchema& schema) {
  schema.Arg<std::string>("reduction",
                          "none: updates take the place of elements, the last one where several "
                          "have one place; add, mul: they are added to them, or multiplied",
                          "none");
}

Reduction ReadReduction(ArgumentReader* args) {
  const auto name = args->GetSingleArgument<std::string>("reduction");
  if (name == "add") return Reduction::kAdd;
  if (name == "mul") return Reduction::kMul;
  if (name != "none") {
    args->Fail(absl::InvalidArgumentError(
        absl::StrCat("reduction must be none, add or mul, but is \"", name, "\"")));
  }
  return Reduction::kNone;
}

absl::Status ApplyUpdates(Reduction reduction, const Tensor& updates,
                          const std::vector<int64_t>& places, int64_t block, Tensor* output) {
  if (reduction != Reduction::kNone) {
    return DispatchType(SummedTypes(), output->dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      Combine(reduction == Reduction::kMul, updates.data<T>(), places, block,
              output->mutable_data<T>());
      return absl::OkStatus();
    });
  }
  return DispatchMoved(output->dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* from = MovedElements<T>(updates);
    for (const int64_t place : places) {
      std::copy_n(from, block, MovedElements<T>(output) + place);
      from += block;
    }
    return absl::OkStatus();
  });
}

}  // namespace doppio
