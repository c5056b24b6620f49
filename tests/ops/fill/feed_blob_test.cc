#include "tests/support/state_test.h"

namespace doppio {
namespace {

using FeedBlobTest = StateTest;

TEST_F(FeedBlobTest, MakesAString) {
  const std::string value("a\0b", 3);
  Feed("blob", Tensor::Scalar<float>(1));
  MustRun("FeedBlob", {}, {"blob"}, {Arg("value", value)});
  const std::string* text = workspace_.FindBlob("blob")->Get<std::string>();
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(*text, value);
}

TEST_F(FeedBlobTest, RejectsAValueThatIsNoStringOrMissing) {
  ExpectFailure(Def("FeedBlob", {}, {"blob"}), "argument \"value\" is missing");
  ExpectFailure(Def("FeedBlob", {}, {"blob"}, {Arg("value", 1)}), "value");
}

}  // namespace
}  // namespace doppio
