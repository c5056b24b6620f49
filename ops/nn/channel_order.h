#ifndef DOPPIO_OPS_NN_CHANNEL_ORDER_H_
#define DOPPIO_OPS_NN_CHANNEL_ORDER_H_

// What normalising operators have in common: where the channels of a tensor of images are, and
// the vectors of one number for each.

#include "doppio/operator.h"
#include "doppio/schema.h"
#include "src/kernel/channel_statistics.h"
#include "src/operator/storage_order.h"

namespace doppio {

// The argument `order`: NCHW (channels are dimension 1) or NHWC (they are the last one).
class ChannelOrder {
 public:
  explicit ChannelOrder(ArgumentReader* args)
      : channels_last_(ReadStorageOrder(args) == StorageOrder::kNHWC) {}

  // X as channels of single images.
  absl::StatusOr<ChannelView> Images(DimsView x) const {
    if (x.size() < 2) {
      return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x),
                                                     " must have a dimension of images and one of ",
                                                     "channels, and may have spatial ones"));
    }
    const int last = static_cast<int>(x.size()) - 1;
    if (channels_last_) return ChannelView{x[0], SizeBetween(x, 1, last), x[last], 1};
    return ChannelView{x[0], 1, x[1], SizeFromDim(x, 2)};
  }

  // X as channels of all images together.
  absl::StatusOr<ChannelView> Batch(DimsView x) const {
    DOPPIO_ASSIGN_OR_RETURN(ChannelView view, Images(x));
    return ChannelView{1, view.outer * view.repeat, view.channels, view.inner};
  }

 private:
  bool channels_last_;
};

// That input is a tensor of that many elements, whatever its shape.
inline absl::Status CheckPerChannel(absl::string_view what, DimsView dims, int64_t count,
                                    DimsView x) {
  if (SizeFromDim(dims, 0) == count) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " ", ShapeToString(dims), " must have ",
                                                 count, " elements for X ", ShapeToString(x)));
}

// The same for input i of an operator.
inline absl::Status CheckPerChannel(const OperatorBase& op, int i, int64_t count, DimsView x) {
  const Tensor& input = *op.InputBlob(i).Get<Tensor>();
  if (input.numel() == count) return absl::OkStatus();
  return CheckPerChannel(op.DescribeInput(i), input.dims(), count, x);
}

// Room for `count` numbers of each channel, which lasts from run to run.
template <typename T>
absl::StatusOr<T*> Room(Tensor* room, int64_t count) {
  DOPPIO_RETURN_IF_ERROR(room->Resize(DataTypeOf<T>::value, {count}));
  return room->mutable_data<T>();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_CHANNEL_ORDER_H_
