#include "doppio/arguments.h"

#include "doppio/op_def.h"
#include "doppio/schema.h"
#include "gmock/gmock.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

OperatorDef Def(std::vector<Argument> args) { return CreateOperatorDef("Any", "", {}, {}, args); }

// The error that reading leaves behind.
template <typename T>
std::string ErrorOfSingle(const Argument& arg) {
  const OperatorDef def = Def({arg});
  ArgumentReader reader(def, nullptr);
  EXPECT_EQ(reader.GetSingleArgument<T>(arg.name()), T());
  return std::string(reader.status().message());
}

template <typename T>
std::string ErrorOfRepeated(const Argument& arg) {
  const OperatorDef def = Def({arg});
  ArgumentReader reader(def, nullptr);
  (void)reader.GetRepeatedArgument<T>(arg.name());
  return std::string(reader.status().message());
}

TEST(ArgumentReaderTest, ReadsEachTypeFromItsField) {
  const OperatorDef def =
      Def({MakeArgument<bool>("b", true), MakeArgument<int>("i", -3),
           MakeArgument<int64_t>("l", int64_t{1} << 40), MakeArgument<float>("f", 0.5f),
           MakeArgument<double>("d", 0.25), MakeArgument("s", "word")});
  ArgumentReader reader(def, nullptr);
  EXPECT_TRUE(reader.GetSingleArgument<bool>("b"));
  EXPECT_EQ(reader.GetSingleArgument<int>("i"), -3);
  EXPECT_EQ(reader.GetSingleArgument<int64_t>("l"), int64_t{1} << 40);
  EXPECT_EQ(reader.GetSingleArgument<float>("f"), 0.5f);
  EXPECT_EQ(reader.GetSingleArgument<double>("d"), 0.25);
  EXPECT_EQ(reader.GetSingleArgument<std::string>("s"), "word");
  EXPECT_TRUE(reader.status().ok()) << reader.status();
}

TEST(ArgumentReaderTest, ReadsLists) {
  const OperatorDef def = Def({MakeArgument<std::vector<int64_t>>("ints", {1, 0, -1}),
                               MakeArgument<std::vector<float>>("floats", {0.5f}),
                               MakeArgument<std::vector<std::string>>("words", {"a", "b"}),
                               MakeArgument<std::vector<int64_t>>("none", {})});
  ArgumentReader reader(def, nullptr);
  EXPECT_THAT(reader.GetRepeatedArgument<int>("ints"), ElementsAre(1, 0, -1));
  EXPECT_THAT(reader.GetRepeatedArgument<bool>("ints"), ElementsAre(true, false, true));
  EXPECT_THAT(reader.GetRepeatedArgument<double>("floats"), ElementsAre(0.5));
  EXPECT_THAT(reader.GetRepeatedArgument<std::string>("words"), ElementsAre("a", "b"));
  EXPECT_THAT(reader.GetRepeatedArgument<float>("none"), IsEmpty());
  EXPECT_THAT(reader.GetRepeatedArgument<int64_t>("absent"), IsEmpty());
  EXPECT_TRUE(reader.status().ok()) << reader.status();
}

TEST(ArgumentReaderTest, TakesTheDefaultOfTheSchema) {
  OpSchema schema("Any", "file.cc", 1);
  schema.Arg<float>("scale", "factor", 2.5f).OptionalArg<int>("axis", "axis");
  const OperatorDef def = Def({});
  ArgumentReader reader(def, &schema);
  EXPECT_EQ(reader.GetSingleArgument<float>("scale"), 2.5f);
  EXPECT_EQ(reader.GetSingleArgument<int>("axis", 7), 7);
  EXPECT_FALSE(reader.HasArgument("scale"));
  EXPECT_TRUE(reader.status().ok()) << reader.status();
}

TEST(ArgumentReaderTest, ReportsAMissingArgument) {
  const OperatorDef def = Def({});
  ArgumentReader reader(def, nullptr);
  EXPECT_EQ(reader.GetSingleArgument<std::string>("to"), "");
  EXPECT_EQ(reader.status(), absl::InvalidArgumentError("argument \"to\" is missing"));
}

TEST(ArgumentReaderTest, KeepsTheFirstProblem) {
  const OperatorDef def = Def({});
  ArgumentReader reader(def, nullptr);
  (void)reader.GetSingleArgument<int>("first");
  (void)reader.GetSingleArgument<int>("second");
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("first"));
}

TEST(ArgumentReaderTest, ReportsAValueInAnotherField) {
  EXPECT_EQ(ErrorOfSingle<int>(MakeArgument<float>("axis", 1)),
            "argument \"axis\" must be a whole number in `i`, but has f");
  EXPECT_EQ(ErrorOfSingle<float>(MakeArgument<int>("scale", 1)),
            "argument \"scale\" must be a number in `f`, but has i");
  EXPECT_EQ(ErrorOfSingle<std::string>(MakeArgument<int>("to", 1)),
            "argument \"to\" must be a string in `s`, but has i");
  EXPECT_EQ(ErrorOfSingle<int>(MakeArgument<std::vector<int64_t>>("axis", {1})),
            "argument \"axis\" must be a whole number in `i`, but has ints");
  EXPECT_EQ(ErrorOfRepeated<int>(MakeArgument<int>("axes", 1)),
            "argument \"axes\" must be whole numbers in `ints`, but has i");
  EXPECT_EQ(ErrorOfRepeated<float>(MakeArgument<std::vector<int64_t>>("values", {1})),
            "argument \"values\" must be numbers in `floats`, but has ints");
  EXPECT_EQ(ErrorOfRepeated<std::string>(MakeArgument<std::string>("words", "x")),
            "argument \"words\" must be strings in `strings`, but has s");
}

TEST(ArgumentReaderTest, ReportsAnArgumentWithoutAnyValue) {
  Argument empty;
  empty.set_name("axis");
  EXPECT_THAT(ErrorOfSingle<int>(empty), HasSubstr("but has nothing"));
}

TEST(ArgumentReaderTest, ReportsNumbersThatDoNotFit) {
  EXPECT_EQ(ErrorOfSingle<int>(MakeArgument<int64_t>("axis", int64_t{1} << 31)),
            "argument \"axis\" is 2147483648, which does not fit into 32 bits");
  EXPECT_EQ(
      ErrorOfRepeated<int>(MakeArgument<std::vector<int64_t>>("axes", {0, -(int64_t{1} << 40)})),
      "argument \"axes\" holds -1099511627776, which does not fit into 32 bits");
}

TEST(ArgumentReaderTest, ReportsAnArgumentThatIsGivenTwiceWithDifferentValues) {
  const OperatorDef def = Def({MakeArgument<int>("axis", 1), MakeArgument<int>("axis", 2)});
  ArgumentReader reader(def, nullptr);
  (void)reader.GetSingleArgument<int>("axis", 0);
  EXPECT_EQ(reader.status(),
            absl::InvalidArgumentError("argument \"axis\" is given twice with different values"));
}

TEST(ArgumentReaderTest, TakesAnArgumentThatIsGivenTwiceWithOneValue) {
  const OperatorDef def = Def({MakeArgument<int>("axis", 1), MakeArgument<int>("axis", 1)});
  ArgumentReader reader(def, nullptr);
  EXPECT_EQ(reader.GetSingleArgument<int>("axis", 0), 1);
  EXPECT_TRUE(reader.status().ok()) << reader.status();
}

TEST(ArgumentReaderTest, GivesANetAsItStands) {
  NetDef net;
  net.set_name("body");
  const OperatorDef def = Def({MakeArgument<NetDef>("net", net), MakeArgument<int>("no", 1)});
  ArgumentReader reader(def, nullptr);
  ASSERT_NE(reader.GetNetArgument("net"), nullptr);
  EXPECT_EQ(reader.GetNetArgument("net")->name(), "body");
  EXPECT_EQ(reader.GetNetArgument("absent"), nullptr);
  EXPECT_TRUE(reader.status().ok());
  EXPECT_EQ(reader.GetNetArgument("no"), nullptr);
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("must be a net in `n`"));
}

TEST(OpDefTest, IsPrintedAsACall) {
  EXPECT_EQ(OpToString(CreateOperatorDef("Expand", "", {"X", "shape"}, {"Y"})),
            "Expand(X, shape) -> Y");
  EXPECT_EQ(OpToString(CreateOperatorDef("Print", "", {"X"}, {})), "Print(X)");
}

TEST(OpDefTest, AlwaysHasAName) { EXPECT_TRUE(CreateOperatorDef("Relu", "", {}, {}).has_name()); }

TEST(MergeDeviceOptionTest, TakesOnlyWhatIsNotSet) {
  DeviceOption defaults;
  defaults.set_device_type(1);
  defaults.set_random_seed(5);
  defaults.add_extra_info("default");
  DeviceOption option;
  option.set_device_type(0);
  option.add_extra_info("own");
  MergeDeviceOption(defaults, &option);
  EXPECT_EQ(option.device_type(), 0);
  EXPECT_EQ(option.random_seed(), 5u);
  EXPECT_THAT(option.extra_info(), ElementsAre("own"));
}

}  // namespace
}  // namespace doppio
