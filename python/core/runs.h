#ifndef DOPPIO_PYTHON_CORE_RUNS_H_
#define DOPPIO_PYTHON_CORE_RUNS_H_

#include <string>
#include <thread>
#include <vector>

#include "doppio/workspace.h"

namespace doppio::python {

// The runs that are under way in a workspace, its children and its parents. In C++ a blob must not
// be touched, nor a net deleted, while a net that uses it runs on another thread; for Python, which
// must never crash, these functions look. All need the interpreter's lock.
class Runs {
 public:
  struct Run {
    const Workspace* workspace;
    const NetDef* def;
    const Net* net;  // null for one that no workspace owns
    std::thread::id thread;
  };

  // Raises FailedPreconditionError where a net that runs on another thread uses the blob: reads or
  // writes it, or, with `is_read`, writes it.
  void CheckBlob(const Workspace& workspace, const std::string& name, bool is_read) const {
    if (__builtin_expect(!runs_.empty(), 0)) CheckBlobSlow(workspace, name, is_read);
  }
  // Raises where that net runs.
  void CheckNet(const Net* net, const char* what) const;
  // Raises where any net runs in the workspace.
  void CheckIdle(const Workspace& workspace, const char* what) const;

 private:
  friend class RunScope;
  void CheckBlobSlow(const Workspace& workspace, const std::string& name, bool is_read) const;

  std::vector<Run> runs_;
};

// While one exists, a run is under way.
class RunScope {
 public:
  RunScope(Runs* runs, const Workspace* workspace, const NetDef* def, const Net* net);
  ~RunScope();
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;

 private:
  Runs* runs_;
  const NetDef* def_;
  std::thread::id thread_;
};

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_RUNS_H_
