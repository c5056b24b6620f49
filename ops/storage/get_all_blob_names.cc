#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/storage/workspace_names.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(GetAllBlobNames)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
The names of all blobs of the workspace, sorted; the output is one of them.

Example: in a workspace with the blob "X", GetAllBlobNames() -> names gives ["X", "names"].
)DOC")
    .Arg<bool>(kIncludeShared, kIncludeSharedDoc, true)
    .Output(0, "blob_names", "vector of strings")
    .HasSideEffects();

template <class Context>
class GetAllBlobNamesOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GetAllBlobNamesOp(OperatorInit* init) : Operator<Context>(init), names_(init) {}

  absl::Status RunOnDevice() override {
    const std::vector<std::string> names = names_.Get();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output,
                            Output(0, DataType::kString, {static_cast<int64_t>(names.size())}));
    std::copy(names.begin(), names.end(), output->template mutable_data<std::string>());
    return absl::OkStatus();
  }

 private:
  const WorkspaceNames names_;
};

DOPPIO_REGISTER_CPU_OPERATOR(GetAllBlobNames, GetAllBlobNamesOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(GetAllBlobNames);

}  // namespace
}  // namespace doppio
