#ifndef DOPPIO_TESTS_FUZZ_PICTURE_BYTES_H_
#define DOPPIO_TESTS_FUZZ_PICTURE_BYTES_H_

#include "absl/strings/string_view.h"

namespace doppio {

// Reads a picture and makes an input of a net of it; expects that as a PNG it is the same again.
void TryPictureBytes(absl::string_view bytes);

}  // namespace doppio

#endif  // DOPPIO_TESTS_FUZZ_PICTURE_BYTES_H_
