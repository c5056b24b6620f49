#ifndef DOPPIO_OPS_CONTROL_SCOPE_H_
#define DOPPIO_OPS_CONTROL_SCOPE_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doppio/net.h"
#include "doppio/workspace.h"

namespace doppio {

// What a blob that CreateScope makes holds: the blobs that nets of Do made for themselves, one
// workspace for each run since then.
struct ScopeStack {
  // A copy of a blob around the scope, which hides it from the gradient.
  struct SavedBlob {
    std::string inner;
    std::shared_ptr<Blob> outer;
    std::shared_ptr<Blob> copy;
    bool is_written;  // by the net
    Tensor storage;   // of the copy, while the forward net runs and it is not there
  };

  struct Scope {
    Scope(const Workspace* the_outer, std::map<std::string, std::string> the_bindings)
        : outer(the_outer), bindings(std::move(the_bindings)), workspace(outer, bindings) {}

    const Workspace* outer;
    // Of the operator that made it: as long as that one is there, the workspace around it is too.
    std::weak_ptr<const void> maker;
    std::map<std::string, std::string> bindings;  // which blobs around it are seen, by inner name
    Workspace workspace;
    std::vector<SavedBlob> saved;
    bool has_saved = false;  // whether `workspace` has them now
    // By operator; made over `workspace`, and so gone before it.
    std::vector<std::pair<std::weak_ptr<const void>, std::unique_ptr<Net>>> nets;
  };

  // Shared by who runs in it: nets inside may write to the blob that holds the scope.
  std::vector<std::shared_ptr<Scope>> scopes;
  size_t used = 0;  // of `scopes`, from the front; the rest wait to be used again
};

}  // namespace doppio

#endif  // DOPPIO_OPS_CONTROL_SCOPE_H_
