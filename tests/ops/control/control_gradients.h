#ifndef DOPPIO_TESTS_OPS_CONTROL_CONTROL_GRADIENTS_H_
#define DOPPIO_TESTS_OPS_CONTROL_CONTROL_GRADIENTS_H_

// Gradients of nets with If, While and Do, by finite differences.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "doppio/gradient.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/ops/control/control_net.h"
#include "tests/support/tensor_match.h"

namespace doppio {

using Names = std::vector<std::string>;
using Feeds = std::map<std::string, std::vector<double>>;

inline Tensor Vector(const std::vector<double>& values) {
  return *Tensor::FromSpan<double>({static_cast<int64_t>(values.size())}, values);
}

inline void FeedAll(const Feeds& feeds, bool condition, Workspace* workspace) {
  for (const auto& [name, values] : feeds) ASSERT_TRUE(workspace->Feed(name, Vector(values)).ok());
  ASSERT_TRUE(workspace->Feed("c", Tensor::Scalar<bool>(condition)).ok());
  ASSERT_TRUE(workspace->Feed("go", Tensor::Scalar<bool>(false)).ok());
  ASSERT_TRUE(workspace->Feed("one", Tensor::Scalar<int32_t>(1)).ok());
  ASSERT_TRUE(workspace->Feed("seed", Tensor::Scalar<double>(1)).ok());
}

inline double Loss(const NetDef& net, const Feeds& feeds, bool condition) {
  Workspace workspace;
  FeedAll(feeds, condition, &workspace);
  const absl::Status status = workspace.RunNetOnce(net);
  EXPECT_TRUE(status.ok()) << status;
  return status.ok() ? workspace.Fetch("loss")->data<double>()[0] : 0;
}

inline absl::StatusOr<Backward> Differentiate(const NetDef& net) {
  return AddGradientOperators(net, {GradientTarget("loss", "seed")});
}

// All gradients of what is fed, by both executors, in a first and a second run.
inline void ExpectGradients(const NetDef& net, const Names& blobs, const Feeds& feeds,
                            bool condition = true) {
  const absl::StatusOr<Backward> backward = Differentiate(net);
  ASSERT_TRUE(backward.ok()) << backward.status();
  std::map<std::string, Tensor> first;
  for (const char* type : {"simple", "parallel"}) {
    Workspace workspace;
    FeedAll(feeds, condition, &workspace);
    NetDef whole = backward->net;
    whole.set_name("whole");
    whole.set_type(type);
    const absl::StatusOr<Net*> made = workspace.CreateNet(whole);
    ASSERT_TRUE(made.ok()) << made.status();
    for (int run = 0; run < 2; ++run) {
      const absl::Status status = (*made)->Run();
      ASSERT_TRUE(status.ok()) << status;
      for (const std::string& blob : blobs) {
        ASSERT_EQ(backward->gradients.count(blob), 1U) << blob;
        const auto gradient = workspace.Fetch(backward->gradients.at(blob).dense);
        ASSERT_TRUE(gradient.ok()) << gradient.status();
        const auto known = first.emplace(blob, DeepCopy(*gradient));
        EXPECT_TRUE(TensorEquals(*gradient, known.first->second)) << blob << " " << type << run;
      }
      FeedAll(feeds, condition, &workspace);
    }
  }
  for (const std::string& blob : blobs) {
    const std::vector<double>& values = feeds.at(blob);
    ASSERT_EQ(first.at(blob).numel(), static_cast<int64_t>(values.size())) << blob;
    for (size_t i = 0; i < values.size(); ++i) {
      constexpr double kStep = 1e-5;
      Feeds moved = feeds;
      moved.at(blob)[i] += kStep;
      const double above = Loss(net, moved, condition);
      moved.at(blob)[i] -= 2 * kStep;
      const double below = Loss(net, moved, condition);
      const double wanted = (above - below) / (2 * kStep);
      EXPECT_NEAR(first.at(blob).data<double>()[i], wanted, 1e-6 * (1 + std::abs(wanted)))
          << blob << "[" << i << "]";
    }
  }
}

inline std::string ErrorOf(const NetDef& net) {
  const absl::StatusOr<Backward> backward = Differentiate(net);
  return backward.ok() ? "no error" : std::string(backward.status().message());
}

inline NetDef Loss(ControlNet net, const Names& blobs) {
  Names sums;
  for (const std::string& blob : blobs) {
    net.Op("Sqr", {blob}, {blob + "_squared"});
    net.Op("SumElements", {blob + "_squared"}, {blob + "_sum"});
    sums.push_back(blob + "_sum");
  }
  net.Op("Sum", sums, {"loss"});
  return net.def();
}

inline const Feeds kFeeds = {
    {"x", {0.3, -0.7}}, {"w", {0.9, 1.2}}, {"b", {0.1, -0.2}}, {"y", {0.5, 0.4}}};

// y = sigmoid(x * w), with a blob of its own and a step in place.
inline NetDef Layer(const std::string& x = "x", const std::string& w = "w",
                    const std::string& y = "y") {
  NetBuilder net("layer");
  net.Op("Mul", {x, w}, {"own"}).Op("Sigmoid", {"own"}, {"own"}).Op("Mul", {"own", "own"}, {y});
  return net.def();
}

inline NetDef Half(const std::string& from, const std::string& to) {
  NetBuilder net("half");
  net.Op("Scale", {from}, {to}, {MakeArgument<float>("scale", 0.5)});
  return net.def();
}

// go = i < n, i += 1: `turns` turns.
inline NetDef Count(const std::string& i = "i", const std::string& go = "go") {
  NetBuilder net("count");
  net.Op("LT", {i, "n"}, {go}).Op("Add", {i, "one"}, {i});
  return net.def();
}

inline ControlNet Counted(int turns) {
  ControlNet net("net");
  net.Op("ConstantFill", {}, {"i"},
         {MakeArgument<std::vector<int64_t>>("shape", {}), MakeArgument<int64_t>("value", 0),
          MakeArgument<int64_t>("dtype", 2)});
  net.Op("ConstantFill", {}, {"n"},
         {MakeArgument<std::vector<int64_t>>("shape", {}), MakeArgument<int64_t>("value", turns),
          MakeArgument<int64_t>("dtype", 2)});
  return net;
}

// The gradient operator of that type in what AddGradientOperators makes of the net.
inline OperatorDef GradientOp(const NetDef& net, const std::string& type) {
  const absl::StatusOr<Backward> backward = Differentiate(net);
  EXPECT_TRUE(backward.ok()) << backward.status();
  for (const OperatorDef& op : backward.ok() ? backward->net.op() : net.op()) {
    if (op.type() == type && op.is_gradient_op()) return op;
  }
  return {};
}

inline NetDef NetIn(const OperatorDef& op, const char* argument) {
  const Argument* arg = FindArgument(op, argument);
  return arg == nullptr ? NetDef() : arg->n();
}

inline Names Text(const NetDef& net) {
  Names ops;
  for (const OperatorDef& op : net.op()) ops.push_back(OpToString(op));
  return ops;
}

}  // namespace doppio

#endif  // DOPPIO_TESTS_OPS_CONTROL_CONTROL_GRADIENTS_H_
