#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;

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
