#include "tests/support/random_net_gradient.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <regex>
#include <tuple>

#include "doppio/gradient.h"
#include "doppio/gradient_check.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

// The forward net, run operator by operator; the loss is the sum of <gradient, target>.
class Loss {
 public:
  Loss(const RandomNet& drawn, const std::vector<std::pair<std::string, Tensor>>& targets)
      : drawn_(drawn), targets_(targets) {
    for (const auto& feed : drawn_.feeds)
      EXPECT_TRUE(workspace_.Feed(feed.first, feed.second).ok());
    for (const OperatorDef& def : drawn_.net.op()) {
      auto op = CreateOperator(def, &workspace_);
      EXPECT_TRUE(op.ok()) << op.status();
      if (op.ok()) ops_.push_back(*std::move(op));
    }
  }

  // Where element `i` of `blob` is moved by `step` once operator `after` has run (-1: as it is
  // fed).
  double Run(const std::string& blob, int after, int64_t i, double step) {
    for (const auto& [name, value] : drawn_.feeds) {
      *workspace_.CreateBlob(name)->GetMutable<Tensor>() = DeepCopy(value);
    }
    for (int k = -1; k < static_cast<int>(ops_.size()); ++k) {
      if (k >= 0) {
        EXPECT_TRUE(ops_[static_cast<size_t>(k)]->Run().ok());
      }
      if (k != after) continue;
      Tensor* x = workspace_.CreateBlob(blob)->GetMutable<Tensor>();
      EXPECT_TRUE(x->MakeUnique().ok());
      x->mutable_data<double>()[i] += step;
    }
    double loss = 0;
    for (const auto& [target, gradient] : targets_) {
      const Tensor& y = *workspace_.FindBlob(target)->Get<Tensor>();
      for (int64_t e = 0; e < y.numel(); ++e) {
        loss += y.data<double>()[e] * gradient.data<double>()[e];
      }
    }
    return loss;
  }

 private:
  const RandomNet& drawn_;
  const std::vector<std::pair<std::string, Tensor>>& targets_;
  Workspace workspace_;
  std::vector<std::unique_ptr<OperatorBase>> ops_;
};

Tensor Dense(const Workspace& workspace, const GradientWrapper& gradient, const Tensor& x) {
  const absl::StatusOr<Tensor> dense = DenseGradient(workspace, gradient, x);
  EXPECT_TRUE(dense.ok()) << dense.status();
  return dense.ok() ? *dense : Tensor();
}

// The kind of a refusal, of those that docs/gradients.md has; empty for any other.
std::string Reason(const std::string& message) {
  static const auto& kinds = *new std::vector<std::pair<std::regex, std::string>>{
      {std::regex(R"(operator (\w+)\(.*, which (\w+)\(.* overwrites in place)"),
       "$1 reads an input that $2 overwrites in place"},
      {std::regex(R"(needs (\w+) .* operator (\w+)\(.* writes to the same blob later)"),
       "$2 reads an $1 that is written to later"},
      {std::regex(R"(depends on (output \d+) .*, which the gradient of (\w+) leaves out)"),
       "the gradient of $2 leaves $1 out"},
      {std::regex("has dense and sparse gradients"), "a blob has dense and sparse gradients"},
      {std::regex(R"(gradient of (\w+)\(.* is sparse, but must be dense)"),
       "the gradient of $1 takes no sparse one"},
  };
  for (const auto& [pattern, reason] : kinds) {
    std::smatch match;
    if (std::regex_search(message, match, pattern)) return match.format(reason);
  }
  return "";
}

// Blobs that the operator `writer` alone writes (-1: external inputs, which hold before any write
// what they are fed), as they are after it.
std::vector<std::tuple<std::string, int, Tensor>> Watched(const RandomNet& drawn) {
  std::map<std::string, std::pair<int, int>> writes;  // count, last operator
  for (int k = 0; k < drawn.net.op_size(); ++k) {
    for (const std::string& output : drawn.net.op(k).output()) {
      ++writes[output].first;
      writes[output].second = k;
    }
  }
  std::vector<std::tuple<std::string, int, Tensor>> watched;
  for (const auto& [name, value] : drawn.feeds) {
    if (value.Is<double>() && drawn.constants.count(name) == 0) {
      watched.emplace_back(name, -1, value);
    }
    writes.erase(name);
  }
  Workspace workspace;
  for (const auto& [name, value] : drawn.feeds) {
    EXPECT_TRUE(workspace.Feed(name, DeepCopy(value)).ok());
  }
  EXPECT_TRUE(workspace.RunNetOnce(drawn.net).ok());
  for (const auto& [name, write] : writes) {
    const absl::StatusOr<Tensor> value = workspace.Fetch(name);
    if (write.first != 1 || !value.ok() || !value->Is<double>()) continue;
    watched.emplace_back(name, write.second, *value);
  }
  return watched;
}

// The same bits where the gradients of a few blobs alone are wanted.
void CheckWanted(const RandomNet& drawn, const std::vector<GradientTarget>& targets,
                 const std::vector<std::pair<std::string, Tensor>>& given, const Backward& all,
                 const Workspace& expected, std::mt19937_64* random) {
  if (all.gradients.empty()) return;
  GradientOptions options;
  options.wrt.emplace();
  for (int i = 0; i < 2; ++i) {
    auto any = all.gradients.begin();
    std::advance(any, (*random)() % all.gradients.size());
    options.wrt->push_back(any->first);
  }
  const absl::StatusOr<Backward> few = AddGradientOperators(drawn.net, targets, options);
  ASSERT_TRUE(few.ok()) << few.status();
  Workspace workspace;
  for (const auto& [name, value] : drawn.feeds) {
    ASSERT_TRUE(workspace.Feed(name, DeepCopy(value)).ok());
  }
  for (const auto& [blob, value] : given) {
    ASSERT_TRUE(workspace.Feed("given_" + blob, DeepCopy(value)).ok());
  }
  const absl::Status status = workspace.RunNetOnce(few->net);
  ASSERT_TRUE(status.ok()) << status << "\n" << few->net.DebugString();
  EXPECT_LE(few->net.op_size(), all.net.op_size());
  for (const std::string& blob : *options.wrt) {
    const GradientWrapper& names = few->gradients.at(blob);
    const GradientWrapper& names_of_all = all.gradients.at(blob);
    ASSERT_EQ(names.IsDense(), names_of_all.IsDense());
    for (const auto part :
         {&GradientWrapper::dense, &GradientWrapper::indices, &GradientWrapper::values}) {
      if ((names.*part).empty()) continue;
      EXPECT_TRUE(
          TensorBitsEqual(*workspace.Fetch(names.*part), *expected.Fetch(names_of_all.*part)))
          << "gradient of \"" << blob << "\"";
    }
  }
}

}  // namespace

void CheckDrawnGradients(const RandomNet& drawn, uint64_t seed, int64_t max_elements,
                         GradientTally* tally) {
  const auto watched = Watched(drawn);
  std::mt19937_64 random(seed);
  const auto real = [&] { return static_cast<double>(random() >> 11) * 0x1p-52 - 1; };

  // One to three targets; a value of a blob that was overwritten later can be none.
  Workspace workspace;
  for (const auto& [name, value] : drawn.feeds) {
    ASSERT_TRUE(workspace.Feed(name, DeepCopy(value)).ok());
  }
  ASSERT_TRUE(workspace.RunNetOnce(drawn.net).ok());
  std::vector<std::string> candidates;
  for (const OperatorDef& op : drawn.net.op()) {
    for (const std::string& output : op.output()) {
      const absl::StatusOr<Tensor> value = workspace.Fetch(output);
      if (value.ok() && value->Is<double>()) candidates.push_back(output);
    }
  }
  std::vector<GradientTarget> targets;
  std::vector<std::pair<std::string, Tensor>> given;
  for (uint64_t count = 1 + random() % 3; count > 0; --count) {
    const std::string& blob =
        count == 1 ? candidates.back() : candidates[random() % candidates.size()];
    if (std::any_of(given.begin(), given.end(), [&](const auto& g) { return g.first == blob; })) {
      continue;
    }
    const Tensor y = *workspace.Fetch(blob);
    std::vector<double> elements(static_cast<size_t>(y.numel()));
    for (double& element : elements) element = real();
    given.emplace_back(blob, *Tensor::FromSpan<double>(y.dims(), elements));
    targets.emplace_back(blob, "given_" + blob);
  }

  const absl::StatusOr<Backward> backward = AddGradientOperators(drawn.net, targets);
  if (!backward.ok()) {
    const std::string message(backward.status().message());
    const std::string reason = Reason(message);
    EXPECT_NE(reason, "") << message << "\nnet " << seed << "\n" << drawn.ToString();
    ++tally->refused;
    ++tally->reasons[reason];
    return;
  }
  for (const auto& [name, value] : drawn.feeds) {
    ASSERT_TRUE(workspace.Feed(name, DeepCopy(value)).ok());
  }
  for (const auto& [blob, value] : given) {
    ASSERT_TRUE(workspace.Feed("given_" + blob, DeepCopy(value)).ok());
  }
  const absl::Status status = workspace.RunNetOnce(backward->net);
  ASSERT_TRUE(status.ok()) << status << "\nnet " << seed << "\n"
                           << backward->net.DebugString() << drawn.ToString();
  CheckWanted(drawn, targets, given, *backward, workspace, &random);
  ASSERT_FALSE(testing::Test::HasFailure()) << "net " << seed << "\n" << drawn.ToString();
  Loss loss(drawn, given);
  for (const auto& [blob, after, value] : watched) {
    const auto found = backward->gradients.find(blob);
    const Tensor gradient =
        found == backward->gradients.end()
            ? *Tensor::FromSpan<double>(
                  value.dims(), std::vector<double>(static_cast<size_t>(value.numel()), 0.0))
            : Dense(workspace, found->second, value);
    ASSERT_EQ(gradient.TypeAndShape(), value.TypeAndShape())
        << "gradient of " << blob << "\nnet " << seed << "\n"
        << backward->net.DebugString() << drawn.ToString();
    const int64_t step = std::max<int64_t>(1, value.numel() / max_elements);
    for (int64_t i = 0; i < value.numel(); i += step) {
      ++tally->elements;
      const double got = gradient.data<double>()[i];
      const auto difference = [&, &blob = blob, after = after](double from, double to) {
        return (loss.Run(blob, after, i, to) - loss.Run(blob, after, i, from)) / (to - from);
      };
      const double expected = difference(-1e-5, 1e-5);
      const auto is_near = [&](double a, double b, double tolerance) {
        return std::abs(a - b) <= tolerance * (1 + std::abs(a) + std::abs(b));
      };
      if (is_near(got, expected, 1e-5)) continue;
      // Where the function bends strongly, a smaller step is nearer.
      if (is_near(got, difference(-1e-7, 1e-7), 1e-5)) continue;
      FAIL() << "the gradient of \"" << blob << "\" at " << i << " is " << got
             << ", but finite differences give " << expected << "\nnet " << seed << "\n"
             << backward->net.DebugString() << drawn.ToString();
    }
  }
  ++tally->right;
}

}  // namespace doppio
