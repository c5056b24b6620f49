#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using OpsTest = CommandTest;

TEST_F(OpsTest, ListsOperatorsByFamily) {
  const CommandResult result = Doppio({"ops"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("\nshape\n"), HasSubstr("\n  Expand "),
                                HasSubstr("\n  ExpandGradient ")));
}

TEST_F(OpsTest, ExplainsOne) {
  const CommandResult result = Doppio({"ops", "Expand"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("Expand  (shape)"), HasSubstr("Inputs (2)\n  X "),
                                HasSubstr("Outputs (1)\n  Y "), HasSubstr("Gradient:"),
                                HasSubstr("yes"), HasSubstr("Devices:"), HasSubstr("CPU")));
}

TEST_F(OpsTest, ShowsArgumentsWithTypesAndDefaults) {
  const CommandResult result = Doppio({"ops", "ConstantFill"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("Arguments\n"), HasSubstr("extra_shape"),
                                HasSubstr("input_as_shape"), HasSubstr("none needed")));
}

TEST_F(OpsTest, PrintsJson) {
  const CommandResult result = Doppio({"ops", "Relu", "--json"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"type\": \"Relu\""), HasSubstr("\"gradient\": \"yes\""),
                                HasSubstr("\"in_place\": \"X as Y\"")));
}

TEST_F(OpsTest, ATypoIsToldWhatIsNear) {
  const CommandResult result = Doppio({"ops", "Exapnd"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("doppio ops: "), HasSubstr("\"Exapnd\""),
                                HasSubstr("did you mean Expand")));
}

TEST_F(OpsTest, TwoFormatsAtOnceAreAUsageError) {
  EXPECT_EQ(Doppio({"ops", "--json", "--markdown"}).code, 2);
}

}  // namespace
}  // namespace doppio
