#include "doppio/random_weights.h"

#include <algorithm>
#include <cmath>

namespace doppio {
namespace {

struct Range {
  double low;
  double high;
};

uint64_t Fnv1a64(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

// 0 <= u < 1.
double Uniform(uint64_t stream, int64_t i) {
  uint64_t s = stream + (static_cast<uint64_t>(i) + 1) * 0x9e3779b97f4a7c15u;
  s = (s ^ (s >> 30)) * 0xbf58476d1ce4e5b9u;
  s = (s ^ (s >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((s ^ (s >> 31)) >> 40) / static_cast<double>(1 << 24);
}

Range RangeOf(const WeightShape& weight) {
  switch (weight.role) {
    case WeightRole::kFactors: {
      const double bound =
          std::sqrt(6.0 / static_cast<double>(std::max<int64_t>(weight.fan_in, 1)));
      return {-bound, bound};
    }
    case WeightRole::kScale:
      return {0.5, 1.0};
    case WeightRole::kVariance:
      return {0.5, 1.5};
    case WeightRole::kSlope:
      return {0.0, 0.5};
    case WeightRole::kBias:
    case WeightRole::kMean:
    case WeightRole::kAnchors:
    case WeightRole::kOther:
      break;
  }
  return {-0.1, 0.1};
}

// Coordinate i % 4 (x1, y1, x2, y2) of box i / 4.
double Anchor(int64_t i) {
  const int64_t box = i / 4;
  const double ratio = box % 3 == 0 ? 0.5 : box % 3 == 1 ? 1.0 : 2.0;  // of height to width
  const double size = 32.0 * std::pow(2.0, static_cast<double>(box / 3 % 16));
  const double width = size / std::sqrt(ratio);
  const double extent = i % 2 == 0 ? width : width * ratio;
  return (i % 4 < 2 ? -0.5 : 0.5) * extent;
}

template <typename List, typename F>
absl::StatusOr<Tensor> Filled(DataType dtype, DimsView dims, const F& value) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(dtype, dims));
  DOPPIO_RETURN_IF_ERROR(DispatchType(List(), dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = tensor.mutable_data<T>();
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      out[i] = static_cast<T>(static_cast<float>(value(i)));
    }
    return absl::OkStatus();
  }));
  return tensor;
}

}  // namespace

absl::StatusOr<Tensor> RandomWeight(const WeightShape& weight, uint64_t seed) {
  if (!weight.info.IsKnown()) {
    return absl::InvalidArgumentError(absl::StrCat("the shape of ", weight.blob, " is not known"));
  }
  using Floats = TypeList<float, double, float16, bfloat16>;
  if (weight.role == WeightRole::kAnchors) {
    return Filled<Floats>(weight.info.dtype, *weight.info.dims, Anchor);
  }
  const Range range = RangeOf(weight);
  const uint64_t stream = seed + Fnv1a64(weight.blob);
  return Filled<Floats>(weight.info.dtype, *weight.info.dims, [&](int64_t i) {
    return range.low + (range.high - range.low) * Uniform(stream, i);
  });
}

absl::StatusOr<Tensor> RandomData(absl::string_view blob, DataType dtype, DimsView dims,
                                  uint64_t seed) {
  const uint64_t stream = seed + Fnv1a64(blob);
  const bool is_float = IsFloatingPoint(dtype);
  const int values = dtype == DataType::kUInt8 ? 256 : 2;
  return Filled<AllNumericTypes>(dtype, dims, [&](int64_t i) {
    const double u = Uniform(stream, i);
    return is_float ? 2 * u - 1 : std::floor(values * u);
  });
}

}  // namespace doppio
