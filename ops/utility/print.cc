#include <algorithm>
#include <iostream>

#include "absl/strings/escaping.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

constexpr int64_t kDefaultLimit = 1000;

template <typename T>
void AppendElement(const T& value, std::string* text) {
  if constexpr (std::is_same_v<T, std::string>) {
    absl::StrAppend(text, "\"", absl::CEscape(value), "\"");
  } else if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
    absl::StrAppend(text, static_cast<float>(value));
  } else if constexpr (sizeof(T) == 1) {
    absl::StrAppend(text, static_cast<int>(value));
  } else {
    absl::StrAppend(text, value);
  }
}

DOPPIO_OPERATOR_SCHEMA(Print)
    .NumInputs(1)
    .NumOutputs(0)
    .Doc(R"DOC(
Writes a blob to the standard error stream, on one line: name, type, shape and the elements in
row-major order, such as

  X float[2,2]: 1, 2.5, 3, 4

Blobs that are no tensors are written by their type alone.
)DOC")
    .Arg<int64_t>("limit", "elements that are written; 0 is 1000", 0)
    .Arg<int>("every_n", "writes in the first of every n runs", 1)
    .Arg<bool>("to_file",
               "Caffe2 then writes to a file in the root folder of the workspace; doppio writes to "
               "the standard error stream all the same",
               false)
    .Input(0, "blob", "tensor of any type, or any other blob")
    .AllowAnyInput(0)
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .HasSideEffects()
    .TensorInference([](InferenceContext*) { return absl::OkStatus(); });

template <class Context>
class PrintOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PrintOp(OperatorInit* init)
      : Operator<Context>(init),
        limit_(init->GetSingleArgument<int64_t>("limit")),
        every_n_(init->GetSingleArgument<int>("every_n")) {
    if (limit_ < 0 || every_n_ < 1) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat("limit is ", limit_,
                                                         ", must be at least 0, and every_n is ",
                                                         every_n_, ", must be at least 1")));
    }
  }

  absl::Status RunOnDevice() override {
    const bool is_due = runs_ == 0;
    runs_ = (runs_ + 1) % every_n_;
    if (!is_due) return absl::OkStatus();
    text_ = this->def().input(0);
    const Blob& blob = InputBlob(0);
    if (blob.IsTensor()) {
      DOPPIO_RETURN_IF_ERROR(AppendTensor(*blob.Get<Tensor>()));
    } else {
      absl::StrAppend(&text_, " holds ", blob.TypeName());
    }
    text_ += '\n';
    std::cerr << text_ << std::flush;
    return absl::OkStatus();
  }

 private:
  absl::Status AppendTensor(const Tensor& tensor) {
    absl::StrAppend(&text_, " ", tensor.TypeAndShape(), ":");
    if (tensor.numel() == 0) return absl::OkStatus();
    return DispatchType(AllTypes(), tensor.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const int64_t count = std::min(tensor.numel(), limit_ == 0 ? kDefaultLimit : limit_);
      for (int64_t i = 0; i < count; ++i) {
        text_ += i == 0 ? " " : ", ";
        AppendElement(tensor.data<T>()[i], &text_);
      }
      if (count < tensor.numel()) text_ += ", ...";
      return absl::OkStatus();
    });
  }

  const int64_t limit_;
  const int every_n_;
  int runs_ = 0;      // since the last line, counting the run that wrote it
  std::string text_;  // kept for its memory
};

DOPPIO_REGISTER_CPU_OPERATOR(Print, PrintOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Print);

}  // namespace
}  // namespace doppio
