#ifndef DOPPIO_WORKSPACE_H_
#define DOPPIO_WORKSPACE_H_

// A workspace holds blobs and nets by name. It is where nets find their inputs and leave their
// outputs.
//
//   Workspace workspace;
//   workspace.Feed("X", Tensor::Of<float>({3, 1}, {1, 2, 3}));
//   absl::Status status = workspace.RunNetOnce(net);
//   absl::StatusOr<Tensor> y = workspace.Fetch("Y");
//
// Threads: different workspaces are independent. In one workspace, blobs and nets may be looked up
// from any thread; blobs must not be written to, and nets not be created or deleted, while a net
// that uses them runs. A parent workspace may be shared by many children at once as long as nobody
// writes to its blobs.
//
// After an error a workspace is as usable as before; blobs that a failed net wrote to hold what
// they got until then. So it is where a deadline or another thread ended a run (cancellation.h).

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "doppio/allocator.h"
#include "doppio/blob.h"
#include "doppio/file_access.h"
#include "doppio/memory_budget.h"
#include "doppio/net.h"

namespace doppio {

struct WorkspaceStats {
  int blobs = 0;
  int nets = 0;
  // Bytes of tensor storage that this workspace's own blobs hold, storage that blobs share counted
  // once.
  int64_t live_bytes = 0;
  // Blobs whose tensor is not written out (Blob::SetPhantom), and the bytes that this saves.
  int phantoms = 0;
  int64_t unwritten_bytes = 0;
  // Of the whole process (allocator.h).
  MemoryStats process;
};

class Workspace : public BlobScope {
 public:
  Workspace() : Workspace(std::string(".")) {}
  explicit Workspace(std::string root_folder);
  // Sees the blobs of `parent`, which must outlive it.
  explicit Workspace(const Workspace* parent);
  // Sees only those blobs of `parent` that the keys of `mapping` name, as which parent's blobs the
  // values say.
  Workspace(const Workspace* parent, const std::map<std::string, std::string>& mapping);
  ~Workspace() override;

  // Where operators look for files whose path is relative.
  const std::string& RootFolder() const { return root_folder_; }
  // Which files operators may open: those within the root folder, unless it is set. Workspaces that
  // are made with this one as their parent do as it does by then. Not while nets run.
  const FileAccess& file_access() const { return file_access_; }
  void SetFileAccess(FileAccess access) { file_access_ = std::move(access); }

  // What the nets of this workspace allocate counts for the budget (memory_budget.h), and those of
  // workspaces that are made with this one as their parent afterwards. Blobs that are fed do not.
  // Not while nets run.
  void SetMemoryBudget(std::optional<MemoryBudget> budget);
  const std::optional<MemoryBudget>& memory_budget() const { return memory_budget_; }

  // --- Blobs. ---
  // The blob of that name, of this workspace or one that it sees; made empty, in this workspace,
  // where there is none.
  std::shared_ptr<Blob> CreateBlob(absl::string_view name) override;
  // The same, in this workspace even where a parent has a blob of that name.
  std::shared_ptr<Blob> CreateLocalBlob(absl::string_view name);
  std::shared_ptr<Blob> FindBlob(absl::string_view name) const override;
  bool HasBlob(absl::string_view name) const { return FindBlob(name) != nullptr; }
  // Names, sorted: of this workspace, and of all that it sees.
  std::vector<std::string> LocalBlobs() const;
  std::vector<std::string> Blobs() const;

  // Puts a tensor into a blob, made where there is none. The tensor's storage is shared, not
  // copied. An error that comes as the argument is returned. A blob that holds something else than
  // a tensor is not overwritten.
  absl::Status Feed(absl::string_view name, absl::StatusOr<Tensor> tensor);
  // The tensor of a blob, sharing its storage: a value that later runs do not change. Errors: no
  // such blob (with near names), no tensor, no value yet.
  absl::StatusOr<Tensor> Fetch(absl::string_view name) const;

  // Blobs of this workspace only. A net that uses a removed blob keeps it; if a blob of that name
  // is created again while such a net exists, it is that blob.
  absl::Status RemoveBlob(absl::string_view name);
  absl::Status RenameBlob(absl::string_view from, absl::string_view to);

  // Makes blobs of `parent` (values) visible under the names that are the keys. A name that is
  // defined here already is an error, or skipped.
  absl::Status AddBlobMapping(const Workspace* parent,
                              const std::map<std::string, std::string>& mapping,
                              bool skip_defined_blobs = false);

  // --- Nets. ---
  // A net needs a name. One of the same name is an error, unless `overwrite` says to replace it.
  absl::StatusOr<Net*> CreateNet(const NetDef& def, bool overwrite = false);
  // The net of that name, or null.
  Net* GetNet(absl::string_view name) const;
  std::vector<std::string> Nets() const;
  absl::Status DeleteNet(absl::string_view name);
  absl::Status RunNet(absl::string_view name, int times = 1);
  absl::Status RunNetOnce(const NetDef& def);
  absl::Status RunOperatorOnce(const OperatorDef& def);
  // Runs the execution steps of a plan in order. A step runs its nets, or its substeps, in order or
  // (concurrent_substeps, num_concurrent_instances) side by side, as often as num_iter says; with
  // should_stop_blob, until that blob, a single bool, is true after a net or substep. Nets are
  // created when they are first used, and anew where the workspace has one of that name from
  // before. The first error ends the plan; what runs beside the step that failed ends at its next
  // operator.
  absl::Status RunPlan(const PlanDef& plan);

  // Drops all nets and blobs. A new root folder may be given; where operators may open the files
  // within a folder, it is then the new one. Refused while one of the nets runs.
  absl::Status ResetWorkspace(std::optional<std::string> root_folder = std::nullopt);

  WorkspaceStats Stats() const;

 private:
  struct State;

  std::string root_folder_;
  FileAccess file_access_;
  std::optional<MemoryBudget> memory_budget_;
  std::unique_ptr<State> state_;
};

}  // namespace doppio

#endif  // DOPPIO_WORKSPACE_H_
