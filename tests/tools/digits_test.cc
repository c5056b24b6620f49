// The example examples/digits, as a reader would run it.
#include <cstdlib>

#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class DigitsTest : public CommandTest {
 protected:
  const std::string digits_ = std::string(DOPPIO_SOURCE_DIR) + "/examples/digits";

  static double AccuracyIn(const std::string& output) {
    const std::string mark = "test accuracy ";
    const size_t found = output.find(mark);
    return found == std::string::npos ? 0 : std::atof(output.c_str() + found + mark.size());
  }
};

TEST_F(DigitsTest, TwoLayersLearnAndTheSavedWeightsClassify) {
  const CommandResult trained = Program("train_digits", {digits_, "two_layer", Path(""), "30"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_GE(AccuracyIn(trained.out), 0.95) << trained.out;

  const CommandResult classified = Doppio(
      {"run", digits_ + "/two_layer_predict.pbtxt", "--init", Path("two_layer_trained.pb"),
       "--feed", "data=" + Path("sample_data.npy"), "--fetch", "digit=" + Path("digit.npy")});
  ASSERT_EQ(classified.code, 0) << classified.err;
  const CommandResult shown = Program(
      "show_digits", {Path("sample_data.npy"), Path("digit.npy"), Path("sample_label.npy")});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("@"), HasSubstr("-> ")));
}

TEST_F(DigitsTest, TheClassifierWithItsBiasThroughExpandLearns) {
  const CommandResult trained = Program("train_digits", {digits_, "softmax", Path(""), "10"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_GE(AccuracyIn(trained.out), 0.92) << trained.out;
  const CommandResult gradient =
      Doppio({"grad", digits_ + "/softmax.pbtxt", "--of", "loss", "-o", Path("gradient.pbtxt")});
  EXPECT_EQ(gradient.code, 0) << gradient.err;
  EXPECT_THAT(Read(Path("gradient.pbtxt")), HasSubstr("type: \"ExpandGradient\""));
}

TEST_F(DigitsTest, EveryNetOfTheExamplePassesTheCheck) {
  for (const std::string name : {"softmax", "two_layer"}) {
    const CommandResult result = Doppio(
        {"check", digits_ + "/" + name + ".pbtxt", "--init", digits_ + "/" + name + "_init.pbtxt"});
    EXPECT_EQ(result.code, 0) << result.out << result.err;
    EXPECT_THAT(result.out, HasSubstr("to be fed: data label\n"));
  }
}

TEST_F(DigitsTest, ANetThatIsNotThereIsAnError) {
  const CommandResult result = Program("train_digits", {digits_, "three_layer", Path("")});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("three_layer_init.pbtxt"));
}

TEST_F(DigitsTest, ALineThatIsNoPictureIsNamed) {
  Write("digits.csv.gz", "1,2,3\n");
  const CommandResult result = Program("train_digits", {Path(""), "softmax", Path("")});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("digits.csv.gz:1: 3 values"));
}

TEST_F(DigitsTest, WrongArgumentsAreAUsageError) {
  EXPECT_EQ(Program("train_digits", {}).code, 2);
  EXPECT_EQ(Program("train_digits", {digits_, "softmax", Path(""), "none"}).code, 2);
  EXPECT_EQ(Program("show_digits", {"one"}).code, 2);
}

}  // namespace
}  // namespace doppio
