#include "python/core/workspace.h"

#include <pybind11/stl.h>

#include <list>
#include <utility>

#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/interrupt.h"

namespace doppio::python {

namespace {

// Nets that files hold may have no name; in a workspace they need one.
constexpr char kUnnamed[] = "unnamed";

const std::string& NameInWorkspace(const NetDef& def) {
  static const auto& unnamed = *new std::string(kUnnamed);
  return def.name().empty() ? unnamed : def.name();
}

// The workspaces that Python made. The interpreter's lock must be held.
std::map<const Workspace*, PyWorkspace*>& OfPython() {
  static auto& workspaces = *new std::map<const Workspace*, PyWorkspace*>;
  return workspaces;
}

}  // namespace

FileAccess FileAccessFromPython(const std::optional<std::string>& files) {
  return files.has_value() ? FileAccess::Within(*files) : FileAccess::None();
}

PyWorkspace::PyWorkspace(std::shared_ptr<PyWorkspace> parent)
    : parent_(std::move(parent)),
      runs_(parent_ == nullptr ? std::make_shared<Runs>() : parent_->runs_),
      workspace_(parent_ == nullptr ? std::make_shared<Workspace>()
                                    : std::make_shared<Workspace>(&parent_->get())) {
  OfPython()[workspace_.get()] = this;
}

PyWorkspace::~PyWorkspace() { OfPython().erase(workspace_.get()); }

std::shared_ptr<PyWorkspace> PyWorkspace::Lend(Workspace* workspace) {
  const auto found = OfPython().find(workspace);
  if (found != OfPython().end()) return found->second->shared_from_this();
  std::shared_ptr<PyWorkspace> lent(new PyWorkspace);
  lent->is_lent_ = true;
  lent->runs_ = std::make_shared<Runs>();
  lent->workspace_ = {workspace, [](Workspace*) {}};
  return lent;
}

void PyWorkspace::EndLoan() {
  if (!is_lent_) return;
  created_.clear();
  workspace_ = nullptr;
}

Workspace& PyWorkspace::get() const {
  // A child must not look into a parent that is gone.
  if (__builtin_expect(workspace_ == nullptr || (parent_ != nullptr && parent_->is_closed()), 0)) {
    Raise(absl::FailedPreconditionError(workspace_ == nullptr
                                            ? "this workspace was closed"
                                            : "the parent of this workspace was closed"));
  }
  return *workspace_;
}

void PyWorkspace::Close() {
  if (workspace_ == nullptr) return;
  runs_->CheckIdle(*workspace_, "close");
  OfPython().erase(workspace_.get());
  created_.clear();
  workspace_ = nullptr;
}

void PyWorkspace::Reset() {
  runs_->CheckIdle(get(), "reset");
  Check(get().ResetWorkspace());
  created_.clear();
}

void PyWorkspace::CheckUnused(const std::string& name, bool is_read) const {
  runs_->CheckBlob(get(), name, is_read);
}

void PyWorkspace::Feed(const std::string& name, py::handle value, bool copy, py::handle dtype) {
  if (name.empty()) RaiseValueError("feed: the name of a blob must not be empty");
  CheckUnused(name);
  const std::string what = absl::StrCat("feed of \"", name, "\"");
  Check(get().Feed(name, TensorFromPython(value, what, copy, dtype)));
}

Tensor PyWorkspace::FetchTensor(const std::string& name) const {
  ReleaseLater();
  runs_->CheckBlob(get(), name, /*is_read=*/true);
  return ValueOrRaise(get().Fetch(name));
}

py::object PyWorkspace::Fetch(const std::string& name, bool copy) const {
  const std::shared_ptr<Blob> blob = get().FindBlob(name);
  if (blob != nullptr && blob->Is<std::string>()) return py::bytes(*blob->Get<std::string>());
  Tensor tensor = FetchTensor(name);
  return copy ? CopyOfTensor(tensor) : ArrayFromTensor(std::move(tensor));
}

Net* PyWorkspace::Create(const PyNet& net, bool overwrite) {
  const std::string& name = NameInWorkspace(net.def());
  if (overwrite) runs_->CheckNet(get().GetNet(name), "create_net");
  NetDef named;
  const bool has_name = !net.def().name().empty();
  if (!has_name) {
    named = net.def();
    named.set_name(name);
  }
  Net* created = ValueOrRaise(get().CreateNet(has_name ? net.def() : named, overwrite));
  created_[name] = {net.version(), created};
  return created;
}

void PyWorkspace::DeleteNet(const std::string& name) {
  runs_->CheckNet(get().GetNet(name), "delete_net");
  Check(get().DeleteNet(name));
}

Net* PyWorkspace::Find(const PyNet& net) {
  const auto found = created_.find(NameInWorkspace(net.def()));
  if (found != created_.end() && found->second.version == net.version()) {
    Net* existing = get().GetNet(found->first);
    if (existing == found->second.net && existing != nullptr) return existing;
  }
  return Create(net, /*overwrite=*/true);
}

void PyWorkspace::Run(py::handle what, int times) {
  const Workspace& workspace = get();
  Net* net = nullptr;
  if (py::isinstance<PyNet>(what)) {
    net = Find(what.cast<const PyNet&>());
  } else if (py::isinstance<py::str>(what)) {
    const auto name = what.cast<std::string>();
    net = workspace.GetNet(name);
    if (net == nullptr) {
      Raise(absl::NotFoundError(
          absl::StrCat("there is no net \"", name, "\"", DidYouMean(name, workspace.Nets()))));
    }
  } else {
    RaiseTypeError("run: a Net or the name of a net is wanted");
  }
  if (times < 0) RaiseValueError(absl::StrCat("run: times must not be negative, but is ", times));
  const RunScope scope(runs_.get(), &workspace, &net->def(), net);
  Check(RunUnlocked([&] {
    for (int i = 0; i < times; ++i) DOPPIO_RETURN_IF_ERROR(net->Run());
    return absl::OkStatus();
  }));
}

void PyWorkspace::RunOnce(const NetDef& def) {
  Workspace& workspace = get();
  const RunScope scope(runs_.get(), &workspace, &def, nullptr);
  Check(RunUnlocked([&] { return workspace.RunNetOnce(def); }));
}

void PyWorkspace::RunOperator(const OperatorDef& def, int times) {
  Workspace& workspace = get();
  NetDef net;
  *net.add_op() = def;
  const RunScope scope(runs_.get(), &workspace, &net, nullptr);
  Check(RunUnlocked([&]() -> absl::Status {
    for (int i = 0; i < times; ++i) DOPPIO_RETURN_IF_ERROR(workspace.RunOperatorOnce(def));
    return absl::OkStatus();
  }));
}

void PyWorkspace::RunPlan(const PlanDef& plan) {
  Workspace& workspace = get();
  std::list<RunScope> scopes;
  for (const NetDef& net : plan.network()) {
    runs_->CheckNet(workspace.GetNet(net.name()), "run_plan");  // it is made anew
    scopes.emplace_back(runs_.get(), &workspace, &net, nullptr);
  }
  Check(RunUnlocked([&] { return workspace.RunPlan(plan); }));
}

namespace {

py::dict StatsOfWorkspace(const PyWorkspace& self) {
  const WorkspaceStats stats = self.get().Stats();
  py::dict fields;
  fields["blobs"] = stats.blobs;
  fields["nets"] = stats.nets;
  fields["live_bytes"] = stats.live_bytes;
  fields["phantoms"] = stats.phantoms;
  fields["unwritten_bytes"] = stats.unwritten_bytes;
  fields["process_live_bytes"] = stats.process.live_bytes;
  fields["process_peak_bytes"] = stats.process.peak_bytes;
  fields["process_allocations"] = stats.process.allocations;
  return fields;
}

// (type of blob, element type, shape); the last two None where it is no tensor.
py::tuple DescribeBlob(const PyWorkspace& self, const std::string& name) {
  const std::shared_ptr<Blob> blob = self.get().FindBlob(name);
  if (blob == nullptr) Check(self.get().Fetch(name).status());
  const Tensor* tensor = blob->Get<Tensor>();
  if (tensor == nullptr) return py::make_tuple(blob->TypeName(), py::none(), py::none());
  py::tuple shape(tensor->rank());
  for (int i = 0; i < tensor->rank(); ++i) shape[i] = tensor->dim(i);
  return py::make_tuple(blob->TypeName(), std::string(DataTypeName(tensor->dtype())), shape);
}

py::bytes Serialize(const PyWorkspace& self, const std::string& name) {
  const std::shared_ptr<Blob> blob = self.get().FindBlob(name);
  if (blob == nullptr) Check(self.get().Fetch(name).status());
  return MessageToPython(ValueOrRaise(BlobToProto(*blob, name)));
}

void Deserialize(const PyWorkspace& self, const std::string& name, py::handle bytes) {
  self.CheckUnused(name);
  const auto proto = MessageFromPython<BlobProto>(bytes, "blob");
  Limits limits;
  limits.file_access = self.get().file_access();
  Check(BlobFromProto(proto, self.get().CreateBlob(name).get(), limits));
}

std::optional<int64_t> MemoryLimitOf(const PyWorkspace& self) {
  const std::optional<MemoryBudget>& budget = self.get().memory_budget();
  if (!budget.has_value()) return std::nullopt;
  return budget->bytes();
}

// Another number leaves what was allocated counted.
void SetMemoryLimitOf(PyWorkspace& self, std::optional<int64_t> bytes) {
  if (bytes.has_value() && *bytes < 0) {
    RaiseValueError(absl::StrCat("memory_limit: a number of bytes is wanted, not ", *bytes));
  }
  const std::optional<MemoryBudget>& budget = self.get().memory_budget();
  if (bytes.has_value() && budget.has_value()) {
    budget->set_bytes(*bytes);
  } else if (bytes.has_value()) {
    self.get().SetMemoryBudget(MemoryBudget(*bytes));
  } else {
    self.get().SetMemoryBudget(std::nullopt);
  }
}

}  // namespace

void BindWorkspace(py::module_& core) {
  py::class_<PyWorkspace, std::shared_ptr<PyWorkspace>>(core, "Workspace")
      .def(py::init([](std::shared_ptr<PyWorkspace> parent) {
             return std::make_shared<PyWorkspace>(std::move(parent));
           }),
           py::arg("parent") = nullptr)
      .def("close", &PyWorkspace::Close)
      .def_property_readonly("closed", &PyWorkspace::is_closed)
      .def_property(
          "files", [](const PyWorkspace& self) { return self.get().file_access().folder(); },
          [](PyWorkspace& self, const std::optional<std::string>& folder) {
            self.get().SetFileAccess(FileAccessFromPython(folder));
          })
      .def_property("memory_limit", &MemoryLimitOf, &SetMemoryLimitOf)
      .def("feed", &PyWorkspace::Feed, py::arg("name"), py::arg("value"), py::arg("copy") = false,
           py::arg("dtype") = py::none())
      .def("fetch", &PyWorkspace::Fetch, py::arg("name"), py::arg("copy") = false)
      .def("tensor", &PyWorkspace::FetchTensor, py::arg("name"))
      .def("run", &PyWorkspace::Run, py::arg("net"), py::arg("times") = 1)
      .def(
          "create_net",
          [](PyWorkspace& self, const PyNet& net, bool overwrite) { self.Create(net, overwrite); },
          py::arg("net"), py::arg("overwrite") = false)
      .def("run_once", [](PyWorkspace& self,
                          py::handle net) { self.RunOnce(MessageFromPython<NetDef>(net, "net")); })
      .def(
          "run_operator",
          [](PyWorkspace& self, py::handle op, int times) {
            self.RunOperator(MessageFromPython<OperatorDef>(op, "operator"), times);
          },
          py::arg("op"), py::arg("times") = 1)
      .def("run_plan",
           [](PyWorkspace& self, py::handle plan) {
             self.RunPlan(MessageFromPython<PlanDef>(plan, "plan"));
           })
      .def("reset", &PyWorkspace::Reset)
      .def("blob_names", [](const PyWorkspace& self) { return TextsFromBytes(self.get().Blobs()); })
      .def("local_blob_names",
           [](const PyWorkspace& self) { return TextsFromBytes(self.get().LocalBlobs()); })
      .def("has_blob", [](const PyWorkspace& self,
                          const std::string& name) { return self.get().HasBlob(name); })
      .def("create_blob",
           [](PyWorkspace& self, const std::string& name) { self.get().CreateBlob(name); })
      .def("reset_blob",
           [](PyWorkspace& self, const std::string& name) {
             self.CheckUnused(name);
             const std::shared_ptr<Blob> blob = self.get().FindBlob(name);
             if (blob != nullptr) blob->Reset();
           })
      .def("remove_blob",
           [](PyWorkspace& self, const std::string& name) { Check(self.get().RemoveBlob(name)); })
      .def("rename_blob", [](PyWorkspace& self, const std::string& from,
                             const std::string& to) { Check(self.get().RenameBlob(from, to)); })
      .def("describe_blob", &DescribeBlob)
      .def("serialize_blob", &Serialize)
      .def("deserialize_blob", &Deserialize)
      .def("net_names", [](const PyWorkspace& self) { return TextsFromBytes(self.get().Nets()); })
      .def("delete_net", &PyWorkspace::DeleteNet)
      .def("last_failed_operator",
           [](const PyWorkspace& self, const std::string& name) {
             const Net* net = self.get().GetNet(name);
             return net == nullptr ? -1 : net->last_failed_operator();
           })
      .def("stats", &StatsOfWorkspace);
}

}  // namespace doppio::python
