#ifndef DOPPIO_IO_LMDB_CHECK_H_
#define DOPPIO_IO_LMDB_CHECK_H_

// LMDB maps its file and trusts it: a page that is cut off or damaged ends the process that comes
// to it. So the pages are looked at before LMDB does.

#include <cstdint>
#include <string>

#include "doppio/status.h"

namespace doppio {
namespace io {

// Whether that is a file of LMDB's. False for one that can not be read.
bool IsLmdbFile(const std::string& file);

// The two pages at the beginning, which say where everything else is. Errors name `path`.
absl::Status CheckLmdbFile(const std::string& file, const std::string& path);

// All pages of the records as a transaction of that number sees them: that they are in the file,
// and that what points into them does. Values of more than a page are not read.
absl::Status CheckLmdbPages(const std::string& file, uint64_t transaction, const std::string& path);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_LMDB_CHECK_H_
