#ifndef DOPPIO_IO_NPY_HEADER_H_
#define DOPPIO_IO_NPY_HEADER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "doppio/shape.h"
#include "doppio/status.h"

namespace doppio {
namespace io {

// What the header of an .npy file says.
struct NpyHeader {
  std::string descr;  // such as "<f4"
  bool fortran_order = false;
  Dims shape;
  size_t data_offset = 0;  // where the elements begin
};

absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view bytes);

// The header, padded so that the elements begin at a multiple of 64 bytes.
std::string FormatNpyHeader(absl::string_view descr, DimsView shape);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_NPY_HEADER_H_
