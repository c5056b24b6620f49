#include "ops/nn/blocked_operator.h"

#include "doppio/op_def.h"
#include "src/dnn/packed_weights.h"

namespace doppio {
namespace {

DOPPIO_REGISTER_BLOB_TYPE(BlockedTensor);
DOPPIO_REGISTER_BLOB_TYPE(PackedWeights);

// The value of a whole number or truth among the arguments, else 0.
int64_t Number(const OperatorDef& def, absl::string_view name) {
  const Argument* argument = FindArgument(def, name);
  return argument != nullptr ? argument->i() : 0;
}

// Inputs that a convolution has besides those of the plain one.
int ExtraInputs(const OperatorDef& def) {
  return (Number(def, "sum") != 0 ? 1 : 0) + (Number(def, "continues") != 0 ? 1 : 0);
}

// The operator that `def` stands for.
OperatorDef PlainDef(const OperatorDef& def, const std::string& type, int inputs) {
  OperatorDef plain = def;
  plain.set_type(type);
  const int most = std::min(inputs, plain.input_size() - ExtraInputs(def));
  if (plain.input_size() > most) {
    plain.mutable_input()->DeleteSubrange(most, plain.input_size() - most);
  }
  // Outputs that a blocked operator has not (split_info of Concat).
  const int least = OpSchemaRegistry::Schema(type)->min_outputs();
  while (plain.output_size() < least) plain.add_output(absl::StrCat(type, plain.output_size()));
  return plain;
}

}  // namespace

std::string PlainType(const std::string& blocked_type) {
  return blocked_type.substr(absl::string_view("Blocked").size());
}

void StateBlocked(OpSchema& schema, const std::string& type, int inputs) {
  const auto plain_cost = [type, inputs](const OperatorDef& def, const std::vector<TensorInfo>& in,
                                         const std::vector<TensorInfo>& out) {
    const OperatorDef plain = PlainDef(def, type, inputs);
    const std::vector<TensorInfo> first(in.begin(), in.begin() + plain.input_size());
    return OpSchemaRegistry::Schema(type)->Cost(plain, first, out);
  };
  schema.AllowAnyInput(OpSchema::kMany)
      .NumOutputs(1)
      .Output(0, "Y", "blocked tensor; the shape is that of " + type + "'s output")
      .Flops([plain_cost](const auto&... args) { return plain_cost(args...).flops; })
      .MultiplyAdds([plain_cost](const auto&... args) { return plain_cost(args...).multiply_adds; })
      .TensorInference([type, inputs](InferenceContext* context) -> absl::Status {
        const OperatorDef plain = PlainDef(context->def(), type, inputs);
        std::vector<TensorInfo> infos;
        for (int i = 0; i < plain.input_size(); ++i) {
          if (context->dtype(i) == DataType::kUndefined) return absl::OkStatus();
          const DimsView dims = context->dims(i);
          infos.push_back({context->dtype(i), Dims(dims.begin(), dims.end()), std::nullopt});
        }
        DOPPIO_ASSIGN_OR_RETURN(std::vector<TensorInfo> outputs,
                                OpSchemaRegistry::Schema(type)->Infer(plain, std::move(infos)));
        if (!outputs[0].IsKnown()) return absl::OkStatus();
        Dims dims = *outputs[0].dims;
        const int64_t whole = Number(context->def(), "into_channels");
        if (whole > 0) dims[1] = whole;
        context->SetOutput(0, outputs[0].dtype, dims);
        return absl::OkStatus();
      });
}

absl::Status BlockedOperator::Look(int i, bool* changed) {
  In& in = inputs_[static_cast<size_t>(i)];
  const Blob& blob = InputBlob(i);
  if (const auto* blocked = blob.Get<BlockedTensor>()) {
    if (in.is_plain || in.desc != blocked->desc()) {
      in.is_plain = false;
      in.desc = blocked->desc();
      *changed = true;
    }
    in.data = blocked->data();
    return absl::OkStatus();
  }
  const Tensor* tensor = blob.Get<Tensor>();
  if (tensor == nullptr || !tensor->Is<float>()) {
    return absl::InvalidArgumentError(
        absl::StrCat(DescribeInput(i), " must be a blocked tensor or a tensor of float"));
  }
  if (!in.is_plain || tensor->dims() != DimsView(in.dims)) {
    in.is_plain = true;
    in.dims.assign(tensor->dims().begin(), tensor->dims().end());
    DOPPIO_RETURN_IF_ERROR(CallDnnl([&] {
      in.desc = DnnlRowMajor(in.dims);
      return absl::OkStatus();
    }));
    *changed = true;
  }
  in.data = tensor->raw_data();
  return absl::OkStatus();
}

Dims BlockedOperator::dims(int i) const {
  const dnnl::memory::dims sizes = desc(i).dims();
  return Dims(sizes.begin(), sizes.end());
}

absl::Status BlockedOperator::CheckImage(int i) const {
  const Dims shape = dims(i);
  if (shape.size() >= 3 && shape.size() <= 5) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", def().input(i), "\" ", ShapeToString(shape),
                                                 " must have 3 to 5 dimensions, [N,C,spatial...]"));
}

absl::StatusOr<BlockedTensor*> BlockedOperator::BlockedOutput(const dnnl::memory::desc& desc) {
  auto* y = OutputBlob(0)->GetMutable<BlockedTensor>();
  DOPPIO_RETURN_IF_ERROR(y->Resize(desc));
  return y;
}

}  // namespace doppio
