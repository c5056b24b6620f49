#include "doppio/net.pb.h"
#include "doppio/registry.h"
#include "tests/support/map_scope.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

using BlobNamesTest = StateTest;

TEST_F(BlobNamesTest, AreThoseOfTheWorkspaceAndTheOutput) {
  Feed("X", Tensor::Scalar<float>(1));
  MustRun("GetAllBlobNames", {}, {"names"});
  ExpectBlob("names", Tensor::Of<std::string>({2}, {"X", "names"}));
}

TEST_F(BlobNamesTest, MayLeaveOutWhatOtherWorkspacesHave) {
  Feed("X", Tensor::Scalar<float>(1));
  Workspace child(&workspace_);
  const OperatorDef all = Def("GetAllBlobNames", {}, {"names"});
  ASSERT_TRUE(child.RunOperatorOnce(all).ok());
  EXPECT_TRUE(TensorEquals(*child.Fetch("names"), Tensor::Of<std::string>({2}, {"X", "names"})));
  const OperatorDef own = Def("GetAllBlobNames", {}, {"names"}, {Arg("include_shared", 0)});
  ASSERT_TRUE(child.RunOperatorOnce(own).ok());
  EXPECT_TRUE(TensorEquals(*child.Fetch("names"), Tensor::Of<std::string>({1}, {"names"})));
}

TEST_F(BlobNamesTest, RejectBlobsThatAreInNoWorkspace) {
  MapScope scope;
  const auto op = CreateOperator(Def("GetAllBlobNames", {}, {"names"}), &scope);
  EXPECT_EQ(op.status().code(), absl::StatusCode::kFailedPrecondition) << op.status();
}

class BlobSizesTest : public StateTest {
 protected:
  std::vector<int64_t> Sizes(const SerializationOptions& options = {}) {
    MustRun("EstimateAllBlobSizes", {}, {"~names", "~sizes"},
            {Arg("options", options.SerializeAsString())});
    const absl::StatusOr<Tensor> sizes = workspace_.Fetch("~sizes");
    if (!sizes.ok()) return {};
    return {sizes->span<int64_t>().begin(), sizes->span<int64_t>().end() - 2};
  }
};

TEST_F(BlobSizesTest, AreCaffe2sEstimates) {
  Feed("X", Tensor::Of<float>({2}, {1, 2}));
  Feed("Y", Tensor::Of<uint16_t>({3}, {1, 2, 3}));
  Feed("Z", Tensor::Of<std::string>({2}, {"", "a"}));
  MustRun("FeedBlob", {}, {"text"}, {Arg<std::string>("value", "abc")});
  MustRun("CreateMutex", {}, {"unknown"});
  EXPECT_EQ(Sizes(), std::vector<int64_t>({59, 60, 151, 27, 0}));
  ExpectBlob("~names",
             Tensor::Of<std::string>({7}, {"X", "Y", "Z", "text", "unknown", "~names", "~sizes"}));
}

TEST_F(BlobSizesTest, FollowTheFirstOptionsThatMatchTheWholeName) {
  Feed("X", Tensor::Of<float>({2}, {1, 2}));
  Feed("XX", Tensor::Of<float>({2}, {1, 2}));
  SerializationOptions options;
  BlobSerializationOptions* option = options.add_options();
  option->set_blob_name_regex("X");
  option->set_chunk_size(1);
  option->set_float_format(BlobSerializationOptions::FLOAT_BFLOAT16);
  EXPECT_EQ(Sizes(options), std::vector<int64_t>({2 * 51 + 4, 52 + 8}));
  option->set_chunk_size(-1);
  option->set_blob_name_regex("");
  EXPECT_EQ(Sizes(options), std::vector<int64_t>({51 + 4, 52 + 4}));
}

TEST_F(BlobSizesTest, RejectOptionsThatAreNone) {
  ExpectFailure(Def("EstimateAllBlobSizes", {}, {"n", "s"}, {Arg<std::string>("options", "\x07")}),
                "no serialised SerializationOptions");
  SerializationOptions options;
  options.add_options()->set_blob_name_regex("(");
  ExpectFailure(
      Def("EstimateAllBlobSizes", {}, {"n", "s"}, {Arg("options", options.SerializeAsString())}),
      "\"(\" is no expression");
}

}  // namespace
}  // namespace doppio
