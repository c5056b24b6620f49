#ifndef DOPPIO_IO_HOME_DATABASE_H_
#define DOPPIO_IO_HOME_DATABASE_H_

#include <memory>
#include <string>

#include "doppio/database.h"

namespace doppio {
namespace io {

// The same database, for the process that opened it. In one that was forked from it, it and its
// cursors say that they are another process's, whose place in a file, locks and readers they would
// change, and which alone removes what it did not complete.
std::shared_ptr<Database> AtHome(std::shared_ptr<Database> database, const std::string& path);

// FailedPrecondition that tells why.
absl::Status NotAtHome(absl::string_view path);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_HOME_DATABASE_H_
