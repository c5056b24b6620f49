// PackedFC gives what FC gives.

#include <random>

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using testing::HasSubstr;

class PackedFcTest : public testing::Test {
 protected:
  void Draw(const std::string& name, const Dims& dims) {
    Tensor tensor = *Tensor::Create(DataType::kFloat, dims);
    std::uniform_real_distribution<float> real(-1, 1);
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data<float>()[i] = real(random_);
    ASSERT_TRUE(workspace_.Feed(name, std::move(tensor)).ok());
  }

  absl::Status Run(const std::string& type, const std::vector<std::string>& inputs,
                   const std::string& output, const std::vector<Argument>& args = {}) {
    return workspace_.RunOperatorOnce(CreateOperatorDef(type, "", inputs, {output}, args));
  }

  std::mt19937 random_{5};
  Workspace workspace_;
};

TEST_F(PackedFcTest, GivesWhatFcGives) {
  struct Case {
    Dims x;
    Dims w;
    int axis;
    int axis_w;
  };
  for (const Case& c : {Case{{1, 5}, {3, 5}, 1, 1}, Case{{7, 300}, {40, 300}, 1, 1},
                        Case{{100, 33}, {17, 33}, 1, 1}, Case{{2, 3, 4}, {2, 5, 4}, 2, 2},
                        Case{{2, 3, 2, 2}, {6, 12}, 1, 1}, Case{{0, 5}, {3, 5}, 1, 1},
                        Case{{2, 0}, {3, 0}, 1, 1}}) {
    Draw("X", c.x);
    Draw("W", c.w);
    Draw("b", {SizeToDim(c.w, c.axis_w)});
    const std::vector<Argument> args = {MakeArgument("axis", c.axis),
                                        MakeArgument("axis_w", c.axis_w)};
    ASSERT_TRUE(Run("PackMatrix", {"W"}, "packed", {args[1]}).ok());
    ASSERT_TRUE(Run("FC", {"X", "W", "b"}, "wanted", args).ok());
    ASSERT_TRUE(Run("PackedFC", {"X", "packed", "b"}, "Y", args).ok());
    EXPECT_TRUE(TensorNear(*workspace_.Fetch("Y"), *workspace_.Fetch("wanted"), 1e-4));

    ASSERT_TRUE(Run("Relu", {"wanted"}, "positive").ok());
    std::vector<Argument> joined = args;
    joined.push_back(MakeArgument<std::string>("activation", "Relu"));
    ASSERT_TRUE(Run("PackedFC", {"X", "packed", "b"}, "Y", joined).ok());
    EXPECT_TRUE(TensorNear(*workspace_.Fetch("Y"), *workspace_.Fetch("positive"), 1e-4));
  }
}

TEST_F(PackedFcTest, RejectsWhatDoesNotFit) {
  Draw("X", {2, 4});
  Draw("W", {3, 5});
  Draw("b", {3});
  Draw("short", {2});
  ASSERT_TRUE(Run("PackMatrix", {"W"}, "packed").ok());
  EXPECT_THAT(Run("PackedFC", {"X", "packed", "b"}, "Y").ToString(),
              HasSubstr("has 4 features from dimension 1 on, but W [3,5] is for 5"));
  Draw("X", {2, 5});
  EXPECT_THAT(Run("PackedFC", {"X", "packed", "short"}, "Y").ToString(),
              HasSubstr("the bias must be a vector"));
  EXPECT_THAT(Run("PackedFC", {"X", "W", "b"}, "Y").ToString(),
              HasSubstr("must be weights that PackMatrix made"));
  EXPECT_THAT(
      Run("PackedFC", {"X", "packed", "b"}, "Y", {MakeArgument<std::string>("activation", "Tanh")})
          .ToString(),
      HasSubstr("no activation \"Tanh\""));
  EXPECT_THAT(Run("PackMatrix", {"W"}, "packed", {MakeArgument("axis_w", 2)}).ToString(),
              HasSubstr("axis"));
}

TEST_F(PackedFcTest, RejectsOtherTypes) {
  Draw("W", {1, 1});
  Draw("b", {1});
  ASSERT_TRUE(workspace_.Feed("D", Tensor::Of<double>({1, 1}, {1})).ok());
  ASSERT_TRUE(Run("PackMatrix", {"W"}, "packed").ok());
  EXPECT_THAT(Run("PackedFC", {"D", "packed", "b"}, "Y").ToString(), HasSubstr("must be of float"));
  EXPECT_THAT(Run("PackMatrix", {"D"}, "packed").ToString(), HasSubstr("must be of float"));
}

}  // namespace
}  // namespace doppio
