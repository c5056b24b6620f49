#include "python/core/python_gradient.h"

#include <algorithm>
#include <numeric>

#include "python/core/python_functions.h"

namespace doppio::python {
namespace {

constexpr char kForwardInputs[] = "forward_inputs";
constexpr char kInputIndices[] = "grad_input_indices";
constexpr char kOutputIndices[] = "grad_output_indices";

std::vector<int> AllOf(int count) {
  std::vector<int> indices(std::max(count, 0));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

bool AreIndices(const std::vector<int>& indices, int size) {
  return std::all_of(indices.begin(), indices.end(),
                     [size](int index) { return index >= 0 && index < size; });
}

class PythonGradientMaker final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;

  std::vector<OperatorDef> GetGradientDefs() override {
    const std::string type = GradientType(Def().type());
    std::vector<std::string> blobs;
    for (int i = 0; i < InputSize(); ++i) blobs.push_back(I(i));
    for (int o = 0; o < OutputSize(); ++o) blobs.push_back(O(o));
    std::vector<int64_t> given;
    for (int o = 0; o < OutputSize(); ++o) {
      if (GradOut(o).IsEmpty()) continue;
      blobs.push_back(GO(o));
      given.push_back(o);
    }
    std::vector<std::string> gradients;
    std::vector<int64_t> wanted;
    std::vector<int> with_gradient = PythonFunction::Find(type)->signature()->gradient_inputs;
    if (with_gradient.empty()) with_gradient = AllOf(InputSize());
    for (const int i : with_gradient) {
      if (i >= InputSize()) continue;  // an optional one
      gradients.push_back(GI(i));
      wanted.push_back(i);
    }
    std::vector<Argument> arguments = {MakeArgument<int64_t>(kForwardInputs, InputSize())};
    if (static_cast<int>(wanted.size()) < InputSize()) {
      arguments.push_back(MakeArgument<std::vector<int64_t>>(kInputIndices, wanted));
    }
    if (static_cast<int>(given.size()) < OutputSize()) {
      arguments.push_back(MakeArgument<std::vector<int64_t>>(kOutputIndices, given));
    }
    return SingleGradientDef(type, "", blobs, gradients, arguments);
  }
};

absl::Status InferGradients(InferenceContext* context) {
  const GradientShape shape = ReadGradientShape(context);
  if (!context->status().ok()) return context->status();
  for (size_t k = 0; k < shape.inputs.size(); ++k) {
    const int input = shape.inputs[k];
    context->SetOutput(static_cast<int>(k), context->dtype(input), context->dims(input));
  }
  return absl::OkStatus();
}

}  // namespace

GradientShape ReadGradientShape(ArgumentReader* reader) {
  const OperatorDef& def = reader->def();
  GradientShape shape;
  shape.forward_inputs = reader->GetSingleArgument<int>(kForwardInputs);
  shape.inputs = reader->HasArgument(kInputIndices)
                     ? reader->GetRepeatedArgument<int>(kInputIndices)
                     : AllOf(shape.forward_inputs);
  const int rest = def.input_size() - shape.forward_inputs;
  bool is_right = shape.forward_inputs >= 0 && rest >= 0;
  if (reader->HasArgument(kOutputIndices)) {
    shape.outputs = reader->GetRepeatedArgument<int>(kOutputIndices);
    shape.forward_outputs = rest - static_cast<int>(shape.outputs.size());
  } else {
    shape.forward_outputs = rest / 2;
    shape.outputs = AllOf(shape.forward_outputs);
    is_right = is_right && rest % 2 == 0;
  }
  is_right = is_right && AreIndices(shape.inputs, shape.forward_inputs) &&
             AreIndices(shape.outputs, shape.forward_outputs) &&
             static_cast<int>(shape.inputs.size()) == def.output_size();
  if (!is_right) {
    reader->Fail(absl::InvalidArgumentError(absl::StrCat(
        "arguments ", kForwardInputs, ", ", kInputIndices, " and ", kOutputIndices,
        " do not fit its ", def.input_size(), " inputs and ", def.output_size(), " outputs")));
  }
  return shape;
}

std::string GradientType(absl::string_view forward_type) {
  return absl::StrCat(forward_type, "Gradient");
}

void StateGradient(OpSchema* schema) {
  schema->RequiredArg<int>(kForwardInputs, "how many of the inputs are those of the operator")
      .OptionalArg<std::vector<int64_t>>(kInputIndices,
                                         "inputs whose gradients the outputs are; default: all")
      .OptionalArg<std::vector<int64_t>>(kOutputIndices,
                                         "outputs whose gradients are given; default: all")
      .TensorInference(&InferGradients);
}

std::unique_ptr<GradientMakerBase> CreatePythonGradientMaker(
    const OperatorDef& def, const std::vector<GradientWrapper>& g_output) {
  return std::make_unique<PythonGradientMaker>(def, g_output);
}

}  // namespace doppio::python
