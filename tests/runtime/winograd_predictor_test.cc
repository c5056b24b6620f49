// Predictors whose convolutions may be computed by Winograd's algorithm (src/kernel/winograd.h).
// Whether they are depends on the processor, too.

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <random>

#include "doppio/allocator.h"
#include "doppio/net_builder.h"
#include "doppio/op_def.h"
#include "doppio/parallel.h"
#include "doppio/predictor.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

// Three convolutions of 3 x 3: one with an activation, one that writes a part of a concatenation,
// and one that adds to what is there. The last two share their filters.
NetDef Net() {
  NetBuilder net("net");
  const auto conv = [&net](const std::string& in, const std::string& w, int64_t kernel,
                           const std::string& out) {
    net.Op("Conv", {in, w, "b"}, {out},
           {MakeArgument("kernel", kernel), MakeArgument("pad", kernel / 2)});
  };
  conv("x", "w1", 3, "c1");
  net.Op("Clip", {"c1"}, {"c1"}, {MakeArgument<float>("min", -1), MakeArgument<float>("max", 2)});
  conv("c1", "w2", 3, "part1");
  conv("c1", "w3", 1, "part2");
  net.Op("Concat", {"part1", "part2"}, {"parts", "split"}, {MakeArgument<int64_t>("axis", 1)});
  conv("parts", "w4", 1, "c4");
  net.Op("Relu", {"c4"}, {"c4"});
  conv("c4", "w2", 3, "c5");
  net.Op("Sum", {"c5", "c1"}, {"sum"});
  net.Op("Relu", {"sum"}, {"y"});
  NetDef def = net.def();
  def.add_external_output("y");
  return def;
}

class WinogradPredictorTest : public testing::Test {
 protected:
  ~WinogradPredictorTest() override { SetNumThreads(threads_); }

  Tensor Normal(const Dims& dims, float scale) {
    std::normal_distribution<float> normal(0, scale);
    Tensor tensor = *Tensor::Create(DataType::kFloat, dims);
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data<float>()[i] = normal(random_);
    return tensor;
  }

  std::unique_ptr<Predictor> Make(bool optimize, bool winograd) const {
    Model model;
    model.predict = Net();
    model.inputs = {"x"};
    model.weights = weights_;
    PredictorOptions options;
    options.optimize = optimize;
    options.winograd = winograd;
    auto predictor = Predictor::Create(std::move(model), options);
    EXPECT_TRUE(predictor.ok()) << predictor.status();
    return *std::move(predictor);
  }

  static Tensor Run(const Predictor& predictor, const Tensor& x) {
    const auto results = predictor.Run({x});
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? (*results)[0] : Tensor();
  }

  std::mt19937 random_{11};
  const std::map<std::string, Tensor> weights_ = {{"w1", Normal({32, 24, 3, 3}, 0.07F)},
                                                  {"w2", Normal({32, 32, 3, 3}, 0.06F)},
                                                  {"w3", Normal({32, 32, 1, 1}, 0.2F)},
                                                  {"w4", Normal({32, 64, 1, 1}, 0.1F)},
                                                  {"b", Normal({32}, 1)}};
  // Too small for the algorithm, too, and several images.
  const std::vector<Tensor> images_ = {Normal({1, 24, 17, 14}, 1), Normal({1, 24, 3, 3}, 1),
                                       Normal({3, 24, 12, 12}, 1), Normal({1, 24, 1, 40}, 1),
                                       Normal({1, 24, 33, 9}, 1),  Normal({0, 24, 8, 8}, 1)};

 private:
  const int threads_ = NumThreads();
};

TEST_F(WinogradPredictorTest, ResultsDifferByRoundingAlone) {
  const auto as_given = Make(false, false);
  const auto directly = Make(true, false);
  const auto winograd = Make(true, true);
  for (const Tensor& x : images_) {
    SCOPED_TRACE(ShapeToString(x.dims()));
    const Tensor expected = Run(*as_given, x);
    for (const Predictor* predictor : {directly.get(), winograd.get()}) {
      const Tensor y = Run(*predictor, x);
      ASSERT_EQ(y.TypeAndShape(), expected.TypeAndShape());
      for (size_t i = 0; i < static_cast<size_t>(y.numel()); ++i) {
        ASSERT_NEAR(y.span<float>()[i], expected.span<float>()[i], 1e-5) << i;
      }
    }
  }
}

TEST_F(WinogradPredictorTest, BitsDependNeitherOnThreadsNorOnWhatRanBefore) {
  const auto predictor = Make(true, true);
  for (const Tensor& x : images_) {
    SetNumThreads(1);
    const Tensor expected = Run(*Make(true, true), x);
    for (const int threads : {1, 2, 4}) {
      SetNumThreads(threads);
      EXPECT_TRUE(TensorBitsEqual(Run(*predictor, x), expected)) << ShapeToString(x.dims());
    }
  }
}

TEST_F(WinogradPredictorTest, ASecondRunAllocatesNothing) {
  const auto predictor = Make(true, true);
  Run(*predictor, images_[0]);
  Run(*predictor, images_[0]);
  const int64_t before = GetMemoryStats().allocations;
  Run(*predictor, images_[0]);
  EXPECT_EQ(GetMemoryStats().allocations, before);
}

TEST_F(WinogradPredictorTest, AnOptionTurnsItOff) {
  for (const bool winograd : {false, true}) {
    const std::shared_ptr<const NetDef> net = Make(true, winograd)->net();
    int allowed = 0;
    for (const OperatorDef& op : net->op()) {
      if (FindArgument(op, "winograd") != nullptr) ++allowed;
    }
    EXPECT_EQ(allowed > 0, winograd);
  }
}

TEST_F(WinogradPredictorTest, NumbersThatAreNotFiniteStayUnderTheirWindows) {
  const auto as_given = Make(false, false);
  const auto winograd = Make(true, true);
  Tensor x = images_[0];
  x.mutable_data<float>()[1234] = std::numeric_limits<float>::infinity();
  x.mutable_data<float>()[2345] = std::numeric_limits<float>::quiet_NaN();
  const Tensor expected = Run(*as_given, x);
  const Tensor y = Run(*winograd, x);
  // What lies under no such window: two convolutions of 3 x 3, one after the other, reach 3 far.
  const Tensor untouched = Run(*as_given, images_[0]);
  int64_t compared = 0;
  for (size_t i = 0; i < static_cast<size_t>(y.numel()); ++i) {
    if (expected.span<float>()[i] != untouched.span<float>()[i]) continue;
    ++compared;
    ASSERT_NEAR(y.span<float>()[i], expected.span<float>()[i], 1e-5) << i;
  }
  EXPECT_GT(compared, y.numel() / 2);
}

}  // namespace
}  // namespace doppio
