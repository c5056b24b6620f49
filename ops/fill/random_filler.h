#ifndef DOPPIO_OPS_FILL_RANDOM_FILLER_H_
#define DOPPIO_OPS_FILL_RANDOM_FILLER_H_

// What the fills with random numbers have in common. Numbers are drawn one after another from the
// operator's generator, a std::mt19937, by the distributions of the standard library: with a
// random_seed in the device option they are those that Caffe2 draws.

#include <cmath>
#include <random>

#include "doppio/random_engine.h"
#include "ops/fill/filler.h"

namespace doppio {

inline void StateRandomFiller(OpSchema& schema) {
  schema.FillUsing(StateFiller)
      .HasSideEffects()
      .Output(0, "Y", "the filled tensor")
      .TensorInference([](InferenceContext* context) -> absl::Status {
        DOPPIO_ASSIGN_OR_RETURN(const std::optional<Dims> dims, InferFillerShape(context));
        if (dims.has_value()) context->SetOutput(0, DataType::kFloat, *dims);
        return absl::OkStatus();
      });
}

// For fills that look at single sizes of the shape. `why`: "no fan-in".
inline absl::Status CheckFillRank(DimsView dims, size_t least, absl::string_view why) {
  if (dims.size() >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(dims.empty() ? "a scalar" : absl::StrCat("shape ", ShapeToString(dims)), " has ",
                   why, ": the rank must be at least ", least, ShapeHint(dims)));
}

// StateRandomFiller of such a fill.
inline void StateRandomFillerOfRank(OpSchema& schema, size_t least, const char* why) {
  schema.FillUsing(StateRandomFiller)
      .TensorInference([least, why](InferenceContext* context) -> absl::Status {
        DOPPIO_ASSIGN_OR_RETURN(const std::optional<Dims> dims, InferFillerShape(context));
        if (!dims.has_value()) return absl::OkStatus();
        DOPPIO_RETURN_IF_ERROR(CheckFillRank(*dims, least, why));
        context->SetOutput(0, DataType::kFloat, *dims);
        return absl::OkStatus();
      });
}

// Draws from [min, max]: `max` itself only for integers, or where rounding gives it.
template <typename T>
void FillUniform(T min, T max, Tensor* y, CPUContext* context) {
  using Distribution = std::conditional_t<std::is_integral_v<T>, std::uniform_int_distribution<T>,
                                          std::uniform_real_distribution<T>>;
  Distribution distribution(min, max);
  T* out = y->mutable_data<T>();
  for (int64_t i = 0; i < y->numel(); ++i) out[i] = distribution(context->RandomGenerator());
}

inline void FillNormal(float mean, float std, Tensor* y, CPUContext* context) {
  // The distribution's own parameters must not be degenerate.
  std::normal_distribution<float> distribution(mean, std > 0 ? std : 1.0f);
  float* out = y->mutable_data<float>();
  for (int64_t i = 0; i < y->numel(); ++i) {
    out[i] = std > 0 ? distribution(context->RandomGenerator()) : mean;
  }
}

// InvalidArgument unless the bounds are finite, in order (`min` < `max`, or with `or_equal` <=) and
// not too far apart for a distribution.
template <typename T>
absl::Status CheckBounds(T min, T max, bool or_equal) {
  bool good = min < max || (or_equal && min == max);
  if constexpr (std::is_floating_point_v<T>) good = good && std::isfinite(max - min);
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("cannot draw between ", min, " and ", max, ": max must be larger than min"));
}

}  // namespace doppio

#endif  // DOPPIO_OPS_FILL_RANDOM_FILLER_H_
