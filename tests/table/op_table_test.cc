// What the table (op_table.h) checks of every operator that is registered here. Each test has one
// case for each operator; what random case failed, and its seed, stands in the message.

#include "tests/table/op_table.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "doppio/allocator.h"
#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/workspace.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/op_tester.h"
#include "tests/table/gradient_check.h"
#include "tests/table/table_request.h"

namespace doppio {
namespace {

using testing::ScopedTrace;

constexpr int kGradientCases = 12;
constexpr int kOtherCases = 8;

std::vector<OpCase> UsualCases(const OpRow& row, int count) {
  std::vector<OpCase> cases;
  for (int i = 0; i < count; ++i) {
    for (OpCase& op_case : row.MakeCases(Request(row.type(), i)))
      cases.push_back(std::move(op_case));
  }
  return cases;
}

// The i-th of those that make several threads work.
std::vector<OpCase> LargeCases(const OpRow& row, int i) {
  CaseRequest request = Request(row.type(), 1000 + i);
  request.large = true;
  return row.MakeCases(request);
}

// Operators that run nets need a whole workspace.
OpTester Tester(const OpCase& op_case, Workspace* workspace) {
  OpTester tester(op_case.def);
  tester.In(workspace);
  for (const auto& [name, value] : op_case.feeds) tester.Feed(name, value);
  return tester;
}

// Empty where the run fails, which is a failure of the test then.
std::vector<Tensor> RunCase(const OpCase& op_case) {
  Workspace workspace;
  OpTester tester = Tester(op_case, &workspace);
  const absl::Status status = tester.Run();
  EXPECT_TRUE(status.ok()) << status;
  std::vector<Tensor> outputs;
  if (!status.ok()) return outputs;
  for (int i = 0; i < op_case.def.output_size(); ++i) outputs.push_back(tester.Output(i));
  return outputs;
}

void ExpectReference(const OpRow& row, const OpCase& op_case, const std::vector<Tensor>& outputs) {
  if (row.property() != nullptr) {
    EXPECT_EQ(row.property()(op_case, outputs), "");
  }
  if (row.reference() == nullptr) return;
  const std::vector<Tensor> expected = row.reference()(op_case);
  ASSERT_EQ(outputs.size(), expected.size()) << "outputs of the reference";
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_TRUE(TensorNear(outputs[i], expected[i], row.ToleranceFor(expected[i].dtype())))
        << "output " << i;
  }
}

// OpTester compares what inference says with the run; here: that it says everything, and a cost.
void ExpectInferenceIsComplete(const OpRow& row, const OpCase& op_case) {
  const OpSchema& schema = *OpSchemaRegistry::Schema(row.type());
  std::vector<TensorInfo> inputs;
  for (int i = 0; i < op_case.def.input_size(); ++i) {
    const Tensor& value = op_case.in(i);
    inputs.push_back({value.dtype(), Dims(value.dims().begin(), value.dims().end()), value});
  }
  const absl::StatusOr<std::vector<TensorInfo>> outputs = schema.Infer(op_case.def, inputs);
  if (!outputs.ok()) return;  // OpTester has said so
  const OpCost cost = schema.Cost(op_case.def, inputs, *outputs);
  EXPECT_GE(cost.flops, 0);
  if (row.inference_open()) return;
  for (size_t i = 0; i < outputs->size(); ++i) {
    EXPECT_TRUE((*outputs)[i].IsKnown()) << "inference does not say what output " << i << " is";
  }
}

void ExpectArgumentsAreDeclared(const OpCase& op_case) {
  const OpSchema& schema = *OpSchemaRegistry::Schema(op_case.def.type());
  // Gradient operators get the arguments of the forward operator along with their own.
  if (op_case.def.is_gradient_op()) return;
  for (const Argument& argument : op_case.def.arg()) {
    EXPECT_NE(schema.FindArg(argument.name()), nullptr)
        << "the schema does not declare the argument " << argument.name();
  }
}

class OperatorTest : public testing::TestWithParam<std::string> {};

TEST_P(OperatorTest, HasARow) {
  const OpRow* row = FindOpRow(GetParam());
  ASSERT_NE(row, nullptr) << "write DOPPIO_OP_ROW(" << GetParam()
                          << ") in tests/table/rows, as tests/table/op_table.h shows";
  if (row->no_tensors()) return;
  EXPECT_TRUE(row->has_case()) << "the row has neither Case() nor CheckedByGradientOf()";
  EXPECT_TRUE(row->has_reference() || !row->forward_type().empty())
      << "the row has neither Reference(), Property() nor CheckedByGradientOf()";
  if (GradientRegistry::Kind(GetParam()) == GradientKind::kMaker) {
    EXPECT_NE(row->differentiable().empty(), !row->gradient_unchecked())
        << "a gradient is registered, but the row names no Differentiable() input";
  } else {
    EXPECT_TRUE(row->differentiable().empty()) << "there is no gradient to check";
  }
}

TEST_P(OperatorTest, IsDocumented) {
  const OpSchema* schema = OpSchemaRegistry::Schema(GetParam());
  ASSERT_NE(schema, nullptr);
  EXPECT_GT(schema->doc().size(), 20u) << "Doc() is missing or says nothing";
  const OpRow* row = FindOpRow(GetParam());
  EXPECT_TRUE(schema->has_inference() || (row != nullptr && row->inference_open()))
      << "TensorInference() is missing";
  EXPECT_GE(schema->inputs().size(), static_cast<size_t>(schema->min_inputs()));
  EXPECT_GE(schema->outputs().size(), static_cast<size_t>(schema->min_outputs()));
  EXPECT_TRUE(schema->max_inputs() == 0 || !schema->inputs().empty()) << "Input() is missing";
  EXPECT_TRUE(schema->max_outputs() == 0 || !schema->outputs().empty()) << "Output() is missing";
  for (const std::vector<OpSchema::BlobSpec>& blobs : {schema->inputs(), schema->outputs()}) {
    for (size_t i = 0; i < blobs.size(); ++i) {
      EXPECT_FALSE(blobs[i].name.empty()) << "blob " << i << " has no name";
      EXPECT_FALSE(blobs[i].doc.empty()) << "blob " << i << " (" << blobs[i].name << ")";
    }
  }
  for (const OpSchema::ArgSpec& arg : schema->args()) EXPECT_FALSE(arg.doc.empty()) << arg.name;
}

class RowTest : public testing::TestWithParam<std::string> {
 protected:
  const OpRow& row() const { return *FindOpRow(GetParam()); }
};

TEST_P(RowTest, NamesAnOperator) {
  EXPECT_TRUE(OperatorRegistry::Has(GetParam()))
      << "there is a row, but no operator: " << GetParam();
}

TEST_P(RowTest, GivesWhatTheReferenceGives) {
  bool saw_empty = false;
  bool saw_scalar = false;
  for (OpCase& op_case : UsualCases(row(), row().cases())) {
    for (const OperatorKey& key : OperatorRegistry::Keys()) {
      if (key.type != GetParam()) continue;
      op_case.def.set_engine(key.engine);
      ScopedTrace trace(__FILE__, __LINE__, Where(op_case));
      const std::vector<Tensor> outputs = RunCase(op_case);
      ASSERT_FALSE(HasFailure());
      ExpectReference(row(), op_case, outputs);
      ExpectInferenceIsComplete(row(), op_case);
      ExpectArgumentsAreDeclared(op_case);
      ASSERT_FALSE(HasFailure());
      std::vector<Tensor> seen = outputs;
      for (const auto& feed : op_case.feeds) seen.push_back(feed.second);
      for (const Tensor& tensor : seen) {
        saw_empty = saw_empty || tensor.numel() == 0;
        saw_scalar = saw_scalar || tensor.rank() == 0;
      }
    }
  }
  // A question to the row; with another seed chance may leave them out.
  if (TableSeed() != kUsualSeed) return;
  EXPECT_TRUE(saw_empty || row().never_empty())
      << "no case had a zero-sized tensor: draw sizes from c.Shape() or "
         "c.Size(), or state NeverEmpty(\"why\")";
  EXPECT_TRUE(saw_scalar || row().never_scalar())
      << "no case had a scalar: draw shapes from c.Shape(), or state "
         "NeverScalar(\"why\")";
}

TEST_P(RowTest, GivesTheSameInPlace) {
  const OpSchema& schema = *OpSchemaRegistry::Schema(GetParam());
  // Where any blob may be any other, as for If, what runs inside has the rules.
  if (schema.AllowsInplace(OpSchema::kMany, OpSchema::kMany - 1)) return;
  for (const OpCase& op_case : UsualCases(row(), kOtherCases)) {
    std::vector<Tensor> outputs;
    for (int i = 0; i < op_case.def.input_size(); ++i) {
      for (int o = 0; o < op_case.def.output_size(); ++o) {
        if (!schema.AllowsInplace(i, o) || op_case.def.input(i) == op_case.def.output(o)) continue;
        OpCase inplace = op_case;
        inplace.def.set_output(o, op_case.def.input(i));
        ScopedTrace trace(__FILE__, __LINE__, Where(inplace));
        if (outputs.empty()) outputs = RunCase(op_case);
        ASSERT_FALSE(HasFailure());
        Workspace workspace;
        OpTester tester = Tester(inplace, &workspace);
        const absl::Status status = tester.Run();
        const Tensor& input = op_case.in(i);
        const Tensor& output = outputs[static_cast<size_t>(o)];
        if (!status.ok()) {
          // What changes its shape or type may refuse to.
          EXPECT_TRUE(input.dtype() != output.dtype() || input.dims() != output.dims()) << status;
          continue;
        }
        for (size_t k = 0; k < outputs.size(); ++k) {
          EXPECT_TRUE(TensorBitsEqual(tester.Output(static_cast<int>(k)), outputs[k]))
              << "output " << k << " differs in place";
        }
      }
    }
  }
}

// The outputs of a net of this operator alone, on threads of the executor's.
std::vector<Tensor> RunCaseInParallelNet(const OpCase& op_case) {
  Workspace workspace;
  for (const auto& [name, value] : op_case.feeds) {
    EXPECT_TRUE(workspace.Feed(name, DeepCopy(value)).ok());
  }
  NetDef net;
  net.set_name("net");
  net.set_type("parallel");
  net.set_num_workers(2);
  *net.add_op() = op_case.def;
  const absl::Status status = workspace.RunNetOnce(net);
  EXPECT_TRUE(status.ok()) << status;
  std::vector<Tensor> outputs;
  if (!status.ok()) return outputs;
  for (const std::string& name : op_case.def.output()) {
    outputs.push_back(workspace.Fetch(name).value_or(Tensor()));
  }
  return outputs;
}

void ExpectSameBits(const std::vector<Tensor>& outputs, const std::vector<Tensor>& expected,
                    absl::string_view with) {
  ASSERT_EQ(outputs.size(), expected.size()) << with;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (expected[i].dtype() == DataType::kUndefined) continue;  // left unmade
    EXPECT_TRUE(TensorBitsEqual(outputs[i], expected[i])) << "output " << i << " with " << with;
  }
}

// AddressSanitizer sees nothing with two or three threads that it does not see with four.
#ifdef __SANITIZE_ADDRESS__
constexpr int kFewestThreads = 4;
#else
constexpr int kFewestThreads = 2;
#endif

TEST_P(RowTest, GivesTheSameBitsForAnyNumberOfThreads) {
  constexpr int kLargeCases = 2;
  const int threads_before = NumThreads();
  for (int k = 0; k < kLargeCases; ++k) {
    for (const OpCase& op_case : LargeCases(row(), k)) {
      ScopedTrace trace(__FILE__, __LINE__, Where(op_case));
      SetNumThreads(1);
      const std::vector<Tensor> expected = RunCase(op_case);
      for (int threads = kFewestThreads; threads <= 4; ++threads) {
        SetNumThreads(threads);
        ExpectSameBits(RunCase(op_case), expected, absl::StrCat(threads, " threads"));
      }
      ExpectSameBits(RunCaseInParallelNet(op_case), expected, "the executor parallel");
      if (k == 0 && !HasFailure()) ExpectReference(row(), op_case, expected);
    }
  }
  SetNumThreads(threads_before);
}

TEST_P(RowTest, AllocatesNothingInASecondRun) {
  if (row().may_allocate()) return;
  const int threads_before = NumThreads();
  SetNumThreads(1);
  for (const OpCase& op_case : UsualCases(row(), kOtherCases)) {
    ScopedTrace trace(__FILE__, __LINE__, Where(op_case));
    Workspace workspace;
    for (const auto& [name, value] : op_case.feeds) {
      *workspace.CreateBlob(name)->GetMutable<Tensor>() = DeepCopy(value);
    }
    const absl::StatusOr<std::unique_ptr<OperatorBase>> op =
        CreateOperator(op_case.def, &workspace);
    ASSERT_TRUE(op.ok()) << op.status();
    const absl::Status first = (*op)->Run();
    ASSERT_TRUE(first.ok()) << first;
    // Before the counter, since looking for a row allocates where the name is long.
    const bool tensors_alone = row().library_may_allocate();
    const AllocationCounter counter;
    const absl::Status second = (*op)->Run();
    const int64_t allocations = tensors_alone ? counter.tensor_count() : counter.count();
    ASSERT_TRUE(second.ok()) << second;
    EXPECT_EQ(allocations, 0) << "allocations in the second run";
  }
  SetNumThreads(threads_before);
}

// Has memory for so many tensors and no more.
class ScarceAllocator final : public Allocator {
 public:
  void set_left(int count) { left_ = count; }
  void* Allocate(size_t bytes) override { return left_-- > 0 ? usual_->Allocate(bytes) : nullptr; }
  void Free(void* pointer, size_t bytes) override { usual_->Free(pointer, bytes); }

 private:
  Allocator* usual_ = GetAllocator();
  int left_ = 0;
};

// What an operator keeps or changes itself is another thing after half a run.
bool StartsAnew(const OpCase& op_case) {
  if (OpSchemaRegistry::Schema(op_case.def.type())->has_side_effects()) return false;
  const auto& outputs = op_case.def.output();
  return std::none_of(outputs.begin(), outputs.end(), [&](const std::string& output) {
    const auto& inputs = op_case.def.input();
    return std::find(inputs.begin(), inputs.end(), output) != inputs.end();
  });
}

// Fails as often as there is memory for one tensor less than are wanted, and is right afterwards.
TEST_P(RowTest, SurvivesWithoutMemory) {
  static ScarceAllocator& scarce = *new ScarceAllocator;
  const int threads_before = NumThreads();
  SetNumThreads(1);
  for (const OpCase& op_case : UsualCases(row(), kOtherCases)) {
    ScopedTrace trace(__FILE__, __LINE__, Where(op_case));
    const std::vector<Tensor> expected =
        StartsAnew(op_case) ? RunCase(op_case) : std::vector<Tensor>();
    absl::Status status = absl::UnknownError("did not run");
    for (int memory = 0; !status.ok() && memory < 20; ++memory) {
      Workspace workspace;
      for (const auto& [name, value] : op_case.feeds) {
        *workspace.CreateBlob(name)->GetMutable<Tensor>() = value;
      }
      scarce.set_left(memory);
      SetAllocator(&scarce);
      absl::StatusOr<std::unique_ptr<OperatorBase>> op = CreateOperator(op_case.def, &workspace);
      status = op.ok() ? (*op)->Run() : op.status();
      SetAllocator(nullptr);
      EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
      if (status.ok() || !op.ok() || expected.empty()) continue;
      const absl::Status again = (*op)->Run();
      ASSERT_TRUE(again.ok()) << again;
      for (size_t i = 0; i < expected.size(); ++i) {
        const std::string& name = op_case.def.output(static_cast<int>(i));
        EXPECT_TRUE(TensorBitsEqual(workspace.Fetch(name).value_or(Tensor()), expected[i]))
            << "output " << i << " after a run that had memory for " << memory << " tensors";
      }
    }
    EXPECT_TRUE(status.ok()) << status;
  }
  SetNumThreads(threads_before);
}

class GradientTest : public testing::TestWithParam<std::string> {};

void ExpectGradients(const OpRow& row, const OpCase& op_case, const GradientRun& run) {
  for (int i = 0; i < op_case.def.input_size(); ++i) {
    const std::vector<int>& checked = row.differentiable();
    const bool is_checked = std::find(checked.begin(), checked.end(), i) != checked.end();
    const std::optional<Tensor>& gradient = run.input_gradients[static_cast<size_t>(i)];
    if (!is_checked) {
      EXPECT_FALSE(gradient.has_value() && IsFloatingPoint(op_case.in(i).dtype()))
          << "input " << i << " has a gradient, but the row does not say Differentiable({" << i
          << "})";
      continue;
    }
    ASSERT_TRUE(gradient.has_value()) << "input " << i << " got no gradient";
    const absl::StatusOr<Tensor> expected = FiniteDifferences(op_case, i, run);
    ASSERT_TRUE(expected.ok()) << expected.status();
    EXPECT_TRUE(TensorNear(*gradient, *expected, row.gradient_tolerance()))
        << "gradient of input " << i << " (expected: by finite differences)";
  }
}

TEST_P(GradientTest, IsWhatFiniteDifferencesGive) {
  const OpRow* row = FindOpRow(GetParam());
  ASSERT_NE(row, nullptr) << GetParam() << " has a gradient, but no row to check it with";
  for (int i = 0; i < kGradientCases; ++i) {
    CaseRequest request = Request(GetParam(), i);
    request.value_type = DataType::kDouble;
    for (const OpCase& op_case : row->MakeCases(request)) {
      ScopedTrace trace(__FILE__, __LINE__, Where(op_case));
      const absl::StatusOr<GradientRun> run = RunGradient(*row, op_case, request.seed);
      ASSERT_TRUE(run.ok()) << run.status();
      EXPECT_TRUE(std::any_of(run->output_gradients.begin(), run->output_gradients.end(),
                              [](const auto& dy) { return dy && dy->template Is<double>(); }))
          << "no output is double: draw the type of the inputs from ValueType()";
      ExpectGradients(*row, op_case, *run);
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_P(GradientTest, IsTheSameInFloat) {
  const OpRow* row = FindOpRow(GetParam());
  ASSERT_NE(row, nullptr);
  for (int i = 0; i < kGradientCases; ++i) {
    CaseRequest request = Request(GetParam(), i);
    request.value_type = DataType::kFloat;
    const std::vector<OpCase> in_float = row->MakeCases(request);
    request.value_type = DataType::kDouble;
    const std::vector<OpCase> in_double = row->MakeCases(request);
    ASSERT_EQ(in_float.size(), in_double.size());
    for (size_t k = 0; k < in_float.size(); ++k) {
      ScopedTrace trace(__FILE__, __LINE__, Where(in_float[k]));
      const auto run = RunGradient(*row, in_float[k], request.seed);
      const auto expected = RunGradient(*row, in_double[k], request.seed);
      ASSERT_TRUE(run.ok() && expected.ok()) << run.status() << expected.status();
      for (int input : row->differentiable()) {
        if (input >= in_float[k].def.input_size()) continue;
        const std::optional<Tensor>& gradient = run->input_gradients[static_cast<size_t>(input)];
        const std::optional<Tensor>& wanted = expected->input_gradients[static_cast<size_t>(input)];
        ASSERT_TRUE(gradient.has_value() && wanted.has_value()) << "input " << input;
        EXPECT_EQ(gradient->dtype(), DataType::kFloat) << DataTypeName(gradient->dtype());
        EXPECT_TRUE(TensorNear(*gradient, ConvertTensor(*wanted, gradient->dtype()),
                               10 * row->ToleranceFor(DataType::kFloat)))
            << "gradient of input " << input << " in float (expected: in double)";
      }
    }
  }
}

TEST(OpTableTest, HasOneRowForEachOperator) {
  EXPECT_EQ(DuplicateOpRows(), std::vector<std::string>());
}

std::vector<std::string> RowTypesOfOperators() {
  std::vector<std::string> types;
  for (const std::string& type : OpRowTypes()) {
    if (FindOpRow(type)->has_case()) types.push_back(type);
  }
  return types;
}

// Those with tensors as inputs and outputs; blocked_test.cc and packed_fc_test.cc are for the
// others.
std::vector<std::string> TensorOperators() {
  const std::set<std::string> others = {"PackWeights", "PackMatrix", "PackedFC"};
  std::vector<std::string> types;
  for (const std::string& type : OperatorRegistry::Types()) {
    if (!absl::StrContains(type, "Blocked") && others.count(type) == 0) types.push_back(type);
  }
  return types;
}

std::string Name(const testing::TestParamInfo<std::string>& info) { return info.param; }

INSTANTIATE_TEST_SUITE_P(Table, OperatorTest, testing::ValuesIn(TensorOperators()), Name);
INSTANTIATE_TEST_SUITE_P(Table, RowTest, testing::ValuesIn(RowTypesOfOperators()), Name);
INSTANTIATE_TEST_SUITE_P(Table, GradientTest, testing::ValuesIn(TypesWithGradient()), Name);

}  // namespace
}  // namespace doppio
