#include "ops/onnx/gate_function.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "src/kernel/elementwise_unary.h"

namespace doppio {

// Without a value a function does not have that parameter; NaN: it has no default.
struct GateFunction::Known {
  const char* name;
  Kind kind;
  std::optional<float> alpha;
  std::optional<float> beta;
};

std::vector<GateFunction> GateFunction::ReadAll(ArgumentReader* args, int64_t directions,
                                                const std::vector<std::string>& names) {
  static const Known kKnown[] = {
      {"relu", Kind::kRelu, {}, {}},
      {"tanh", Kind::kTanh, {}, {}},
      {"sigmoid", Kind::kSigmoid, {}, {}},
      {"affine", Kind::kAffine, 1.0f, 0.0f},
      {"leakyrelu", Kind::kLeakyRelu, 0.01f, {}},
      {"thresholdedrelu", Kind::kThresholdedRelu, 1.0f, {}},
      {"scaledtanh", Kind::kScaledTanh, NAN, NAN},
      {"hardsigmoid", Kind::kHardSigmoid, 0.2f, 0.5f},
      {"elu", Kind::kElu, 1.0f, {}},
      {"softsign", Kind::kSoftsign, {}, {}},
      {"softplus", Kind::kSoftplus, {}, {}},
  };
  std::vector<std::string> given = args->GetRepeatedArgument<std::string>("activations");
  if (given.empty()) {
    for (int64_t d = 0; d < directions; ++d) given.insert(given.end(), names.begin(), names.end());
  }
  const std::vector<float> alphas = args->GetRepeatedArgument<float>("activation_alpha");
  const std::vector<float> betas = args->GetRepeatedArgument<float>("activation_beta");
  const float clip = args->GetSingleArgument<float>("clip", 0);
  const size_t count = names.size() * static_cast<size_t>(directions);
  if (given.size() != count) {
    args->Fail(absl::InvalidArgumentError(
        absl::StrCat("there are ", given.size(), " activations, must be ", count)));
  }
  if (!(clip >= 0)) {
    args->Fail(absl::InvalidArgumentError(absl::StrCat("clip is ", clip, ", must be positive")));
  }
  size_t alphas_taken = 0, betas_taken = 0;
  std::vector<GateFunction> functions(count);
  for (size_t i = 0; i < std::min(count, given.size()); ++i) {
    const std::string name = absl::AsciiStrToLower(given[i]);
    const auto known = std::find_if(std::begin(kKnown), std::end(kKnown),
                                    [&](const Known& k) { return name == k.name; });
    if (known == std::end(kKnown)) {
      args->Fail(absl::InvalidArgumentError(
          absl::StrCat("\"", given[i], "\" is no activation that is known")));
      continue;
    }
    GateFunction& function = functions[i];
    function.kind_ = known->kind;
    function.clip_ = clip;
    if (known->alpha.has_value()) {
      function.alpha_ = alphas_taken < alphas.size() ? alphas[alphas_taken++] : *known->alpha;
    }
    if (known->beta.has_value()) {
      function.beta_ = betas_taken < betas.size() ? betas[betas_taken++] : *known->beta;
    }
    if (std::isnan(function.alpha_) || std::isnan(function.beta_)) {
      args->Fail(absl::InvalidArgumentError(
          absl::StrCat(given[i], " needs activation_alpha and activation_beta")));
    }
  }
  return functions;
}

template <typename T>
void GateFunction::Apply(T* x, int64_t n) const {
  CPUContext context;
  const T a = alpha_;
  const T b = beta_;
  const auto map = [&](auto f) -> void { std::transform(x, x + n, x, f); };
  if (clip_ > 0) {
    const T c = clip_;
    map([c](T v) { return v > c ? c : v < -c ? -c : v; });
  }
  switch (kind_) {
    case Kind::kRelu:
      return Relu(x, x, n, &context);
    case Kind::kTanh:
      return Tanh(x, x, n, &context);
    case Kind::kSigmoid:
      return Sigmoid(x, x, n, &context);
    case Kind::kAffine:
      return map([=](T v) { return a * v + b; });
    case Kind::kLeakyRelu:
      return map([=](T v) { return v >= 0 ? v : a * v; });
    case Kind::kThresholdedRelu:
      return map([=](T v) { return v >= a ? v : T(0); });
    case Kind::kScaledTanh:
      return map([=](T v) { return a * std::tanh(b * v); });
    case Kind::kHardSigmoid:
      return map([=](T v) { return std::max(std::min(a * v + b, T(1)), T(0)); });
    case Kind::kElu:
      return map([=](T v) { return v >= 0 ? v : a * std::expm1(v); });
    case Kind::kSoftsign:
      return map([](T v) { return v / (1 + std::abs(v)); });
    case Kind::kSoftplus:
      return map([](T v) { return std::max(v, T(0)) + std::log1p(std::exp(-std::abs(v))); });
  }
}

template void GateFunction::Apply(float*, int64_t) const;
template void GateFunction::Apply(double*, int64_t) const;

}  // namespace doppio
