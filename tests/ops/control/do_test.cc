#include <vector>

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

using Names = std::vector<std::string>;

// Y = -(X + X), with a blob of the net's own between.
NetDef MinusTwice() {
  NetBuilder net("minus_twice");
  net.Op("Add", {"in", "in"}, {"own"}).Op("Negative", {"own"}, {"out"});
  return net.def();
}

class DoTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(workspace_.Feed("X", Tensor::Scalar<float>(3)).ok());
    ASSERT_EQ(Error(CreateOperatorDef("CreateScope", "", {}, {"scope"})), "");
  }
  static OperatorDef Do(const NetDef& net, const Names& inner = {"in", "out"},
                        const std::vector<int64_t>& outer = {0, 1}, bool reuse = false) {
    return CreateOperatorDef("Do", "", {"X", "scope"}, {"Y", "scope"},
                             {MakeArgument<NetDef>("net", net), MakeArgument("inner_blobs", inner),
                              MakeArgument<std::vector<int64_t>>("outer_blobs_idx", outer),
                              MakeArgument<bool>("reuse_workspace", reuse)});
  }
  std::string Error(const OperatorDef& op) {
    return std::string(workspace_.RunOperatorOnce(op).message());
  }
  bool HasScope() {
    EXPECT_EQ(Error(CreateOperatorDef("HasScope", "", {"scope"}, {"has"})), "");
    return workspace_.Fetch("has")->data<bool>()[0];
  }

  Workspace workspace_;
};

TEST_F(DoTest, RunsANetWithBlobsOfItsOwn) {
  EXPECT_FALSE(HasScope());
  EXPECT_EQ(Error(Do(MinusTwice())), "");
  EXPECT_TRUE(TensorEquals(*workspace_.Fetch("Y"), Tensor::Scalar<float>(-6)));
  EXPECT_FALSE(workspace_.HasBlob("own"));
  EXPECT_FALSE(workspace_.HasBlob("in"));
  EXPECT_TRUE(HasScope());
  EXPECT_EQ(Error(CreateOperatorDef("CreateScope", "", {}, {"scope"})), "");
  EXPECT_FALSE(HasScope());
}

TEST_F(DoTest, RunsAgainInANet) {
  NetBuilder net("net");
  *net.mutable_def()->add_op() = CreateOperatorDef("CreateScope", "", {}, {"scope"});
  *net.mutable_def()->add_op() = Do(MinusTwice());
  const absl::StatusOr<Net*> made = workspace_.CreateNet(net.def());
  ASSERT_TRUE(made.ok()) << made.status();
  for (float x : {1.0F, 2.0F, 3.0F}) {
    ASSERT_TRUE(workspace_.Feed("X", Tensor::Scalar<float>(x)).ok());
    ASSERT_TRUE((*made)->Run().ok());
    EXPECT_TRUE(TensorEquals(*workspace_.Fetch("Y"), Tensor::Scalar<float>(-2 * x)));
  }
}

TEST_F(DoTest, BlobsOfTheLastRunAreUsedAgain) {
  NetBuilder more("more");
  more.Op("Add", {"own", "in"}, {"out"});
  NetBuilder net("net");
  *net.mutable_def()->add_op() = Do(MinusTwice());
  *net.mutable_def()->add_op() = Do(more.def(), {"in", "out"}, {0, 1}, true);
  ASSERT_TRUE(workspace_.RunNetOnce(net.def()).ok());
  EXPECT_TRUE(TensorEquals(*workspace_.Fetch("Y"), Tensor::Scalar<float>(9)));
  // The operator that made them is gone.
  EXPECT_THAT(Error(Do(more.def(), {"in", "out"}, {0, 1}, true)), HasSubstr("can not be reused"));
}

TEST_F(DoTest, RejectsABlobOfTheScopeThatIsAnotherOne) {
  NetBuilder net("net");
  *net.mutable_def()->add_op() = Do(MinusTwice());
  *net.mutable_def()->add_op() = Do(MinusTwice(), {"in", "own"}, {0, 1}, true);
  EXPECT_THAT(std::string(workspace_.RunNetOnce(net.def()).message()),
              HasSubstr("inner blob \"own\" is another blob in the scope already"));
}

TEST_F(DoTest, RejectsNetsThatReadWhatTheyDoNotSee) {
  NetBuilder net("net");
  net.Op("Copy", {"X"}, {"out"});
  NetBuilder whole("whole");
  *whole.mutable_def()->add_op() = Do(net.def());
  EXPECT_THAT(std::string(workspace_.RunNetOnce(whole.def()).message()), HasSubstr("\"X\""));
}

TEST_F(DoTest, ANetInsideMayWriteToTheScope) {
  for (const char* type : {"CreateScope", "ConstantFill"}) {
    NetBuilder inner("inner");
    inner.Op(type, {}, {"itself"});
    if (type == std::string("CreateScope")) {
      *inner.mutable_def()->add_op() =
          CreateOperatorDef("Do", "", {"in", "itself"}, {"out", "itself"},
                            {MakeArgument<NetDef>("net", MinusTwice()),
                             MakeArgument("inner_blobs", Names{"in", "out"}),
                             MakeArgument<std::vector<int64_t>>("outer_blobs_idx", {0, 1})});
    } else {
      inner.Op("Copy", {"in"}, {"out"});
    }
    inner.Op("Negative", {"out"}, {"out"});
    const OperatorDef outer =
        CreateOperatorDef("Do", "", {"X", "scope", "scope"}, {"Y", "scope"},
                          {MakeArgument<NetDef>("net", inner.def()),
                           MakeArgument("inner_blobs", Names{"in", "itself", "out"}),
                           MakeArgument<std::vector<int64_t>>("outer_blobs_idx", {0, 1, 2})});
    ASSERT_EQ(Error(CreateOperatorDef("CreateScope", "", {}, {"scope"})), "");
    EXPECT_EQ(Error(outer), "");
    EXPECT_TRUE(workspace_.HasBlob("Y"));
  }
}

TEST_F(DoTest, ARunThatFailsLeavesNothingInTheScope) {
  NetBuilder net("fails");
  net.Op("Add", {"in", "in"}, {"own"})
      .Op("Reshape", {"own"}, {"out", "old"}, {MakeArgument<std::vector<int64_t>>("shape", {5})});
  EXPECT_NE(Error(Do(net.def())), "");
  EXPECT_FALSE(HasScope());
}

TEST_F(DoTest, RejectsBindingsThatAreNone) {
  EXPECT_THAT(Error(Do(MinusTwice(), {"in"}, {0, 1})),
              HasSubstr("there are 1 inner_blobs, but 2 outer_blobs_idx"));
  EXPECT_THAT(Error(Do(MinusTwice(), {"in", "out"}, {0, 2})),
              HasSubstr("outer_blobs_idx has 2, but there are 2"));
  EXPECT_THAT(Error(Do(MinusTwice(), {"in", "out"}, {0, -1})), HasSubstr("outer_blobs_idx has -1"));
  EXPECT_THAT(Error(Do(MinusTwice(), {"in", "out"}, {0, 0})), HasSubstr("is bound twice"));
  EXPECT_THAT(Error(Do(MinusTwice(), {"in"}, {0})), HasSubstr("\"Y\" is bound to no inner blob"));
}

TEST_F(DoTest, RejectsWhatIsNoScope) {
  ASSERT_TRUE(workspace_.RemoveBlob("scope").ok());
  ASSERT_TRUE(workspace_.Feed("scope", Tensor::Scalar<float>(3)).ok());
  EXPECT_THAT(Error(Do(MinusTwice())), HasSubstr("must be a scope that CreateScope made"));
  EXPECT_THAT(Error(CreateOperatorDef("HasScope", "", {"scope"}, {"has"})),
              HasSubstr("must be a scope that CreateScope made"));
  OperatorDef other = Do(MinusTwice());
  other.set_output(1, "another");
  EXPECT_THAT(Error(other), HasSubstr("must be the same scope"));
}

TEST_F(DoTest, RejectsToReuseBlobsAndKeepThemForAGradient) {
  OperatorDef gradient = Do(MinusTwice(), {"in", "out"}, {0, 1}, true);
  gradient.set_is_gradient_op(true);
  EXPECT_THAT(Error(gradient), HasSubstr("goes together neither with copy_external_blobs"));
  OperatorDef copies = Do(MinusTwice(), {"in", "out"}, {0, 1}, true);
  *copies.add_arg() = MakeArgument<bool>("copy_external_blobs", true);
  EXPECT_THAT(Error(copies), HasSubstr("goes together neither with copy_external_blobs"));
}

}  // namespace
}  // namespace doppio
