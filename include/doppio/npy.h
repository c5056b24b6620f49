#ifndef DOPPIO_NPY_H_
#define DOPPIO_NPY_H_

// NumPy's array files: .npy (NumPy Enhancement Proposal 1, versions 1 to 3) and .npz, a zip archive
// of them. bool, int8 to int64, uint8, uint16, float16, float32, float64, byte strings ('S') and
// text ('U', which becomes UTF-8) are read, in either byte order and in C or Fortran order. So are
// arrays of objects ('O') where each is bytes or text, from NumPy on any version of Python; nothing
// else is ever unpickled. Complex numbers, dates, records and the larger unsigned types are
// refused: there is no tensor of them.
//
// Data is not trusted: see proto_io.h for what errors mean. Nothing in a file is ever executed.
//
// Threads: all functions may be called from many at once.

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "doppio/limits.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

absl::StatusOr<Tensor> ParseNpy(absl::string_view bytes, const Limits& limits = {});

// The content of an .npy file. bfloat16, which NumPy does not have, is written as float32. Strings
// are padded with zero bytes to equal lengths; InvalidArgument when one ends with a zero byte,
// which would be lost.
absl::StatusOr<std::string> FormatNpy(const Tensor& tensor);

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

// The arrays of an .npz archive in its order, stored or deflated; other members are skipped. The
// members together, unpacked, may have limits.max_file_bytes.
absl::StatusOr<std::vector<NamedTensor>> ParseNpz(absl::string_view bytes,
                                                  const Limits& limits = {});

// One array of an archive, whatever the others are. NotFound, with the names that are there, when
// there is none of this name.
absl::StatusOr<Tensor> ParseNpzArray(absl::string_view bytes, absl::string_view name,
                                     const Limits& limits = {});

// The content of an .npz archive, not compressed, of less than 4 GiB.
absl::StatusOr<std::string> FormatNpz(absl::Span<const NamedTensor> tensors);

}  // namespace doppio

#endif  // DOPPIO_NPY_H_
