#ifndef DOPPIO_IO_NPY_H_
#define DOPPIO_IO_NPY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {
namespace io {

// The two parts of an .npy file, header and elements, without a copy of the elements where the
// tensor has them in memory as the file needs them.
class NpyContent {
 public:
  static absl::StatusOr<NpyContent> Of(const Tensor& tensor);

  absl::string_view header() const { return header_; }
  absl::string_view elements() const {
    if (!converted_.empty()) return converted_;
    return {static_cast<const char*>(tensor_.raw_data()), bytes_};
  }

 private:
  std::string header_;
  Tensor tensor_;          // shares its storage with the caller's
  std::string converted_;  // elements that had to be converted
  size_t bytes_ = 0;
};

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_NPY_H_
