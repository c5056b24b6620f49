// What a net gives in Predictor, which rewrites it and lets blobs share buffers, against what it
// gives as it is: for nets drawn at random. DOPPIO_TABLE_SEED=n gives other ones.

#include <gtest/gtest.h>

#include "tests/runtime/random_image_net.h"
#include "tests/support/first_seed.h"
#include "tests/support/random_net_predictor.h"

namespace doppio {
namespace {

TEST(RandomRewritingTest, NetsOfLayersGiveWhatTheyGiveAsTheyAre) {
  constexpr uint64_t kNets = 150;
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + kNets; ++seed) {
    const RandomImageNet drawn = MakeRandomImageNet(seed);
    if (drawn.model.outputs.empty()) continue;
    SCOPED_TRACE(absl::StrCat("seed ", seed, ":\n", drawn.ToString()));
    CheckPredictor(drawn.model, drawn.feeds, /*same_bits=*/false);
    if (HasFailure()) return;
  }
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
    CheckPredictor(SomeOfItsOutputs(*drawn, seed), {drawn->feeds.begin(), drawn->feeds.end()},
                   /*same_bits=*/true);
    if (HasFailure()) return;
  }
  EXPECT_GT(nets, static_cast<int>(kNets) * 3 / 4);
}

}  // namespace
}  // namespace doppio
