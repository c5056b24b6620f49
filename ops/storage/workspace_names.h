#ifndef DOPPIO_OPS_STORAGE_WORKSPACE_NAMES_H_
#define DOPPIO_OPS_STORAGE_WORKSPACE_NAMES_H_

#include <string>
#include <vector>

#include "doppio/operator.h"
#include "doppio/workspace.h"

namespace doppio {

constexpr char kIncludeShared[] = "include_shared";
constexpr char kIncludeSharedDoc[] = "also the blobs of workspaces that this one sees";

// The names of the blobs of the workspace that an operator was made in, which it must not outlive.
class WorkspaceNames {
 public:
  explicit WorkspaceNames(OperatorInit* init)
      : workspace_(dynamic_cast<const Workspace*>(init->scope())),
        include_shared_(init->GetSingleArgument<bool>(kIncludeShared)) {
    if (workspace_ == nullptr) {
      init->Fail(absl::FailedPreconditionError("the operator must be made in a workspace"));
    }
  }

  const Workspace& workspace() const { return *workspace_; }
  std::vector<std::string> Get() const {
    return include_shared_ ? workspace_->Blobs() : workspace_->LocalBlobs();
  }

 private:
  const Workspace* workspace_;
  bool include_shared_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_STORAGE_WORKSPACE_NAMES_H_
