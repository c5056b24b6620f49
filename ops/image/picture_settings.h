#ifndef DOPPIO_OPS_IMAGE_PICTURE_SETTINGS_H_
#define DOPPIO_OPS_IMAGE_PICTURE_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "doppio/operator.h"
#include "doppio/schema.h"

namespace doppio {

// What ImageInput's arguments say.

// The numbers are those of the argument.
enum class LabelType : int64_t {
  kSingle = 0,
  kSparse = 1,          // a one for each label of a list
  kDense = 2,           // numbers as they are
  kWeightedSparse = 3,  // a weight for each label of a list
  kSingleWeighted = 4,  // as kSingle; the record has a weight too, which is for who draws records
  kEmbedding = 5,       // as kDense
};

struct PictureBox {
  int64_t top;
  int64_t left;
  int64_t height;
  int64_t width;
};

// What a record holds, and how it is read.
struct RecordSettings {
  bool is_color;
  bool is_datum;
  LabelType label_type;
  int64_t num_labels;
  std::vector<int64_t> extra_sizes;  // of each output behind the label
  std::optional<PictureBox> box;     // where the record has none

  bool HasSingleLabel() const {
    return label_type == LabelType::kSingle || label_type == LabelType::kSingleWeighted;
  }
  int64_t LabelSize() const { return HasSingleLabel() ? 1 : num_labels; }
  // Tensors of a record before those of the extra outputs: picture, label and perhaps weights.
  int FirstExtra() const {
    return label_type == LabelType::kWeightedSparse || label_type == LabelType::kSingleWeighted ? 3
                                                                                                : 2;
  }
  int64_t Channels() const { return is_color ? 3 : 1; }
};

// What happens to a picture on its way into the net.
struct PictureSettings {
  bool is_test;
  int64_t crop;
  int64_t scale;    // of the shorter side, or 0
  int64_t minsize;  // the same, of pictures that are smaller, or 0
  std::optional<std::pair<int64_t, int64_t>> random_scale;  // bounds of a minsize drawn at random
  bool is_warped;
  bool is_mirrored;  // by chance
  bool is_inception_cropped;
  bool has_color_jitter;
  float saturation;
  float brightness;
  float contrast;
  bool has_color_lighting;
  float lighting_std;
  float mean[3];         // in the order of the channels: blue, green, red
  float inverse_std[3];  // the same
};

// States the arguments.
void StatePictureArguments(OpSchema* schema);
// What is wrong goes to init->Fail.
RecordSettings ReadRecordSettings(OperatorInit* init);
PictureSettings ReadPictureSettings(OperatorInit* init);

}  // namespace doppio

#endif  // DOPPIO_OPS_IMAGE_PICTURE_SETTINGS_H_
