#include "src/runtime/predictor_instance.h"

namespace doppio {

absl::StatusOr<std::unique_ptr<PredictorInstance>> PredictorInstance::Create(
    std::shared_ptr<const NetDef> def, const Workspace* weights,
    const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
  std::unique_ptr<PredictorInstance> instance(new PredictorInstance(std::move(def), weights));
  Workspace& workspace = instance->workspace_;
  const NetBlobs blobs = BlobsOfWholeNet(*instance->def_);
  // Before the net binds its blobs: what it writes is its own even where weights have that name.
  for (const std::string& name : inputs) {
    instance->inputs_.push_back(workspace.CreateLocalBlob(name));
  }
  for (const std::string& name : blobs.written) workspace.CreateLocalBlob(name);
  for (const std::string& name : outputs) {
    const std::shared_ptr<Blob> blob = workspace.FindBlob(name);
    if (blob == nullptr)
      return absl::NotFoundError(absl::StrCat("there is no blob \"", name, "\""));
    instance->outputs_.push_back({name, blob});
    if (blobs.conditional.count(name) > 0) instance->conditional_.push_back(blob);
  }
  DOPPIO_ASSIGN_OR_RETURN(instance->net_, CreateNet(instance->def_, &workspace));
  return instance;
}

absl::StatusOr<std::vector<Tensor>> PredictorInstance::Run(absl::Span<const Tensor> inputs,
                                                           NetObserver* observer) {
  for (const std::shared_ptr<Blob>& blob : conditional_) blob->Reset();
  for (size_t i = 0; i < inputs.size(); ++i) *inputs_[i]->Overwrite() = inputs[i];
  if (observer != nullptr) net_->AddObserver(observer);
  const absl::Status status = net_->Run();
  if (observer != nullptr) net_->RemoveObserver(observer);
  absl::StatusOr<std::vector<Tensor>> outputs =
      status.ok() ? Outputs() : absl::StatusOr<std::vector<Tensor>>(status);
  // What was fed belongs to the caller again.
  for (const std::shared_ptr<Blob>& blob : inputs_) blob->Reset();
  return outputs;
}

absl::StatusOr<std::vector<Tensor>> PredictorInstance::Outputs() const {
  std::vector<Tensor> outputs;
  outputs.reserve(outputs_.size());
  for (const auto& [name, blob] : outputs_) {
    const absl::Status status = blob->WriteOut();
    if (!status.ok()) return Annotate(status, absl::StrCat("output \"", name, "\""));
    const Tensor* tensor = blob->Get<Tensor>();
    if (tensor == nullptr && !blob->IsEmpty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("output \"", name, "\" holds ", blob->TypeName(), ", not a tensor"));
    }
    if (tensor == nullptr || tensor->dtype() == DataType::kUndefined) {
      return absl::FailedPreconditionError(
          absl::StrCat("output \"", name, "\" was not made in this run"));
    }
    outputs.push_back(*tensor);
  }
  return outputs;
}

}  // namespace doppio
