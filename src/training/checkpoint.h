#ifndef DOPPIO_TRAINING_CHECKPOINT_H_
#define DOPPIO_TRAINING_CHECKPOINT_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "doppio/blob.h"
#include "doppio/status.h"

namespace doppio::training {

// What a checkpoint says of its training besides the blobs.
struct Progress {
  int64_t iteration = 0;
  std::map<std::string, std::string> training;  // what must be the same: the net, the data, ...
  // Early stopping.
  bool has_best = false;
  double best = 0;
  int64_t since_best = 0;
};

struct Checkpoint {
  Progress progress;
  std::map<std::string, std::shared_ptr<const Blob>> blobs;
  std::vector<std::string> random_states;  // empty: as the operator was made
  std::vector<std::string> places;         // of operators that read examples (input_place.h)
};

// Writes it in one step. Errors: a blob that no file can take; what the disk says.
absl::Status WriteCheckpoint(const Checkpoint& checkpoint, const std::string& path);
// DataLoss for a file that is torn, changed or none, before anything of it is believed.
absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path);
// An error where files can not take the blob.
absl::Status CheckIsSerializable(const std::string& name, const Blob& blob);

// The file of an iteration, the files of a folder (newest first), and what is done after a new one
// was written: all but the last two go, and what an interrupted writer left.
std::string CheckpointPath(const std::string& folder, int64_t iteration);
absl::StatusOr<std::vector<std::string>> FindCheckpoints(const std::string& folder);
int64_t IterationOf(const std::string& path);  // -1 for another file
// Renames the files before `good`, which are damaged, so that they are not looked at again.
absl::Status SetAside(const std::vector<std::string>& paths, const std::string& good);
absl::Status MakeFolder(const std::string& folder);
void RemoveOldCheckpoints(const std::string& folder);

}  // namespace doppio::training

#endif  // DOPPIO_TRAINING_CHECKPOINT_H_
