#ifndef DOPPIO_OPERATOR_STORAGE_ORDER_H_
#define DOPPIO_OPERATOR_STORAGE_ORDER_H_

#include "doppio/arguments.h"
#include "doppio/schema.h"
#include "doppio/shape.h"

namespace doppio {

// Where the channels of a batch of images stand: [N, C, H, W] or [N, H, W, C]. Any number of
// spatial dimensions.
enum class StorageOrder { kNCHW, kNHWC };

// The engine of operators that give for order NCHW what their type says, but compute with the
// channels last and leave images so (a TensorForm; ops/nn/channels_last_tensor.h).
// KeepChannelsLast chooses them (src/graph/channels_last.h).
inline constexpr char kChannelsLastEngine[] = "CHANNELS_LAST";

// States the argument `order` in a schema.
void StateStorageOrder(OpSchema& schema);
// Reads it; anything but the two orders (in upper or lower case) is an error of the reader's.
StorageOrder ReadStorageOrder(ArgumentReader* reader);
// Whether the argument is NCHW, or not given.
bool IsChannelsFirst(const OperatorDef& op);

// A tensor seen as [outer, channels, inner]: one of outer and inner holds the spatial dimensions.
struct ChannelSizes {
  int64_t outer;
  int64_t channels;
  int64_t inner;
};

// InvalidArgument below rank 2 (kNCHW) or 1 (kNHWC), where there is no dimension of channels.
absl::StatusOr<ChannelSizes> SplitAtChannels(DimsView dims, StorageOrder order);

// A batch of images seen as [count, height, width, inner]: planes one by one, or pixels of several
// channels.
struct ImageSizes {
  int64_t count;
  int64_t height;
  int64_t width;
  int64_t inner;
};

// The largest height and width that operators make: what a float can still count by ones.
inline constexpr int64_t kMaxImageSide = int64_t{1} << 24;

// InvalidArgument unless there are four dimensions.
absl::StatusOr<ImageSizes> SplitAtPixels(DimsView dims, StorageOrder order);

// `dims` of four dimensions, with another height and width.
Dims WithImageSize(DimsView dims, StorageOrder order, int64_t height, int64_t width);

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_STORAGE_ORDER_H_
