#include "src/operator/storage_order.h"

namespace doppio {

void StateStorageOrder(OpSchema& schema) {
  schema.Arg<std::string>("order", "NCHW: [N, C, spatial...]; NHWC: [N, spatial..., C]", "NCHW");
}

StorageOrder ReadStorageOrder(ArgumentReader* reader) {
  const auto order = reader->GetSingleArgument<std::string>("order", "NCHW");
  if (order == "NHWC" || order == "nhwc") return StorageOrder::kNHWC;
  if (order != "NCHW" && order != "nchw") {
    reader->Fail(absl::InvalidArgumentError(
        absl::StrCat("argument \"order\" is \"", order, "\", must be NCHW or NHWC")));
  }
  return StorageOrder::kNCHW;
}

bool IsChannelsFirst(const OperatorDef& op) {
  ArgumentReader reader(op, nullptr);
  return ReadStorageOrder(&reader) == StorageOrder::kNCHW && reader.status().ok();
}

absl::StatusOr<ChannelSizes> SplitAtChannels(DimsView dims, StorageOrder order) {
  const int rank = static_cast<int>(dims.size());
  const int axis = order == StorageOrder::kNCHW ? 1 : rank - 1;
  if (axis < 0 || axis >= rank) {
    return absl::InvalidArgumentError(absl::StrCat(
        ShapeToString(dims), " has no dimension of channels: in order ",
        order == StorageOrder::kNCHW ? "NCHW it is the second" : "NHWC it is the last"));
  }
  return ChannelSizes{SizeToDim(dims, axis), dims[axis], SizeFromDim(dims, axis + 1)};
}

absl::StatusOr<ImageSizes> SplitAtPixels(DimsView dims, StorageOrder order) {
  if (dims.size() != 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("images have 4 dimensions, but the input is ", ShapeToString(dims)));
  }
  if (order == StorageOrder::kNCHW) {
    return ImageSizes{SizeToDim(dims, 2), dims[2], dims[3], 1};
  }
  return ImageSizes{dims[0], dims[1], dims[2], dims[3]};
}

Dims WithImageSize(DimsView dims, StorageOrder order, int64_t height, int64_t width) {
  if (order == StorageOrder::kNCHW) return {dims[0], dims[1], height, width};
  return {dims[0], height, width, dims[3]};
}

}  // namespace doppio
