// Random nets around every operator that has a row in the table: its inputs depend on other blobs,
// and others depend on its outputs. Gradient nets are right or refused, and Predictor gives what
// the net gives as it is.

#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "gtest/gtest.h"
#include "tests/support/random_net_gradient.h"
#include "tests/support/random_net_predictor.h"
#include "tests/table/table_request.h"

namespace doppio {
namespace {

constexpr int kNets = 6;

// Options for nets with a case of that operator.
RandomNetOptions Around(const std::string& type, DataType net_type,
                        std::optional<DataType> value_type) {
  RandomNetOptions options;
  options.type = net_type;
  options.max_operators = 6;
  options.sample = [type, value_type](uint64_t seed) {
    const OpRow& row = *FindOpRow(type);
    CaseRequest request;
    request.seed = seed;
    request.value_type = value_type;
    request.never_empty = true;
    const OpCase op_case = row.MakeCases(request).front();
    return OperatorSample{op_case.def, op_case.feeds, row.differentiable()};
  };
  return options;
}

// Whether a net can read what the operator writes, and give it its inputs under other names. Not
// where it has to write to an input, or runs nets that know blobs by their names.
bool FitsIntoNets(const std::string& type) {
  const OpRow& row = *FindOpRow(type);
  if (row.reference() == nullptr || row.no_tensors()) return false;
  const OperatorDef def = row.MakeCases(Request(type, 10)).front().def;
  const auto is_input = [&](const std::string& output) {
    return std::count(def.input().begin(), def.input().end(), output) > 0;
  };
  const auto has_net = [](const Argument& arg) { return arg.has_n() || arg.nets_size() > 0; };
  return std::none_of(def.output().begin(), def.output().end(), is_input) &&
         std::none_of(def.arg().begin(), def.arg().end(), has_net);
}

std::vector<std::string> ThoseThatFit(std::vector<std::string> types) {
  types.erase(std::remove_if(types.begin(), types.end(),
                             [](const std::string& type) { return !FitsIntoNets(type); }),
              types.end());
  return types;
}

// Calls `check` with nets until there were kNets. Some are not to be drawn: an input that was moved
// is outside of what the operator takes, or too near to a point where it has no derivative.
template <typename Check>
void ForSomeNets(const RandomNetOptions& options, Check check) {
  int nets = 0;
  absl::Status last;
  for (int tries = 0; nets < kNets && tries < 10 * kNets && !testing::Test::HasFailure(); ++tries) {
    const uint64_t seed = TableSeed() * 1'000'003 + static_cast<uint64_t>(tries);
    const absl::StatusOr<RandomNet> drawn = MakeRandomNet(seed, options);
    if (drawn.ok()) {
      testing::ScopedTrace trace(__FILE__, __LINE__,
                                 absl::StrCat("net ", seed, ", seed ", TableSeed()));
      check(*drawn, seed);
      ++nets;
    } else {
      last = drawn.status();
    }
  }
  EXPECT_GT(nets, 0) << "no net could be drawn: " << last;
}

class RandomNetGradientTest : public testing::TestWithParam<std::string> {};

TEST_P(RandomNetGradientTest, IsRightOrRefused) {
  RandomNetOptions options = Around(GetParam(), DataType::kDouble, DataType::kDouble);
  options.kink_margin = 1e-3;
  for (const std::string& type : RandomNetOperators()) {
    if (GradientRegistry::Kind(type) == GradientKind::kMaker) options.operators.push_back(type);
  }
  GradientTally tally;
  ForSomeNets(options, [&](const RandomNet& drawn, uint64_t seed) {
    CheckDrawnGradients(drawn, seed, /*max_elements=*/10, &tally);
  });
}

INSTANTIATE_TEST_SUITE_P(Table, RandomNetGradientTest,
                         testing::ValuesIn(ThoseThatFit(TypesWithGradient())),
                         [](const auto& info) { return info.param; });

class RandomNetPredictorTest : public testing::TestWithParam<std::string> {};

TEST_P(RandomNetPredictorTest, GivesWhatTheNetGives) {
  ForSomeNets(Around(GetParam(), DataType::kFloat, std::nullopt),
              [](const RandomNet& drawn, uint64_t seed) {
                CheckPredictor(SomeOfItsOutputs(drawn, seed),
                               {drawn.feeds.begin(), drawn.feeds.end()}, /*same_bits=*/false);
              });
}

INSTANTIATE_TEST_SUITE_P(Table, RandomNetPredictorTest,
                         testing::ValuesIn(ThoseThatFit(OpRowTypes())),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace doppio
