#include "doppio/workspace.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "doppio/cancellation.h"
#include "doppio/op_def.h"
#include "doppio/registry.h"
#include "google/protobuf/arena.h"

namespace doppio {

struct Workspace::State {
  const Workspace* parent = nullptr;

  // Of all that follows. Not absl's, which looks for deadlocks in Debian's build: creating a net
  // takes it for every blob.
  mutable std::mutex mutex;
  absl::flat_hash_map<std::string, std::shared_ptr<Blob>> blobs;
  // Blobs that were removed but that nets still use.
  std::map<std::string, std::weak_ptr<Blob>, std::less<>> removed;
  // Blobs of other workspaces under names of this one.
  std::map<std::string, std::pair<const Workspace*, std::string>, std::less<>> mapped;
  std::map<std::string, std::unique_ptr<Net>, std::less<>> nets;

  std::shared_ptr<Blob> FindLocal(absl::string_view name) const {
    const auto found = blobs.find(name);
    return found == blobs.end() ? nullptr : found->second;
  }

  std::shared_ptr<Blob> CreateLocal(absl::string_view name) {
    const auto [place, is_new] = blobs.try_emplace(name);
    std::shared_ptr<Blob>& blob = place->second;
    if (!is_new) return blob;
    const auto left = removed.find(name);
    if (left != removed.end()) {
      blob = left->second.lock();
      removed.erase(left);
    }
    if (blob == nullptr) blob = std::make_shared<Blob>();
    return blob;
  }
};

namespace {

// On an arena, since most of a net is many small messages.
std::shared_ptr<const NetDef> CopyOf(const NetDef& def) {
  google::protobuf::ArenaOptions options;
  options.max_block_size = 64 << 10;
  const auto arena = std::make_shared<google::protobuf::Arena>(options);
  NetDef* copy = google::protobuf::Arena::CreateMessage<NetDef>(arena.get());
  *copy = def;
  return {arena, copy};
}

// What is allocated while it exists counts for the budget, where there is one.
class BudgetScope {
 public:
  explicit BudgetScope(const std::optional<MemoryBudget>& budget) {
    if (budget.has_value()) scope_.emplace(*budget);
  }

 private:
  std::optional<MemoryScope> scope_;
};

}  // namespace

Workspace::Workspace(std::string root_folder)
    : root_folder_(std::move(root_folder)),
      file_access_(FileAccess::Within(root_folder_)),
      state_(std::make_unique<State>()) {}

Workspace::Workspace(const Workspace* parent) : Workspace(parent->RootFolder()) {
  file_access_ = parent->file_access();
  memory_budget_ = parent->memory_budget();
  state_->parent = parent;
}

Workspace::Workspace(const Workspace* parent, const std::map<std::string, std::string>& mapping)
    : Workspace(parent->RootFolder()) {
  file_access_ = parent->file_access();
  memory_budget_ = parent->memory_budget();
  const std::lock_guard<std::mutex> lock(state_->mutex);
  for (const auto& [name, parents_name] : mapping) state_->mapped[name] = {parent, parents_name};
}

Workspace::~Workspace() = default;

void Workspace::SetMemoryBudget(std::optional<MemoryBudget> budget) {
  memory_budget_ = std::move(budget);
  const std::lock_guard<std::mutex> lock(state_->mutex);
  for (const auto& [name, net] : state_->nets) net->SetMemoryBudget(memory_budget_);
}

std::shared_ptr<Blob> Workspace::FindBlob(absl::string_view name) const {
  const Workspace* other = state_->parent;
  std::string others_name;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    if (std::shared_ptr<Blob> blob = state_->FindLocal(name)) return blob;
    const auto mapped = state_->mapped.find(name);
    if (mapped != state_->mapped.end()) {
      std::tie(other, others_name) = mapped->second;
      name = others_name;
    }
  }
  return other == nullptr ? nullptr : other->FindBlob(name);
}

std::shared_ptr<Blob> Workspace::CreateBlob(absl::string_view name) {
  if (state_->parent == nullptr) {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    if (state_->mapped.empty()) return state_->CreateLocal(name);
  }
  if (std::shared_ptr<Blob> blob = FindBlob(name)) return blob;
  return CreateLocalBlob(name);
}

std::shared_ptr<Blob> Workspace::CreateLocalBlob(absl::string_view name) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->CreateLocal(name);
}

std::vector<std::string> Workspace::LocalBlobs() const {
  std::vector<std::string> names;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    for (const auto& [name, blob] : state_->blobs) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Workspace::Blobs() const {
  std::set<std::string> names;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    for (const auto& [name, blob] : state_->blobs) names.insert(name);
    for (const auto& [name, target] : state_->mapped) names.insert(name);
  }
  if (state_->parent != nullptr) {
    for (std::string& name : state_->parent->Blobs()) names.insert(std::move(name));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

absl::Status Workspace::Feed(absl::string_view name, absl::StatusOr<Tensor> tensor) {
  if (!tensor.ok()) return Annotate(tensor.status(), absl::StrCat("feeding blob \"", name, "\""));
  const std::shared_ptr<Blob> blob = CreateBlob(name);
  if (!blob->IsEmpty() && !blob->Is<Tensor>()) {
    return absl::FailedPreconditionError(
        absl::StrCat("blob \"", name, "\" holds ", blob->TypeName(),
                     ", not a tensor; remove it before you feed a tensor"));
  }
  *blob->Overwrite() = *std::move(tensor);
  return absl::OkStatus();
}

absl::StatusOr<Tensor> Workspace::Fetch(absl::string_view name) const {
  const std::shared_ptr<Blob> blob = FindBlob(name);
  if (blob == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("there is no blob \"", name, "\"", DidYouMean(name, Blobs())));
  }
  if (blob->IsEmpty())
    return absl::FailedPreconditionError(absl::StrCat("blob \"", name, "\" has no value yet"));
  const BudgetScope memory(memory_budget_);
  const absl::Status status = blob->WriteOut();
  if (!status.ok()) return Annotate(status, absl::StrCat("blob \"", name, "\""));
  const Tensor* tensor = blob->Get<Tensor>();
  if (tensor == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("blob \"", name, "\" holds ", blob->TypeName(), ", not a tensor"));
  }
  if (tensor->dtype() == DataType::kUndefined) {
    return absl::FailedPreconditionError(absl::StrCat("blob \"", name, "\" has no value yet"));
  }
  return *tensor;
}

absl::Status Workspace::RemoveBlob(absl::string_view name) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const auto found = state_->blobs.find(name);
  if (found == state_->blobs.end()) {
    return absl::NotFoundError(absl::StrCat("there is no blob \"", name, "\" in this workspace"));
  }
  found->second->Reset();
  state_->removed[found->first] = found->second;
  state_->blobs.erase(found);
  return absl::OkStatus();
}

absl::Status Workspace::RenameBlob(absl::string_view from, absl::string_view to) {
  if (from != to && HasBlob(to)) {
    return absl::AlreadyExistsError(
        absl::StrCat("can not rename blob \"", from, "\": there is a blob \"", to, "\" already"));
  }
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const auto found = state_->blobs.find(from);
  if (found == state_->blobs.end()) {
    return absl::NotFoundError(absl::StrCat("there is no blob \"", from, "\" in this workspace"));
  }
  std::shared_ptr<Blob> blob = std::move(found->second);
  state_->blobs.erase(found);
  state_->blobs.emplace(to, std::move(blob));
  return absl::OkStatus();
}

absl::Status Workspace::AddBlobMapping(const Workspace* parent,
                                       const std::map<std::string, std::string>& mapping,
                                       bool skip_defined_blobs) {
  std::map<std::string, std::string> added;
  for (const auto& [name, parents_name] : mapping) {
    if (!parent->HasBlob(parents_name)) {
      return absl::NotFoundError(absl::StrCat("the parent workspace has no blob \"", parents_name,
                                              "\" to be seen as \"", name, "\"",
                                              DidYouMean(parents_name, parent->Blobs())));
    }
    if (!HasBlob(name)) {
      added[name] = parents_name;
    } else if (!skip_defined_blobs) {
      return absl::AlreadyExistsError(absl::StrCat("there is a blob \"", name, "\" already"));
    }
  }
  const std::lock_guard<std::mutex> lock(state_->mutex);
  for (const auto& [name, parents_name] : added) state_->mapped[name] = {parent, parents_name};
  return absl::OkStatus();
}

absl::StatusOr<Net*> Workspace::CreateNet(const NetDef& def, bool overwrite) {
  // One that is empty but given is a name: Caffe2's front end makes such nets.
  if (!def.has_name())
    return absl::InvalidArgumentError("a net needs a name to be created in a workspace");
  const Net* existing = GetNet(def.name());
  if (existing != nullptr && !overwrite) {
    return absl::AlreadyExistsError(
        absl::StrCat("there is a net \"", def.name(), "\" already; say overwrite to replace it"));
  }
  if (existing != nullptr) DOPPIO_RETURN_IF_ERROR(DeleteNet(def.name()));
  {
    // Most operators make a blob.
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->blobs.reserve(state_->blobs.size() + static_cast<size_t>(def.op_size()));
  }
  const BudgetScope memory(memory_budget_);
  DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<Net> net, doppio::CreateNet(CopyOf(def), this));
  net->SetMemoryBudget(memory_budget_);
  const std::lock_guard<std::mutex> lock(state_->mutex);
  std::unique_ptr<Net>& place = state_->nets[def.name()];
  place = std::move(net);
  return place.get();
}

Net* Workspace::GetNet(absl::string_view name) const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const auto found = state_->nets.find(name);
  return found == state_->nets.end() ? nullptr : found->second.get();
}

std::vector<std::string> Workspace::Nets() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  std::vector<std::string> names;
  for (const auto& [name, net] : state_->nets) names.push_back(name);
  return names;
}

absl::Status Workspace::DeleteNet(absl::string_view name) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const auto found = state_->nets.find(name);
  if (found == state_->nets.end())
    return absl::NotFoundError(absl::StrCat("there is no net \"", name, "\""));
  if (found->second->is_running()) {
    return absl::FailedPreconditionError(
        absl::StrCat("net \"", name, "\" is running and can not be deleted"));
  }
  state_->nets.erase(found);
  return absl::OkStatus();
}

absl::Status Workspace::RunNet(absl::string_view name, int times) {
  Net* net = GetNet(name);
  if (net == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("there is no net \"", name, "\"", DidYouMean(name, Nets())));
  }
  for (int i = 0; i < times; ++i) DOPPIO_RETURN_IF_ERROR(net->Run());
  return absl::OkStatus();
}

absl::Status Workspace::RunNetOnce(const NetDef& def) {
  // The net is gone before `def` is, so that it need not copy it.
  const std::shared_ptr<const NetDef> borrowed(std::shared_ptr<const NetDef>(), &def);
  const BudgetScope memory(memory_budget_);
  DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<Net> net, doppio::CreateNet(borrowed, this));
  return net->Run();
}

absl::Status Workspace::RunOperatorOnce(const OperatorDef& def) {
  const auto run = [&]() -> absl::Status {
    const BudgetScope memory(memory_budget_);
    DOPPIO_RETURN_IF_ERROR(Annotate(CancellationStatus(), "not run"));
    const std::shared_ptr<const OperatorDef> borrowed(std::shared_ptr<const OperatorDef>(), &def);
    DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<OperatorBase> op, CreateOperator(borrowed, this));
    return op->Run();
  };
  const absl::Status status = run();
  return status.ok() ? status : Annotate(status, absl::StrCat("op ", OpToString(def)));
}

absl::Status Workspace::ResetWorkspace(std::optional<std::string> root_folder) {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    for (const auto& [name, net] : state_->nets) {
      if (net->is_running()) {
        return absl::FailedPreconditionError(
            absl::StrCat("net \"", name, "\" is running; the workspace can not be reset"));
      }
    }
  }
  const Workspace* parent = state_->parent;
  state_ = std::make_unique<State>();
  state_->parent = parent;
  if (root_folder.has_value()) {
    root_folder_ = *std::move(root_folder);
    if (file_access_.folder().has_value()) file_access_ = FileAccess::Within(root_folder_);
  }
  return absl::OkStatus();
}

WorkspaceStats Workspace::Stats() const {
  WorkspaceStats stats;
  stats.process = GetMemoryStats();
  const std::lock_guard<std::mutex> lock(state_->mutex);
  stats.blobs = static_cast<int>(state_->blobs.size());
  stats.nets = static_cast<int>(state_->nets.size());
  std::set<const void*> counted;
  for (const auto& [name, blob] : state_->blobs) {
    for (const Tensor& tensor : blob->Storages()) {
      if (tensor.storage_id() == nullptr || !counted.insert(tensor.storage_id()).second) continue;
      stats.live_bytes += static_cast<int64_t>(tensor.capacity());
    }
    if (const Phantom* phantom = blob->phantom()) {
      ++stats.phantoms;
      stats.unwritten_bytes += phantom->unwritten_bytes();
    }
  }
  return stats;
}

}  // namespace doppio
