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

constexpr char kReadChannels[] = "read_channels";
constexpr char kReadFromChannels[] = "read_from_channels";

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

void StateInputSlices(OpSchema& schema) {
  schema
      .OptionalArg<std::vector<int64_t>>(
          kReadChannels, "how many channels of each input are read, 0 where all are")
      .OptionalArg<std::vector<int64_t>>(kReadFromChannels, "the first of them");
}

Dims DimsRead(const OperatorDef& def, int i, DimsView dims) {
  Dims read(dims.begin(), dims.end());
  const Argument* channels = FindArgument(def, kReadChannels);
  const bool is_part = channels != nullptr && i < channels->ints_size() && channels->ints(i) > 0;
  if (is_part && read.size() > 1) read[1] = channels->ints(i);
  return read;
}

void StateBlocked(OpSchema& schema, const std::string& type, int inputs) {
  const auto plain_cost = [type, inputs](const OperatorDef& def, const std::vector<TensorInfo>& in,
                                         const std::vector<TensorInfo>& out) {
    const OperatorDef plain = PlainDef(def, type, inputs);
    std::vector<TensorInfo> first(in.begin(), in.begin() + plain.input_size());
    for (size_t i = 0; i < first.size(); ++i) {
      if (first[i].dims) first[i].dims = DimsRead(def, static_cast<int>(i), *first[i].dims);
    }
    return OpSchemaRegistry::Schema(type)->Cost(plain, first, out);
  };
  StateInputSlices(schema);
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
          infos.push_back(
              {context->dtype(i), DimsRead(context->def(), i, context->dims(i)), std::nullopt});
        }
        DOPPIO_ASSIGN_OR_RETURN(std::vector<TensorInfo> outputs,
                                OpSchemaRegistry::Schema(type)->Infer(plain, std::move(infos)));
        if (!outputs[0].IsKnown()) return absl::OkStatus();
        Dims dims = *outputs[0].dims;
        const int64_t whole = Number(context->def(), "into_channels");
        if (whole > 0 && dims.size() > 1) dims[1] = whole;
        context->SetOutput(0, outputs[0].dtype, dims);
        return absl::OkStatus();
      });
}

BlockedOperator::BlockedOperator(OperatorInit* init)
    : Operator<CPUContext>(init), inputs_(static_cast<size_t>(InputSize())) {
  const auto channels = init->GetRepeatedArgument<int64_t>(kReadChannels);
  const auto from = init->GetRepeatedArgument<int64_t>(kReadFromChannels);
  for (size_t i = 0; i < inputs_.size() && i < channels.size(); ++i) {
    if (channels[i] <= 0) continue;
    if (IsInplace(static_cast<int>(i), 0)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("of \"", def().input(static_cast<int>(i)),
                       "\" a part is read, so it may not be the output")));
    }
    inputs_[i].slice = std::make_unique<InputSlice>(i < from.size() ? from[i] : 0, channels[i]);
  }
}

absl::Status BlockedOperator::ReadWith(In* in, const dnnl::memory::desc& whole) {
  in->whole = whole;
  in->desc = whole;
  if (in->slice == nullptr) return absl::OkStatus();
  DOPPIO_RETURN_IF_ERROR(in->slice->Init(whole));
  in->desc = in->slice->part();
  return absl::OkStatus();
}

absl::Status BlockedOperator::Look(int i, bool* changed) {
  In& in = inputs_[static_cast<size_t>(i)];
  const Blob& blob = InputBlob(i);
  const void* data = nullptr;
  if (const auto* blocked = blob.Get<BlockedTensor>()) {
    if (in.is_plain || in.whole != blocked->desc()) {
      DOPPIO_RETURN_IF_ERROR(CallDnnl([&] { return ReadWith(&in, blocked->desc()); }));
      in.is_plain = false;
      *changed = true;
    }
    data = blocked->data();
  } else {
    DOPPIO_RETURN_IF_ERROR(LookAtTensor(i, changed));
    data = blob.Get<Tensor>()->raw_data();
  }
  in.data = data;
  if (in.slice == nullptr) return absl::OkStatus();
  DOPPIO_ASSIGN_OR_RETURN(in.data, in.slice->Read(data));
  return absl::OkStatus();
}

absl::Status BlockedOperator::LookAtTensor(int i, bool* changed) {
  In& in = inputs_[static_cast<size_t>(i)];
  const auto* tensor = InputBlob(i).Get<Tensor>();
  if (tensor == nullptr || !tensor->Is<float>()) {
    return absl::InvalidArgumentError(
        absl::StrCat(DescribeInput(i), " must be a blocked tensor or a tensor of float"));
  }
  if (in.is_plain && tensor->dims() == DimsView(in.dims)) return absl::OkStatus();
  DOPPIO_RETURN_IF_ERROR(CallDnnl([&] { return ReadWith(&in, DnnlRowMajor(tensor->dims())); }));
  in.dims.assign(tensor->dims().begin(), tensor->dims().end());
  in.is_plain = true;
  *changed = true;
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

absl::StatusOr<BlockedTensor*> BlockedOperator::CarriedOutput(int i,
                                                              const dnnl::memory::desc& desc) {
  if (IsInplace(i, 0)) return OutputBlob(0)->GetMutable<BlockedTensor>();
  const dnnl::memory::desc& from = this->desc(i);
  if (!carry_.IsFor({}) || carried_from_ != from || carried_to_ != desc) {
    DOPPIO_RETURN_IF_ERROR(CallDnnl([&] {
      carried_from_ = from;
      carried_to_ = desc;
      const dnnl::reorder::primitive_desc copy(DnnlEngine(), from, DnnlEngine(), desc,
                                               DnnlAttributes());
      return carry_.Init(copy, {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, desc}});
    }));
  }
  DOPPIO_ASSIGN_OR_RETURN(BlockedTensor * y, BlockedOutput(desc));
  carry_.Bind(0, data(i));
  carry_.Bind(1, y->mutable_data());
  DOPPIO_RETURN_IF_ERROR(carry_.Execute());
  return y;
}

}  // namespace doppio
