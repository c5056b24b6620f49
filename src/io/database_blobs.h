#ifndef DOPPIO_IO_DATABASE_BLOBS_H_
#define DOPPIO_IO_DATABASE_BLOBS_H_

// Databases of blobs as files that one loads: what Save wrote, and predictors.

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "doppio/blob.h"
#include "doppio/database.h"
#include "doppio/limits.h"
#include "doppio/status.h"

namespace doppio {
namespace io {

// Whether there is a database at the path: a minidb whose first record is of a blob (pipes and
// other databases of this type are files like others), or a folder of any type.
bool IsBlobDatabase(const std::string& path);

// A cursor through the records of a database, whatever its type.
absl::StatusOr<std::unique_ptr<DatabaseCursor>> OpenRecords(const std::string& path,
                                                            const Limits& limits);

// Reads all blobs of a database. `visit` is given each as soon as it is complete; one of a type
// that can not be read as null, once for each of its messages. InvalidArgument when one stays
// incomplete.
using BlobVisitor =
    std::function<absl::Status(const std::string& name, const std::string& type, const Blob* blob)>;
absl::Status ReadDatabaseBlobs(const std::string& path, const Limits& limits,
                               const BlobVisitor& visit);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_DATABASE_BLOBS_H_
