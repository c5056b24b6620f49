#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class BenchTest : public CommandTest {
 protected:
  const std::string net_ = Save("net.pb", ReluNet());
  const std::string x_ = Save("x.npy", Tensor::Of<float>({2}, {-1, 2}));
};

TEST_F(BenchTest, ShowsTheDistributionAndEveryOperator) {
  const CommandResult result = Doppio(
      {"bench", net_, "--feed", "X=" + x_, "--warmup", "1", "--iterations", "5", "--threads", "1"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("net \"relu_net\": 1 operator, 1 thread, 5 runs after 1"),
                                HasSubstr("median"), HasSubstr("99%"), HasSubstr("Relu(X) -> Y"),
                                HasSubstr("100.0%")));
}

TEST_F(BenchTest, PrintsJson) {
  const CommandResult result =
      Doppio({"bench", net_, "--feed", "X=" + x_, "--iterations", "2", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"iterations\": 2"), HasSubstr("\"p99\": "),
                                HasSubstr("\"operator\": \"Relu(X) -> Y\"")));
}

TEST_F(BenchTest, ComparesTheNetWithWhatItIsRewrittenTo) {
  NetDef net = NetBuilder("n").Op("Abs", {"X"}, {"A"}).Op("Relu", {"X"}, {"Y"}).def();
  net.add_external_output("Y");
  const std::string path = Save("n.pb", net);
  const std::vector<std::string> arguments = {"bench",   path,           "--feed",
                                              "X=" + x_, "--iterations", "2"};
  const CommandResult both = Doppio(arguments);
  EXPECT_EQ(both.code, 0) << both.err;
  EXPECT_THAT(both.out, AllOf(HasSubstr("as given"), HasSubstr("optimized"),
                              HasSubstr("bytes at the peak"), Not(HasSubstr("Abs"))));
  std::vector<std::string> as_given = arguments;
  as_given.push_back("--no-optimize");
  const CommandResult one = Doppio(as_given);
  EXPECT_THAT(one.out, AllOf(HasSubstr("as given"), Not(HasSubstr("optimized")), HasSubstr("Abs")));
  std::vector<std::string> json = arguments;
  json.push_back("--json");
  EXPECT_THAT(Doppio(json).out,
              AllOf(HasSubstr("\"before\": {"), HasSubstr("\"operator_count\": 2"),
                    HasSubstr("\"operator_count\": 1"), HasSubstr("\"peak_bytes\": ")));
  NetDef changes = NetBuilder("c").Op("Relu", {"X"}, {"X"}).def();
  EXPECT_THAT(Doppio({"bench", Save("c.pb", changes), "--feed", "X=" + x_}).out,
              HasSubstr("not optimized: it changes \"X\", which it reads"));
}

TEST_F(BenchTest, WithoutItsInputsItSaysWhatToFeed) {
  const CommandResult result = Doppio({"bench", net_});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("--feed X=FILE"));
}

TEST_F(BenchTest, ANetThatFailsIsAnError) {
  const NetDef net = NetBuilder("product").Op("MatMul", {"X", "X"}, {"Y"}).def();
  const std::string x = Save("matrix.npy", Tensor::Of<float>({1, 2}, {1, 2}));
  const CommandResult result = Doppio({"bench", Save("product.pb", net), "--feed", "X=" + x});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("op 0 MatMul(X, X) -> Y"));
}

}  // namespace
}  // namespace doppio
