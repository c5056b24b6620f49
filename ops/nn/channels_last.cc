// The engine CHANNELS_LAST of operators of images: each is the operator of its type for order NHWC
// (or one that does not care), given inputs with the channels last. KeepChannelsLast puts it into
// nets that train convolutions.

#include <algorithm>
#include <map>

#include "doppio/op_def.h"
#include "doppio/operator.h"
#include "doppio/registry.h"
#include "ops/nn/channels_last_tensor.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

DOPPIO_REGISTER_BLOB_TYPE(ChannelsLastTensor);

// What an input or output is, by its letter: an image, which is kept with the channels last; a
// filter, which is plain, but which the inner operator has with the channels last; or what is the
// same for both.
constexpr char kImage = 'I';
constexpr char kFilter = 'F';
constexpr char kSame = '.';

// The last letter stands for all that follow.
struct Letters {
  absl::string_view inputs;
  absl::string_view outputs;
};

char LetterAt(absl::string_view letters, int i) {
  return letters[std::min(static_cast<size_t>(i), letters.size() - 1)];
}

Letters LettersOf(const OperatorDef& def) {
  const std::string& type = def.type();
  if (type == "Conv") return {"IF.", "I"};
  if (type == "ConvGradient") {
    const bool no_bias = ArgumentReader(def, nullptr).GetSingleArgument<bool>("no_bias", false);
    return {"IFI", no_bias ? "FI" : "F.I"};
  }
  if (type == "SpatialBN") return {"I.", "I."};
  if (type == "SpatialBNGradient") return {"I.I.", "I."};
  return {"I", "I"};
}

// The blobs of the inner operator: some of its own, the others those that it is given.
class InnerBlobs final : public BlobScope {
 public:
  explicit InnerBlobs(BlobScope* outer) : outer_(outer) {}

  std::shared_ptr<Blob> Own(const std::string& name) {
    std::shared_ptr<Blob>& blob = own_[name];
    if (blob == nullptr) blob = std::make_shared<Blob>();
    return blob;
  }
  std::shared_ptr<Blob> FindBlob(absl::string_view name) const override {
    const auto own = own_.find(name);
    return own != own_.end() ? own->second : outer_->FindBlob(name);
  }
  std::shared_ptr<Blob> CreateBlob(absl::string_view name) override {
    const auto own = own_.find(name);
    return own != own_.end() ? own->second : outer_->CreateBlob(name);
  }

 private:
  BlobScope* outer_;
  std::map<std::string, std::shared_ptr<Blob>, std::less<>> own_;
};

// Three to five dimensions of floats. All else is left to the plain operator.
bool IsImage(const Blob& blob) {
  const auto* kept = blob.Get<ChannelsLastTensor>();
  const Tensor* tensor = kept != nullptr ? &kept->stored() : blob.Get<Tensor>();
  return tensor != nullptr && tensor->Is<float>() && tensor->rank() >= 3 && tensor->rank() <= 5;
}

void SetChannelsLast(OperatorDef* def) {
  auto* args = def->mutable_arg();
  args->erase(std::remove_if(args->begin(), args->end(),
                             [](const Argument& arg) { return arg.name() == "order"; }),
              args->end());
  *def->add_arg() = MakeArgument<std::string>("order", "NHWC");
}

class ChannelsLastOp final : public Operator<CPUContext> {
 public:
  explicit ChannelsLastOp(OperatorInit* init) : Operator<CPUContext>(init) {
    if (!IsChannelsFirst(def())) init->Unsupported("the engine CHANNELS_LAST is for order NCHW");
    if (!init->status().ok()) return;
    const Letters letters = LettersOf(def());
    InnerBlobs blobs(init->scope());
    for (int i = 0; i < InputSize(); ++i) {
      const char letter = LetterAt(letters.inputs, i);
      if (letter == kSame) continue;
      inputs_.push_back({i, letter, blobs.Own(def().input(i))});
      TakeAnyInput(i);
    }
    for (int i = 0; i < OutputSize(); ++i) {
      const char letter = LetterAt(letters.outputs, i);
      if (letter != kSame) outputs_.push_back({i, letter, blobs.Own(def().output(i))});
    }
    OperatorDef inner = def();
    inner.clear_engine();
    plain_ = Made(inner, init->scope(), init);
    if (init->schema()->FindArg("order") != nullptr) SetChannelsLast(&inner);
    inner_ = Made(inner, &blobs, init);
  }

  absl::Status RunOnDevice() override {
    for (const Part& input : inputs_) {
      if (!IsImage(InputBlob(input.index))) return plain_->Run();
    }
    absl::Status status;
    for (const Part& input : inputs_) status.Update(Load(input));
    for (const Part& output : outputs_) TakeStorage(output);
    if (status.ok()) status = inner_->Run();
    for (const Part& output : outputs_) {
      if (output.letter == kImage) {
        GiveBack(output);
      } else if (status.ok()) {
        status = StoreFilter(output);
      }
    }
    for (const Part& input : inputs_) Unload(input);
    // What is wrong with shapes it says of those that the net has.
    return status.ok() ? status : plain_->Run();
  }

 private:
  // An input or output that the inner operator has in a blob of its own.
  struct Part {
    int index;
    char letter;
    std::shared_ptr<Blob> inner;
  };

  static std::unique_ptr<OperatorBase> Made(const OperatorDef& def, BlobScope* scope,
                                            OperatorInit* init) {
    absl::StatusOr<std::unique_ptr<OperatorBase>> op = CreateOperator(def, scope);
    if (op.ok()) return *std::move(op);
    init->Fail(op.status());
    return nullptr;
  }

  // The inner operator gets input i with the channels last: a share of what is kept so, the thing
  // itself where it is the output as well, else a copy.
  absl::Status Load(const Part& input) {
    auto* inner = input.inner->GetMutable<Tensor>();
    const Blob& blob = InputBlob(input.index);
    const auto* kept = blob.Get<ChannelsLastTensor>();
    if (kept == nullptr) return MoveChannelsLast(*blob.Get<Tensor>(), inner, &context_);
    if (!IsOutput(input)) *inner = kept->stored();
    return absl::OkStatus();
  }

  void Unload(const Part& input) {
    const bool is_shared = InputBlob(input.index).Get<ChannelsLastTensor>() != nullptr;
    if (is_shared) input.inner->GetMutable<Tensor>()->Reset();
  }

  bool IsOutput(const Part& input) const {
    return std::any_of(outputs_.begin(), outputs_.end(),
                       [&](const Part& output) { return output.inner == input.inner; });
  }

  // The inner operator writes where the output's elements are kept.
  void TakeStorage(const Part& output) {
    if (output.letter != kImage) return;
    Blob* blob = OutputBlob(output.index);
    if (!blob->Is<ChannelsLastTensor>()) return;
    *output.inner->GetMutable<Tensor>() =
        std::move(*blob->GetMutable<ChannelsLastTensor>()->mutable_stored());
  }

  void GiveBack(const Part& output) {
    *OutputBlob(output.index)->GetMutable<ChannelsLastTensor>()->mutable_stored() =
        std::move(*output.inner->GetMutable<Tensor>());
  }

  absl::Status StoreFilter(const Part& output) {
    const Tensor& inner = *output.inner->Get<Tensor>();
    Dims dims(inner.dims().begin(), inner.dims().end());
    std::rotate(dims.begin() + 1, dims.end() - 1, dims.end());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * filter, Output(output.index, inner.dtype(), dims));
    return MoveChannelsFirst(inner, filter, &context_);
  }

  std::vector<Part> inputs_;
  std::vector<Part> outputs_;
  std::unique_ptr<OperatorBase> plain_;
  std::unique_ptr<OperatorBase> inner_;
};

#define DOPPIO_CHANNELS_LAST(Type) \
  DOPPIO_REGISTER_CPU_OPERATOR_WITH_ENGINE(Type, CHANNELS_LAST, ChannelsLastOp)
DOPPIO_CHANNELS_LAST(AveragePool);
DOPPIO_CHANNELS_LAST(AveragePoolGradient);
DOPPIO_CHANNELS_LAST(Conv);
DOPPIO_CHANNELS_LAST(ConvGradient);
DOPPIO_CHANNELS_LAST(MaxPool);
DOPPIO_CHANNELS_LAST(MaxPoolGradient);
DOPPIO_CHANNELS_LAST(Relu);
DOPPIO_CHANNELS_LAST(ReluGradient);
DOPPIO_CHANNELS_LAST(SpatialBN);
DOPPIO_CHANNELS_LAST(SpatialBNGradient);
DOPPIO_CHANNELS_LAST(Sum);
#undef DOPPIO_CHANNELS_LAST

}  // namespace
}  // namespace doppio
