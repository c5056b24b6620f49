// Random nets with If, While and Do, one in another, against finite differences: a gradient is
// right, or it is refused. More and others: DOPPIO_CONTROL_NETS=100000 DOPPIO_CONTROL_SEED=7.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "doppio/gradient.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/ops/control/control_net.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using Names = std::vector<std::string>;

int FromEnvironment(const char* name, int fallback) {
  const char* value = std::getenv(name);
  return value == nullptr ? fallback : std::atoi(value);
}

class RandomControlNet {
 public:
  explicit RandomControlNet(uint64_t seed) : generator_(seed) {}

  NetDef Make() {
    ControlNet net = Body(3, {"x", "w", "b"}, {"zero"});
    NetDef* def = net.mutable_def();
    for (const char* blob : {"x", "w", "b"}) {
      *def->add_op() = CreateOperatorDef("Copy", "", {absl::StrCat("fed_", blob)}, {blob});
    }
    std::rotate(def->mutable_op()->pointer_begin(), def->mutable_op()->pointer_end() - 3,
                def->mutable_op()->pointer_end());
    Names sums;
    for (const char* blob : {"x", "w", "b"}) {
      net.Op("Tanh", {blob}, {absl::StrCat(blob, "_end")});
      net.Op("SumElements", {absl::StrCat(blob, "_end")}, {absl::StrCat(blob, "_sum")});
      if (Draw(3) > 0) sums.push_back(absl::StrCat(blob, "_sum"));
    }
    if (sums.empty()) sums.emplace_back("x_sum");
    net.Op("Sum", sums, {"loss"});
    return net.def();
  }

 private:
  int Draw(int below) { return static_cast<int>(generator_() % static_cast<uint64_t>(below)); }
  const std::string& OneOf(const Names& names) {
    return names[static_cast<size_t>(Draw(static_cast<int>(names.size())))];
  }

  // A net that sees the vectors `seen` and the numbers `counters`.
  ControlNet Body(int depth, Names seen, const Names& counters) {
    const Names outside = seen;
    ControlNet net(absl::StrCat("net", count_++));
    for (int steps = 2 + Draw(3); steps > 0; --steps) {
      const int kind = Draw(depth > 0 ? 12 : 8);
      if (kind < 8) {
        Step(&net, kind, &seen);
      } else if (kind == 8) {
        const NetDef inner = Body(depth - 1, seen, counters).def();
        const Names outputs = Outputs(inner, seen);
        net.Do(inner, outputs, absl::StrCat("scope", count_++), Draw(2) == 0);
      } else if (kind < 11) {
        If(depth, seen, counters, &net);
      } else {
        While(depth, seen, counters, &net);
      }
    }
    return net;
  }

  void Step(ControlNet* net, int kind, Names* seen) {
    const std::string from = OneOf(*seen);
    // Few names, so that they clash; now and then one that is seen outside.
    const std::string to = Draw(2) == 0 ? OneOf(*seen) : OneOf({"p", "q", "r", "x_grad", "w_grad"});
    Names two = {from, OneOf(*seen)};
    if (two[1] == to) std::swap(two[0], two[1]);  // the one that all may write over
    if (kind < 2) {
      net->Op("Copy", {from}, {to != from ? to : from == "s" ? "t" : "s"});
    } else if (kind < 5) {
      net->Op(OneOf({"Tanh", "Sigmoid", "Negative"}), {from}, {to});
    } else {
      net->Op(OneOf({"Mul", "Add", "Sub", "Sum"}), two, {to});
    }
    ControlNet::AddAll(Names{net->def().op().rbegin()->output(0)}, seen);
  }

  static Names Outputs(const NetDef& net, const Names& seen) {
    Names outputs;
    for (const OperatorDef& op : net.op()) {
      for (const std::string& output : op.output()) {
        if (std::find(seen.begin(), seen.end(), output) != seen.end()) {
          ControlNet::AddAll(Names{output}, &outputs);
        }
      }
    }
    return outputs;
  }

  void If(int depth, const Names& seen, const Names& counters, ControlNet* net) {
    const std::string condition = absl::StrCat("condition", count_++);
    net->Op("LT", {OneOf(counters), OneOf({"one", "zero", "three"})}, {condition});
    const NetDef then_net = Body(depth - 1, seen, counters).def();
    const NetDef else_net = Body(depth - 1, seen, counters).def();
    const Names then_outputs = Outputs(then_net, seen);
    const Names else_outputs = Outputs(else_net, seen);
    const bool has_else = Draw(3) > 0;
    Names also = then_outputs;
    ControlNet::AddAll(else_outputs, &also);
    if (Draw(4) == 0) also.clear();
    net->If(condition, then_net, then_outputs, has_else ? &else_net : nullptr, else_outputs, also);
  }

  void While(int depth, const Names& seen, Names counters, ControlNet* net) {
    const std::string id = absl::StrCat(count_++);
    const std::string go = "go" + id;
    const std::string i = "i" + id;
    net->Op("LT", {"zero", "zero"}, {go}).Op("Copy", {OneOf({"zero", "one"})}, {i});
    NetBuilder condition("condition");
    condition.Op("LT", {i, OneOf({"one", "three"})}, {go}).Op("Add", {i, "one"}, {i});
    counters.push_back(i);
    const NetDef body = Body(depth - 1, seen, counters).def();
    net->While(go, condition.def(), body, Outputs(body, seen));
  }

  std::mt19937_64 generator_;
  int count_ = 0;
};

using Feeds = std::map<std::string, std::vector<double>>;

absl::Status FeedAndRun(const Feeds& feeds, const NetDef& net, Workspace* workspace) {
  for (const auto& [name, values] : feeds) {
    DOPPIO_RETURN_IF_ERROR(workspace->Feed(name, Tensor::FromSpan<double>({2}, values)));
  }
  DOPPIO_RETURN_IF_ERROR(workspace->Feed("seed", Tensor::Scalar<double>(1)));
  for (const auto& [name, value] : {std::pair("zero", 0), {"one", 1}, {"three", 3}}) {
    DOPPIO_RETURN_IF_ERROR(workspace->Feed(name, Tensor::Scalar<int32_t>(value)));
  }
  return workspace->RunNetOnce(net);
}

TEST(RandomControlTest, GradientsAreRightOrRefused) {
  const int seed = FromEnvironment("DOPPIO_CONTROL_SEED", 1);
  const int count = FromEnvironment("DOPPIO_CONTROL_NETS", 400);
  int right = 0;
  int refused = 0;
  int derivatives = 0;
  std::map<std::string, int> reasons;
  for (int n = 0; n < count && !testing::Test::HasFailure(); ++n) {
    SCOPED_TRACE(absl::StrCat("net ", n, " of DOPPIO_CONTROL_SEED=", seed));
    const NetDef net =
        RandomControlNet(static_cast<uint64_t>(seed) * 1000003 + static_cast<uint64_t>(n)).Make();
    const Feeds feeds = {{"fed_x", {0.3, -0.7}}, {"fed_w", {0.9, 1.2}}, {"fed_b", {0.1, -0.2}}};
    const auto loss = [&](const Feeds& values) {
      Workspace workspace;
      const absl::Status status = FeedAndRun(values, net, &workspace);
      EXPECT_TRUE(status.ok()) << status << net.DebugString();
      return status.ok() ? workspace.Fetch("loss")->data<double>()[0] : 0;
    };
    const auto backward = AddGradientOperators(net, {GradientTarget("loss", "seed")});
    if (!backward.ok()) {
      ++refused;
      std::string reason(backward.status().message());
      reason = reason.substr(reason.rfind(": ") + 2);
      if (const size_t quote = reason.find('"'); quote != std::string::npos) {
        reason = reason.substr(std::min(reason.size(), reason.find('"', quote + 1) + 1));
      }
      ++reasons[reason.substr(0, 60)];
      continue;
    }
    Workspace workspace;
    const absl::Status status = FeedAndRun(feeds, backward->net, &workspace);
    ASSERT_TRUE(status.ok()) << status << net.DebugString();
    ++right;
    NetDef parallel = backward->net;
    parallel.set_type("parallel");
    Workspace other;
    ASSERT_TRUE(FeedAndRun(feeds, parallel, &other).ok());
    for (const auto& [blob, values] : feeds) {
      const auto found = backward->gradients.find(blob);
      for (size_t i = 0; i < values.size(); ++i) {
        constexpr double kStep = 1e-5;
        Feeds moved = feeds;
        moved.at(blob)[i] += kStep;
        double wanted = loss(moved);
        moved.at(blob)[i] -= 2 * kStep;
        wanted = (wanted - loss(moved)) / (2 * kStep);
        if (found == backward->gradients.end()) {
          EXPECT_NEAR(wanted, 0, 1e-9) << blob << net.DebugString();
          continue;
        }
        const auto gradient = workspace.Fetch(found->second.dense);
        ASSERT_TRUE(gradient.ok()) << gradient.status() << blob << net.DebugString();
        EXPECT_TRUE(TensorBitsEqual(*gradient, *other.Fetch(found->second.dense))) << blob;
        EXPECT_NEAR(gradient->data<double>()[i], wanted, 1e-6 * (1 + std::abs(wanted)))
            << blob << net.DebugString();
        ++derivatives;
      }
    }
  }
  std::printf("%d nets right, %d refused; %d derivatives\n", right, refused, derivatives);
  if (std::getenv("DOPPIO_CONTROL_NETS") != nullptr) {
    for (const auto& [reason, times] : reasons) std::printf("%6d %s\n", times, reason.c_str());
  }
  EXPECT_GT(right, count / 20);
}

}  // namespace
}  // namespace doppio
