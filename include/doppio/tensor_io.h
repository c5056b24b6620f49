#ifndef DOPPIO_TENSOR_IO_H_
#define DOPPIO_TENSOR_IO_H_

// Tensors in files: .npy, .npz, BlobProto and TensorProto (binary, text or JSON), and databases of
// blobs (database.h).
//
//   absl::StatusOr<Tensor> x = LoadTensor("cat.npy");
//   absl::Status saved = SaveTensor(*y, "prob.npy");
//
// Threads: all functions may be called from many at once; of two that save to one path the later
// counts.

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/npy.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

// The tensors of a file; the content decides how it is read. An .npz archive and a database can
// have more than one. A tensor that has no name in the file is named "".
absl::StatusOr<std::vector<NamedTensor>> LoadTensors(const std::string& path,
                                                     const Limits& limits = {});

// The one tensor of a file, or the one of this name; InvalidArgument or NotFound, with the names
// that are there, when that is not exactly one.
absl::StatusOr<Tensor> LoadTensor(const std::string& path, absl::string_view name = "",
                                  const Limits& limits = {});

// Writes a file, or replaces it, in one step, as SaveProto does. The ending decides: .npy, .npz (an
// archive with this tensor alone), or a BlobProto as EncodingForPath says.
absl::Status SaveTensor(const Tensor& tensor, const std::string& path, absl::string_view name = "");

// The same with several tensors, in an .npz archive; InvalidArgument for another ending.
absl::Status SaveTensors(absl::Span<const NamedTensor> tensors, const std::string& path);

}  // namespace doppio

#endif  // DOPPIO_TENSOR_IO_H_
