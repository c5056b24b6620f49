#ifndef DOPPIO_TOOLS_COMMAND_DATABASE_MAKER_H_
#define DOPPIO_TOOLS_COMMAND_DATABASE_MAKER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "doppio/status.h"

namespace doppio::tools {

// Where the records of a new database come from. Their values are messages TensorProtos.
class RecordMaker {
 public:
  virtual ~RecordMaker() = default;
  virtual int64_t size() const = 0;
  // What record i is called, behind its number; may be empty.
  virtual std::string Name(int64_t i) const = 0;
  virtual absl::StatusOr<std::string> Value(int64_t i) const = 0;
  // Names of the classes that labels are numbers of; empty where there are none.
  virtual std::vector<std::string> Classes() const { return {}; }
  // What was found and is in no record, for people; empty where nothing was.
  virtual std::string LeftOut() const { return ""; }
};

// The rows of arrays: "digits.npz", or "data=x.npy" for a file with one array, which is called
// like its file without a name. All must have as many rows.
absl::StatusOr<std::unique_ptr<RecordMaker>> RowsOfArrays(const std::vector<std::string>& files);

// The pictures in the folders of a folder, and the number of that folder among all in order.
absl::StatusOr<std::unique_ptr<RecordMaker>> PicturesOfFolder(const std::string& folder);

// Which records go into a database, in this order, under the keys 00000000, 00000001, ...
struct NewDatabase {
  std::string path;
  std::string type;
  std::vector<int64_t> records;
};

// Writes all of them, or none.
absl::Status MakeDatabases(const RecordMaker& maker, const std::vector<NewDatabase>& databases);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_DATABASE_MAKER_H_
