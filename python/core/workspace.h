#ifndef DOPPIO_PYTHON_CORE_WORKSPACE_H_
#define DOPPIO_PYTHON_CORE_WORKSPACE_H_

#include <pybind11/pybind11.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "doppio/workspace.h"
#include "python/core/net.h"
#include "python/core/runs.h"

namespace doppio::python {

// A folder, or None.
FileAccess FileAccessFromPython(const std::optional<std::string>& files);

// A workspace that Python holds. It may be closed, after which every use is an exception.
class PyWorkspace : public std::enable_shared_from_this<PyWorkspace> {
 public:
  explicit PyWorkspace(std::shared_ptr<PyWorkspace> parent);
  ~PyWorkspace();
  PyWorkspace(const PyWorkspace&) = delete;
  PyWorkspace& operator=(const PyWorkspace&) = delete;

  // For Python code that an operator in this workspace calls: what Python has of it, or, where C++
  // made it, something that may be used until EndLoan().
  static std::shared_ptr<PyWorkspace> Lend(Workspace* workspace);
  void EndLoan();

  Workspace& get() const;  // raises after Close()
  void Close();
  bool is_closed() const { return workspace_ == nullptr; }

  void Feed(const std::string& name, py::handle value, bool copy, py::handle dtype);
  py::object Fetch(const std::string& name, bool copy) const;
  Tensor FetchTensor(const std::string& name) const;
  // For what changes a blob otherwise (or, with `is_read`, reads it): raises while a net that uses
  // it runs on another thread.
  void CheckUnused(const std::string& name, bool is_read = false) const;

  // Runs a net, made on its first run here and anew after it was changed, or the net of that name.
  void Run(py::handle net, int times);
  void RunOnce(const NetDef& def);
  void RunOperator(const OperatorDef& def, int times);
  void RunPlan(const PlanDef& plan);

  Net* Create(const PyNet& net, bool overwrite);
  void DeleteNet(const std::string& name);
  void Reset();

 private:
  PyWorkspace() = default;
  Net* Find(const PyNet& net);

  bool is_lent_ = false;
  std::shared_ptr<PyWorkspace> parent_;  // outlives the workspace that sees it
  std::shared_ptr<Runs> runs_;           // shared with the parent and the children
  std::shared_ptr<Workspace> workspace_;
  // Which version of a definition the net of each name was made of.
  struct Created {
    int64_t version;
    Net* net;
  };
  std::map<std::string, Created, std::less<>> created_;
};

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_WORKSPACE_H_
