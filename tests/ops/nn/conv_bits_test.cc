// Convolutions and their gradients give the same bits for any number of threads, whatever oneDNN
// computes them with; which that is depends on the processor (tests/CMakeLists.txt runs this as on
// an older one, too).

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "doppio/op_def.h"
#include "doppio/parallel.h"
#include "doppio/workspace.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

struct Geometry {
  Dims x;
  Dims w;
  int64_t stride = 1;
  int64_t pad = 0;
  int64_t dilation = 1;
  int64_t group = 1;

  std::string ToString() const {
    return absl::StrCat("x ", ShapeToString(x), ", w ", ShapeToString(w), ", stride ", stride,
                        ", pad ", pad, ", dilation ", dilation, ", group ", group);
  }
};

class ConvBitsTest : public testing::Test {
 protected:
  ~ConvBitsTest() override { SetNumThreads(before_); }

  Tensor Normal(DimsView dims) {
    Tensor tensor = *Tensor::Create(DataType::kFloat, dims);
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data<float>()[i] = normal_(random_);
    return tensor;
  }
  int64_t Int(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random_() % static_cast<uint64_t>(most - least + 1));
  }

  // y, and the gradients of w, b and x where y's gradient is y itself.
  std::vector<Tensor> Run(const Geometry& g, const std::vector<Tensor>& feeds, int threads,
                          const std::string& executor) {
    SetNumThreads(threads);
    const std::vector<Argument> args = {
        MakeArgument("kernel", g.w[2]), MakeArgument("stride", g.stride),
        MakeArgument("pad", g.pad), MakeArgument("dilation", g.dilation),
        MakeArgument("group", g.group)};
    NetDef net;
    net.set_name("net");
    net.set_type(executor);
    *net.add_op() = CreateOperatorDef("Conv", "", {"x", "w", "b"}, {"y"}, args);
    *net.add_op() =
        CreateOperatorDef("ConvGradient", "", {"x", "w", "y"}, {"dw", "db", "dx"}, args);
    Workspace workspace;
    const char* names[] = {"x", "w", "b"};
    for (size_t i = 0; i < feeds.size(); ++i) EXPECT_TRUE(workspace.Feed(names[i], feeds[i]).ok());
    const absl::Status status = workspace.RunNetOnce(net);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<Tensor> results;
    for (const char* name : {"y", "dw", "db", "dx"}) {
      results.push_back(workspace.Fetch(name).value_or(Tensor()));
    }
    return results;
  }

  void ExpectSameBits(const Geometry& g) {
    SCOPED_TRACE(g.ToString());
    const std::vector<Tensor> feeds = {Normal(g.x), Normal(g.w), Normal({g.w[0]})};
    const std::vector<Tensor> expected = Run(g, feeds, 1, "simple");
    for (const auto& [threads, executor] :
         {std::pair(2, "simple"), {3, "simple"}, {4, "simple"}, {3, "parallel"}}) {
      const std::vector<Tensor> results = Run(g, feeds, threads, executor);
      for (size_t i = 0; i < results.size(); ++i) {
        EXPECT_TRUE(TensorBitsEqual(results[i], expected[i]))
            << "result " << i << ", " << threads << " threads, " << executor;
      }
    }
  }

 private:
  const int before_ = NumThreads();
  std::mt19937_64 random_{1};
  std::normal_distribution<float> normal_;
};

TEST_F(ConvBitsTest, WhatOneDnnMultipliesMatricesFor) {
  ExpectSameBits({{1, 8, 28, 28}, {16, 8, 13, 13}, 2, 2, 2});
  ExpectSameBits({{1, 16, 28, 28}, {16, 16, 1, 1}, 1, 1});
  ExpectSameBits({{2, 16, 28, 28}, {16, 16, 2, 2}, 1, 2});
  ExpectSameBits({{1, 3, 115, 115}, {64, 3, 11, 11}, 4, 2});  // AlexNet's first
  ExpectSameBits({{1, 3, 112, 112}, {64, 3, 7, 7}, 2, 3});    // ResNet's first
  ExpectSameBits({{1, 20, 60, 60}, {20, 2, 3, 3}, 1, 1, 1, 10});
  ExpectSameBits({{9, 16, 14, 14}, {40, 16, 1, 1}, 1, 1});
  ExpectSameBits({{1, 512, 4, 4}, {70, 512, 2, 2}, 1, 2});
}

TEST_F(ConvBitsTest, AnyConvolution) {
  for (int i = 0; i < 40; ++i) {
    Geometry g;
    g.group = Int(0, 3) == 0 ? Int(2, 6) : 1;
    const int64_t in = g.group == 1 ? Int(1, 60) : Int(1, 6);
    const int64_t out = g.group == 1 ? Int(1, 60) : Int(1, 6);
    const int64_t kernel = Int(1, 5);
    g.stride = Int(1, 3);
    g.pad = Int(0, 2);
    g.dilation = Int(1, 2);
    g.x = {Int(1, 3), in * g.group, Int(10, 30), Int(10, 30)};
    g.w = {out * g.group, in, kernel, kernel};
    ExpectSameBits(g);
  }
}

}  // namespace
}  // namespace doppio
