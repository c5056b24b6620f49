// Nothing that a net may say ends the process: every registered operator with random cases of
// hard_values.h, inferred, run, differentiated and through Predictor. What comes back is a result,
// or an error; what inference foretold, and the same from Predictor.
//
// DOPPIO_TABLE_SEED=n gives other cases, DOPPIO_HARD_CASES=n more of them for each operator. A
// sanitizer finds more than the usual build does:
//
//   DOPPIO_HARD_CASES=5000 build/asan/bin/table_test --gtest_filter='*HardValues*'

#include "tests/table/hard_values.h"

#include <cstdlib>
#include <ctime>

#include "doppio/gradient.h"
#include "doppio/infer.h"
#include "doppio/predictor.h"
#include "doppio/weight_shapes.h"
#include "doppio/workspace.h"
#include "tests/support/tight_limits.h"
#include "tests/table/last_words.h"

namespace doppio {
namespace {

constexpr int kUsualCount = 40;
constexpr int kCasesForUsual = 10;    // hard cases that are made of one set of usual ones
constexpr int kMostOperators = 1000;  // that a case may run, loops included
// Of processor time. Tensors are small, so a second means that something goes by a size that only
// an argument says.
constexpr double kSlow = 2;
constexpr int kTooSlow = 30;

int CaseCount() {
  const char* given = std::getenv("DOPPIO_HARD_CASES");
  return given == nullptr ? kUsualCount : std::atoi(given);
}

// A run of a case: an error, or tensors (none where an output is another thing).
using Results = absl::StatusOr<std::vector<Tensor>>;

void Feed(const OpCase& hard, Workspace* workspace) {
  for (const auto& [name, value] : hard.feeds) {
    *workspace->CreateBlob(name)->GetMutable<Tensor>() = value;
  }
}

std::vector<Tensor> Outputs(const OperatorDef& def, const Workspace& workspace) {
  std::vector<Tensor> outputs;
  for (const std::string& name : def.output()) {
    const std::shared_ptr<Blob> blob = workspace.FindBlob(name);
    const Tensor* tensor = blob == nullptr ? nullptr : blob->Get<Tensor>();
    outputs.push_back(tensor == nullptr ? Tensor() : *tensor);
    Touch(outputs.back());
  }
  return outputs;
}

// Twice, since the second run finds what the first one left.
Results RunCase(const OpCase& hard, TightLimits* limits) {
  Workspace workspace(testing::TempDir());
  Feed(hard, &workspace);
  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<OperatorBase> op,
                          CreateOperator(hard.def, &workspace));
  limits->AllowOperators(kMostOperators);
  DOPPIO_RETURN_IF_ERROR(op->Run());
  std::vector<Tensor> outputs = Outputs(hard.def, workspace);
  (void)op->Run();
  (void)Outputs(hard.def, workspace);
  return outputs;
}

void ExpectInferenceIsRight(const OpCase& hard, const OpSchema& schema, bool with_values,
                            const Results& results) {
  std::vector<TensorInfo> inputs(static_cast<size_t>(hard.def.input_size()));
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (const auto& [name, value] : hard.feeds) {
      if (name != hard.def.input(static_cast<int>(i))) continue;
      if (value.dtype() == DataType::kUndefined) continue;
      inputs[i] = {value.dtype(), Dims(value.dims().begin(), value.dims().end()), std::nullopt};
      if (with_values) inputs[i].value = value;
    }
  }
  const absl::StatusOr<std::vector<TensorInfo>> inferred = schema.Infer(hard.def, inputs);
  if (inferred.ok()) (void)schema.Cost(hard.def, inputs, *inferred);
  if (!results.ok() || !schema.Verify(hard.def).ok()) return;
  ASSERT_TRUE(inferred.ok()) << "inference refuses what runs: " << inferred.status();
  for (size_t i = 0; i < results->size(); ++i) {
    const Tensor& result = (*results)[i];
    if (result.dtype() == DataType::kUndefined) continue;
    const TensorInfo& info = (*inferred)[i];
    if (info.dtype != DataType::kUndefined) {
      EXPECT_EQ(DataTypeName(info.dtype), DataTypeName(result.dtype())) << "output " << i;
    }
    if (info.dims.has_value()) {
      EXPECT_EQ(ShapeToString(*info.dims), ShapeToString(result.dims())) << "output " << i;
    }
  }
}

NetDef NetOf(const OpCase& hard) {
  NetDef net;
  net.set_name("hard");
  *net.add_op() = hard.def;
  for (const auto& feed : hard.feeds) net.add_external_input(feed.first);
  for (const std::string& output : hard.def.output()) net.add_external_output(output);
  return net;
}

BlobInfos InfosOf(const OpCase& hard) {
  BlobInfos infos;
  for (const auto& [name, value] : hard.feeds) {
    if (value.dtype() == DataType::kUndefined) continue;
    infos[name] = {value.dtype(), Dims(value.dims().begin(), value.dims().end()), value};
  }
  return infos;
}

// As if the init net were lost: half of the inputs are known.
void FindWeights(const OpCase& hard) {
  BlobInfos infos = InfosOf(hard);
  for (size_t i = 1; i < hard.feeds.size(); i += 2) infos.erase(hard.feeds[i].first);
  (void)InferWeightShapes(NetOf(hard), infos, nullptr);
}

// The gradients of all outputs, from ones.
void Differentiate(const OpCase& hard, TightLimits* limits) {
  std::vector<GradientTarget> targets;
  for (const std::string& output : hard.def.output()) targets.emplace_back(output);
  const absl::StatusOr<Backward> backward = AddGradientOperators(NetOf(hard), targets);
  if (!backward.ok()) return;
  (void)InferNet(backward->net, InfosOf(hard));
  Workspace workspace(testing::TempDir());
  Feed(hard, &workspace);
  limits->AllowOperators(kMostOperators);
  if (!workspace.RunNetOnce(backward->net).ok()) return;
  for (const auto& [name, gradient] : backward->gradients) {
    const absl::StatusOr<Tensor> value = workspace.Fetch(name);
    const absl::StatusOr<Tensor> dense = workspace.Fetch(gradient.dense);
    if (!value.ok() || !dense.ok()) continue;
    Touch(*dense);
    // The shape may be another one, as of a bias [C,1] that is used as [C].
    EXPECT_EQ(value->numel(), dense->numel())
        << "the gradient of " << name << ": " << ShapeToString(dense->dims()) << " for "
        << ShapeToString(value->dims());
  }
}

// Every other input is a weight.
void Predict(const OpCase& hard, const Results& expected, TightLimits* limits) {
  Model model;
  model.predict = NetOf(hard);
  std::map<std::string, Tensor> inputs;
  for (size_t i = 0; i < hard.feeds.size(); ++i) {
    const auto& [name, value] = hard.feeds[i];
    (i % 2 == 0 ? inputs : model.weights)[name] = value;
    if (i % 2 == 0) model.inputs.push_back(name);
  }
  limits->AllowOperators(kMostOperators);
  const absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Create(std::move(model));
  if (!predictor.ok()) return;
  for (int run = 0; run < 2; ++run) {
    limits->AllowOperators(kMostOperators);
    const auto results = (*predictor)->Run(inputs);
    if (!results.ok()) continue;
    for (int i = 0; i < hard.def.output_size(); ++i) {
      const auto found = results->find(hard.def.output(i));
      if (found == results->end()) continue;
      Touch(found->second);
      if (!expected.ok()) continue;
      EXPECT_EQ(found->second.TypeAndShape(), (*expected)[static_cast<size_t>(i)].TypeAndShape())
          << "output " << i << " of Predictor";
    }
  }
}

std::vector<OpCase> UsualCases(const std::string& type, uint64_t seed) {
  const OpRow* row = FindOpRow(type);
  if (row == nullptr || !row->has_case()) return {};
  CaseRequest request;
  request.seed = seed;
  request.zero = seed % 5 == 0;
  request.scalar = seed % 7 == 0;
  return row->MakeCases(request);
}

class HardValuesTest : public testing::TestWithParam<std::string> {
 protected:
  TightLimits limits_;
};

TEST_P(HardValuesTest, EndInAResultOrAnError) {
  const OpSchema& schema = *OpSchemaRegistry::Schema(GetParam());
  std::vector<std::string> engines;
  for (const OperatorKey& key : OperatorRegistry::Keys()) {
    if (key.type == GetParam()) engines.push_back(key.engine);
  }
  std::vector<OpCase> usual;
  for (int i = 0; i < CaseCount(); ++i) {
    const uint64_t seed = CaseSeed(GetParam(), i);
    if (i % kCasesForUsual == 0) usual = UsualCases(GetParam(), seed);
    Choices choices(seed);
    OpCase hard = HardCase(schema, usual, &choices);
    if (!engines.empty()) hard.def.set_engine(engines[static_cast<size_t>(i) % engines.size()]);
    const std::string where = absl::StrCat(hard.ToString(), " (DOPPIO_TABLE_SEED=", TableSeed(),
                                           ", DOPPIO_HARD_CASES=", i + 1, " or more)");
    testing::ScopedTrace trace(__FILE__, __LINE__, where);
    const LastWords words(where, kTooSlow);
    const std::clock_t start = std::clock();
    const Results results = RunCase(hard, &limits_);
    ExpectInferenceIsRight(hard, schema, true, results);
    ExpectInferenceIsRight(hard, schema, false, results);
    FindWeights(hard);
    Differentiate(hard, &limits_);
    Predict(hard, results, &limits_);
    EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, kSlow) << "seconds";
    if (HasFailure() && CaseCount() == kUsualCount) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, HardValuesTest, testing::ValuesIn(OpSchemaRegistry::Types()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace doppio
