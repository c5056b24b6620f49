// Any net of any operators: checked, inferred, run by both executors, with one thread and four,
// with phantoms, differentiated and through Predictor. What comes back is a result or an error; the
// same bits from all, and what inference foretold.
//
//   DOPPIO_FUZZ_SHOW=1 DOPPIO_FUZZ_TARGET=net_run build/fuzz/bin/fuzz FILE     shows the net

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>

#include "doppio/check.h"
#include "doppio/gradient.h"
#include "doppio/infer.h"
#include "doppio/parallel.h"
#include "doppio/predictor.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/hard_net.h"
#include "tests/support/tensor_match.h"
#include "tests/support/tight_limits.h"

namespace doppio {
namespace {

constexpr int kSeeds = 200;
constexpr int kMostOperators = 1000;  // that a run may take, loops included
constexpr int kThreads = 4;

struct Way {
  const char* name;
  const char* executor = "simple";
  int threads = 1;
  int64_t phantoms = 0;
};
constexpr Way kPlain = {"plain"};
constexpr Way kOtherWays[] = {{"four threads", "simple", kThreads},
                              {"parallel", "parallel", kThreads},
                              {"phantoms", "simple", 1, 1}};

using Tensors = std::map<std::string, Tensor>;

struct Outcome {
  absl::Status status;
  Tensors written;  // what operators wrote, as far as it is tensors
};

// A run that was interrupted, or found no memory, ends somewhere: other ways need other memory.
bool IsCutShort(const absl::Status& status) {
  return absl::IsCancelled(status) || absl::IsResourceExhausted(status);
}

void Feed(const RandomNet& hard, Workspace* workspace) {
  workspace->SetFileAccess(FileAccess::None());
  for (const auto& [name, value] : hard.feeds) {
    *workspace->CreateBlob(name)->GetMutable<Tensor>() = DeepCopy(value);
  }
}

Outcome Run(NetDef net, const RandomNet& hard, const Way& way, TightLimits* limits) {
  net.set_type(way.executor);
  if (way.phantoms > 0) *net.add_arg() = MakeArgument<int64_t>("phantoms", way.phantoms);
  Workspace workspace;
  Feed(hard, &workspace);
  SetNumThreads(way.threads);
  limits->AllowOperators(kMostOperators);
  Outcome outcome;
  outcome.status = workspace.RunNetOnce(net);
  SetNumThreads(1);
  for (const OperatorDef& op : net.op()) {
    for (const std::string& name : op.output()) {
      const absl::StatusOr<Tensor> value = workspace.Fetch(name);
      if (!value.ok()) continue;
      Touch(*value);
      outcome.written[name] = *value;
    }
  }
  return outcome;
}

void ExpectSame(const Tensors& actual, const Tensors& expected) {
  for (const auto& [name, value] : expected) {
    const auto found = actual.find(name);
    ASSERT_NE(found, actual.end()) << name << " is no tensor";
    EXPECT_TRUE(TensorBitsEqual(found->second, value)) << name;
  }
}

// Runs the net in all ways; gives what the plain one does.
Outcome RunInAllWays(const NetDef& net, const RandomNet& hard, TightLimits* limits) {
  const Outcome plain = Run(net, hard, kPlain, limits);
  for (const Way& way : kOtherWays) {
    SCOPED_TRACE(way.name);
    const Outcome other = Run(net, hard, way, limits);
    if (IsCutShort(plain.status) || IsCutShort(other.status)) continue;
    EXPECT_EQ(other.status.ok(), plain.status.ok())
        << other.status << "\nplainly: " << plain.status;
    if (plain.status.ok() && other.status.ok()) ExpectSame(other.written, plain.written);
  }
  return plain;
}

BlobInfos InfosOf(const RandomNet& hard, bool with_values) {
  BlobInfos infos;
  for (const auto& [name, value] : hard.feeds) {
    if (value.dtype() == DataType::kUndefined) continue;
    infos[name] = {value.dtype(), Dims(value.dims().begin(), value.dims().end()), std::nullopt};
    if (with_values) infos[name].value = value;
  }
  return infos;
}

void ExpectInferenceIsRight(const RandomNet& hard, const Outcome& outcome, bool with_values) {
  SCOPED_TRACE(absl::StrCat("inference, with values: ", with_values));
  BlobInfos known = InfosOf(hard, with_values);
  const std::vector<NetProblem> problems = CheckShapes(hard.net, &known);
  const absl::StatusOr<NetInference> inferred = InferNet(hard.net, InfosOf(hard, with_values));
  if (!outcome.status.ok()) return;
  EXPECT_TRUE(problems.empty()) << "refuses what runs: " << ProblemsToStatus(problems);
  ASSERT_TRUE(inferred.ok()) << "refuses what runs: " << inferred.status();
  for (const auto& [name, value] : outcome.written) {
    const auto found = inferred->blobs.find(name);
    if (found == inferred->blobs.end() || value.dtype() == DataType::kUndefined) continue;
    const TensorInfo& info = found->second;
    if (info.dtype != DataType::kUndefined) {
      EXPECT_EQ(DataTypeName(info.dtype), DataTypeName(value.dtype())) << name;
    }
    if (info.dims.has_value()) {
      EXPECT_EQ(ShapeToString(*info.dims), ShapeToString(value.dims())) << name;
    }
    if (info.value.has_value()) {
      EXPECT_TRUE(TensorBitsEqual(*info.value, value)) << name;
    }
  }
}

// The gradients of all outputs, from ones.
void Differentiate(const RandomNet& hard, TightLimits* limits) {
  SCOPED_TRACE("backward");
  std::vector<GradientTarget> targets;
  for (const std::string& output : OutputsOfNet(hard.net)) targets.emplace_back(output);
  const absl::StatusOr<Backward> backward = AddGradientOperators(hard.net, targets);
  if (!backward.ok()) return;
  (void)InferNet(backward->net, InfosOf(hard, true));
  (void)RunInAllWays(backward->net, hard, limits);
}

void Predict(const RandomNet& hard, const Outcome& outcome, bool optimize, TightLimits* limits) {
  SCOPED_TRACE(absl::StrCat("Predictor, rewritten: ", optimize));
  Model model;
  model.predict = hard.net;
  Tensors inputs;
  for (size_t i = 0; i < hard.feeds.size(); ++i) {
    const auto& [name, value] = hard.feeds[i];
    (i % 2 == 0 ? inputs : model.weights)[name] = DeepCopy(value);
    if (i % 2 == 0) model.inputs.push_back(name);
  }
  PredictorOptions options;
  options.optimize = optimize;
  options.file_access = FileAccess::None();
  limits->AllowOperators(kMostOperators);
  const auto predictor = Predictor::Create(std::move(model), options);
  if (!predictor.ok()) return;
  for (int run = 0; run < 2; ++run) {
    limits->AllowOperators(kMostOperators);
    const absl::StatusOr<Tensors> results = (*predictor)->Run(inputs);
    if (!results.ok() || !outcome.status.ok()) continue;
    for (const auto& [name, value] : *results) {
      const auto expected = outcome.written.find(name);
      if (expected == outcome.written.end()) continue;  // an input
      Touch(value);
      // A second run may go on where the first one ended: with random numbers, or a counter.
      if (optimize || run > 0) {
        EXPECT_EQ(value.TypeAndShape(), expected->second.TypeAndShape()) << name;
      } else {
        EXPECT_TRUE(TensorBitsEqual(value, expected->second)) << name;
      }
    }
  }
}

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    std::mt19937 random(seed);
    std::string bytes(64 + seed % 4 * 64, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    seeds.push_back(bytes);
  }
  return seeds;
}

void Try(absl::string_view bytes) {
  TightLimits limits;
  Choices choices(bytes);
  const RandomNet hard = MakeHardNet(&choices);
  const std::string text = hard.ToString();
  if (std::getenv("DOPPIO_FUZZ_SHOW") != nullptr) std::cerr << text << std::endl;
  SCOPED_TRACE(text);
  (void)CheckNet(hard.net);
  const Outcome outcome = RunInAllWays(hard.net, hard, &limits);
  if (!IsCutShort(outcome.status)) {
    for (const bool with_values : {false, true}) {
      ExpectInferenceIsRight(hard, outcome, with_values);
    }
  }
  Differentiate(hard, &limits);
  for (const bool optimize : {false, true}) Predict(hard, outcome, optimize, &limits);
}

DOPPIO_FUZZ_TARGET(net_run, Seeds, Try);

}  // namespace
}  // namespace doppio
