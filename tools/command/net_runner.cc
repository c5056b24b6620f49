#include "tools/command/net_runner.h"

#include <algorithm>
#include <set>
#include <utility>

#include "doppio/check.h"
#include "tools/command/net_input.h"

namespace doppio::tools {
namespace {

// A run of a predictor has one observer.
class Observers final : public NetObserver {
 public:
  explicit Observers(const std::vector<NetObserver*>& observers) : observers_(observers) {}
  void NetStart(const Net& net) override {
    for (NetObserver* observer : observers_) observer->NetStart(net);
  }
  void NetStop(const Net& net, const absl::Status& status) override {
    for (NetObserver* observer : observers_) observer->NetStop(net, status);
  }
  void OperatorStart(const Net& net, int index) override {
    for (NetObserver* observer : observers_) observer->OperatorStart(net, index);
  }
  void OperatorStop(const Net& net, int index, const absl::Status& status) override {
    for (NetObserver* observer : observers_) observer->OperatorStop(net, index, status);
  }

 private:
  const std::vector<NetObserver*>& observers_;
};

}  // namespace

std::string WhyNoPredictor(const NetDef& net, const Workspace& workspace) {
  std::set<std::string> needed;
  for (const NeededInput& input : NeededInputs(net)) needed.insert(input.blob);
  for (const std::string& name : needed) {
    const std::shared_ptr<Blob> blob = workspace.FindBlob(name);
    if (blob != nullptr && !blob->IsTensor()) return absl::StrCat("\"", name, "\" is no tensor");
  }
  for (const OperatorDef& op : net.op()) {
    for (const std::string& name : BlobsOfOp(op).writes) {
      if (needed.count(name) > 0) return absl::StrCat("it changes \"", name, "\", which it reads");
    }
  }
  return "";
}

absl::StatusOr<NetRunner> NetRunner::Create(const NetDef& net, Options options,
                                            Workspace* workspace) {
  NetRunner runner;
  runner.options_ = std::move(options);
  runner.workspace_ = workspace;
  if (!runner.options_.optimize || !WhyNoPredictor(net, *workspace).empty()) {
    DOPPIO_ASSIGN_OR_RETURN(runner.net_, workspace->CreateNet(net, /*overwrite=*/true));
    return runner;
  }
  Model model;
  model.predict = net;
  model.outputs = runner.options_.outputs;
  const std::vector<std::string>& fed = runner.options_.fed;
  for (const NeededInput& input : NeededInputs(net)) {
    const bool is_fed = std::find(fed.begin(), fed.end(), input.blob) != fed.end();
    if (is_fed) model.inputs.push_back(input.blob);
  }
  std::set<std::string> made;
  for (const OperatorDef& op : net.op()) {
    for (std::string& name : BlobsOfOp(op).writes) made.insert(std::move(name));
  }
  for (const std::string& name : workspace->LocalBlobs()) {
    absl::StatusOr<Tensor> tensor = workspace->Fetch(name);
    if (tensor.ok() && made.count(name) == 0) model.weights[name] = *std::move(tensor);
    DOPPIO_RETURN_IF_ERROR(workspace->RemoveBlob(name));
  }
  for (const std::string& name : model.inputs) runner.inputs_.push_back(model.weights[name]);
  PredictorOptions how;
  how.winograd = runner.options_.winograd;
  how.file_access = workspace->file_access();
  DOPPIO_ASSIGN_OR_RETURN(runner.predictor_, Predictor::Create(std::move(model), how));
  return runner;
}

std::shared_ptr<const NetDef> NetRunner::net() const {
  if (predictor_ != nullptr) return predictor_->net();
  return {std::shared_ptr<const NetDef>(), &net_->def()};
}

int64_t NetRunner::UnwrittenBytes() const {
  return is_optimized() ? predictor_->Stats().unwritten_bytes : workspace_->Stats().unwritten_bytes;
}

BlobInfos NetRunner::Inputs() const {
  if (predictor_ == nullptr) return InfosOf(*workspace_);
  BlobInfos infos = predictor_->WeightInfos();
  for (size_t i = 0; i < inputs_.size(); ++i) {
    infos[predictor_->inputs()[i]] = {
        inputs_[i].dtype(), Dims(inputs_[i].dims().begin(), inputs_[i].dims().end()), std::nullopt};
  }
  return infos;
}

absl::Status NetRunner::Run() {
  Observers observers(observers_);
  if (predictor_ == nullptr) {
    net_->AddObserver(&observers);
    const absl::Status status = net_->Run();
    net_->RemoveObserver(&observers);
    return status;
  }
  outputs_.clear();
  DOPPIO_ASSIGN_OR_RETURN(outputs_,
                          predictor_->Run(inputs_, observers_.empty() ? nullptr : &observers));
  return absl::OkStatus();
}

absl::Status NetRunner::KeepOutputs() {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    DOPPIO_RETURN_IF_ERROR(workspace_->Feed(predictor_->outputs()[i], outputs_[i]));
  }
  return absl::OkStatus();
}

}  // namespace doppio::tools
