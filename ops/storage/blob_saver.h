#ifndef DOPPIO_OPS_STORAGE_BLOB_SAVER_H_
#define DOPPIO_OPS_STORAGE_BLOB_SAVER_H_

#include <string>
#include <vector>

#include "doppio/operator.h"
#include "doppio/schema.h"
#include "ops/storage/blob_options.h"
#include "ops/storage/database_path.h"

namespace doppio {

constexpr char kDb[] = "db";

// Writes the inputs of an operator into a new database: what Save and Checkpoint have in common.
class BlobSaver {
 public:
  explicit BlobSaver(OperatorInit* init);

  // The argument `db`.
  const std::string& db() const { return db_; }
  // Into the database of that name, which takes the place of one that is there when all is written.
  absl::Status Save(const OperatorBase& op, const std::string& db) const;

 private:
  const DatabasePaths paths_;
  const std::string type_;
  const std::string db_;
  std::vector<std::string> names_;  // of the inputs, in the database
  BlobOptions options_;
};

// The arguments but for `db`.
void StateArgumentsOfSaver(OpSchema& schema);

}  // namespace doppio

#endif  // DOPPIO_OPS_STORAGE_BLOB_SAVER_H_
