#include "ops/image/picture_record.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "doppio/image.h"
#include "doppio/serialize.h"

namespace doppio {
namespace {

constexpr int64_t kBlackSide = 224;  // Caffe2's, of pictures that can not be decoded

enum class ChannelOrder { kRgb, kBgr };

uint8_t Gray(int blue, int green, int red) {
  // ITU-R BT.601 in whole numbers, as OpenCV has it.
  return static_cast<uint8_t>((blue * 3735 + green * 19235 + red * 9798 + (1 << 14)) >> 15);
}

// Of a picture [height, width, 1, 3 or 4].
absl::StatusOr<Tensor> WithChannels(const Tensor& picture, ChannelOrder order, bool is_color) {
  const int64_t from = picture.dim(2);
  const int64_t to = is_color ? 3 : 1;
  if (from == to && (from == 1 || order == ChannelOrder::kBgr)) return picture;
  DOPPIO_ASSIGN_OR_RETURN(Tensor result,
                          Tensor::Create(DataType::kUInt8, {picture.dim(0), picture.dim(1), to}));
  const int64_t pixels = picture.numel() / from;
  const uint8_t* in = picture.data<uint8_t>();
  uint8_t* out = result.mutable_data<uint8_t>();
  const int blue = from == 1 ? 0 : order == ChannelOrder::kRgb ? 2 : 0;
  const int green = from == 1 ? 0 : 1;
  const int red = from == 1 ? 0 : 2 - blue;
  for (int64_t i = 0; i < pixels; ++i, in += from, out += to) {
    if (is_color) {
      out[0] = in[blue];
      out[1] = in[green];
      out[2] = in[red];
    } else {
      out[0] = Gray(in[blue], in[green], in[red]);
    }
  }
  return result;
}

absl::StatusOr<Tensor> DecodedPicture(const std::string& bytes, bool is_color) {
  DOPPIO_ASSIGN_OR_RETURN(const Tensor picture, ParseImage(bytes));
  return WithChannels(picture, ChannelOrder::kRgb, is_color);
}

absl::StatusOr<Tensor> PictureOrBlack(const std::string& bytes, bool is_color,
                                      absl::Status* picture_error) {
  absl::StatusOr<Tensor> picture = DecodedPicture(bytes, is_color);
  *picture_error = picture.status();
  if (picture.ok()) return picture;
  DOPPIO_ASSIGN_OR_RETURN(
      Tensor black,
      Tensor::Create(DataType::kUInt8, {kBlackSide, kBlackSide, is_color ? int64_t{3} : 1}));
  std::memset(black.raw_mutable_data(), 0, black.bytes());
  return black;
}

// --- TensorProtos. ---

// The values of a message, which need not say how many they are, as a vector.
absl::StatusOr<Tensor> Values(const TensorProto& proto, absl::string_view what) {
  absl::StatusOr<Tensor> tensor;
  if (proto.dims_size() > 0) {
    tensor = TensorFromProto(proto);
  } else {
    TensorProto vector = proto;
    vector.add_dims(std::max({proto.float_data_size(), proto.int32_data_size(),
                              proto.int64_data_size(), proto.double_data_size()}));
    tensor = TensorFromProto(vector);
  }
  if (!tensor.ok()) return Annotate(tensor.status(), what);
  if (!IsNumeric(tensor->dtype())) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " must be numbers, but is ", tensor->TypeAndShape()));
  }
  DOPPIO_RETURN_IF_ERROR(tensor->Reshape({tensor->numel()}));
  return tensor;
}

absl::StatusOr<Tensor> RawPicture(const TensorProto& proto, bool is_color) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor picture, TensorFromProto(proto));
  if (picture.rank() == 2) {
    DOPPIO_RETURN_IF_ERROR(picture.Reshape({picture.dim(0), picture.dim(1), 1}));
  }
  if (!picture.Is<uint8_t>() || picture.rank() != 3 || picture.numel() == 0 ||
      (picture.dim(2) != 1 && picture.dim(2) != 3)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "must be the bytes of a file (one string), or uint8 [height, width] or [height, width, 1 "
        "or 3], but is ",
        picture.TypeAndShape()));
  }
  return WithChannels(picture, ChannelOrder::kBgr, is_color);
}

absl::StatusOr<Tensor> PictureOf(const TensorProto& proto, bool is_color,
                                 absl::Status* picture_error) {
  if (proto.data_type() != TensorProto::STRING) return RawPicture(proto, is_color);
  if (proto.string_data_size() == 1) {
    return PictureOrBlack(proto.string_data(0), is_color, picture_error);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("must be the bytes of one file, but has ", proto.string_data_size()));
}

// Numbers of labels, each in [0, num_labels).
absl::StatusOr<std::vector<int64_t>> Indices(const Tensor& list, int64_t num_labels) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < list.numel(); ++i) {
    const double value = list.Is<float>() ? static_cast<double>(list.data<float>()[i])
                                          : static_cast<double>(list.data<int32_t>()[i]);
    if (!(value >= 0 && value < static_cast<double>(num_labels))) {
      return absl::OutOfRangeError(
          absl::StrCat("label ", value, " is not from 0 to num_labels - 1, ", num_labels - 1));
    }
    indices.push_back(static_cast<int64_t>(value));
  }
  return indices;
}

absl::StatusOr<Tensor> SparseLabel(const Tensor& list, int64_t num_labels) {
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<int64_t> indices, Indices(list, num_labels));
  DOPPIO_ASSIGN_OR_RETURN(Tensor label, Tensor::Create(list.dtype(), {num_labels}));
  std::memset(label.raw_mutable_data(), 0, label.bytes());
  for (int64_t index : indices) {
    if (list.Is<float>()) {
      label.mutable_data<float>()[index] = 1;
    } else {
      label.mutable_data<int32_t>()[index] = 1;
    }
  }
  return label;
}

absl::StatusOr<Tensor> WeightedLabel(const Tensor& list, const TensorProto& weights,
                                     int64_t num_labels) {
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<int64_t> indices, Indices(list, num_labels));
  DOPPIO_ASSIGN_OR_RETURN(const Tensor values, Values(weights, "weights"));
  if (!values.Is<float>() || values.numel() != list.numel()) {
    return absl::InvalidArgumentError(absl::StrCat("weights must be ", list.numel(),
                                                   " floats, as many as labels, but are ",
                                                   values.TypeAndShape()));
  }
  DOPPIO_ASSIGN_OR_RETURN(Tensor label, Tensor::Create(DataType::kFloat, {num_labels}));
  std::memset(label.raw_mutable_data(), 0, label.bytes());
  for (size_t i = 0; i < indices.size(); ++i) {
    label.mutable_data<float>()[indices[i]] = values.data<float>()[i];
  }
  return label;
}

absl::StatusOr<Tensor> LabelOf(const TensorProtos& protos, const RecordSettings& settings) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor values, Values(protos.protos(1), "label"));
  if (!values.Is<float>() && !values.Is<int32_t>()) {
    return absl::InvalidArgumentError(
        absl::StrCat("label must be of int32 or float, but is ", values.TypeAndShape()));
  }
  if (settings.label_type == LabelType::kSparse) return SparseLabel(values, settings.num_labels);
  if (settings.label_type == LabelType::kWeightedSparse) {
    return WeightedLabel(values, protos.protos(2), settings.num_labels);
  }
  if (values.numel() == settings.LabelSize()) return values;
  return absl::InvalidArgumentError(
      absl::StrCat("label has ", values.numel(), " numbers, but must have ", settings.LabelSize()));
}

absl::StatusOr<PictureBox> BoxOf(const TensorProto& proto) {
  DOPPIO_ASSIGN_OR_RETURN(const Tensor box, Values(proto, "bounding box"));
  if (!box.Is<int32_t>() || box.numel() != 4) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the tensor behind those of the outputs is a bounding box, 4 numbers of int32 (top, left, "
        "height, width), but is ",
        box.TypeAndShape()));
  }
  const int32_t* sides = box.data<int32_t>();
  return PictureBox{sides[0], sides[1], sides[2], sides[3]};
}

absl::StatusOr<PictureRecord> ReadProtos(const std::string& value, const RecordSettings& settings,
                                         absl::Status* picture_error) {
  TensorProtos protos;
  if (!protos.ParseFromString(value)) {
    return absl::InvalidArgumentError("the value is no message TensorProtos");
  }
  const int first_extra = settings.FirstExtra();
  const int end = first_extra + static_cast<int>(settings.extra_sizes.size());
  if (protos.protos_size() < end) {
    return absl::InvalidArgumentError(absl::StrCat("the record has ", protos.protos_size(),
                                                   " tensors, but must have at least ", end));
  }
  PictureRecord record;
  absl::StatusOr<Tensor> picture = PictureOf(protos.protos(0), settings.is_color, picture_error);
  if (!picture.ok()) return Annotate(picture.status(), "picture");
  record.picture = *std::move(picture);
  record.box = settings.box;
  // With more behind it, it is something else that nobody asked for.
  if (protos.protos_size() == end + 1) {
    DOPPIO_ASSIGN_OR_RETURN(record.box, BoxOf(protos.protos(end)));
  }
  DOPPIO_ASSIGN_OR_RETURN(record.label, LabelOf(protos, settings));
  for (size_t i = 0; i < settings.extra_sizes.size(); ++i) {
    const std::string what = absl::StrCat("tensor ", static_cast<size_t>(first_extra) + i);
    DOPPIO_ASSIGN_OR_RETURN(Tensor values,
                            Values(protos.protos(first_extra + static_cast<int>(i)), what));
    if (values.numel() != settings.extra_sizes[i]) {
      return absl::InvalidArgumentError(absl::StrCat(what, " has ", values.numel(),
                                                     " numbers, but output_sizes says ",
                                                     settings.extra_sizes[i]));
    }
    record.extra.push_back(std::move(values));
  }
  return record;
}

// --- CaffeDatum. ---

// Plane after plane of bytes becomes pixel after pixel.
absl::StatusOr<Tensor> DatumPicture(const CaffeDatum& datum, bool is_color) {
  const int64_t channels = datum.channels();
  const int64_t height = datum.height();
  const int64_t width = datum.width();
  if ((channels != 1 && channels != 3) || height < 1 || width < 1 ||
      static_cast<int64_t>(datum.data().size()) / channels / height != width ||
      static_cast<int64_t>(datum.data().size()) != channels * height * width) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a CaffeDatum must have 1 or 3 channels, and a byte for each of their pixels, but has ",
        channels, " channels of ", height, " x ", width, " and ", datum.data().size(), " bytes",
        datum.float_data_size() > 0 ? " (and floats, which are no picture)" : ""));
  }
  DOPPIO_ASSIGN_OR_RETURN(Tensor picture,
                          Tensor::Create(DataType::kUInt8, {height, width, channels}));
  const int64_t pixels = height * width;
  uint8_t* out = picture.mutable_data<uint8_t>();
  for (int64_t i = 0; i < pixels; ++i) {
    for (int64_t c = 0; c < channels; ++c) {
      *out++ = static_cast<uint8_t>(datum.data()[static_cast<size_t>(c * pixels + i)]);
    }
  }
  return WithChannels(picture, ChannelOrder::kBgr, is_color);
}

absl::StatusOr<PictureRecord> ReadDatum(const std::string& value, const RecordSettings& settings,
                                        absl::Status* picture_error) {
  CaffeDatum datum;
  if (!datum.ParseFromString(value)) {
    return absl::InvalidArgumentError("the value is no message CaffeDatum");
  }
  PictureRecord record;
  DOPPIO_ASSIGN_OR_RETURN(record.picture,
                          datum.encoded()
                              ? PictureOrBlack(datum.data(), settings.is_color, picture_error)
                              : DatumPicture(datum, settings.is_color));
  record.box = settings.box;
  DOPPIO_ASSIGN_OR_RETURN(record.label, Tensor::Of<int32_t>({1}, {datum.label()}));
  return record;
}

}  // namespace

absl::StatusOr<PictureRecord> ReadPictureRecord(const std::string& value,
                                                const RecordSettings& settings,
                                                absl::Status* picture_error) {
  return settings.is_datum ? ReadDatum(value, settings, picture_error)
                           : ReadProtos(value, settings, picture_error);
}

}  // namespace doppio
