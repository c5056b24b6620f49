// What a net gives in Predictor, which rewrites it and lets blobs share buffers, against what it
// gives as it is: for nets drawn at random. DOPPIO_TABLE_SEED=n gives other ones.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <set>

#include "doppio/predictor.h"
#include "doppio/workspace.h"
#include "tests/runtime/random_image_net.h"
#include "tests/support/random_net.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using Feeds = std::map<std::string, Tensor>;

uint64_t FirstSeed() {
  const char* given = std::getenv("DOPPIO_TABLE_SEED");
  return (given == nullptr ? 1 : std::strtoull(given, nullptr, 10)) * 1'000'003;
}

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
    if (!value.Is<float>()) continue;
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

void Check(const Model& model, const Feeds& feeds, bool same_bits) {
  const std::unique_ptr<Predictor> as_given = MakePredictor(model, false);
  const std::unique_ptr<Predictor> rewritten = MakePredictor(model, true);
  if (as_given == nullptr || rewritten == nullptr) return;
  EXPECT_TRUE(ExpectSame(*as_given, *rewritten, feeds, same_bits)) << "the net does not run";
  ExpectSame(*as_given, *rewritten, Others(feeds, false), same_bits);
  ExpectSame(*as_given, *rewritten, Others(feeds, true), same_bits);
  ExpectSame(*as_given, *rewritten, feeds, same_bits);
}

TEST(RandomRewritingTest, NetsOfLayersGiveWhatTheyGiveAsTheyAre) {
  constexpr uint64_t kNets = 150;
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + kNets; ++seed) {
    const RandomImageNet drawn = MakeRandomImageNet(seed);
    if (drawn.model.outputs.empty()) continue;
    SCOPED_TRACE(absl::StrCat("seed ", seed, ":\n", drawn.ToString()));
    Check(drawn.model, drawn.feeds, /*same_bits=*/false);
    if (HasFailure()) return;
  }
}

// A quarter of what the net makes; one blob at least.
std::vector<std::string> SomeOutputs(const RandomNet& drawn, uint64_t seed) {
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
  return {outputs.begin(), outputs.end()};
}

// Nothing to be folded into weights: only buffers are shared, and identities removed.
TEST(RandomRewritingTest, NetsWithoutWeightsGiveTheSameBits) {
  constexpr uint64_t kNets = 400;
  RandomNetOptions options;
  options.type = DataType::kFloat;
  options.max_operators = 20;
  int nets = 0;
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + kNets; ++seed) {
    const absl::StatusOr<RandomNet> drawn = MakeRandomNet(seed, options);
    if (!drawn.ok()) continue;  // nothing was drawn that an operator takes
    ++nets;
    SCOPED_TRACE(absl::StrCat("seed ", seed, ":\n", drawn->ToString()));
    Model model;
    model.predict = drawn->net;
    Feeds feeds(drawn->feeds.begin(), drawn->feeds.end());
    for (const auto& [name, value] : feeds) model.inputs.push_back(name);
    model.outputs = SomeOutputs(*drawn, seed);
    Check(model, feeds, /*same_bits=*/true);
    if (HasFailure()) return;
  }
  EXPECT_GT(nets, static_cast<int>(kNets) * 3 / 4);
}

}  // namespace
}  // namespace doppio
