// What AddGradientOperators makes of every operator that has a gradient and a row in the table: in
// place, with an output's gradient that another branch reads too, and with one output used alone.
// The gradient is right, or it is refused with an error that names the operator.

#include <algorithm>
#include <map>

#include "doppio/gradient.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"
#include "tests/table/gradient_check.h"
#include "tests/table/table_request.h"

namespace doppio {
namespace {

using testing::ScopedTrace;
using Values = std::map<std::string, Tensor>;

constexpr int kCases = 8;

// A net around one operator, fed with the operator's case.
struct Around {
  NetDef net;
  Values feeds;
  Values targets;                   // the gradients that are given, by target
  std::vector<std::string> wanted;  // the blob for each input of the operator
};

absl::Status FeedAndRun(const Around& around, const NetDef& net, Workspace* workspace) {
  for (const auto& [name, value] : around.feeds) {
    DOPPIO_RETURN_IF_ERROR(workspace->Feed(name, DeepCopy(value)));
  }
  for (const auto& [name, value] : around.targets) {
    DOPPIO_RETURN_IF_ERROR(workspace->Feed("given_" + name, DeepCopy(value)));
  }
  return workspace->RunNetOnce(net);
}

struct Gradients {
  absl::Status refusal;
  Values by_blob;
};

// Of all blobs that are fed, and of those in `more`.
Gradients Differentiate(const Around& around, const std::vector<std::string>& more = {},
                        const GradientOptions& options = {}) {
  Gradients result;
  std::vector<GradientTarget> targets;
  for (const auto& target : around.targets) {
    targets.emplace_back(target.first, "given_" + target.first);
  }
  const absl::StatusOr<Backward> backward = AddGradientOperators(around.net, targets, options);
  result.refusal = backward.status();
  if (!backward.ok()) return result;
  Workspace workspace;
  const absl::Status status = FeedAndRun(around, backward->net, &workspace);
  EXPECT_TRUE(status.ok()) << status << "\n" << backward->net.DebugString();
  if (!status.ok()) return result;
  std::vector<std::string> blobs = more;
  for (const auto& feed : around.feeds) blobs.push_back(feed.first);
  for (const std::string& blob : blobs) {
    const auto found = backward->gradients.find(blob);
    if (found == backward->gradients.end()) continue;
    const GradientWrapper& names = found->second;
    absl::StatusOr<Tensor> value =
        names.IsDense() ? workspace.Fetch(names.dense)
                        : Densify(around.feeds.at(blob), *workspace.Fetch(names.indices),
                                  *workspace.Fetch(names.values));
    EXPECT_TRUE(value.ok()) << value.status();
    if (value.ok()) result.by_blob[blob] = DeepCopy(*value);
  }
  return result;
}

std::vector<OpCase> DoubleCases(const std::string& type) {
  std::vector<OpCase> cases;
  for (int i = 0; i < kCases; ++i) {
    CaseRequest request = Request(type, i);
    request.value_type = DataType::kDouble;
    for (OpCase& op_case : FindOpRow(type)->MakeCases(request)) cases.push_back(std::move(op_case));
  }
  return cases;
}

// The operator alone, and gradients for the outputs that its row says.
Around Alone(const OpCase& op_case, const GradientRun& run) {
  Around around;
  around.net.set_name("alone");
  *around.net.add_op() = op_case.def;
  for (const auto& [name, value] : op_case.feeds) around.feeds[name] = value;
  for (int o = 0; o < op_case.def.output_size(); ++o) {
    const std::optional<Tensor>& dy = run.output_gradients[static_cast<size_t>(o)];
    if (dy.has_value()) around.targets[op_case.def.output(o)] = *dy;
  }
  return around;
}

void ExpectNear(const Values& actual, const Values& expected) {
  for (const auto& [blob, value] : expected) {
    const auto found = actual.find(blob);
    if (found == actual.end()) {
      ADD_FAILURE() << "\"" << blob << "\" has no gradient";
      continue;
    }
    EXPECT_TRUE(TensorNear(found->second, value, 1e-9)) << "gradient of \"" << blob << "\"";
  }
}

class NetGradientTest : public testing::TestWithParam<std::string> {};

TEST_P(NetGradientTest, IsTheSameInPlaceOrRefused) {
  const OpSchema& schema = *OpSchemaRegistry::Schema(GetParam());
  for (const OpCase& op_case : DoubleCases(GetParam())) {
    const absl::StatusOr<GradientRun> run = RunGradient(*FindOpRow(GetParam()), op_case, 1);
    ASSERT_TRUE(run.ok()) << run.status();
    const Gradients expected = Differentiate(Alone(op_case, *run));
    ASSERT_TRUE(expected.refusal.ok()) << expected.refusal;
    // Nets in it know its blobs by their names.
    if (std::any_of(op_case.def.arg().begin(), op_case.def.arg().end(),
                    [](const Argument& arg) { return arg.has_n(); })) {
      continue;
    }
    for (int i = 0; i < op_case.def.input_size(); ++i) {
      for (int o = 0; o < op_case.def.output_size(); ++o) {
        const std::string& x = op_case.def.input(i);
        const std::string y = op_case.def.output(o);
        if (!schema.AllowsInplace(i, o) || x == y) continue;
        ScopedTrace trace(
            __FILE__, __LINE__,
            absl::StrCat("output ", o, " in place of input ", i, ": ", Where(op_case)));
        Around in_place = Alone(op_case, *run);
        OperatorDef& def = *in_place.net.mutable_op(0);
        OperatorDef copy = CreateOperatorDef("Copy", "", {x}, {"h"});
        def.set_input(i, "h");
        def.set_output(o, "h");
        const OperatorDef changed = def;
        *in_place.net.mutable_op(0) = copy;
        *in_place.net.add_op() = changed;
        if (const auto target = in_place.targets.extract(y)) {
          in_place.targets["h"] = target.mapped();
        }
        Workspace workspace;
        // What changes its shape or type may refuse to run in place.
        if (!FeedAndRun(in_place, in_place.net, &workspace).ok()) continue;
        const Gradients actual = Differentiate(in_place);
        if (actual.refusal.ok()) {
          ExpectNear(actual.by_blob, expected.by_blob);
        } else {
          EXPECT_NE(actual.refusal.message().find(OpToString(changed)), absl::string_view::npos)
              << actual.refusal;
        }
        ASSERT_FALSE(HasFailure());
      }
    }
  }
}

TEST_P(NetGradientTest, LeavesAGradientThatAnotherBranchReads) {
  for (const OpCase& op_case : DoubleCases(GetParam())) {
    ScopedTrace trace(__FILE__, __LINE__, Where(op_case));
    const absl::StatusOr<GradientRun> run = RunGradient(*FindOpRow(GetParam()), op_case, 1);
    ASSERT_TRUE(run.ok()) << run.status();
    const Around alone = Alone(op_case, *run);
    const Gradients expected = Differentiate(alone);
    ASSERT_TRUE(expected.refusal.ok()) << expected.refusal;
    Around shared = alone;
    std::vector<std::string> outputs;
    Values given;
    for (const auto& [y, dy] : alone.targets) {
      // An output that overwrites an input by its schema has no value of its own to add to.
      const bool is_input = shared.feeds.count(y) > 0;
      if (is_input) continue;
      *shared.net.add_op() = CreateOperatorDef("Sum", "", {y, "other_" + y}, {"sum_" + y});
      shared.feeds["other_" + y] = dy;
      shared.targets.erase(y);
      shared.targets["sum_" + y] = dy;
      given[y] = dy;
      given["other_" + y] = dy;
      outputs.push_back(y);
    }
    const Gradients actual = Differentiate(shared, outputs);
    ASSERT_TRUE(actual.refusal.ok()) << actual.refusal;
    ExpectNear(actual.by_blob, expected.by_blob);
    ExpectNear(actual.by_blob, given);
    ASSERT_FALSE(HasFailure());
  }
}

TEST_P(NetGradientTest, IsRightOrRefusedWhereOneOutputIsUsed) {
  const OpRow& row = *FindOpRow(GetParam());
  for (const OpCase& op_case : DoubleCases(GetParam())) {
    if (op_case.def.output_size() < 2) continue;
    ScopedTrace trace(__FILE__, __LINE__, Where(op_case));
    Workspace workspace;
    const absl::StatusOr<std::vector<Tensor>> outputs = RunForward(op_case, &workspace);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    for (int o = 0; o < op_case.def.output_size(); ++o) {
      const Tensor& y = (*outputs)[static_cast<size_t>(o)];
      if (!y.Is<double>()) continue;
      GradientRun run;
      run.output_gradients.resize(outputs->size());
      CaseMaker random("dY", Request(GetParam(), o));
      run.output_gradients[static_cast<size_t>(o)] =
          random.Random(DataType::kDouble, y.dims(), -1, 1);
      const Gradients actual = Differentiate(Alone(op_case, run));
      if (!actual.refusal.ok()) {
        EXPECT_NE(actual.refusal.message().find(OpToString(op_case.def)), absl::string_view::npos)
            << actual.refusal;
        continue;
      }
      for (const int i : row.differentiable()) {
        if (i >= op_case.def.input_size()) continue;
        const absl::StatusOr<Tensor> expected = FiniteDifferences(op_case, i, run);
        ASSERT_TRUE(expected.ok()) << expected.status();
        const auto found = actual.by_blob.find(op_case.def.input(i));
        ASSERT_NE(found, actual.by_blob.end()) << "input " << i << " got no gradient";
        EXPECT_TRUE(TensorNear(found->second, *expected, row.gradient_tolerance()))
            << "gradient of input " << i << " with output " << o << " used";
      }
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_P(NetGradientTest, HasTheSameBitsWhereNoOtherIsWanted) {
  for (const OpCase& op_case : DoubleCases(GetParam())) {
    ScopedTrace trace(__FILE__, __LINE__, Where(op_case));
    const absl::StatusOr<GradientRun> run = RunGradient(*FindOpRow(GetParam()), op_case, 1);
    ASSERT_TRUE(run.ok()) << run.status();
    const Around alone = Alone(op_case, *run);
    const Gradients all = Differentiate(alone);
    ASSERT_TRUE(all.refusal.ok()) << all.refusal;
    for (const auto& feed : alone.feeds) {
      GradientOptions options;
      options.wrt = {feed.first};
      const Gradients one = Differentiate(alone, {}, options);
      const auto expected = all.by_blob.find(feed.first);
      if (expected == all.by_blob.end()) {
        EXPECT_NE(one.refusal.message().find(feed.first), absl::string_view::npos) << one.refusal;
        continue;
      }
      ASSERT_TRUE(one.refusal.ok()) << one.refusal;
      ASSERT_EQ(one.by_blob.size(), 1u);
      EXPECT_TRUE(TensorBitsEqual(one.by_blob.at(feed.first), expected->second)) << feed.first;
    }
    ASSERT_FALSE(HasFailure());
  }
}

INSTANTIATE_TEST_SUITE_P(Table, NetGradientTest, testing::ValuesIn(TypesWithGradient()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace doppio
