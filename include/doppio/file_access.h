#ifndef DOPPIO_FILE_ACCESS_H_
#define DOPPIO_FILE_ACCESS_H_

// Which files a model may name. A net can open databases and text files and write checkpoints,
// under paths that its author chose; where the author is not the one who runs it, those paths are
// not trusted:
//
//   Workspace workspace("models/lenet");                   // files of that folder, by default
//   workspace.SetFileAccess(FileAccess::None());           // no files at all
//   workspace.SetFileAccess(FileAccess::Within("/data"));  // that folder instead
//   workspace.SetFileAccess(FileAccess::Within("/"));      // whatever the net says
//
// It is about what nets and the blobs in files say. Paths that the caller gives, to LoadModel() or
// to OpenDatabase(), are the caller's and always allowed.

#include <optional>
#include <string>
#include <utility>

#include "doppio/status.h"

namespace doppio {

// A value: copies may be read from any thread.
class FileAccess {
 public:
  // What lies in the folder, or below it: by its path with all symbolic links followed and ".."
  // taken away, so neither leads out. Links are looked at when the file is opened; whoever can
  // change them meanwhile can lead elsewhere. A folder that is relative begins at the current one.
  static FileAccess Within(std::string folder) { return FileAccess(std::move(folder)); }
  static FileAccess None() { return FileAccess(std::nullopt); }

  // PermissionDenied, with the path and what is allowed, unless `path` may be opened.
  // FailedPrecondition where a folder on the way can not be looked at.
  absl::Status Check(const std::string& path) const;

  // As it was given; none where no files may be opened.
  const std::optional<std::string>& folder() const { return folder_; }

 private:
  explicit FileAccess(std::optional<std::string> folder) : folder_(std::move(folder)) {}

  std::optional<std::string> folder_;
};

}  // namespace doppio

#endif  // DOPPIO_FILE_ACCESS_H_
