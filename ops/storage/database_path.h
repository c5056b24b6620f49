#ifndef DOPPIO_OPS_STORAGE_DATABASE_PATH_H_
#define DOPPIO_OPS_STORAGE_DATABASE_PATH_H_

#include <string>

#include "doppio/operator.h"
#include "doppio/workspace.h"

namespace doppio {

constexpr char kAbsolutePath[] = "absolute_path";
constexpr char kAbsolutePathDoc[] = "paths do not begin at the root folder of the workspace";
constexpr char kDbType[] = "db_type";
constexpr char kDbTypeDoc[] = "type of the database: minidb, leveldb, lmdb";
constexpr char kStripPrefix[] = "strip_prefix";

// Where the databases of an operator are. The operator must not outlive its workspace.
class DatabasePaths {
 public:
  explicit DatabasePaths(OperatorInit* init)
      : workspace_(dynamic_cast<Workspace*>(init->scope())),
        is_absolute_(init->GetSingleArgument<bool>(kAbsolutePath)) {
    if (workspace_ == nullptr) {
      init->Fail(absl::InvalidArgumentError("the operator must be made in a workspace"));
    }
  }

  Workspace& workspace() const { return *workspace_; }
  std::string PathOf(const std::string& name) const {
    return is_absolute_ ? name : absl::StrCat(workspace_->RootFolder(), "/", name);
  }

 private:
  Workspace* workspace_;
  bool is_absolute_;
};

// `name` without all up to the end of the first `prefix` in it, as Caffe2 strips one.
inline std::string StripPrefix(const std::string& name, const std::string& prefix) {
  const size_t found = prefix.empty() ? std::string::npos : name.find(prefix);
  return found == std::string::npos ? name : name.substr(found + prefix.size());
}

}  // namespace doppio

#endif  // DOPPIO_OPS_STORAGE_DATABASE_PATH_H_
