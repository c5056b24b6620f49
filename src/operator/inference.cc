// Shape and type inference, and cost: the parts of OpSchema that look at tensors.

#include <algorithm>

#include "doppio/schema.h"

namespace doppio {

InferenceContext::InferenceContext(const OperatorDef& def, const OpSchema* schema,
                                   std::vector<TensorInfo> inputs)
    : ArgumentReader(def, schema), inputs_(std::move(inputs)), outputs_(def.output_size()) {}

InferenceContext::~InferenceContext() = default;

void InferenceContext::SetOutput(int output, DataType dtype, DimsView dims) {
  if (output >= OutputSize()) return;
  outputs_[output].dtype = dtype;
  outputs_[output].dims.emplace(dims.begin(), dims.end());
}

void InferenceContext::SetOutputValue(int output, Tensor value) {
  if (output >= OutputSize()) return;
  SetOutput(output, value.dtype(), value.dims());
  outputs_[output].value = std::move(value);
}

OpSchema& OpSchema::TensorInference(InferenceFunction f) {
  inference_ = std::move(f);
  keeps_type_and_shape_ = nullptr;
  return *this;
}

OpSchema& OpSchema::NeedsValue(int input) {
  value_inputs_.push_back(input);
  return *this;
}

OpSchema& OpSchema::IdenticalTypeAndShapeOfInput(int input) {
  TensorInference([input](InferenceContext* context) {
    // An input that may be anything need not be known.
    if (context->dtype(input) == DataType::kUndefined) return absl::OkStatus();
    for (int i = 0; i < context->OutputSize(); ++i)
      context->SetOutput(i, context->dtype(input), context->dims(input));
    return absl::OkStatus();
  });
  keeps_type_and_shape_ = [input](int i, int /*output*/) { return i == input; };
  return *this;
}

OpSchema& OpSchema::OneToOneTypeAndShape() {
  TensorInference([](InferenceContext* context) {
    const int count = std::min(context->InputSize(), context->OutputSize());
    for (int i = 0; i < count; ++i) {
      if (context->dtype(i) == DataType::kUndefined) continue;
      context->SetOutput(i, context->dtype(i), context->dims(i));
    }
    return absl::OkStatus();
  });
  keeps_type_and_shape_ = [](int i, int output) { return i == output; };
  return *this;
}

bool OpSchema::KeepsTypeAndShape(int input, int output) const {
  return keeps_type_and_shape_ != nullptr && keeps_type_and_shape_(input, output);
}

OpSchema& OpSchema::ScalarType(DataType dtype) {
  return TensorInference([dtype](InferenceContext* context) {
    for (int i = 0; i < context->OutputSize(); ++i) context->SetOutput(i, dtype, {});
    return absl::OkStatus();
  });
}

OpSchema& OpSchema::Flops(FlopsFunction f) {
  flops_ = std::move(f);
  return *this;
}

OpSchema& OpSchema::MultiplyAdds(FlopsFunction f) {
  multiply_adds_ = std::move(f);
  return *this;
}

OpSchema& OpSchema::BytesOfUnknownOutputs(FlopsFunction f) {
  bytes_of_unknown_outputs_ = std::move(f);
  return *this;
}

absl::StatusOr<std::vector<TensorInfo>> OpSchema::Infer(const OperatorDef& def,
                                                        std::vector<TensorInfo> inputs) const {
  DOPPIO_RETURN_IF_ERROR(Verify(def));
  if (inputs.size() != static_cast<size_t>(def.input_size())) {
    return absl::InvalidArgumentError(
        absl::StrCat(def.input_size(), " inputs, but ", inputs.size(), " shapes are given"));
  }
  // So that products of sizes fit, whatever an inference function multiplies.
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].dims.has_value()) continue;
    DOPPIO_RETURN_IF_ERROR(
        Annotate(NumElements(*inputs[i].dims).status(),
                 absl::StrCat("input ", i, ", blob \"", def.input(static_cast<int>(i)), "\"")));
  }
  std::vector<TensorInfo> unknown(def.output_size());
  if (!has_inference()) return unknown;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].IsKnown() && !AllowsAnyInput(static_cast<int>(i))) return unknown;
  }
  for (int input : value_inputs_) {
    if (input < static_cast<int>(inputs.size()) && !inputs[input].value.has_value()) return unknown;
  }
  // What is no tensor has no shape; an inference function that asks for it sees a scalar of no
  // type.
  for (TensorInfo& input : inputs) {
    if (!input.dims.has_value()) input.dims.emplace();
  }
  InferenceContext context(def, this, std::move(inputs));
  DOPPIO_RETURN_IF_ERROR(inference_(&context));
  DOPPIO_RETURN_IF_ERROR(context.status());
  return context.outputs();
}

namespace {

// Elements of a tensor that some machine could hold; 0 for what is not known or larger, so that no
// product of three such numbers overflows in what a cost function computes.
int64_t ElementsOf(const TensorInfo& info) {
  constexpr int64_t kMost = int64_t{1} << 40;
  if (!info.IsKnown()) return 0;
  const int64_t elements = NumElements(*info.dims).value_or(0);
  return elements <= kMost ? elements : 0;
}

bool HasCost(const TensorInfo& info) {
  return info.IsKnown() && (ElementsOf(info) > 0 || NumElements(*info.dims).value_or(1) == 0);
}

int64_t BytesOf(const std::vector<TensorInfo>& infos) {
  int64_t bytes = 0;
  for (const TensorInfo& info : infos) {
    bytes += ElementsOf(info) * static_cast<int64_t>(DataTypeSize(info.dtype));
  }
  return bytes;
}

}  // namespace

OpCost OpSchema::Cost(const OperatorDef& def, const std::vector<TensorInfo>& inputs,
                      const std::vector<TensorInfo>& outputs) const {
  OpCost cost;
  cost.bytes_read = BytesOf(inputs);
  cost.bytes_written = BytesOf(outputs);
  const bool inputs_known = std::all_of(inputs.begin(), inputs.end(), HasCost);
  const bool all_known = inputs_known && std::all_of(outputs.begin(), outputs.end(), HasCost);
  const bool has_unknown = std::any_of(outputs.begin(), outputs.end(),
                                       [](const TensorInfo& info) { return !info.IsKnown(); });
  if (bytes_of_unknown_outputs_ != nullptr && inputs_known && has_unknown) {
    cost.bytes_written += bytes_of_unknown_outputs_(def, inputs, outputs);
  }
  if (multiply_adds_ != nullptr && all_known) {
    cost.multiply_adds = multiply_adds_(def, inputs, outputs);
  }
  if (flops_ != nullptr) {
    cost.flops = all_known ? flops_(def, inputs, outputs) : 0;
  } else if (multiply_adds_ != nullptr) {
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 2;
    cost.flops = 2 * std::min(cost.multiply_adds, kMost);
  } else {
    for (const TensorInfo& output : outputs) cost.flops += ElementsOf(output);
  }
  return cost;
}

}  // namespace doppio
