#ifndef DOPPIO_OPS_STORAGE_DATABASE_PATH_H_
#define DOPPIO_OPS_STORAGE_DATABASE_PATH_H_

#include <string>

#include "doppio/limits.h"
#include "doppio/operator.h"
#include "doppio/workspace.h"

namespace doppio {

constexpr char kAbsolutePath[] = "absolute_path";
constexpr char kAbsolutePathDoc[] = "paths do not begin at the root folder of the workspace";
constexpr char kDbType[] = "db_type";
constexpr char kDbTypeDoc[] = "type of the database: minidb, leveldb, lmdb";
constexpr char kStripPrefix[] = "strip_prefix";

// The files that an operator opens, as its workspace allows. The operator must not outlive its
// workspace.
class NamedFiles {
 public:
  explicit NamedFiles(OperatorInit* init) : workspace_(dynamic_cast<Workspace*>(init->scope())) {
    if (workspace_ == nullptr) {
      init->Fail(absl::FailedPreconditionError("the operator must be made in a workspace"));
    }
  }

  Workspace& workspace() const { return *workspace_; }
  // The limits for what is read from files.
  Limits limits() const {
    Limits limits;
    limits.file_access = workspace_->file_access();
    return limits;
  }
  // `path`, where it may be opened.
  absl::StatusOr<std::string> Allowed(std::string path) const {
    DOPPIO_RETURN_IF_ERROR(workspace_->file_access().Check(path));
    return path;
  }

 private:
  Workspace* workspace_;
};

// Those whose paths begin at the root folder, unless the argument absolute_path says otherwise.
class DatabasePaths : public NamedFiles {
 public:
  explicit DatabasePaths(OperatorInit* init)
      : NamedFiles(init), is_absolute_(init->GetSingleArgument<bool>(kAbsolutePath)) {}

  absl::StatusOr<std::string> PathOf(const std::string& name) const {
    return Allowed(is_absolute_ ? name : absl::StrCat(workspace().RootFolder(), "/", name));
  }

 private:
  bool is_absolute_;
};

// `name` without all up to the end of the first `prefix` in it, as Caffe2 strips one.
inline std::string StripPrefix(const std::string& name, const std::string& prefix) {
  const size_t found = prefix.empty() ? std::string::npos : name.find(prefix);
  return found == std::string::npos ? name : name.substr(found + prefix.size());
}

}  // namespace doppio

#endif  // DOPPIO_OPS_STORAGE_DATABASE_PATH_H_
