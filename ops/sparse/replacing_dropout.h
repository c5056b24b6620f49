#ifndef DOPPIO_OPS_SPARSE_REPLACING_DROPOUT_H_
#define DOPPIO_OPS_SPARSE_REPLACING_DROPOUT_H_

// What the operators that put one id in the place of others, by chance, have in common.

#include <random>

#include "doppio/operator.h"
#include "src/operator/lengths_input.h"

namespace doppio {

struct ReplacingDropout {
  explicit ReplacingDropout(OperatorInit* init)
      : ratio(init->GetSingleArgument<float>("ratio")),
        replacement(init->GetSingleArgument<int64_t>("replacement_value")) {
    if (!(ratio >= 0 && ratio <= 1)) {
      init->Fail(
          absl::InvalidArgumentError(absl::StrCat("ratio must be in [0, 1], but is ", ratio)));
    }
  }

  // `x`: ids; `lengths`: how many of them each example has.
  static absl::Status Check(const Tensor& x, const Tensor& lengths) {
    DOPPIO_RETURN_IF_ERROR(CheckVector<int64_t>(x, "X"));
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(lengths, "Lengths"));
    return CheckLengths(lengths.span<int32_t>(), "Lengths", x.numel(), "X");
  }

  // Draws whether something stays.
  std::bernoulli_distribution Keep() const {
    return std::bernoulli_distribution(1.0 - double{ratio});
  }

  const float ratio;
  const int64_t replacement;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_SPARSE_REPLACING_DROPOUT_H_
