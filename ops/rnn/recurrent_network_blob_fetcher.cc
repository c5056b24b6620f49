#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/rnn/step_net.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(RecurrentNetworkBlobFetcher)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .HasSideEffects()
    .Doc(R"DOC(
Copies the tensors of the steps of a RecurrentNetwork into blobs outside: blob NAME of step i is put into
PREFIX_NAMEi. Blobs that hold no tensor are passed over.

Example: with prefix = "rnn", where 2 steps have a blob "h", this makes "rnn_h0" and "rnn_h1", and those
names are the output.
)DOC")
    .Arg<std::string>("prefix", "what the names of the copies begin with", "rnn")
    .Input(0, "step_workspaces", "RecurrentNetwork's last output")
    .Output(0, "blob_names", "vector of strings: the names of the copies");

template <class Context>
class RecurrentNetworkBlobFetcherOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RecurrentNetworkBlobFetcherOp(OperatorInit* init)
      : Operator<Context>(init),
        scope_(init->scope()),
        prefix_(init->GetSingleArgument<std::string>("prefix")) {}

  absl::Status RunOnDevice() override {
    const auto* scratch = InputBlob(0).template Get<StepWorkspaces>();
    if (scratch == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the input must be the workspaces of the steps, but is ", InputBlob(0).TypeName()));
    }
    std::vector<std::string> names;
    for (size_t i = 0; i < scratch->steps.size(); ++i) {
      if (scratch->steps[i] == nullptr) continue;
      for (const std::string& name : scratch->steps[i]->LocalBlobs()) {
        const absl::StatusOr<Tensor> tensor = scratch->steps[i]->Fetch(name);
        if (!tensor.ok()) continue;
        names.push_back(absl::StrCat(prefix_, "_", name, i));
        DOPPIO_RETURN_IF_ERROR(
            scope_->CreateBlob(names.back())->template GetMutable<Tensor>()->CopyFrom(*tensor));
      }
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output,
                            Output(0, DataType::kString, {static_cast<int64_t>(names.size())}));
    std::string* out = output->template mutable_data<std::string>();
    for (std::string& name : names) *out++ = std::move(name);
    return absl::OkStatus();
  }

 private:
  BlobScope* const scope_;
  const std::string prefix_;
};

DOPPIO_REGISTER_CPU_OPERATOR(RecurrentNetworkBlobFetcher,
                             RecurrentNetworkBlobFetcherOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(RecurrentNetworkBlobFetcher);

}  // namespace
}  // namespace doppio
