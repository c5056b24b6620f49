#include "tests/support/random_net_predictor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <set>

#include "doppio/workspace.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using Feeds = std::map<std::string, Tensor>;

std::unique_ptr<Predictor> MakePredictor(const Model& model, bool optimize) {
  PredictorOptions options;
  options.optimize = optimize;
  absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Create(model, options);
  EXPECT_TRUE(predictor.ok()) << predictor.status();
  return predictor.ok() ? *std::move(predictor) : nullptr;
}

// Rounding adds up along a net; what it adds up to is small where the largest element is.
testing::AssertionResult NearlyEqual(const Tensor& actual, const Tensor& expected) {
  if (expected.dtype() != DataType::kFloat) return TensorEquals(actual, expected);
  double largest = 1;
  for (const float element : expected.span<float>()) {
    if (std::isfinite(element)) largest = std::max(largest, std::abs(double{element}));
  }
  return TensorNear(actual, expected, 1e-3 * largest);
}

// Whether the net runs as it is; if so, both have to give the same.
bool ExpectSame(const Predictor& as_given, const Predictor& rewritten, const Feeds& feeds,
                bool same_bits) {
  const absl::StatusOr<Feeds> expected = as_given.Run(feeds);
  const absl::StatusOr<Feeds> results = rewritten.Run(feeds);
  if (!expected.ok()) return false;
  EXPECT_TRUE(results.ok()) << results.status();
  if (!results.ok()) return true;
  for (const auto& [name, value] : *expected) {
    const Tensor& result = results->at(name);
    EXPECT_TRUE(same_bits ? TensorBitsEqual(result, value) : NearlyEqual(result, value)) << name;
  }
  return true;
}

// Every float of the feeds, in another order and with twice as many images where they are images.
Feeds Others(const Feeds& feeds, bool more_images) {
  Feeds others;
  for (const auto& [name, value] : feeds) {
    others[name] = DeepCopy(value);
    if (!value.Is<float>() || value.numel() == 0) continue;
    Dims dims(value.dims().begin(), value.dims().end());
    if (more_images && name[0] == 'x' && !dims.empty()) dims[0] *= 2;
    Tensor other = *Tensor::Create(DataType::kFloat, dims);
    const absl::Span<const float> from = value.span<float>();
    for (int64_t i = 0; i < other.numel(); ++i) {
      other.mutable_data<float>()[i] = from[static_cast<size_t>((i + 1) * 7 % value.numel())];
    }
    others[name] = other;
  }
  return others;
}

}  // namespace

void CheckPredictor(const Model& model, const std::map<std::string, Tensor>& feeds,
                    bool same_bits) {
  const std::unique_ptr<Predictor> as_given = MakePredictor(model, false);
  const std::unique_ptr<Predictor> rewritten = MakePredictor(model, true);
  if (as_given == nullptr || rewritten == nullptr) return;
  EXPECT_TRUE(ExpectSame(*as_given, *rewritten, feeds, same_bits)) << "the net does not run";
  ExpectSame(*as_given, *rewritten, Others(feeds, false), same_bits);
  ExpectSame(*as_given, *rewritten, Others(feeds, true), same_bits);
  ExpectSame(*as_given, *rewritten, feeds, same_bits);
}

Model SomeOfItsOutputs(const RandomNet& drawn, uint64_t seed) {
  Workspace workspace;
  for (const auto& [name, value] : drawn.feeds) EXPECT_TRUE(workspace.Feed(name, value).ok());
  EXPECT_TRUE(workspace.RunNetOnce(drawn.net).ok());
  std::mt19937_64 generator(seed);
  std::set<std::string> outputs;
  for (const OperatorDef& op : drawn.net.op()) {
    for (const std::string& name : op.output()) {
      if (!workspace.Fetch(name).ok()) continue;  // a mask that is left unmade
      if (outputs.empty() || generator() % 4 == 0) outputs.insert(name);
    }
  }
  Model model;
  model.predict = drawn.net;
  for (const auto& [name, value] : drawn.feeds) model.inputs.push_back(name);
  model.outputs.assign(outputs.begin(), outputs.end());
  return model;
}

}  // namespace doppio
