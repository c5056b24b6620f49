#include "ops/nn/conv_operator.h"

#include "doppio/op_def.h"

namespace doppio {
namespace {

int64_t MultiplyAddsOf(bool transposed, const OperatorDef& def,
                       const std::vector<TensorInfo>& inputs) {
  InferenceContext context(def, OpSchemaRegistry::Schema(def.type()), {});
  const WindowSettings settings = ReadWindowArguments(&context, ConvUse(transposed));
  const auto shape = ShapeOf(transposed, settings, *inputs[0].dims, *inputs[1].dims);
  return shape.ok() ? ConvMultiplyAdds(*shape) : 0;
}

void StateInputs(OpSchema& schema, bool transposed) {
  StateWindowArguments(schema, ConvUse(transposed));
  schema
      .Input(0, "X", "image of float or double: [N, C, spatial...], or [N, spatial..., C] for NHWC")
      .Input(1, "W",
             transposed ? "filter of X's type: [C, M / group, kernel...], or for NHWC [C, "
                          "kernel..., M / group]"
                        : "filter of X's type: [M, C / group, kernel...], or for NHWC [M, "
                          "kernel..., C / group]")
      .Arg<bool>("no_gradient_to_input", "the gradient operator does not compute X's gradient",
                 false);
}

}  // namespace

void StateConv(OpSchema& schema, bool transposed) {
  StateInputs(schema, transposed);
  schema.NumInputs(2, 3)
      .NumOutputs(1)
      .Input(2, "b", "vector of M, added to each channel; may be left out")
      .Output(0, "Y", "image of X's type with M channels")
      .MultiplyAdds([transposed](const OperatorDef& def, const std::vector<TensorInfo>& inputs,
                                 const auto&) { return MultiplyAddsOf(transposed, def, inputs); })
      .TensorInference([transposed](InferenceContext* context) -> absl::Status {
        const WindowSettings settings = ReadWindowArguments(context, ConvUse(transposed));
        DOPPIO_ASSIGN_OR_RETURN(const ConvShape shape,
                                ShapeOf(transposed, settings, context->dims(0), context->dims(1)));
        if (context->InputSize() > 2) {
          DOPPIO_RETURN_IF_ERROR(
              CheckConvBias(ConvOutputChannels(transposed, shape), context->dims(2)));
        }
        context->SetOutput(0, context->dtype(0), ConvOutputDims(transposed, shape));
        return absl::OkStatus();
      });
}

void StateConvGradient(OpSchema& schema, bool transposed) {
  StateInputs(schema, transposed);
  schema.NumInputs(3)
      .NumOutputs(1, 3)
      .LeastOutputs([](const OperatorDef& def) {  // all but dX
        return ArgumentReader(def, nullptr).GetSingleArgument<bool>("no_bias", false) ? 1 : 2;
      })
      .Arg<bool>("no_bias", "there is no db; dX is then output 1", false)
      .Input(2, "dY", "gradient of the output")
      .Output(0, "dW", "gradient of W")
      .Output(1, "db", "gradient of the bias, a vector of M; dX where no_bias is set")
      .Output(2, "dX", "gradient of X; not computed where it is not asked for")
      .MultiplyAdds(
          [transposed](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
            InferenceContext context(def, OpSchemaRegistry::Schema(def.type()), {});
            const bool has_dx = ConvGradientOutputs(&context, def.output_size()).x >= 0;
            return (has_dx ? 2 : 1) * MultiplyAddsOf(transposed, def, inputs);
          })
      .TensorInference([transposed](InferenceContext* context) -> absl::Status {
        const WindowSettings settings = ReadWindowArguments(context, ConvUse(transposed));
        const ConvGradientOutputs outputs(context, context->OutputSize());
        DOPPIO_RETURN_IF_ERROR(context->status());
        DOPPIO_ASSIGN_OR_RETURN(const ConvShape shape,
                                ShapeOf(transposed, settings, context->dims(0), context->dims(1)));
        context->SetOutput(0, context->dtype(1), context->dims(1));
        if (outputs.bias >= 0) {
          context->SetOutput(outputs.bias, context->dtype(1),
                             {ConvOutputChannels(transposed, shape)});
        }
        if (outputs.x >= 0) context->SetOutput(outputs.x, context->dtype(0), context->dims(0));
        return absl::OkStatus();
      });
}

std::vector<OperatorDef> ConvGradientMaker::GetGradientDefs() {
  ArgumentReader reader(Def(), nullptr);
  const bool has_bias = InputSize() == 3;
  std::vector<std::string> outputs = {GI(1)};
  if (has_bias) outputs.push_back(GI(2));
  if (!reader.GetSingleArgument<bool>("no_gradient_to_input", false)) outputs.push_back(GI(0));
  if (!reader.status().ok()) Fail(reader.status());
  std::vector<Argument> settings;
  if (!has_bias) settings.push_back(no_bias_);
  return SingleGradientDef(Def().type() + "Gradient", "", {I(0), I(1), GO(0)}, outputs, settings);
}

}  // namespace doppio
