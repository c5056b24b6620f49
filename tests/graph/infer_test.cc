#include "doppio/infer.h"

#include <algorithm>

#include "doppio/net_builder.h"
#include "doppio/schema.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

TensorInfo Known(DataType dtype, Dims dims) { return {dtype, std::move(dims), std::nullopt}; }

TEST(InferNetTest, GoesFromOperatorToOperator) {
  NetBuilder net("n");
  net.Op("ConstantFill", {}, {"x"}, {MakeArgument<std::vector<int64_t>>("shape", {2, 3})});
  net.Op("Copy", {"x"}, {"y"});
  const absl::StatusOr<NetInference> inference = InferNet(net.def(), {});
  ASSERT_TRUE(inference.ok()) << inference.status();
  EXPECT_EQ(inference->blobs.at("y").dims, Dims({2, 3}));
}

TEST(InferNetTest, KnowsNothingMoreOfBlobsThatANetInsideMayWrite) {
  NetBuilder inner("inner");
  inner.Op("Copy", {"y"}, {"x"});
  NetBuilder net("n");
  net.Op("ConstantFill", {}, {"x"}, {MakeArgument<std::vector<int64_t>>("shape", {1})});
  net.Op("If", {"condition"}, {}, {MakeArgument<NetDef>("then_net", inner.def())});
  net.Op("Copy", {"x"}, {"z"});
  const absl::StatusOr<NetInference> inference = InferNet(net.def(), {});
  ASSERT_TRUE(inference.ok()) << inference.status();
  EXPECT_FALSE(inference->blobs.at("x").IsKnown());
  EXPECT_FALSE(inference->blobs.at("z").IsKnown());
  EXPECT_EQ(inference->blobs.count("y"), 0u);  // of the net inside alone
}

TEST(InferNetTest, CountsBytesOfOutputsOfWhichOnlyASumIsKnown) {
  NetBuilder net("net");
  net.Op("Split", {"x", "lengths"}, {"a", "b"}).Op("Reshape", {"x", "shape"}, {"y", "old_shape"});
  const TensorInfo lengths = Known(DataType::kInt64, {2});
  const auto inferred =
      InferNet(net.def(),
               {{"x", Known(DataType::kFloat, {5, 3})}, {"lengths", lengths}, {"shape", lengths}});
  ASSERT_TRUE(inferred.ok()) << inferred.status();
  EXPECT_FALSE(inferred->blobs.at("a").IsKnown());
  EXPECT_EQ(inferred->ops[0].cost.bytes_written, 60);
  EXPECT_EQ(inferred->ops[1].cost.bytes_written, 60 + 16);
}

TEST(InferNetTest, NamesTheOperatorThatIsWrong) {
  NetBuilder net("n");
  net.Op("ConstantFill", {}, {"x"}, {MakeArgument<std::vector<int64_t>>("shape", {2, 3})});
  net.Op("Squeeze", {"x"}, {"y"}, {MakeArgument<std::vector<int64_t>>("dims", {0})});
  EXPECT_THAT(std::string(InferNet(net.def(), {}).status().message()),
              HasSubstr("net \"n\", op 1 Squeeze(x) -> y: "));
}

// Of all operators, so that none multiplies such sizes.
TEST(InferTest, RefusesInputsOfMoreElementsThanFit) {
  constexpr int64_t kLarge = int64_t{1} << 40;
  const TensorInfo large = Known(DataType::kFloat, {kLarge, kLarge, 1, 1});
  int refused = 0;
  for (const std::string& type : OpSchemaRegistry::Types()) {
    const OpSchema& schema = *OpSchemaRegistry::Schema(type);
    OperatorDef def = CreateOperatorDef(type, "", {}, {});
    const int inputs = std::min(std::max(schema.min_inputs(), 1), schema.max_inputs());
    for (int i = 0; i < inputs; ++i) def.add_input(absl::StrCat("x", i));
    for (int i = 0; i < schema.min_outputs(); ++i) def.add_output(absl::StrCat("y", i));
    if (inputs == 0 || !schema.Verify(def).ok()) continue;
    const auto inferred = schema.Infer(def, std::vector<TensorInfo>(inputs, large));
    ASSERT_FALSE(inferred.ok()) << type;
    EXPECT_THAT(std::string(inferred.status().message()), HasSubstr("input 0, blob \"x0\""))
        << type;
    ++refused;
  }
  EXPECT_GT(refused, 300);
}

// Of all operators that take what is no tensor: none reads a shape that is not there.
TEST(InferTest, InputsThatMayBeAnythingNeedNoShape) {
  const TensorInfo known = Known(DataType::kFloat, {4, 4});
  int seen = 0;
  for (const std::string& type : OpSchemaRegistry::Types()) {
    const OpSchema& schema = *OpSchemaRegistry::Schema(type);
    if (!schema.has_inference()) continue;
    OperatorDef def = CreateOperatorDef(type, "", {}, {});
    std::vector<TensorInfo> inputs;
    for (int i = 0; i < schema.min_inputs(); ++i) {
      def.add_input(absl::StrCat("x", i));
      inputs.push_back(schema.AllowsAnyInput(i) ? TensorInfo() : known);
    }
    for (int i = 0; i < schema.min_outputs(); ++i) def.add_output(absl::StrCat("y", i));
    const auto is_unknown = [](const TensorInfo& info) { return !info.IsKnown(); };
    if (std::none_of(inputs.begin(), inputs.end(), is_unknown)) continue;
    ++seen;
    const auto inferred = schema.Infer(def, inputs);
    if (!inferred.ok()) continue;  // what it refuses is its own affair
    for (const TensorInfo& output : *inferred) {
      EXPECT_TRUE(!output.IsKnown() || NumElements(*output.dims).ok()) << type;
    }
  }
  EXPECT_GT(seen, 3);
}

TEST(InferTest, PackedWeightsOfNoShapeLeaveTheOutputUnknown) {
  NetBuilder net("net");
  net.Op("PackedFC", {"x", "w", "b"}, {"y"});
  const auto inferred = InferNet(
      net.def(), {{"x", Known(DataType::kFloat, {4, 8})}, {"b", Known(DataType::kFloat, {3})}});
  ASSERT_TRUE(inferred.ok()) << inferred.status();
  EXPECT_FALSE(inferred->blobs.at("y").IsKnown());
}

}  // namespace
}  // namespace doppio
