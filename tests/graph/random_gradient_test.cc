// Gradients of random nets against finite differences. DOPPIO_TABLE_SEED=n in the environment gives
// other nets, DOPPIO_TABLE_NETS=n as many of them.

#include <cstdlib>
#include <iostream>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "gtest/gtest.h"
#include "tests/support/random_net_gradient.h"

namespace doppio {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t usual) {
  const char* given = std::getenv(name);
  return given == nullptr ? usual : std::strtoull(given, nullptr, 10);
}

TEST(RandomGradientTest, IsWhatFiniteDifferencesGive) {
  const uint64_t seed = FromEnvironment("DOPPIO_TABLE_SEED", 1);
  const uint64_t nets = FromEnvironment("DOPPIO_TABLE_NETS", 2000);
  RandomNetOptions options;
  options.clashes = 0.05;
  options.in_place = 0.15;
  // At a kink there is no derivative to compare with, and a chain of one-sided ones need not be
  // even one of those. So the nets keep away from kinks, much farther than the steps of the
  // differences, and every derivative is compared.
  options.kink_margin = 1e-3;
  for (const std::string& type : RandomNetOperators()) {
    if (GradientRegistry::Kind(type) == GradientKind::kMaker) options.operators.push_back(type);
  }
  GradientTally tally;
  for (uint64_t i = 0; i < nets && !HasFailure(); ++i) {
    const uint64_t net_seed = seed * 1'000'000'007 + i;
    const absl::StatusOr<RandomNet> drawn = MakeRandomNet(net_seed, options);
    ASSERT_TRUE(drawn.ok()) << drawn.status() << " (net " << net_seed << ")";
    CheckDrawnGradients(*drawn, net_seed, std::numeric_limits<int64_t>::max(), &tally);
  }
  std::cout << tally.right << " nets right, " << tally.refused << " refused; " << tally.elements
            << " derivatives (DOPPIO_TABLE_SEED=" << seed << ")\n";
  if (std::getenv("DOPPIO_TABLE_NETS") != nullptr) {
    for (const auto& [reason, count] : tally.reasons) std::cout << count << " " << reason << "\n";
  }
  if (HasFailure()) return;
  // A net is refused where it should be, and the test is still one of gradients.
  EXPECT_GT(tally.right, tally.refused);
}

}  // namespace
}  // namespace doppio
