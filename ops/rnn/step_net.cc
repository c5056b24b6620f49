#include "ops/rnn/step_net.h"

#include <algorithm>
#include <cstring>

#include "absl/container/flat_hash_set.h"
#include "doppio/devices.h"
#include "doppio/op_def.h"
#include "doppio/proto_io.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

void AddWrites(const NetDef& net, absl::flat_hash_set<std::string>* names) {
  for (const OperatorDef& op : net.op()) {
    names->insert(op.output().begin(), op.output().end());
    for (const Argument& arg : op.arg()) {
      if (arg.has_n()) AddWrites(arg.n(), names);
    }
  }
}

// Elements of a row; an error where the rows are not there.
absl::StatusOr<int64_t> RowSize(const Tensor& tensor, int64_t row, int64_t window) {
  if (tensor.rank() == 0 || tensor.Is<std::string>()) {
    return absl::InvalidArgumentError(
        absl::StrCat("must be numbers in rows, but is ", tensor.TypeAndShape()));
  }
  if (row < 0 || window < 0 || row > tensor.dim(0) || window > tensor.dim(0) - row) {
    return absl::InvalidArgumentError(absl::StrCat(tensor.TypeAndShape(), " has no rows ", row,
                                                   " to ", row + window, " (not included)"));
  }
  return SizeFromDim(tensor.dims(), 1);
}

bool Overlap(const Link& a, const Link& b) {
  return a.external == b.external && a.internal != b.internal && a.offset < b.offset + b.window &&
         b.offset < a.offset + a.window;
}

}  // namespace

std::vector<Link> ReadLinks(OperatorInit* init, absl::string_view prefix) {
  const auto name = [&](absl::string_view part) { return absl::StrCat(prefix, "link_", part); };
  const auto internal = init->GetRepeatedArgument<std::string>(name("internal"));
  const auto external = init->GetRepeatedArgument<std::string>(name("external"));
  const auto offset = init->GetRepeatedArgument<int64_t>(name("offset"));
  auto window = init->GetRepeatedArgument<int64_t>(name("window"));
  if (window.empty()) window.assign(offset.size(), 1);
  if (internal.size() != offset.size() || external.size() != offset.size() ||
      window.size() != offset.size()) {
    init->Fail(absl::InvalidArgumentError(absl::StrCat(
        prefix, "link_internal, _external, _offset and _window must be as long, but have ",
        internal.size(), ", ", external.size(), ", ", offset.size(), " and ", window.size(),
        " elements")));
    return {};
  }
  std::vector<Link> links;
  for (size_t i = 0; i < offset.size(); ++i) {
    constexpr int64_t kMost = int64_t{1} << 32;
    if (offset[i] < 0 || offset[i] > kMost || window[i] < 0 || window[i] > kMost) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("link ", i, " to \"", external[i], "\" has offset ", offset[i],
                       " and window ", window[i], ", which must be from 0 to ", kMost)));
    }
    links.push_back({internal[i], external[i], offset[i], window[i]});
  }
  return links;
}

NetDef ReadStepNet(OperatorInit* init, absl::string_view argument) {
  const Argument* arg = init->Find(argument);
  if (arg == nullptr) {
    init->Fail(absl::InvalidArgumentError(absl::StrCat("argument \"", argument, "\" is missing")));
    return {};
  }
  if (arg->has_n()) return arg->n();
  NetDef net;
  if (!arg->has_s()) {
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("argument \"", argument, "\" must be a net in `n`, or its text in `s`")));
    return {};
  }
  init->Fail(ParseProto(arg->s(), &net, {}, argument));
  SetDevice(&net, DeviceType::kCpu);
  return net;
}

OperatorDef MakeApplyLink(const Link& link, const std::string& timestep, const Link* stored) {
  OperatorDef def = CreateOperatorDef(
      "rnn_internal_apply_link", "", {timestep, link.external}, {link.internal, link.external},
      {MakeArgument<int64_t>("offset", link.offset), MakeArgument<int64_t>("window", link.window)});
  if (stored != nullptr) {
    def.add_input(stored->internal);
    *def.add_arg() = MakeArgument<int64_t>("stored_offset", stored->offset);
    *def.add_arg() = MakeArgument<int64_t>("stored_window", stored->window);
  }
  return def;
}

absl::Status LoadRows(const Tensor& external, int64_t row, int64_t window, Tensor* internal) {
  DOPPIO_ASSIGN_OR_RETURN(const int64_t size, RowSize(external, row, window));
  Dims dims(external.dims().begin(), external.dims().end());
  dims[0] = window;
  DOPPIO_RETURN_IF_ERROR(internal->Resize(external.dtype(), dims));
  const size_t row_bytes = static_cast<size_t>(size) * DataTypeSize(external.dtype());
  if (internal->bytes() > 0) {
    std::memcpy(
        internal->raw_mutable_data(),
        static_cast<const char*>(external.raw_data()) + static_cast<size_t>(row) * row_bytes,
        internal->bytes());
  }
  return absl::OkStatus();
}

absl::Status StoreRows(const Tensor& internal, int64_t row, int64_t window, Tensor* external) {
  DOPPIO_ASSIGN_OR_RETURN(const int64_t size, RowSize(*external, row, window));
  if (internal.dtype() != external->dtype() || internal.numel() != size * window) {
    return absl::InvalidArgumentError(absl::StrCat("is ", internal.TypeAndShape(),
                                                   ", which are not ", window, " rows of ",
                                                   external->TypeAndShape()));
  }
  if (internal.bytes() == 0) return absl::OkStatus();
  DOPPIO_RETURN_IF_ERROR(external->MakeUnique());
  const size_t row_bytes = static_cast<size_t>(size) * DataTypeSize(external->dtype());
  std::memcpy(
      static_cast<char*>(external->raw_mutable_data()) + static_cast<size_t>(row) * row_bytes,
      internal.raw_data(), internal.bytes());
  return absl::OkStatus();
}

StepNet::StepNet(NetDef def, std::vector<Link> links, std::string timestep, OperatorInit* init)
    : links_(std::move(links)), timestep_(std::move(timestep)) {
  absl::flat_hash_set<std::string> all_writes;
  NetDef steps = def;
  steps.clear_op();
  for (const OperatorDef& op : def.op()) {
    *steps.add_op() = op;
    if (op.type() == "rnn_internal_apply_link") continue;  // writes what is there already
    NetDef one;
    *one.add_op() = op;
    absl::flat_hash_set<std::string> writes;
    AddWrites(one, &writes);
    // Rows are copied, so what is written under one name has to be brought to the others.
    for (const Link& link : links_) {
      if (!writes.contains(link.internal)) continue;
      for (const Link& other : links_) {
        if (!Overlap(link, other)) continue;
        if (writes.contains(other.internal)) {
          init->Fail(absl::InvalidArgumentError(absl::StrCat(
              "one operator ", op.type(), " writes \"", link.internal, "\" and \"", other.internal,
              "\", which are the same rows of \"", link.external, "\"")));
        }
        *steps.add_op() = MakeApplyLink(other, timestep_, &link);
      }
    }
    all_writes.insert(writes.begin(), writes.end());
  }
  for (const Link& link : links_) {
    if (all_writes.contains(link.internal)) written_.push_back(&link);
  }
  def = std::move(steps);
  def.add_external_input(timestep_);
  for (const Link& link : links_) {
    def.add_external_input(link.internal);
    def.add_external_input(link.external);
  }
  def_ = std::make_shared<const NetDef>(std::move(def));
}

absl::StatusOr<StepNet::Instance> StepNet::Make(const std::shared_ptr<Workspace>& workspace) const {
  Instance instance;
  instance.workspace = workspace;
  instance.timestep = workspace->CreateLocalBlob(timestep_);
  // The net is checked before its operators create their outputs.
  for (const Link& link : links_) workspace->CreateBlob(link.internal);
  DOPPIO_ASSIGN_OR_RETURN(instance.net, CreateNet(def_, workspace.get()));
  for (const Link* link : written_) {
    const std::shared_ptr<Blob> external = workspace->FindBlob(link->external);
    if (external == nullptr) {
      return absl::NotFoundError(absl::StrCat("there is no blob \"", link->external, "\""));
    }
    instance.stored.push_back({link, workspace->CreateBlob(link->internal), external});
  }
  return instance;
}

absl::Status StepNet::Run(const std::shared_ptr<Workspace>& workspace, size_t place, int32_t t) {
  if (place >= instances_.size()) instances_.resize(place + 1);
  Instance& instance = instances_[place];
  if (instance.workspace != workspace) {
    instance = Instance();
    DOPPIO_ASSIGN_OR_RETURN(instance, Make(workspace));
  }
  Tensor* timestep = instance.timestep->GetMutable<Tensor>();
  DOPPIO_RETURN_IF_ERROR(timestep->Resize(DataType::kInt32, {1}));
  *timestep->mutable_data<int32_t>() = t;
  DOPPIO_RETURN_IF_ERROR(Annotate(instance.net->Run(), absl::StrCat("step ", t)));
  for (const Stored& stored : instance.stored) {
    const Tensor* internal = stored.internal->Get<Tensor>();
    Tensor* external = stored.external->GetMutable<Tensor>();
    const absl::Status status = internal == nullptr ? absl::InvalidArgumentError("is no tensor")
                                                    : StoreRows(*internal, t + stored.link->offset,
                                                                stored.link->window, external);
    if (!status.ok()) {
      return Annotate(status, absl::StrCat("step ", t, ": \"", stored.link->internal,
                                           "\", linked to \"", stored.link->external, "\""));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<const Tensor*> FindTensor(const BlobScope& scope, const std::string& name) {
  const std::shared_ptr<Blob> blob = scope.FindBlob(name);
  const Tensor* tensor = blob == nullptr ? nullptr : blob->Get<Tensor>();
  if (tensor != nullptr && tensor->dtype() != DataType::kUndefined) return tensor;
  return absl::InvalidArgumentError(
      blob == nullptr ? absl::StrCat("there is no blob \"", name, "\"")
                      : absl::StrCat("blob \"", name, "\" must be a tensor with a value, but is ",
                                     blob->TypeName()));
}

absl::Status FillZeros(DataType dtype, DimsView dims, Tensor* tensor) {
  DOPPIO_RETURN_IF_ERROR(tensor->Resize(dtype, dims));
  SetToZero(tensor);
  return absl::OkStatus();
}

absl::Status AddElements(const Tensor& x, int64_t x_begin, int64_t n, int64_t y_begin, Tensor* y) {
  if (x.dtype() != y->dtype()) {
    return absl::InvalidArgumentError(
        absl::StrCat(x.TypeAndShape(), " can not be added to ", y->TypeAndShape()));
  }
  return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    const T* from = x.data<T>() + x_begin;
    T* to = y->template mutable_data<T>() + y_begin;
    for (int64_t i = 0; i < n; ++i) to[i] += from[i];
    return absl::OkStatus();
  });
}

}  // namespace doppio
