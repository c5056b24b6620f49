// Whatever --json prints is JSON, also where names and numbers are odd.
#include <limits>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::util::JsonStringToMessage;

class JsonTest : public CommandTest {
 protected:
  Struct Parsed(const std::vector<std::string>& arguments) {
    const CommandResult result = Doppio(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    Struct object;
    EXPECT_TRUE(JsonStringToMessage(result.out, &object).ok()) << result.out;
    return object;
  }
};

TEST_F(JsonTest, EveryCommandPrintsAnObject) {
  const std::string net = Save("net.pbtxt", ReluNet());
  const std::string feed = "X=" + Save("x.npy", Tensor::Of<float>({2}, {-1, 2}));
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"run", net, "--feed", feed, "--json"},
           {"check", net, "--feed", feed, "--json"},
           {"bench", net, "--feed", feed, "--json"},
           {"inspect", net, "--json"},
           {"inspect", Path("x.npy"), "--json"},
           {"ops", "Expand", "--json"},
           {"grad", net, "--of", "Y", "-o", Path("b.pb"), "--json"}}) {
    EXPECT_GT(Parsed(arguments).fields_size(), 0) << arguments[0];
  }
}

TEST_F(JsonTest, TheListOfOperatorsIsAnArray) {
  const CommandResult result = Doppio({"ops", "--json"});
  ListValue list;
  ASSERT_TRUE(JsonStringToMessage(result.out, &list).ok());
  EXPECT_GT(list.values_size(), 40);
}

TEST_F(JsonTest, OddNamesStayNames) {
  const std::string name = "a \"b\" \\ \n \t \x01 \xc3\xa9 \xf0\x9f\x99\x82";
  const NetDef net = NetBuilder(name).Op("Relu", {name}, {"Y"}).def();
  const Struct object = Parsed({"check", Save("net.pbtxt", net), "--json"});
  EXPECT_EQ(object.fields().at("net").string_value(), name);
  EXPECT_EQ(object.fields().at("needs").list_value().values(0).string_value(), name);
}

TEST_F(JsonTest, NumbersThatAreNotFiniteAreNull) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::string x = Save("x.npy", Tensor::Of<float>({2}, {nan, -infinity}));
  const Struct object = Parsed({"inspect", x, "--json"});
  const Struct tensor = object.fields().at("tensors").list_value().values(0).struct_value();
  EXPECT_TRUE(tensor.fields().at("min").has_null_value());
  EXPECT_TRUE(tensor.fields().at("first").list_value().values(0).has_null_value());
  EXPECT_EQ(tensor.fields().at("nan").number_value(), 1);
  EXPECT_EQ(tensor.fields().at("infinite").number_value(), 1);
}

}  // namespace
}  // namespace doppio
