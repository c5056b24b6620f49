#ifndef DOPPIO_IO_NPZ_H_
#define DOPPIO_IO_NPZ_H_

#include <google/protobuf/io/zero_copy_stream.h>

#include "absl/types/span.h"
#include "doppio/npy.h"

namespace doppio {
namespace io {

// FormatNpz, to a stream.
absl::Status WriteNpz(absl::Span<const NamedTensor> tensors,
                      google::protobuf::io::ZeroCopyOutputStream* out);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_NPZ_H_
