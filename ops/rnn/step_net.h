#ifndef DOPPIO_OPS_RNN_STEP_NET_H_
#define DOPPIO_OPS_RNN_STEP_NET_H_

// What RecurrentNetwork and its gradient have in common: a net that runs once for each step, in a
// workspace of that step, and links, which tie its blobs to rows of blobs outside.

#include <memory>
#include <string>
#include <vector>

#include "doppio/workspace.h"

namespace doppio {

// Blob `internal` of the step net is rows [t + offset, t + offset + window) of blob `external`
// where step t runs.
struct Link {
  std::string internal;
  std::string external;
  int64_t offset = 0;
  int64_t window = 1;
};

// The links in arguments PREFIXlink_internal, _external, _offset and, where there is one, _window.
std::vector<Link> ReadLinks(OperatorInit* init, absl::string_view prefix);

// The net in an argument: as a net, or, as older files have it, as text. Nothing sees which device
// a text asks for when a whole net is given to another one, so such a net goes where the operator
// is.
NetDef ReadStepNet(OperatorInit* init, absl::string_view argument);

// The operator that copies the rows of a link into its internal blob; `stored`, where it is not
// null, is another link to the same blob, whose rows are first copied out of its internal blob.
OperatorDef MakeApplyLink(const Link& link, const std::string& timestep,
                          const Link* stored = nullptr);

// Rows [row, row + window) of `external` are copied to `internal`, which gets their shape, or back.
absl::Status LoadRows(const Tensor& external, int64_t row, int64_t window, Tensor* internal);
absl::Status StoreRows(const Tensor& internal, int64_t row, int64_t window, Tensor* external);

// What the blobs of all steps live in: the last output of RecurrentNetwork.
struct StepWorkspaces {
  // Blobs that the steps share, and the parent of their workspaces.
  std::shared_ptr<Workspace> shared;
  std::vector<std::shared_ptr<Workspace>> steps;
};

// A net that runs in many workspaces; it is made in each when it first runs there.
class StepNet {
 public:
  // Says to init->Fail where links can not be kept.
  StepNet(NetDef def, std::vector<Link> links, std::string timestep, OperatorInit* init);

  const NetDef& def() const { return *def_; }
  // Runs step t in the workspace, which is number `place` of those that there are.
  absl::Status Run(const std::shared_ptr<Workspace>& workspace, size_t place, int32_t t);

 private:
  // A link whose internal blob the net writes: copied to its rows after a step.
  struct Stored {
    const Link* link;
    std::shared_ptr<Blob> internal;
    std::shared_ptr<Blob> external;
  };
  struct Instance {
    std::shared_ptr<Workspace> workspace;
    std::shared_ptr<Blob> timestep;
    std::vector<Stored> stored;
    std::unique_ptr<Net> net;
  };

  absl::StatusOr<Instance> Make(const std::shared_ptr<Workspace>& workspace) const;

  std::shared_ptr<const NetDef> def_;
  std::vector<Link> links_;
  std::vector<const Link*> written_;
  std::string timestep_;
  std::vector<Instance> instances_;
};

// --- Blobs outside, by name. ---
absl::StatusOr<const Tensor*> FindTensor(const BlobScope& scope, const std::string& name);

// Makes `tensor` one of this type and shape, all zeros.
absl::Status FillZeros(DataType dtype, DimsView dims, Tensor* tensor);

// y[i] += x[i] for n elements of that type, which begin at element `y_begin` and `x_begin`.
absl::Status AddElements(const Tensor& x, int64_t x_begin, int64_t n, int64_t y_begin, Tensor* y);

}  // namespace doppio

#endif  // DOPPIO_OPS_RNN_STEP_NET_H_
