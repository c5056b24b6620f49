// Operators of blocked tensors that read or write some channels of a larger tensor.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppio/op_def.h"
#include "doppio/workspace.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;
using Ints = std::vector<int64_t>;

Tensor Numbered(const Dims& dims) {
  Tensor tensor = *Tensor::Create(DataType::kFloat, dims);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.mutable_data<float>()[i] = static_cast<float>(i);
  }
  return tensor;
}

class BlockedChannelsTest : public ::testing::Test {
 protected:
  static OperatorDef Reading(const std::string& type, const std::string& y, int64_t first,
                             int64_t channels) {
    return CreateOperatorDef(type, "", {"x"}, {y},
                             {MakeArgument<Ints>("read_channels", {channels}),
                              MakeArgument<Ints>("read_from_channels", {first})});
  }
  absl::Status Run(const OperatorDef& op) { return workspace_.RunOperatorOnce(op); }

  Workspace workspace_;
};

TEST_F(BlockedChannelsTest, OfAPlainTensorOfAnyNumberOfImagesTheyAreRead) {
  for (const int64_t images : {0, 1, 2}) {
    const Tensor x = Numbered({images, 6, 2, 3});
    ASSERT_TRUE(workspace_.Feed("x", DeepCopy(x)).ok());
    ASSERT_TRUE(Run(Reading("FromBlocked", "y", 2, 3)).ok());
    const Tensor y = workspace_.Fetch("y").value();
    ASSERT_EQ(y.dims(), DimsView(Dims{images, 3, 2, 3}));
    for (int64_t i = 0; i < y.numel(); ++i) {
      EXPECT_EQ(y.data<float>()[i], x.data<float>()[i / 18 * 36 + 2 * 6 + i % 18]) << i;
    }
  }
}

TEST_F(BlockedChannelsTest, ChannelsThatAreNotThereAreRefused) {
  ASSERT_TRUE(workspace_.Feed("x", Numbered({1, 6, 2, 3})).ok());
  for (const auto& [first, channels] :
       {std::pair<int64_t, int64_t>{4, 3}, {-1, 2}, {6, 1}, {0, int64_t{1} << 62}}) {
    EXPECT_THAT(Run(Reading("FromBlocked", "y", first, channels)).ToString(),
                HasSubstr(absl::StrCat(channels, " channels from channel ", first,
                                       " on do not fit into 6")));
  }
  ASSERT_TRUE(workspace_.Feed("x", Numbered({6, 6})).ok());
  EXPECT_THAT(Run(Reading("FromBlocked", "y", 0, 3)).ToString(), HasSubstr("no image"));
}

TEST_F(BlockedChannelsTest, APartIsNotReadInPlace) {
  ASSERT_TRUE(workspace_.Feed("x", Numbered({1, 6, 2, 3})).ok());
  EXPECT_THAT(Run(Reading("BlockedRelu", "x", 2, 3)).ToString(),
              HasSubstr("a part is read, so it may not be the output"));
}

TEST_F(BlockedChannelsTest, WhatDoesNotFitBehindOtherPartsIsRefused) {
  ASSERT_TRUE(workspace_.Feed("x", Numbered({1, 6, 2, 3})).ok());
  const auto copy = [](int64_t into, int64_t first) {
    return CreateOperatorDef("BlockedCopy", "", {"x"}, {"y"},
                             {MakeArgument<int64_t>("into_channels", into),
                              MakeArgument<int64_t>("first_channel", first)});
  };
  EXPECT_TRUE(Run(copy(8, 2)).ok());
  EXPECT_THAT(Run(copy(8, 3)).ToString(), HasSubstr("6 channels from channel 3 on do not fit"));
  EXPECT_THAT(Run(copy(5, 0)).ToString(), HasSubstr("do not fit into 5"));
}

TEST_F(BlockedChannelsTest, ANormalisationKnowsNoActivationButRelu) {
  for (const char* blob : {"x", "s", "b", "m", "v"}) {
    ASSERT_TRUE(workspace_.Feed(blob, Numbered({1})).ok());
  }
  const OperatorDef op = CreateOperatorDef("BlockedSpatialBN", "", {"x", "s", "b", "m", "v"}, {"y"},
                                           {MakeArgument<std::string>("activation", "Tanh")});
  EXPECT_THAT(Run(op).ToString(), HasSubstr("there is no activation \"Tanh\" for SpatialBN"));
}

}  // namespace
}  // namespace doppio
