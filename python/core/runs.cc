#include "python/core/runs.h"

#include <algorithm>

#include "doppio/check.h"
#include "python/core/errors.h"

namespace doppio::python {
namespace {

bool Uses(const Runs::Run& run, const Blob* blob, bool is_read) {
  const auto is_blob = [&](const std::string& name) {
    return run.workspace->FindBlob(name).get() == blob;
  };
  for (const OperatorDef& op : run.def->op()) {
    const OpBlobs blobs = BlobsOfOp(op);
    if (std::any_of(blobs.writes.begin(), blobs.writes.end(), is_blob)) return true;
    if (!is_read && std::any_of(blobs.reads.begin(), blobs.reads.end(), is_blob)) return true;
  }
  return false;
}

}  // namespace

void Runs::CheckBlobSlow(const Workspace& workspace, const std::string& name, bool is_read) const {
  const std::shared_ptr<Blob> blob = workspace.FindBlob(name);
  if (blob == nullptr) return;
  for (const Run& run : runs_) {
    if (run.thread == std::this_thread::get_id() || !Uses(run, blob.get(), is_read)) continue;
    Raise(absl::FailedPreconditionError(
        absl::StrCat("blob \"", name, "\" is used by net \"", run.def->name(),
                     "\", which runs on another thread; wait until it is done")));
  }
}

void Runs::CheckNet(const Net* net, const char* what) const {
  for (const Run& run : runs_) {
    if (net == nullptr || run.net != net) continue;
    Raise(absl::FailedPreconditionError(
        absl::StrCat(what, ": net \"", run.def->name(), "\" is running")));
  }
}

void Runs::CheckIdle(const Workspace& workspace, const char* what) const {
  for (const Run& run : runs_) {
    if (run.workspace != &workspace) continue;
    Raise(absl::FailedPreconditionError(
        absl::StrCat(what, ": net \"", run.def->name(), "\" is running in this workspace")));
  }
}

RunScope::RunScope(Runs* runs, const Workspace* workspace, const NetDef* def, const Net* net)
    : runs_(runs), def_(def), thread_(std::this_thread::get_id()) {
  runs_->runs_.push_back({workspace, def, net, thread_});
}

RunScope::~RunScope() {
  auto& runs = runs_->runs_;
  const auto mine = std::find_if(runs.rbegin(), runs.rend(), [this](const Runs::Run& run) {
    return run.def == def_ && run.thread == thread_;
  });
  runs.erase(std::next(mine).base());
}

}  // namespace doppio::python
