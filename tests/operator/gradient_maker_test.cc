#include "doppio/gradient_maker.h"

#include <functional>

#include "doppio/schema.h"
#include "gmock/gmock.h"

namespace doppio {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A maker whose body each test gives.
class TestMaker final : public GradientMakerBase {
 public:
  using Body = std::function<std::vector<OperatorDef>(TestMaker*)>;
  TestMaker(const OperatorDef& def, const std::vector<GradientWrapper>& g_output, Body body)
      : GradientMakerBase(def, g_output), body_(std::move(body)) {}

  using GradientMakerBase::Fail;
  using GradientMakerBase::GI;
  using GradientMakerBase::GI_I;
  using GradientMakerBase::GI_V;
  using GradientMakerBase::GO;
  using GradientMakerBase::GO_I;
  using GradientMakerBase::GO_V;
  using GradientMakerBase::I;
  using GradientMakerBase::O;
  using GradientMakerBase::SetDense;
  using GradientMakerBase::SetSparse;
  using GradientMakerBase::SingleGradientDef;

  bool CopyArguments() const override { return copy; }
  bool CopyEngine() const override { return copy; }
  bool CopyDeviceOption() const override { return copy; }
  bool copy = true;

 private:
  std::vector<OperatorDef> GetGradientDefs() override { return body_(this); }
  Body body_;
};

OperatorDef Forward() {
  return CreateOperatorDef("Forward", "", {"X", "W"}, {"Y"}, {MakeArgument<int>("axis", 1)});
}

absl::StatusOr<GradientOpsMeta> Make(const TestMaker::Body& body,
                                     const GradientWrapper& gradient = {"Y_grad", "", ""}) {
  const OperatorDef def = Forward();
  const std::vector<GradientWrapper> g_output = {gradient};
  return TestMaker(def, g_output, body).Get();
}

TEST(GradientMakerTest, NamesBlobsAndTakesForwardsArgumentsAlong) {
  const auto meta = Make([](TestMaker* m) {
    return m->SingleGradientDef("Backward", "", {m->GO(0), m->I(1), m->O(0)}, {m->GI(0)},
                                {MakeArgument<int>("own", 5)});
  });
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  const OperatorDef& op = meta->ops[0];
  EXPECT_EQ(OpToString(op), "Backward(Y_grad, W, Y) -> X_grad");
  EXPECT_TRUE(op.is_gradient_op());
  ASSERT_EQ(op.arg_size(), 2);
  EXPECT_EQ(op.arg(0).name(), "own");
  EXPECT_EQ(op.arg(1).name(), "axis");
  EXPECT_FALSE(op.has_engine());
  EXPECT_FALSE(op.has_device_option());
  EXPECT_TRUE(meta->g_input[0] == GradientWrapper::Dense("X_grad"));
  EXPECT_TRUE(meta->g_input[1].IsEmpty());
}

TEST(GradientMakerTest, CopiesEngineAndDeviceUnlessItSaysNo) {
  OperatorDef def = Forward();
  def.set_engine("FAST");
  def.mutable_device_option();
  const std::vector<GradientWrapper> g_output = {GradientWrapper::Dense("Y_grad")};
  const auto body = [](TestMaker* m) {
    return m->SingleGradientDef("Backward", "", {m->GO(0)}, {m->GI(0)});
  };
  TestMaker copies(def, g_output, body);
  const OperatorDef with = copies.Get()->ops[0];
  EXPECT_EQ(with.engine(), "FAST");
  EXPECT_TRUE(with.has_device_option());
  TestMaker does_not(def, g_output, body);
  does_not.copy = false;
  const OperatorDef without = does_not.Get()->ops[0];
  EXPECT_FALSE(without.has_engine());
  EXPECT_FALSE(without.has_device_option());
  EXPECT_EQ(without.arg_size(), 0);
}

TEST(GradientMakerTest, PassesNamesThrough) {
  const auto meta = Make([](TestMaker* m) -> std::vector<OperatorDef> {
    m->SetDense(0, m->GO(0));
    m->SetSparse(1, "rows", "values");
    return {};
  });
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_THAT(meta->ops, IsEmpty());
  EXPECT_TRUE(meta->g_input[0] == GradientWrapper::Dense("Y_grad"));
  EXPECT_TRUE(meta->g_input[1] == GradientWrapper::Sparse("rows", "values"));
}

TEST(GradientMakerTest, NamesSparseGradients) {
  const auto meta = Make(
      [](TestMaker* m) {
        return m->SingleGradientDef("Backward", "", {m->GO_I(0), m->GO_V(0)},
                                    {m->GI_I(1), m->GI_V(1)});
      },
      GradientWrapper::Sparse("rows", "values"));
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(OpToString(meta->ops[0]), "Backward(rows, values) -> W_grad_indices, W_grad_values");
  EXPECT_TRUE(meta->g_input[1].IsSparse());
}

TEST(GradientMakerTest, RefusesAnOutputGradientThatIsNotGiven) {
  const auto use = [](TestMaker* m) {
    return m->SingleGradientDef("Backward", "", {m->GO(0)}, {m->GI(0)});
  };
  const absl::Status missing = Make(use, GradientWrapper()).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(missing.message(), "the gradient of output \"Y\" is not provided!");
  EXPECT_EQ(Make(use, GradientWrapper::Sparse("rows", "values")).status().message(),
            "the gradient of output \"Y\" is sparse, but must be dense");
  EXPECT_EQ(Make([](TestMaker* m) { return m->SingleGradientDef("B", "", {m->GO_V(0)}, {}); })
                .status()
                .message(),
            "the gradient of output \"Y\" must be sparse");
}

TEST(GradientMakerTest, RefusesInputsAndOutputsThatDoNotExist) {
  EXPECT_EQ(Make([](TestMaker* m) { return m->SingleGradientDef("B", "", {m->I(2)}, {}); })
                .status()
                .message(),
            "the gradient of Forward needs input 2, but there are 2");
  EXPECT_FALSE(
      Make([](TestMaker* m) { return m->SingleGradientDef("B", "", {m->O(-1)}, {}); }).ok());
  EXPECT_FALSE(
      Make([](TestMaker* m) { return m->SingleGradientDef("B", "", {}, {m->GI(9)}); }).ok());
  EXPECT_FALSE(
      Make([](TestMaker* m) { return m->SingleGradientDef("B", "", {}, {m->GI_V(9)}); }).ok());
  EXPECT_FALSE(
      Make([](TestMaker* m) { return m->SingleGradientDef("B", "", {m->GO(3)}, {}); }).ok());
}

TEST(GradientMakerTest, RefusesHalfOfASparseGradientAndBothKinds) {
  EXPECT_EQ(Make([](TestMaker* m) { return m->SingleGradientDef("B", "", {}, {m->GI_I(0)}); })
                .status()
                .message(),
            "the sparse gradient of input \"X\" of Forward has only one of its two parts");
  EXPECT_FALSE(Make([](TestMaker* m) {
                 return m->SingleGradientDef("B", "", {}, {m->GI_I(0), m->GI_V(0), m->GI(0)});
               }).ok());
  EXPECT_FALSE(Make([](TestMaker* m) {
                 return m->SingleGradientDef("B", "", {}, {m->GI(0), m->GI_I(0), m->GI_V(0)});
               }).ok());
}

TEST(GradientMakerTest, FailsWithTheFirstProblem) {
  EXPECT_EQ(Make([](TestMaker* m) -> std::vector<OperatorDef> {
              m->Fail(absl::UnimplementedError("first"));
              m->Fail(absl::InternalError("second"));
              return {};
            }).status(),
            absl::UnimplementedError("first"));
}

DOPPIO_NO_GRADIENT(TestNone);
DOPPIO_SHOULD_NOT_DO_GRADIENT(TestForbidden);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(TestUnwritten);

absl::StatusOr<GradientOpsMeta> GradientOf(const std::string& type) {
  return GetGradientForOp(CreateOperatorDef(type, "", {"X"}, {"Y"}),
                          {GradientWrapper::Dense("Y_grad")});
}

TEST(GradientRegistryTest, KnowsEachKind) {
  EXPECT_EQ(GradientRegistry::Kind("TestScale"), GradientKind::kMaker);
  EXPECT_EQ(GradientRegistry::Kind("TestNone"), GradientKind::kNone);
  EXPECT_EQ(GradientRegistry::Kind("TestForbidden"), GradientKind::kForbidden);
  EXPECT_EQ(GradientRegistry::Kind("TestUnwritten"), GradientKind::kNotImplemented);
  EXPECT_EQ(GradientRegistry::Kind("Unheard"), GradientKind::kUnregistered);
}

TEST(GradientRegistryTest, NoGradientIsNoError) {
  const auto meta = GradientOf("TestNone");
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_THAT(meta->ops, IsEmpty());
  ASSERT_EQ(meta->g_input.size(), 1u);
  EXPECT_TRUE(meta->g_input[0].IsEmpty());
}

TEST(GradientRegistryTest, SaysWhyThereIsNone) {
  EXPECT_EQ(GradientOf("TestForbidden").status(),
            absl::FailedPreconditionError(
                "TestForbidden(X) -> Y: a gradient through TestForbidden is forbidden"));
  EXPECT_EQ(GradientOf("TestUnwritten").status(),
            absl::UnimplementedError(
                "TestUnwritten(X) -> Y: the gradient of TestUnwritten is not implemented"));
  EXPECT_EQ(GradientOf("Unheard").status(),
            absl::NotFoundError("Unheard(X) -> Y: Unheard has no gradient"));
}

TEST(GradientRegistryTest, ReportsASecondMaker) {
  EXPECT_FALSE(
      GradientRegistry::Register("TestScale", GradientKind::kNone, nullptr, "there.cc", 3));
  EXPECT_EQ(GradientRegistry::Kind("TestScale"), GradientKind::kMaker);
  EXPECT_THAT(RegistrationProblems(),
              Contains(HasSubstr("the gradient of \"TestScale\" is registered twice")));
}

TEST(GetGradientForOpTest, LooksAtTheForwardOperatorFirst) {
  const absl::Status status = GradientOf("TestScale").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("gradient of TestScale(X) -> Y: argument \"scale\" is missing"));
}

TEST(GetGradientForOpTest, WantsOneGradientForEachOutput) {
  const absl::Status status =
      GetGradientForOp(CreateOperatorDef("TestScale", "", {"X"}, {"Y"}), {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("has 1 outputs, but 0 output gradients are given"));
}

TEST(GradientMakerTest, ReplacesWhatIsRegistered) {
  GradientRegistry::Replace("TestReplacedGradient", GradientKind::kNone, nullptr, "a.cc", 1);
  EXPECT_EQ(GradientRegistry::Kind("TestReplacedGradient"), GradientKind::kNone);
  GradientRegistry::Replace("TestReplacedGradient", GradientKind::kForbidden, nullptr, "b.cc", 2);
  EXPECT_EQ(GradientRegistry::Kind("TestReplacedGradient"), GradientKind::kForbidden);
}

}  // namespace
}  // namespace doppio
