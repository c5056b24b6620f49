#ifndef DOPPIO_OPS_IMAGE_PICTURE_RECORD_H_
#define DOPPIO_OPS_IMAGE_PICTURE_RECORD_H_

#include <optional>
#include <string>
#include <vector>

#include "ops/image/picture_settings.h"

namespace doppio {

// What a value of a database holds for ImageInput.
struct PictureRecord {
  Tensor picture;  // uint8 [height, width, 1 or 3], gray or blue, green, red
  std::optional<PictureBox> box;
  Tensor label;               // a vector of int32 or float
  std::vector<Tensor> extra;  // vectors
};

// Of a message TensorProtos: picture, label, perhaps weights, the values of the extra outputs and
// perhaps a box; or of a message CaffeDatum. Where all is well but the picture, which can not be
// decoded, *picture_error says why, and the record has a black one in its place.
absl::StatusOr<PictureRecord> ReadPictureRecord(const std::string& value,
                                                const RecordSettings& settings,
                                                absl::Status* picture_error);

}  // namespace doppio

#endif  // DOPPIO_OPS_IMAGE_PICTURE_RECORD_H_
