// What Caffe2's front end needs of the runtime beyond what the package itself offers: observers,
// root folders, costs, the format's own description. python/doppio/caffe2_state dresses it.

#include <google/protobuf/descriptor.pb.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "doppio/observer.h"
#include "doppio/registry.h"
#include "doppio/schema.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/errors.h"
#include "python/core/net.h"
#include "python/core/workspace.h"

namespace doppio::python {
namespace {

using Clock = std::chrono::steady_clock;

double Milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Counts the runs of a net and of its operators, and takes their time.
class RunObserver final : public NetObserver {
 public:
  explicit RunObserver(const Net& net)
      : net_(&net), starts_(net.operators().size()), ops_(net.operators().size()) {}

  void NetStart(const Net&) override { start_ = Clock::now(); }
  void NetStop(const Net&, const absl::Status&) override { Add(&net_runs_, start_); }
  void OperatorStart(const Net&, int op) override { starts_[op] = Clock::now(); }
  void OperatorStop(const Net&, int op, const absl::Status&) override {
    Add(&ops_[op], starts_[op]);
  }

  const Net* net() const { return net_; }
  int64_t runs() const { return net_runs_.count; }
  double time() const { return Milliseconds(net_runs_.time); }
  // (runs, milliseconds of all of them) of each operator.
  std::vector<std::pair<int64_t, double>> operators() const {
    std::vector<std::pair<int64_t, double>> runs;
    for (const Runs& op : ops_) runs.emplace_back(op.count, Milliseconds(op.time));
    return runs;
  }

 private:
  struct Runs {
    int64_t count = 0;
    Clock::duration time{};
  };
  static void Add(Runs* runs, Clock::time_point start) {
    ++runs->count;
    runs->time += Clock::now() - start;
  }

  const Net* net_;
  Clock::time_point start_;
  Runs net_runs_;
  std::vector<Clock::time_point> starts_;
  std::vector<Runs> ops_;
};

Net* FindNet(const PyWorkspace& workspace, const std::string& name) {
  Net* net = workspace.get().GetNet(name);
  if (net != nullptr) return net;
  Raise(absl::NotFoundError(
      absl::StrCat("there is no net \"", name, "\"", DidYouMean(name, workspace.get().Nets()))));
}

void CheckNotRunning(const Net& net) {
  if (!net.is_running()) return;
  Raise(absl::FailedPreconditionError(
      absl::StrCat("net \"", net.name(), "\" is running; its observers stay as they are")));
}

// Takes itself from the net where the net is still there when nobody holds it any more.
std::shared_ptr<RunObserver> Observe(const std::shared_ptr<PyWorkspace>& workspace,
                                     const std::string& name) {
  Net* net = FindNet(*workspace, name);
  CheckNotRunning(*net);
  const auto remove = [workspace, name](RunObserver* observer) {
    Net* now = workspace->is_closed() ? nullptr : workspace->get().GetNet(name);
    if (now == observer->net()) {
      if (now->is_running()) return;  // lost, since the run still calls it
      now->RemoveObserver(observer);
    }
    delete observer;
  };
  std::shared_ptr<RunObserver> observer(new RunObserver(*net), remove);
  net->AddObserver(observer.get());
  return observer;
}

void Unobserve(const PyWorkspace& workspace, const std::string& name, RunObserver* observer) {
  Net* net = FindNet(workspace, name);
  CheckNotRunning(*net);
  net->RemoveObserver(observer);
}

// (flops, bytes written, bytes read) of one run. `inputs` has (type, shape) of each.
py::tuple Cost(py::handle op,
               const std::vector<std::pair<std::string, std::vector<int64_t>>>& inputs) {
  const auto def = MessageFromPython<OperatorDef>(op, "operator");
  const OpSchema* schema = OpSchemaRegistry::Schema(def.type());
  if (schema == nullptr) {
    Raise(absl::NotFoundError(OperatorRegistry::MissingMessage(def.type(), DeviceType::kCpu)));
  }
  std::vector<TensorInfo> infos;
  for (const auto& [dtype, dims] : inputs) {
    TensorInfo info;
    info.dtype = ValueOrRaise(DataTypeFromName(dtype));
    info.dims = Dims(dims.begin(), dims.end());
    infos.push_back(std::move(info));
  }
  const std::vector<TensorInfo> outputs = ValueOrRaise(schema->Infer(def, infos));
  const OpCost cost = schema->Cost(def, infos, outputs);
  return py::make_tuple(cost.flops, cost.bytes_written, cost.bytes_read);
}

py::bytes FormatDescriptor() {
  google::protobuf::FileDescriptorProto file;
  NetDef::descriptor()->file()->CopyTo(&file);
  return file.SerializeAsString();
}

}  // namespace

void BindCaffe2(py::module_& core) {
  py::class_<RunObserver, std::shared_ptr<RunObserver>>(core, "RunObserver")
      .def_property_readonly("runs", &RunObserver::runs)
      .def_property_readonly("time", &RunObserver::time)
      .def_property_readonly("operators", &RunObserver::operators);
  core.def("observe_net", &Observe);
  core.def("unobserve_net", &Unobserve);
  core.def("root_folder",
           [](const PyWorkspace& workspace) { return workspace.get().RootFolder(); });
  core.def("reset_to_root_folder", [](PyWorkspace& workspace, const std::string& folder) {
    workspace.Reset();
    Check(workspace.get().ResetWorkspace(folder));
  });
  core.def("operator_cost", &Cost);
  core.def("enforces_inplace", [](const std::string& type, int input, int output) {
    const OpSchema* schema = OpSchemaRegistry::Schema(type);
    return schema != nullptr && schema->EnforcesInplace(input, output);
  });
  // What its schema forbids in an operator, a sentence each.
  core.def("schema_problems", [](py::handle op) {
    const auto def = MessageFromPython<OperatorDef>(op, "operator");
    const OpSchema* schema = OpSchemaRegistry::Schema(def.type());
    return schema == nullptr ? std::vector<std::string>() : schema->Problems(def);
  });
  core.def("has_inference", [](const std::string& type) {
    const OpSchema* schema = OpSchemaRegistry::Schema(type);
    return schema != nullptr && schema->has_inference();
  });
  core.def("format_descriptor", &FormatDescriptor);
}

}  // namespace doppio::python
