// Operators of blocked tensors against the plain ones that they stand for, on the cases of those
// operators' rows.

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "doppio/parallel.h"
#include "doppio/workspace.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/tensor_match.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr absl::string_view kPrefix = "Blocked";

std::vector<std::string> BlockedTypes() {
  std::vector<std::string> types;
  for (const std::string& type : OperatorRegistry::Types()) {
    if (absl::StartsWith(type, kPrefix)) types.push_back(type);
  }
  return types;
}

// A case that OptimizeNet may turn into a blocked one: order NCHW, inference, dimensions of an
// image, no windows that begin or end inside of it, no new dimension, no LRN of an even size.
bool IsForBlocked(const OpCase& op_case) {
  if (op_case.def.type() == "SpatialBN" && op_case.def.output_size() != 1) return false;
  if (op_case.Arg<int>("add_axis", 0) != 0) return false;
  if (op_case.def.type() == "LRN" && op_case.Arg<int>("size", 0) % 2 == 0) return false;
  if (op_case.Arg<int>("legacy_pad", 0) == 3 && op_case.def.type() != "Conv") return false;
  if (op_case.Arg<int>("legacy_pad", 0) == 2 || op_case.Arg<int>("adj", 0) != 0) return false;
  for (int64_t adjust : op_case.Args<int64_t>("adjs")) {
    if (adjust != 0) return false;
  }
  const std::string order = op_case.Arg<std::string>("order", "NCHW");
  const int rank = op_case.in(0).rank();
  return order == "NCHW" && rank >= 3 && rank <= 5 && op_case.in(0).Is<float>();
}

NetDef PlainNet(const OpCase& op_case) {
  NetDef net;
  net.set_name("plain");
  *net.add_op() = op_case.def;
  return net;
}

NetDef BlockedNet(const OpCase& op_case, const std::string& type) {
  NetDef net;
  net.set_name("blocked");
  OperatorDef op = op_case.def;
  op.set_type(type);
  if (type == "BlockedConv") {
    *net.add_op() = CreateOperatorDef("PackWeights", "", {op.input(1)}, {"packed"});
    op.set_input(1, "packed");
  }
  const std::string output = op.output(0);
  op.clear_output();
  op.add_output("blocked");
  *net.add_op() = op;
  *net.add_op() = CreateOperatorDef("FromBlocked", "", {"blocked"}, {output});
  return net;
}

class BlockedTest : public ::testing::TestWithParam<std::string> {
 protected:
  // The cases of the plain operator's row that are for blocked tensors.
  std::vector<OpCase> Cases(int count, bool large) const {
    std::vector<OpCase> cases;
    const OpRow* row = FindOpRow(GetParam().substr(kPrefix.size()));
    if (row == nullptr) return cases;
    for (int i = 0; i < 40 * count && static_cast<int>(cases.size()) < count; ++i) {
      CaseRequest request;
      request.seed = static_cast<uint64_t>(i) + 1;
      request.value_type = DataType::kFloat;
      request.large = large;
      request.zero = i % 7 == 6;
      for (OpCase& op_case : row->MakeCases(request)) {
        if (IsForBlocked(op_case)) cases.push_back(std::move(op_case));
      }
    }
    return cases;
  }

  static void Feed(const OpCase& op_case, Workspace* workspace) {
    for (const auto& [name, value] : op_case.feeds) {
      ASSERT_TRUE(workspace->Feed(name, value).ok());
    }
  }
};

TEST_P(BlockedTest, GivesWhatThePlainOperatorGives) {
  const std::vector<OpCase> cases = Cases(30, false);
  ASSERT_FALSE(cases.empty());
  for (const OpCase& op_case : cases) {
    SCOPED_TRACE(op_case.ToString());
    Workspace workspace;
    Feed(op_case, &workspace);
    const std::string output = op_case.def.output(0);
    ASSERT_TRUE(workspace.RunNetOnce(PlainNet(op_case)).ok());
    const Tensor expected = DeepCopy(workspace.Fetch(output).value());
    const absl::Status run = workspace.RunNetOnce(BlockedNet(op_case, GetParam()));
    ASSERT_TRUE(run.ok()) << run;
    EXPECT_TRUE(TensorNear(workspace.Fetch(output).value(), expected, 1e-4));
  }
}

TEST_P(BlockedTest, AllocatesNothingInASecondRun) {
  for (const OpCase& op_case : Cases(4, false)) {
    SCOPED_TRACE(op_case.ToString());
    Workspace workspace;
    Feed(op_case, &workspace);
    NetDef net = BlockedNet(op_case, GetParam());
    if (net.op(0).type() == "PackWeights") {
      ASSERT_TRUE(workspace.RunOperatorOnce(net.op(0)).ok());
      net.mutable_op()->DeleteSubrange(0, 1);
    }
    ASSERT_TRUE(workspace.CreateNet(net).ok());
    ASSERT_TRUE(workspace.RunNet("blocked").ok());
    const AllocationCounter counter;
    ASSERT_TRUE(workspace.RunNet("blocked").ok());
    EXPECT_EQ(counter.tensor_count(), 0);
  }
}

TEST_P(BlockedTest, GivesTheSameBitsForAnyNumberOfThreads) {
  const int threads_before = NumThreads();
  for (const OpCase& op_case : Cases(3, true)) {
    SCOPED_TRACE(op_case.ToString());
    const std::string output = op_case.def.output(0);
    std::optional<Tensor> expected;
    for (int threads : {1, 2, 3}) {
      SetNumThreads(threads);
      Workspace workspace;
      Feed(op_case, &workspace);
      ASSERT_TRUE(workspace.RunNetOnce(BlockedNet(op_case, GetParam())).ok());
      if (!expected) expected = workspace.Fetch(output).value();
      EXPECT_TRUE(TensorBitsEqual(workspace.Fetch(output).value(), *expected)) << threads;
    }
  }
  SetNumThreads(threads_before);
}

INSTANTIATE_TEST_SUITE_P(Table, BlockedTest, ::testing::ValuesIn(BlockedTypes()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace doppio
