#ifndef DOPPIO_TESTS_FUZZ_DATABASE_BYTES_H_
#define DOPPIO_TESTS_FUZZ_DATABASE_BYTES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace doppio {

// Reads what is at the path in every way that there is: as a database, record by record, and as a
// file of tensors and of a model.
void TryDatabase(const std::string& path);

// Bytes of small databases of that type: a checkpoint, a predictor, records of any bytes, nothing.
// Those of a folder are packed.
std::vector<std::string> DatabaseSeeds(const std::string& type);

// The files of a folder as bytes, one after the other, and the folder of such bytes, which is made
// anew; what is no name of a file is left out.
std::string PackFolder(const std::string& folder);
void UnpackFolder(absl::string_view bytes, const std::string& folder);

}  // namespace doppio

#endif  // DOPPIO_TESTS_FUZZ_DATABASE_BYTES_H_
