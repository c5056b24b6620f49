// The cases of the table of operators (tests/table), written as ONNX, in several of its versions,
// and computed by others: by ONNX Runtime, where it is installed, and by our own reader.

#include <iostream>

#include "absl/strings/match.h"
#include "doppio/onnx.h"
#include "doppio/predictor.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "src/onnx/export/op_export.h"
#include "tests/support/onnxruntime.h"
#include "tests/support/tensor_match.h"
#include "tests/table/op_table.h"
#include "tests/table/table_request.h"

namespace doppio {
namespace {

constexpr int kCases = 12;

// Operators that ONNX has, or that small graphs of it are.
std::vector<std::string> ExportedTypes() {
  std::vector<std::string> types;
  for (const std::string& type : OperatorRegistry::Types()) {
    if (onnx::FindOpExporter(type) == nullptr) continue;
    if (OpSchemaRegistry::Schema(type)->max_outputs() > 0) types.push_back(type);
  }
  return types;
}

// The operator of a case as a net that is fed `fed` of its inputs; the others are weights.
struct Fed {
  Model model;
  OnnxOptions options;
  std::map<std::string, Tensor> inputs;
  std::vector<Tensor> expected;
};

absl::StatusOr<Fed> Feed(const OpCase& op_case, int fed) {
  Fed made;
  made.model.predict.set_name("case");
  *made.model.predict.add_op() = op_case.def;
  Workspace workspace;
  int i = 0;
  for (const auto& [name, tensor] : op_case.feeds) {
    DOPPIO_RETURN_IF_ERROR(workspace.Feed(name, tensor));
    if (i++ < fed) {
      made.inputs[name] = tensor;
      made.model.inputs.push_back(name);
      made.options.inputs[name] = {tensor.dtype(), Dims(tensor.dims().begin(), tensor.dims().end()),
                                   std::nullopt};
    } else {
      made.model.weights[name] = tensor;
    }
  }
  DOPPIO_RETURN_IF_ERROR(workspace.RunNetOnce(made.model.predict));
  for (const std::string& output : op_case.def.output()) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, workspace.Fetch(output));
    made.model.outputs.push_back(output);
    made.expected.push_back(std::move(tensor));
  }
  return made;
}

class ExportTableTest : public testing::TestWithParam<std::string> {
 protected:
  void Compare(const char* who, const absl::StatusOr<std::vector<Tensor>>& outputs,
               const std::vector<Tensor>& expected) const {
    ASSERT_TRUE(outputs.ok()) << who << ": " << outputs.status();
    ASSERT_EQ(outputs->size(), expected.size());
    for (size_t o = 0; o < expected.size(); ++o) {
      // Attributes are floats, and others compute the places of pixels in float.
      const DataType dtype =
          expected[o].dtype() == DataType::kDouble ? DataType::kFloat : expected[o].dtype();
      const double tolerance = 10 * FindOpRow(GetParam())->ToleranceFor(dtype);
      EXPECT_TRUE(TensorNear((*outputs)[o], expected[o], tolerance)) << who << ", output " << o;
    }
  }

  // Whether a kernel for the type is missing there (or, of LRN, for even sizes and other images
  // than of two dimensions), which says nothing of the model.
  static bool IsMissingThere(const absl::Status& status) {
    const std::string message(status.message());
    return absl::IsUnimplemented(status) ||
           absl::StrContains(message, "Could not find an implementation") ||
           absl::StrContains(message, "Failed to find kernel") ||
           absl::StrContains(message, "lrn.");
  }

  void ExpectOthersAgree(const Fed& fed, const std::string& model) {
    // Some regions of RoIAlign's cases end the process in ONNX Runtime (1.30).
    if (!OnnxRuntimeLibrary().empty() && GetParam() != "RoIAlign") {
      const auto outputs = RunInOnnxRuntime(model, fed.inputs, fed.model.outputs);
      if (outputs.ok() || !IsMissingThere(outputs.status())) {
        Compare("ONNX Runtime", outputs, fed.expected);
        ++by_onnxruntime_;
      }
    }
    for (const auto* tensors : {&fed.inputs, &fed.model.weights}) {
      for (const auto& [name, tensor] : *tensors) {
        if (tensor.Is<std::string>()) return;  // which the reader takes in few operators
      }
    }
    const absl::StatusOr<Model> read = ModelFromOnnx(model);
    if (absl::IsUnimplemented(read.status())) return;
    ASSERT_TRUE(read.ok()) << read.status();
    for (const bool optimize : {false, true}) {
      PredictorOptions options;
      options.optimize = optimize;
      const auto predictor = Predictor::Create(*read, options);
      ASSERT_TRUE(predictor.ok()) << predictor.status();
      std::vector<Tensor> inputs;
      for (const std::string& name : (*predictor)->inputs()) inputs.push_back(fed.inputs.at(name));
      Compare(optimize ? "read again and rewritten" : "read again", (*predictor)->Run(inputs),
              fed.expected);
    }
    ++by_ourselves_;
  }

  int by_onnxruntime_ = 0;
  int by_ourselves_ = 0;
};

TEST_P(ExportTableTest, OthersComputeTheSame) {
  int cases = 0, exported = 0;
  std::string reason;
  for (int i = 0; i < kCases; ++i) {
    CaseRequest request = Request(GetParam(), i);
    if (i % 2 == 1) request.value_type = DataType::kFloat;  // which ONNX Runtime has kernels for
    for (const OpCase& op_case : FindOpRow(GetParam())->MakeCases(request)) {
      SCOPED_TRACE(Where(op_case));
      ++cases;
      bool is_exported = false;
      const int inputs = static_cast<int>(op_case.feeds.size());
      for (const int fed : {inputs, std::min(inputs, 1)}) {
        absl::StatusOr<Fed> made = Feed(op_case, fed);
        if (!made.ok()) continue;  // an output that is no tensor, or is not written
        for (const int opset : {13, kLeastWrittenOnnxOpset + i % 11}) {
          made->options.opset = opset;
          const absl::StatusOr<std::string> model = ModelToOnnx(made->model, made->options);
          if (absl::IsUnimplemented(model.status())) {
            reason = std::string(model.status().message());
            continue;
          }
          if (absl::IsFailedPrecondition(model.status())) continue;  // it changes its weights
          ASSERT_TRUE(model.ok()) << model.status();
          SCOPED_TRACE(absl::StrCat("opset ", opset, ", fed ", fed, " of ", inputs));
          is_exported = true;
          ExpectOthersAgree(*made, *model);
          if (HasFailure()) return;
        }
      }
      if (is_exported) ++exported;
    }
  }
  std::cout << GetParam() << ": " << exported << " of " << cases << " cases; models computed by "
            << "ONNX Runtime " << by_onnxruntime_ << ", by ourselves " << by_ourselves_
            << (exported < cases ? "; refused, for one: " + reason : "") << "\n";
  EXPECT_GT(exported, 0) << reason;
}

INSTANTIATE_TEST_SUITE_P(, ExportTableTest, testing::ValuesIn(ExportedTypes()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace doppio
