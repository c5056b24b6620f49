#ifndef DOPPIO_IO_PICKLED_STRINGS_H_
#define DOPPIO_IO_PICKLED_STRINGS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "doppio/status.h"

namespace doppio {
namespace io {

// NumPy writes arrays of Python objects as a pickle, which is a program that may call any function.
// This reads the programs of arrays of bytes and text (as UTF-8), of protocols 2 to 5 and of Python
// 2, and runs none: what names a function or an object that such an array has no need of is refused
// with InvalidArgument, which says what it was.
//
// Fills `strings` with the elements in C order, however the array lay in memory; InvalidArgument
// when there are more or fewer, DataLoss when the pickle is cut off, and ResourceExhausted where
// they, or the reading, would take more than `max_bytes`.
absl::Status ReadPickledStrings(absl::string_view pickle, int64_t max_bytes,
                                absl::Span<std::string> strings);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_PICKLED_STRINGS_H_
